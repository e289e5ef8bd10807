"""How models become items and come back: the native form that operators read, and nothing lost on the way."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dynamodb import keys
from adapters.dynamodb.item import attribute_of, from_attribute, item_of, model_of, moment
from domain.model.attempt import Attempt
from domain.model.canonical_json import MAX_EXACT_INTEGER, normalise
from domain.model.errors import ConfigurationError
from domain.model.intent import ActionIntent
from domain.model.ledger import LedgerEntry
from domain.model.outcome import Outcome
from tests.builders import a_claim, an_intent, an_outcome

FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: number == 0 or 1e-130 <= abs(number) <= 9.99e125
)
INTEGERS = st.integers(-MAX_EXACT_INTEGER, MAX_EXACT_INTEGER)


def test_an_items_attributes_are_native_and_named_as_the_fields() -> None:
    """An operator can read the row, and a query can use its attributes."""
    attempt, _ = a_claim()
    item = item_of(attempt, keys.attempt(attempt.ref), open_status="CLAIMED")

    assert item["pk"] == {"S": "TENANT#tenant-1#ACCOUNT#account-1"}
    assert item["sk"] == {"S": "EXECUTION#intent-1"}
    assert item["open_status"] == {"S": "CLAIMED"}
    assert item["status"] == {"S": "CLAIMED"}
    assert item["fence"] == {"N": "1"}
    assert item["in_doubt"] == {"BOOL": False}
    assert item["updated_at"] == {"S": "2026-11-23T10:00:00.000Z"}


def test_a_field_that_is_none_is_left_out_at_every_level_of_the_model() -> None:
    """So that an index over it stays sparse and a row shows only what is known."""
    outcome = an_outcome(external_object_refs=({"system": "CRM", "object_id": "1"},))
    item = item_of(outcome, keys.outcome(outcome.ref))

    assert "error_code" not in item
    assert item["external_object_refs"]["L"][0]["M"].keys() == {"system", "object_type", "object_id"}


def test_a_null_inside_free_json_is_content_and_stays() -> None:
    """Dropping it would change what was approved."""
    intent = an_intent(parameters={"note": None, "list": [None, {"deep": None}]})
    item = item_of(intent, keys.intent(intent.ref))

    assert item["parameters"]["M"]["note"] == {"NULL": True}
    assert model_of(ActionIntent, item, table="action-intents") == intent


@given(number=FLOATS | INTEGERS)
def test_a_number_comes_back_as_the_same_number_of_the_same_type(number: float) -> None:
    """Canonical JSON, and with it every digest, depends on both."""
    canonical = normalise(number)
    back = from_attribute(attribute_of(canonical))

    assert (back, type(back)) == (canonical, type(canonical))


@pytest.mark.parametrize("stored", ["1E+2", "100", "100.0", "1.00E2"])
def test_a_number_may_be_spelled_otherwise_by_the_store(stored: str) -> None:
    """DynamoDB normalises what it keeps."""
    assert from_attribute({"N": stored}) == 100
    assert isinstance(from_attribute({"N": stored}), int)


@given(
    at=st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9999, 1, 1)),  # noqa: DTZ001  zone drawn below
    hours=st.integers(-12, 12),
)
def test_a_moment_of_any_zone_keeps_its_instant(at: datetime, hours: int) -> None:
    """Microseconds included where there are any."""
    zoned = at.replace(tzinfo=timezone(timedelta(hours=hours)))

    assert datetime.fromisoformat(moment(zoned)) == zoned
    assert moment(zoned).endswith("Z")


@given(first=st.integers(0, 10**13), second=st.integers(0, 10**13))
def test_moments_of_whole_milliseconds_sort_as_text(first: int, second: int) -> None:
    """Indexes order by them."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    texts = [moment(start + timedelta(milliseconds=number)) for number in (first, second)]

    assert (texts[0] < texts[1]) == (first < second)


def test_the_chain_of_a_stored_entry_still_holds() -> None:
    """A ledger entry's own hash is recomputed from what comes back."""
    _, entry = a_claim()
    back = model_of(LedgerEntry, item_of(entry, keys.ledger_entry(entry.ref, entry.seq)), table="ledger")

    assert back.sealed_hash() == entry.entry_hash


@pytest.mark.parametrize(
    "change, fault",
    [
        ({"ownr": {"S": "typo-secret"}}, "ownr"),
        ({"fence": {"S": "typo-secret"}}, "fence"),
        ({"owner": {"B": b"typo-secret"}}, "of a type that is never written"),
        ({"undone": {"SS": ["typo-secret"]}}, "of a type that is never written"),
    ],
)
def test_a_foreign_item_is_refused_by_name_and_without_its_content(change: dict[str, Any], fault: str) -> None:
    """A row that somebody edited wrongly is named with table, key and attribute; its content may be secret."""
    attempt, _ = a_claim()
    item: Any = {**item_of(attempt, keys.attempt(attempt.ref)), **change}
    with pytest.raises(ConfigurationError) as refused:
        model_of(Attempt, item, table="execution-attempts")

    for part in ("execution-attempts", "TENANT#tenant-1#ACCOUNT#account-1 / EXECUTION#intent-1", "Attempt", fault):
        assert part in str(refused.value)
    assert "typo-secret" not in str(refused.value)


def test_an_item_that_breaks_a_rule_of_the_model_is_refused() -> None:
    """A FAILED outcome without a reason cannot have been written by this system."""
    outcome = an_outcome()
    item: Any = {**item_of(outcome, keys.outcome(outcome.ref)), "status": {"S": "FAILED"}}
    with pytest.raises(ConfigurationError, match="at fault: the whole"):
        model_of(Outcome, item, table="execution-outcomes")


def test_what_no_model_holds_has_no_attribute() -> None:
    """Better a defect that shows than a value that is silently spelled as text."""
    with pytest.raises(TypeError, match="a set has no place"):
        attribute_of({"a", "b"})
