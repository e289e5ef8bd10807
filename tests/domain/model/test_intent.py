"""What an approval binds: every field that decides what will happen, and nothing that does not."""

from datetime import timedelta

import pytest
from hypothesis import given
from pydantic import JsonValue, ValidationError

from domain.model.canonical_json import MAX_DEPTH, canonical_json
from domain.model.idempotency import idempotency_key
from domain.model.intent import ActionIntent, IntentStatus, action_digest
from tests.builders import NOW, a_mapping, an_approval, an_approved_intent, an_intent
from tests.strategies import json_objects

HASH = "a" * 64


def test_the_digest_of_a_known_intent_never_changes() -> None:
    """An approval given long ago must still match, so the digest is pinned to the letter."""
    assert action_digest(an_intent(), HASH) == "06afbc8cd1e47cfb06441e8663ce73f3f8302def83182e0fb33b2bd1e22602d1"


@pytest.mark.parametrize(
    "change",
    [
        {"action_intent_id": "intent-2"},
        {"tenant_id": "tenant-2"},
        {"account_id": "account-2"},
        {"action_type": "DELETE_CRM_TASK"},
        {"parameters": {"title": "Call the customer back", "priority": "low"}},
        {"parameters": {"title": "Call the customer back"}},
        {"parameters_schema_version": "v2"},
        {"registry_version": "v2"},
        {"expires_at_epoch": 1_900_000_000},
    ],
    ids=str,
)
def test_changing_what_will_happen_changes_the_digest(change: dict[str, object]) -> None:
    """Whoever, whatever, until when, with which version: none can change under a given approval."""
    assert action_digest(an_intent(**change), HASH) != action_digest(an_intent(), HASH)


def test_another_mapping_changes_the_digest() -> None:
    """The approver approves the tool as well, by its mapping's hash."""
    assert action_digest(an_intent(), "b" * 64) != action_digest(an_intent(), HASH)


@pytest.mark.parametrize(
    "change",
    [{"trace_id": "another-trace"}, {"created_at": NOW + timedelta(days=1)}, {"status": IntentStatus.REVOKED}],
    ids=str,
)
def test_what_only_describes_the_decision_does_not_change_the_digest(change: dict[str, object]) -> None:
    """Correlation and bookkeeping are not part of the permission."""
    assert action_digest(an_intent(**change), HASH) == action_digest(an_intent(), HASH)


def test_the_approval_itself_does_not_change_the_digest() -> None:
    """Else no approval could ever contain the digest of what it approves."""
    approved, proposed = an_approved_intent(), an_intent()
    assert approved.approval is not None
    assert action_digest(approved, HASH) == action_digest(proposed, HASH)


@given(json_objects, json_objects)
def test_two_sets_of_parameters_share_a_digest_only_if_they_are_the_same(
    one: dict[str, JsonValue], other: dict[str, JsonValue]
) -> None:
    """No difference in the parameters is too small to be seen."""
    same = canonical_json(one) == canonical_json(other)
    found = action_digest(an_intent(parameters=one), HASH) == action_digest(an_intent(parameters=other), HASH)
    assert found is same


def test_every_accepted_set_of_parameters_has_a_digest_and_a_key() -> None:
    """The deepest parameters that an intent may hold can still be approved and carried out (D54)."""
    deepest: JsonValue = 1
    for _ in range(MAX_DEPTH):
        deepest = {"a": deepest}
    intent = an_intent(parameters=deepest)
    with pytest.raises(ValidationError, match="nested deeper") as caught:
        an_intent(parameters={"a": deepest})
    assert caught.value.error_count() == 1
    assert len(action_digest(intent, HASH)) == 64
    assert len(idempotency_key(intent.ref, tool_name="t", arguments=intent.parameters, mapping_version="v1")) == 64


def test_a_number_means_the_same_however_it_is_written() -> None:
    """A store that gives 3.0 back for 3 has not tampered with anything."""
    assert action_digest(an_intent(parameters={"n": 3.0}), HASH) == action_digest(an_intent(parameters={"n": 3}), HASH)


def test_an_approved_intent_must_carry_its_approval() -> None:
    """A status alone permits nothing."""
    with pytest.raises(ValidationError, match="approval: an APPROVED intent must say who approved it") as caught:
        an_intent(status=IntentStatus.APPROVED)
    assert caught.value.error_count() == 1


def test_the_version_is_the_pinned_one_and_never_the_latest() -> None:
    """The registry version fixed at approval wins; without one the parameters' own version is used (R19, D53)."""
    assert an_intent(registry_version="v7").mapping_version == "v7"
    assert an_intent(registry_version=None).mapping_version == "v1"


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_id": "tenant#1"},
        {"action_intent_id": "a/b"},
        {"account_id": "a" * 129},
        {"action_type": "create task"},
        {"trace_id": ""},
        {"parameters": [1]},
        {"parameters": {"n": float("nan")}},
        {"expires_at_epoch": 0},
        {"expires_at_epoch": 253_402_300_800},
        {"created_at": "2026-11-23T10:00:00"},
        {"invented": 1},
    ],
    ids=lambda change: f"{next(iter(change))}={str(next(iter(change.values())))[:12]}",
)
def test_a_malformed_intent_is_refused(change: dict[str, object]) -> None:
    """Nothing illegal is ever stored, so nothing illegal is ever read."""
    with pytest.raises(ValidationError) as caught:
        an_intent(**change)
    assert str(next(iter(change))) in str(caught.value)


def test_an_intent_reads_back_from_its_own_json() -> None:
    """Storing and reading an intent changes neither the intent nor its digest."""
    intent = an_approved_intent()
    read = ActionIntent.model_validate_json(intent.model_dump_json())
    assert read == intent
    assert action_digest(read, HASH) == action_digest(intent, HASH)


def test_an_approval_is_bound_to_intent_and_mapping() -> None:
    """The digest in an approval is the digest of exactly this intent with exactly this mapping."""
    intent, mapping = an_intent(), a_mapping()
    approval = an_approval(intent, mapping)
    assert approval.action_digest == action_digest(intent, mapping.content_hash)
    assert approval.mapping_hash == mapping.content_hash
