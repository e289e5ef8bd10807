"""What stands between an approved action and a busy or broken connector: a wait, never a failure."""

import logging
from collections.abc import Callable

import pytest

from adapters.memory.tool_gateway import Effects
from domain.model.attempt import AttemptStatus
from domain.model.connector_capacity import Breaker, BreakerState, CapacityKey, ConnectorCapacity
from domain.model.errors import (
    ActionError,
    ConfigurationError,
    ErrorClass,
    ExecutionHalted,
    IntentExpired,
    OwnershipLost,
    PermanentError,
    TransientError,
)
from domain.model.invocation import InvocationStatus
from domain.model.kill_switch import SwitchKind, SwitchScope
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.model.tool_call import CallPurpose, ToolAnswer, TransportPhase
from domain.policies.capacity import LEASE_SECONDS
from domain.use_cases.connector_slots import TRIES
from domain.use_cases.reconcile_execution import Reconciled
from ports.steps.contract import MACHINE_TIMEOUT_SECONDS
from ports.steps.state import ExecutionState, InvocationSection
from tests.builders import TENANT, a_mapping, a_ref, an_approved_intent, later
from tests.domain.use_cases.left_open import a_world as a_days_world
from tests.domain.use_cases.left_open import looked, recorded_unknown
from tests.domain.use_cases.world import (
    BEFORE_INVOKE,
    COMPENSATE,
    IDEMPOTENT,
    INVOKE,
    LIMITS,
    RECORD,
    UNSAFE,
    VERIFIABLE,
    World,
)
from tests.support.faulty import When

PARTIAL = ToolAnswer(
    is_error=True,
    structured={"success": False, "error_message": "half done", "external_objects": [{"object_id": "task-1"}]},
)
KEY = CapacityKey(tenant_id=TENANT, connector="crm")
OPEN = Breaker(state=BreakerState.OPEN, openings=1, open_until=later(30))
FULL = {f"run-{number}": later(LEASE_SECONDS) for number in range(LIMITS.concurrency)}


def standing(world: World) -> ConnectorCapacity:
    """What is left of the sample tenant's calls."""
    return world.room.find(KEY) or ConnectorCapacity.untouched(KEY)


def leave(world: World, **changes: object) -> None:
    """Put the connector into a state."""
    before = standing(world)
    assert world.room.replace(before.model_copy(update={"version": before.version + 1, **changes}))


def invoked(world: World, state: ExecutionState) -> InvocationSection:
    """What InvokeTool answers."""
    found = world.run(state, INVOKE).invocation
    assert found is not None
    return found


def fails(world: World, state: ExecutionState, error: type[ActionError] = TransientError) -> ActionError:
    """What InvokeTool raises."""
    with pytest.raises(error) as caught:
        world.run(state, INVOKE)
    return caught.value


@pytest.mark.parametrize("changes", [{"breaker": OPEN}, {"leases": FULL}], ids=["breaker open", "slots taken"])
def test_without_room_the_action_waits_and_nothing_is_written_or_sent(changes: dict[str, object]) -> None:
    """DEFERRED, with a wait that the machine makes; the attempt stands as it was."""
    world = World()
    ready = world.ready()
    leave(world, **changes)
    before = world.everything()
    section = invoked(world, ready)

    assert section.status is InvocationStatus.DEFERRED
    assert section.retry_after_seconds is not None
    assert 1 <= section.retry_after_seconds <= 900
    assert "nothing was sent" in (section.error_message or "")
    assert world.everything() == before
    assert world.tools.sends == []


def test_the_same_action_goes_when_there_is_room() -> None:
    """Whatever it waited for, it is sent once and ends as any other."""
    world = World()
    ready = world.ready()
    leave(world, breaker=OPEN)
    section = invoked(world, ready)
    world.clock.advance(section.retry_after_seconds or 0)
    world.run(world.run(ready, INVOKE), RECORD)

    assert (world.outcome().status, world.outcome().attempt_count) == (OutcomeStatus.SUCCEEDED, 1)
    assert standing(world).breaker == Breaker()
    assert standing(world).leases == {}


def test_an_approval_that_ends_while_waiting_ends_the_action() -> None:
    """It is the approval that bounds the wait: asked again after its end, the action expires, breaker or not."""
    world = World()
    ready = world.ready()
    leave(world, breaker=OPEN.model_copy(update={"open_until": later(3_595 + 900)}))
    world.clock.advance(3_595)
    assert invoked(world, ready).retry_after_seconds == 5
    world.clock.advance(5)

    assert fails(world, ready, IntentExpired).error_code == "EXPIRED"
    assert world.tools.sends == []


@pytest.mark.parametrize("held", [False, True], ids=["cancelled", "held"])
def test_a_switch_is_asked_while_the_action_waits(held: bool) -> None:  # noqa: FBT001  a parameter of the test
    """What is cancelled ends at once, though its connector never answers again; what is held waits on."""
    world = World()
    ready = world.ready()
    leave(world, breaker=OPEN)
    scope = SwitchScope(kind=SwitchKind.CONNECTOR, subject="crm")
    if held:
        world.hold(scope)
        assert invoked(world, ready).status is InvocationStatus.DEFERRED
    else:
        world.halt(scope)
        assert fails(world, ready, ExecutionHalted).error_code == "EXECUTION_HALTED"
    assert world.tools.sends == []


def test_a_wait_beyond_the_machines_own_end_is_given_up() -> None:
    """The execution still has time to record that nothing was sent."""
    world = World(intent=an_approved_intent(expires_at_epoch=int(later(30 * 86_400).timestamp())))
    ready = world.ready()
    world.clock.advance(MACHINE_TIMEOUT_SECONDS - 610)
    leave(world, breaker=OPEN.model_copy(update={"open_until": later(MACHINE_TIMEOUT_SECONDS + 290)}))
    found = fails(world, ready, PermanentError)

    assert (found.error_code, found.error_class) == ("CONNECTOR_BUSY", ErrorClass.RATE_LIMIT)
    assert world.attempt().status is AttemptStatus.CLAIMED


@pytest.mark.parametrize("method", ["find", "replace"])
def test_a_store_that_cannot_be_reached_lets_nothing_be_sent(method: str) -> None:
    """The step is tried again; the action is as it was."""
    world = World()
    ready = world.ready()
    world.capacities.fail(method, TransientError("the table is down"))
    fails(world, ready)
    assert world.tools.sends == []
    assert world.attempt().status is AttemptStatus.CLAIMED

    assert invoked(world, ready).status is InvocationStatus.SUCCEEDED


def test_a_slot_whose_answer_was_lost_is_found_again_by_the_same_send() -> None:
    """One send never takes two places."""
    world = World()
    ready = world.ready()
    world.capacities.fail("replace", TransientError("the answer was lost"), when=When.AFTER)
    fails(world, ready)
    assert len(standing(world).leases) == 1

    assert invoked(world, ready).status is InvocationStatus.SUCCEEDED
    assert standing(world).leases == {}


@pytest.mark.parametrize("error", [TransientError("the table is down"), ConfigurationError("no grant")], ids=str)
def test_a_slot_that_cannot_be_given_back_changes_nothing_of_the_action(
    error: ActionError, caplog: pytest.LogCaptureFixture
) -> None:
    """The end is on record, the log says what is missing, and the slot frees itself."""
    world = World()
    ready = world.ready()
    real = world.capacities.replace
    answers = iter([real])

    def once(state: ConnectorCapacity) -> bool:
        for answer in answers:
            return bool(answer(state))
        raise error

    world.capacities.replace = once
    with caplog.at_level(logging.WARNING):
        section = invoked(world, ready)

    assert section.status is InvocationStatus.SUCCEEDED
    assert len(standing(world).leases) == 1
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warned == ["a slot was not given back, it frees itself"]


def overtaken(world: World, times: int) -> Callable[[ConnectorCapacity], bool]:
    """Somebody else replaces the state each time just before it is replaced here."""
    real, left = world.room.replace, iter(range(times))

    def replace(state: ConnectorCapacity) -> bool:
        for _ in left:
            now = standing(world)
            assert real(now.model_copy(update={"version": now.version + 1}))
            return real(state)
        return real(state)

    return replace


def test_whoever_is_overtaken_reads_again() -> None:
    """A few times, before and after the call."""
    world = World()
    ready = world.ready()
    world.capacities.replace = overtaken(world, TRIES - 1)

    assert invoked(world, ready).status is InvocationStatus.SUCCEEDED
    assert standing(world).leases == {}


def test_whoever_is_always_overtaken_comes_back_in_a_moment() -> None:
    """Contention is a short wait, and no failure."""
    world = World()
    ready = world.ready()
    world.capacities.replace = overtaken(world, TRIES)
    section = invoked(world, ready)

    assert section.status is InvocationStatus.DEFERRED
    assert "the same moment" in (section.error_message or "")
    assert world.tools.sends == []


def test_a_dispatch_that_is_refused_gives_its_slot_back() -> None:
    """An action that is held asks for days; it must not keep others from the connector meanwhile."""
    world = World()
    ready = world.ready()
    world.hold(SwitchScope(kind=SwitchKind.CONNECTOR, subject="crm"))

    assert invoked(world, ready).status is InvocationStatus.DEFERRED
    assert standing(world).leases == {}


def test_who_was_overtaken_by_another_owner_leaves_the_slot_alone() -> None:
    """The other may be sending under the very same lease."""
    world = World()
    ready = world.ready()
    world.journal.fail("dispatch", OwnershipLost("somebody has taken over"))
    fails(world, ready, OwnershipLost)

    assert len(standing(world).leases) == 1


def test_calls_without_an_answer_open_the_breaker_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """And the next send waits instead of failing."""
    world = World()
    ready = world.ready()
    world.tools.fail_next(TransportPhase.HTTP_STATUS, times=LIMITS.breaker_failures, http_status=503)
    with caplog.at_level(logging.WARNING, logger="domain.use_cases.connector_slots"):
        for _ in range(LIMITS.breaker_failures):
            fails(world, ready)

    assert standing(world).breaker.state is BreakerState.OPEN
    (opened,) = [record for record in caplog.records if record.message.startswith("circuit")]
    assert opened.message == "circuit breaker opened"
    assert (vars(opened)["tenant_id"], vars(opened)["connector"], vars(opened)["openings"]) == (TENANT, "crm", 1)
    section = invoked(world, ready)
    assert section.status is InvocationStatus.DEFERRED
    world.clock.advance(section.retry_after_seconds or 0)
    with caplog.at_level(logging.WARNING, logger="domain.use_cases.connector_slots"):
        assert invoked(world, ready).status is InvocationStatus.SUCCEEDED
    assert caplog.messages[-1] == "circuit breaker closed"


@pytest.mark.parametrize("http_status", [400, 401, 404, 409, 429])
def test_no_clients_error_opens_the_breaker(http_status: int) -> None:
    """It is about the call, or about our right to make it."""
    world = World(mapping=a_mapping(effect_safety=IDEMPOTENT))
    ready = world.ready()
    world.tools.fail_next(TransportPhase.HTTP_STATUS, times=20, http_status=http_status)
    for _ in range(20):
        with pytest.raises((TransientError, PermanentError)):
            world.run(ready, INVOKE)

    assert standing(world).breaker == Breaker()


def test_one_tenants_breaker_is_not_anothers() -> None:
    """The same connector, another tenant: nothing is in the way."""
    other = a_ref(tenant_id="tenant-2")
    world = World()
    world.intents.put(an_approved_intent(tenant_id="tenant-2"))
    leave(world, breaker=OPEN, leases=FULL)
    mine, theirs = world.ready(), world.run(world.a_state(ref=other), *BEFORE_INVOKE)

    assert invoked(world, mine).status is InvocationStatus.DEFERRED
    assert invoked(world, theirs).status is InvocationStatus.SUCCEEDED


def test_asking_what_became_of_a_call_waits_for_nobody() -> None:
    """Finishing what was begun goes before beginning something new."""
    world = World(mapping=a_mapping(effect_safety=VERIFIABLE))
    ready = world.ready()
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD)
    invoked(world, ready)
    world.clock.advance(VERIFIABLE.server_bound_seconds + 1)
    leave(world, breaker=OPEN.model_copy(update={"open_until": later(600)}), leases=FULL)
    fails(world, ready)

    assert world.tools.sends[-1].purpose is CallPurpose.VERIFY
    assert invoked(world, ready).status is InvocationStatus.DEFERRED


def test_undoing_waits_for_nobody() -> None:
    """What must not stay is undone at once, whatever stands before new calls."""
    world = World(mapping=a_mapping(effect_safety=UNSAFE))
    world.tools.answer_next(PARTIAL)
    state = world.run(world.ready(), INVOKE)
    leave(world, breaker=OPEN, leases=FULL)
    world.run(world.run(state, COMPENSATE), RECORD)

    assert world.outcome().compensation_status is CompensationStatus.COMPLETED


def test_the_reconcilers_resend_waits_for_its_next_look() -> None:
    """A breaker that is open makes it come back, as any call that did not help does."""
    world = recorded_unknown(a_days_world(), TransportPhase.RESPONSE_HEAD, Effects.WRITTEN)
    leave(world, breaker=OPEN.model_copy(update={"open_until": later(3_600)}))
    sends = len(world.tools.sends)
    world.clock.advance(1_800)
    assert looked(world) is Reconciled.WAITING
    assert len(world.tools.sends) == sends
    assert "waits for crm" in str(world.records.ledger(a_ref())[-1].data)

    world.clock.advance(7_200)
    assert looked(world) is Reconciled.SETTLED
    assert (world.outcome().status, world.created) == (OutcomeStatus.SUCCEEDED, 1)
