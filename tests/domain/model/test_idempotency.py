"""The same action has the same key however often it is tried, and no other action has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from domain.model.canonical_json import canonical_json
from domain.model.external_object import ExternalSystem
from domain.model.idempotency import compensation_key, idempotency_key, signal_id, tool_run_ref
from domain.model.identifiers import IntentRef
from tests.builders import a_key, a_ref, an_object_ref
from tests.strategies import intent_refs, json_objects


def key(ref: IntentRef | None = None, **changes: object) -> str:
    """The key of the sample call, with changes."""
    parts: dict[str, object] = {"tool_name": "crm___create_task", "arguments": {"a": 1}, "mapping_version": "v1"}
    return idempotency_key(ref or a_ref(), **{**parts, **changes})  # type: ignore[arg-type]  # the test's own parts


def test_known_keys_never_change() -> None:
    """A tool dedupes on the key for a year, so a release must not change it."""
    assert key() == "00412eaee86258cadba3ba5c97d95326f95d24696b8f88bf798fbd1c04e85775"
    assert tool_run_ref(key(), 1) == "gateway_invocation_0041dbd9dc1f76cf30058ce6"
    assert (
        compensation_key(key(), an_object_ref()) == "ecac39d61682da28ecee291598c87d9e83bcfbf32681cb0ad72d919bf0f376e8"
    )
    assert signal_id(a_ref(), "ACTION_EXECUTED") == "1f00e1de25759ccf67ff04f34671ce7059f61afc"


@pytest.mark.parametrize(
    "other",
    [
        key(a_ref(tenant_id="tenant-2")),
        key(a_ref(account_id="account-2")),
        key(a_ref(action_intent_id="intent-2")),
        key(tool_name="crm___update_task"),
        key(arguments={"a": 2}),
        key(arguments={"b": 1}),
        key(arguments={}),
        key(mapping_version="v2"),
    ],
    ids=["tenant", "account", "intent", "tool", "value", "name", "none", "version"],
)
def test_every_component_is_part_of_the_key(other: str) -> None:
    """Another tenant, account, intent, tool, argument or version is another action."""
    assert other != key()


@given(intent_refs, intent_refs)
def test_two_intents_never_share_a_key(one: IntentRef, other: IntentRef) -> None:
    """Not even when their ids are put together from the same letters; tenants with equal intent ids stay apart."""
    assert (key(one) == key(other)) is (one == other)
    assert (signal_id(one, "ACTION_EXECUTED") == signal_id(other, "ACTION_EXECUTED")) is (one == other)


@given(json_objects, json_objects)
def test_equal_arguments_have_equal_keys_and_only_they(one: dict[str, JsonValue], other: dict[str, JsonValue]) -> None:
    """The key follows the canonical form of the arguments: order and number spelling do not matter."""
    assert (key(arguments=one) == key(arguments=other)) is (canonical_json(one) == canonical_json(other))
    assert key(arguments=dict(reversed(one.items()))) == key(arguments=one)


def test_moving_a_letter_between_components_changes_the_key() -> None:
    """The components are separated, not joined."""
    assert key(a_ref(tenant_id="ab", account_id="c")) != key(a_ref(tenant_id="a", account_id="bc"))


@pytest.mark.parametrize(
    "change",
    [{"object_id": "task-2"}, {"object_type": "Note"}, {"system": ExternalSystem.CALENDAR}],
    ids=lambda change: next(iter(change)),
)
def test_each_object_is_undone_under_its_own_key(change: dict[str, object]) -> None:
    """No tool can mistake the undo of one object for another's (D63)."""
    assert compensation_key(a_key(), an_object_ref(**change)) != compensation_key(a_key(), an_object_ref())


def test_an_undo_never_has_the_key_of_its_action() -> None:
    """Else a tool that dedupes would answer the undo with the action's first answer (D63)."""
    assert compensation_key(a_key(), an_object_ref()) != a_key()
    assert compensation_key("a" * 64, an_object_ref()) != compensation_key("b" * 64, an_object_ref())


def test_the_address_of_an_object_is_no_part_of_its_identity() -> None:
    """A re-entered compensation finds what it has undone though the evidence lacks the link."""
    assert compensation_key(a_key(), an_object_ref(object_url=None)) == compensation_key(a_key(), an_object_ref())


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_each_send_has_its_own_run_ref(one: int, other: int) -> None:
    """Both sides' logs join by send, and the same send always has the same name (R33, D39)."""
    assert (tool_run_ref(a_key(), one) == tool_run_ref(a_key(), other)) is (one == other)
    assert tool_run_ref(a_key(), one).startswith("gateway_invocation_")
