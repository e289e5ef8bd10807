"""The contract of dispatching, over every adapter: a call may go out only while every switch lets it pass."""

from functools import partial

import pytest

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.errors import ExecutionHalted, ExecutionHeld, OwnershipLost, TransientError
from domain.model.kill_switch import SwitchKind, SwitchScope, SwitchState
from tests.builders import OTHER_EXECUTION_ARN, a_claim, a_dispatch, a_switch, later
from tests.ports.stores import Stores

SCOPES = (
    *SwitchScope.before_mapping(tenant_id="tenant-1", action_type="CREATE_CRM_TASK", action_intent_id="intent-1"),
    *SwitchScope.of_tool(tool_name="crm___create_task", connector="crm"),
)


def ready(stores: Stores) -> Attempt:
    """A stored claim, with the global switch running."""
    stores.switches.flip(a_switch())
    return stores.journal.claim(*a_claim())


def test_a_dispatch_passes_while_the_global_switch_runs_and_no_other_is_set(stores: Stores) -> None:
    """Only the global switch has to exist."""
    current = ready(stores)
    following, entry = a_dispatch(current)
    stores.journal.dispatch(current, following, entry, SCOPES)

    assert stores.journal.find_attempt(current.ref) == following
    assert stores.journal.ledger(current.ref)[-1] == entry


def test_a_dispatch_passes_while_every_switch_runs(stores: Stores) -> None:
    """A switch that was set to RUNNING again is as good as none."""
    current = ready(stores)
    for scope in SCOPES:
        stores.switches.flip(a_switch(scope.kind, scope.subject))
    stores.journal.dispatch(current, *a_dispatch(current), SCOPES)

    stored = stores.journal.find_attempt(current.ref)
    assert stored is not None
    assert stored.status is AttemptStatus.DISPATCHED


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_a_cancelling_switch_stops_the_dispatch_and_is_named(stores: Stores, scope: SwitchScope) -> None:
    """Nothing is recorded as sent, and the operator learns which switch it was."""
    current = ready(stores)
    stores.switches.flip(a_switch(scope.kind, scope.subject, SwitchState.CANCEL))
    with pytest.raises(ExecutionHalted) as halted:
        stores.journal.dispatch(current, *a_dispatch(current), SCOPES)

    assert halted.value.ids["scope"] == str(scope)
    assert stores.journal.find_attempt(current.ref) == current
    assert len(stores.journal.ledger(current.ref)) == 1


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_a_held_switch_makes_the_dispatch_wait_and_is_named(stores: Stores, scope: SwitchScope) -> None:
    """Nothing is recorded as sent; the caller may ask again, and passes as soon as the switch is released."""
    current = ready(stores)
    stores.switches.flip(a_switch(scope.kind, scope.subject, SwitchState.HOLD))
    with pytest.raises(ExecutionHeld) as held:
        stores.journal.dispatch(current, *a_dispatch(current), SCOPES)

    assert held.value.ids["scope"] == str(scope)
    assert stores.journal.find_attempt(current.ref) == current
    stores.switches.flip(a_switch(scope.kind, scope.subject))
    stores.journal.dispatch(current, *a_dispatch(current), SCOPES)


def test_of_two_stopping_switches_the_one_that_cancels_decides(stores: Stores) -> None:
    """What one switch ends, no other can make wait."""
    current = ready(stores)
    stores.switches.flip(a_switch(state=SwitchState.HOLD))
    stores.switches.flip(a_switch(SwitchKind.CONNECTOR, "crm", SwitchState.CANCEL))
    with pytest.raises(ExecutionHalted) as halted:
        stores.journal.dispatch(current, *a_dispatch(current), SCOPES)

    assert halted.value.ids["scope"] == "CONNECTOR#crm"
    assert stores.journal.find_attempt(current.ref) == current


def test_a_missing_global_switch_stops_everything(stores: Stores) -> None:
    """A lost row is no permission."""
    current = stores.journal.claim(*a_claim())
    with pytest.raises(ExecutionHalted) as halted:
        stores.journal.dispatch(current, *a_dispatch(current), SCOPES)

    assert halted.value.ids["scope"] == "GLOBAL"
    assert stores.journal.find_attempt(current.ref) == current


@pytest.mark.parametrize(
    "kind, subject",
    [
        (SwitchKind.TENANT, "tenant-2"),
        (SwitchKind.TOOL, "crm___delete_task"),
        (SwitchKind.INTENT, "tenant-2#intent-1"),
    ],
)
def test_a_switch_of_somebody_else_stops_nothing(stores: Stores, kind: SwitchKind, subject: str) -> None:
    """A halted scope that is not the action's own does not matter."""
    current = ready(stores)
    stores.switches.flip(a_switch(kind, subject, SwitchState.CANCEL))
    following, entry = a_dispatch(current)
    stores.journal.dispatch(current, following, entry, SCOPES)

    assert stores.journal.find_attempt(current.ref) == following


def test_a_halt_lifted_lets_the_same_dispatch_pass(stores: Stores) -> None:
    """A refused dispatch leaves nothing behind that could stand in its way."""
    current = ready(stores)
    stores.switches.flip(a_switch(state=SwitchState.CANCEL))
    following, entry = a_dispatch(current)
    with pytest.raises(ExecutionHalted):
        stores.journal.dispatch(current, following, entry, SCOPES)
    stores.switches.flip(a_switch())
    stores.journal.dispatch(current, following, entry, SCOPES)

    assert stores.journal.find_attempt(current.ref) == following


def test_a_scope_named_twice_is_checked_once(stores: Stores) -> None:
    """Callers may join lists of scopes without looking for repeats."""
    current = ready(stores)
    following, entry = a_dispatch(current)
    stores.journal.dispatch(current, following, entry, (*SCOPES, *SCOPES))

    assert stores.journal.find_attempt(current.ref) == following


def test_a_stale_dispatch_is_refused(stores: Stores) -> None:
    """Whoever does not hold the attempt may not send, whatever the switches say."""
    current = ready(stores)
    stores.switches.flip(a_switch(state=SwitchState.CANCEL))
    stale = current.model_copy(update={"owner": OTHER_EXECUTION_ARN})
    with pytest.raises(OwnershipLost):
        stores.journal.dispatch(stale, *a_dispatch(stale), SCOPES)

    assert stores.journal.find_attempt(current.ref) == current


def test_a_repeated_dispatch_is_no_second_permission_to_send(stores: Stores) -> None:
    """The identical record is on file, so a call may be on its way: read again, send nothing."""
    current = ready(stores)
    following, entry = a_dispatch(current)
    stores.journal.dispatch(current, following, entry, SCOPES)
    with pytest.raises(TransientError, match="already recorded"):
        stores.journal.dispatch(current, following, entry, SCOPES)

    assert stores.journal.find_attempt(current.ref) == following
    assert len(stores.journal.ledger(current.ref)) == 2


@pytest.mark.parametrize("apart_seconds", [0, 1])
def test_of_racing_dispatches_exactly_one_may_send(stores: Stores, apart_seconds: int) -> None:
    """Even when two runs of one step prepare the very same record in the very same millisecond."""
    current = ready(stores)
    sends = [a_dispatch(current, now=later(1 + number * apart_seconds)) for number in range(8)]
    answers = stores.race([partial(stores.journal.dispatch, current, *send, SCOPES) for send in sends])

    assert answers.count(None) == 1
    assert len(stores.journal.ledger(current.ref)) == 2
    stored = stores.journal.find_attempt(current.ref)
    assert stored is not None
    assert stored.attempt_count == 1
