"""The keys of every table, and that no id can forge another's."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dynamodb import keys
from adapters.dynamodb.keys import ItemKey
from domain.model.attempt import AttemptStatus
from domain.model.identifiers import IDENTIFIER_PATTERN, IntentRef
from domain.model.kill_switch import SwitchKind, SwitchScope
from tests.builders import a_key, a_ref

SCOPE = "TENANT#tenant-1#ACCOUNT#account-1"
ID = st.from_regex(IDENTIFIER_PATTERN, fullmatch=True)


def a_scope(kind: SwitchKind, subject: str = "") -> SwitchScope:
    """A switch scope, also one that escaped its own validation."""
    return SwitchScope.model_construct(kind=kind, subject=subject)


@pytest.mark.parametrize(
    "key, pk, sk",
    [
        (keys.intent(a_ref()), SCOPE, "ACTION_INTENT#intent-1"),
        (keys.attempt(a_ref()), SCOPE, "EXECUTION#intent-1"),
        (keys.outcome(a_ref()), SCOPE, "OUTCOME#intent-1"),
        (keys.ledger_entry(a_ref(), 7), SCOPE, "LEDGER#intent-1#000000007"),
        (keys.ledger_entries(a_ref()), SCOPE, "LEDGER#intent-1#"),
        (keys.signal(a_ref(), "f" * 40), SCOPE, f"SIGNAL#{'f' * 40}"),
        (keys.mapping("CREATE_CRM_TASK", "v1"), "ACTION_TYPE#CREATE_CRM_TASK", "VERSION#v1"),
        (keys.external_write(a_key()), f"IDEMPOTENCY_KEY#{a_key()}", "EXTERNAL_WRITE"),
        (keys.switch(a_scope(SwitchKind.GLOBAL)), "SWITCH", "GLOBAL"),
        (keys.switch(a_scope(SwitchKind.TENANT, "tenant-1")), "SWITCH", "TENANT#tenant-1"),
        (keys.switch(a_scope(SwitchKind.TOOL, "crm___create_task")), "SWITCH", "TOOL#crm___create_task"),
        (keys.switch(a_scope(SwitchKind.INTENT, "tenant-1#intent-1")), "SWITCH", "INTENT#tenant-1#intent-1"),
    ],
    ids=lambda value: value.sk if isinstance(value, ItemKey) else "",
)
def test_a_key_is_what_other_systems_look_it_up_by(key: ItemKey, pk: str, sk: str) -> None:
    """These texts are a contract: the stack, the operators and stored rows depend on them."""
    assert (key.pk, key.sk) == (pk, sk)


def test_an_intents_shard_is_the_same_in_every_process() -> None:
    """So that a repeated write is the same request; Python's own hash would differ from one function to the next."""
    refs = (a_ref(), a_ref(action_intent_id="intent-2"), a_ref(tenant_id="tenant-2"))

    assert [keys.shard(ref) for ref in refs] == ["0", "4", "3"]


def test_one_tenants_intents_are_spread_over_all_shards() -> None:
    """However busy it is, no partition of the index takes much more than its share."""
    shards = [keys.shard(a_ref(action_intent_id=f"intent-{number}")) for number in range(800)]

    assert set(shards) == set(keys.SHARDS)
    assert max(shards.count(shard) for shard in keys.SHARDS) < 150


def test_the_index_of_open_work_is_keyed_by_status_and_shard() -> None:
    """One status of one shard is one partition."""
    assert keys.open_status(AttemptStatus.UNKNOWN, "7") == "UNKNOWN#7"


HOSTILE = ["a#b", "", "x" * 129, "intent-1\n", "a/b", "ünïcode"]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(
    "key_of",
    [
        lambda text: keys.intent(a_ref().model_copy(update={"tenant_id": text})),
        lambda text: keys.attempt(a_ref().model_copy(update={"account_id": text})),
        lambda text: keys.outcome(a_ref().model_copy(update={"action_intent_id": text})),
        lambda text: keys.signal(a_ref(), text),
        lambda text: keys.mapping(text, "v1"),
        lambda text: keys.mapping("CREATE_CRM_TASK", text),
        keys.external_write,
        lambda text: keys.switch(a_scope(SwitchKind.TENANT, text)),
        lambda text: keys.switch(a_scope(SwitchKind.INTENT, f"tenant-1#{text}")),
    ],
    ids=["tenant", "account", "intent", "signal", "action type", "version", "hash", "switch", "intent switch"],
)
def test_an_id_that_escaped_validation_does_not_become_a_key(key_of: Callable[[str], ItemKey], hostile: str) -> None:
    """A separator in an id would reach into another tenant."""
    with pytest.raises(ValueError, match="illegal shape"):
        key_of(hostile)


def test_a_global_switch_has_no_subject() -> None:
    """Else it would be a second row that nobody checks."""
    with pytest.raises(ValueError, match="illegal shape"):
        keys.switch(a_scope(SwitchKind.GLOBAL, "tenant-1"))


@given(first=st.tuples(ID, ID, ID), second=st.tuples(ID, ID, ID))
def test_two_intents_never_share_a_key(first: tuple[str, str, str], second: tuple[str, str, str]) -> None:
    """Whatever their ids look like."""

    def key(parts: tuple[str, str, str]) -> ItemKey:
        tenant_id, account_id, action_intent_id = parts
        return keys.attempt(IntentRef(tenant_id=tenant_id, account_id=account_id, action_intent_id=action_intent_id))

    assert (key(first) == key(second)) == (first == second)
