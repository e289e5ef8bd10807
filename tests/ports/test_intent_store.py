"""The contract of the intent store, over every adapter."""

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.model.canonical_json import MAX_EXACT_INTEGER, canonical_json
from tests.builders import a_ref, an_approved_intent, an_intent
from tests.ports.stores import Stores, dynamodb_stores, memory_stores

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from ports.intent_store import IntentStore

    def _conforms(client: DynamoDBClient) -> tuple[IntentStore, ...]:
        return memory_stores().intents, dynamodb_stores(client).intents


NUMBERS = st.integers(-MAX_EXACT_INTEGER, MAX_EXACT_INTEGER) | st.floats(
    allow_nan=False, allow_infinity=False, min_value=-1e125, max_value=1e125
).filter(lambda number: number == 0 or abs(number) >= 1e-130)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), inner, max_size=3)
    ),
    max_leaves=12,
)
PARAMETERS = st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), JSON_VALUES, max_size=4)


def test_an_intent_nobody_stored_is_none(stores: Stores) -> None:
    """Absence is an answer, not an error."""
    assert stores.intents.find(a_ref()) is None


def test_a_stored_intent_comes_back_equal(stores: Stores) -> None:
    """Every field survives, the approval included."""
    intent = an_approved_intent(registry_version="v7")
    stores.intents.put(intent)

    assert stores.intents.find(intent.ref) == intent


def test_a_second_put_of_a_ref_replaces_the_first(stores: Stores) -> None:
    """An approval is stored over the proposal."""
    stores.intents.put(an_intent())
    stores.intents.put(an_approved_intent())

    assert stores.intents.find(a_ref()) == an_approved_intent()


@pytest.mark.parametrize("other", [{"tenant_id": "tenant-2"}, {"account_id": "account-2"}])
def test_an_intent_of_another_tenant_or_account_does_not_exist(stores: Stores, other: dict[str, object]) -> None:
    """The same intent id under another tenant or account names another intent."""
    stores.intents.put(an_intent())

    assert stores.intents.find(a_ref(**other)) is None


def test_two_tenants_may_use_the_same_intent_id(stores: Stores) -> None:
    """Neither replaces the other's."""
    ours, theirs = an_intent(), an_intent(tenant_id="tenant-2", parameters={"title": "theirs"})
    stores.intents.put(ours)
    stores.intents.put(theirs)

    assert (stores.intents.find(ours.ref), stores.intents.find(theirs.ref)) == (ours, theirs)


def test_a_stored_intent_cannot_be_changed_through_a_reference_to_it(stores: Stores) -> None:
    """What was put, and what was found, are the caller's copies: changing them changes nothing stored."""
    intent = an_intent()
    stores.intents.put(intent)
    intent.parameters["title"] = "changed after put"
    found = stores.intents.find(intent.ref)
    assert found is not None
    found.parameters["title"] = "changed after find"

    assert stores.intents.find(intent.ref) == an_intent()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parameters=PARAMETERS)
def test_any_parameters_come_back_as_the_same_json(stores: Stores, parameters: dict[str, Any]) -> None:
    """Floats, integers at the bound, any script, and nulls at any depth: the approved digest must still hold."""
    intent = an_intent(parameters=parameters)
    stores.intents.put(intent)
    found = stores.intents.find(intent.ref)

    assert found == intent
    assert canonical_json(found.parameters) == canonical_json(parameters)
