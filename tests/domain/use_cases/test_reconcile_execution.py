"""The reconciler finishes what an execution left open, finds out what it left unknown, and tells who must know."""

from collections.abc import Callable

import pytest

from adapters.memory.tool_gateway import Effects
from domain.model.attempt import AttemptStatus
from domain.model.errors import ExecutionHalted, OwnershipLost, TransientError
from domain.model.execution_status import ExecutionStatus
from domain.model.kill_switch import SwitchKind, SwitchScope
from domain.model.ledger import LedgerEventType
from domain.model.notice import NoticeKind
from domain.model.outcome import CompensationStatus, OutcomeStatus, ResolutionMethod
from domain.model.tool_call import CallPurpose, ToolAnswer, TransportPhase
from domain.model.tool_mapping import CompensationPolicy, CompensationStrategy, ToolMapping
from domain.policies.audit import findings
from domain.policies.reconciliation import MOST_TRIES
from domain.policies.retry import LATEST_LANDING_SECONDS
from domain.use_cases.reconcile_execution import Reconciled
from ports.steps.state import ExecutionState
from tests.builders import EXECUTION_ARN, a_mapping, a_ref, a_switch, an_approved_intent
from tests.domain.use_cases.world import (
    BEFORE_INVOKE,
    FAIL,
    IDEMPOTENT,
    INVOKE,
    RECORD,
    START,
    UNSAFE,
    VERIFIABLE,
    World,
    after,
)
from tests.support.faulty import Killed, When

LONG_LIVED = IDEMPOTENT.model_copy(update={"key_ttl_seconds": 86_400})
REFUSAL = ToolAnswer(is_error=True, structured={"success": False, "error_message": "the owner may not have tasks"})


def looked(world: World) -> Reconciled:
    """One look at the sample intent."""
    return world.reconcile()(a_ref(), seconds_left=55.0)


def over(world: World, status: ExecutionStatus = ExecutionStatus.ABORTED) -> World:
    """Let the execution end."""
    world.workflow.set_status(EXECUTION_ARN, status)
    return world


def a_world(effect: object = LONG_LIVED, **changes: object) -> World:
    """A world whose mapping has this effect safety and whose approval lasts a day."""
    mapping = a_mapping(effect_safety=effect, **changes)
    day = int(World().clock.now().timestamp()) + 86_400
    world = World(mapping=mapping, intent=an_approved_intent(mapping, expires_at_epoch=day))
    world.workflow.set_status(EXECUTION_ARN, ExecutionStatus.RUNNING)
    return world


def killed_around_the_call(world: World, when: When) -> World:
    """Let the invoker's process die before or after its call, and the execution with it."""
    ready = world.ready()
    world.gateway.fail("send", Killed(), when=when)
    with pytest.raises(Killed):
        world.run(ready, INVOKE)
    world.clock.advance(61)
    return over(world)


def recorded_unknown(world: World, phase: TransportPhase, effects: Effects) -> World:
    """Let the call end in doubt, and the execution record that."""
    ready = world.ready()
    world.tools.fail_next(phase, effects=effects, timed_out=True)
    with pytest.raises(TransientError) as caught:
        world.run(ready, INVOKE)
    world.run(after(ready, caught.value), FAIL)
    assert world.outcome().status is OutcomeStatus.UNKNOWN
    return over(world, ExecutionStatus.FAILED)


def agreed(world: World) -> None:
    """Assert that ledger, attempt and outcome prove each other."""
    assert findings(world.attempt(), world.outcome(), world.records.ledger(a_ref())) == ()


def test_an_intent_that_was_never_claimed_is_left_alone() -> None:
    """An event about a failed start names nothing that could be finished."""
    world = World()
    before = world.everything()
    assert looked(world) is Reconciled.UNCLAIMED
    assert world.everything() == before


@pytest.mark.parametrize("steps", [(START,), BEFORE_INVOKE, (*BEFORE_INVOKE, INVOKE)])
def test_an_execution_at_work_is_left_alone(steps: tuple[object, ...]) -> None:
    """Nothing is taken from an owner that runs, however old its last word is."""
    world = a_world()
    world.run(world.a_state(), *steps)  # type: ignore[arg-type]  # step names
    world.clock.advance(50_000)
    before = world.attempt()
    assert looked(world) is Reconciled.AT_WORK
    assert world.attempt() == before


@pytest.mark.parametrize("status", [one for one in ExecutionStatus if one.is_over])
def test_a_claim_that_its_execution_left_is_failed_with_nothing_sent(status: ExecutionStatus) -> None:
    """However it ended, even long ago: it is proved that nothing was done, so that is recorded (D17)."""
    world = a_world()
    world.run(world.a_state(), *BEFORE_INVOKE)
    over(world, status)
    assert looked(world) is Reconciled.SETTLED
    outcome = world.outcome()
    assert (outcome.status, outcome.error_code) == (OutcomeStatus.FAILED, "EXECUTION_LOST")
    assert status in (outcome.error_message or "")
    assert (world.attempt().fence, world.tools.sends) == (2, [])
    assert world.events[-2:] == [LedgerEventType.EXECUTION_TAKEN_OVER, LedgerEventType.ACTION_FAILED]
    assert [signal.signal_type for signal in world.bus.published] == ["ACTION_FAILED"]
    agreed(world)


def test_a_kept_answer_is_settled_as_the_tool_gave_it() -> None:
    """The function died after it had kept the answer: the action succeeded."""
    world = a_world()
    world.run(world.ready(), INVOKE)
    assert looked(over(world)) is Reconciled.SETTLED
    assert world.outcome().status is OutcomeStatus.SUCCEEDED
    assert [ref.object_id for ref in world.outcome().external_object_refs] == [world.tools.objects[0].object_id]
    agreed(world)


def test_a_kept_partial_answer_is_undone_before_it_is_settled() -> None:
    """What exists by the tool's word is undone first, so that FAILED is no false statement."""
    world = a_world()
    ready = world.ready()
    made = {"object_type": "Task", "object_id": "task-1"}
    world.tools.answer_next(ToolAnswer(is_error=True, structured={"success": False, "external_objects": [made]}))
    world.run(ready, INVOKE)
    assert looked(over(world)) is Reconciled.SETTLED
    assert (world.outcome().status, world.outcome().compensation_status) == (
        OutcomeStatus.FAILED,
        CompensationStatus.COMPLETED,
    )
    assert [call.purpose for call in world.tools.sends] == [CallPurpose.INVOKE, CallPurpose.COMPENSATE]
    agreed(world)


def test_a_call_that_may_still_be_on_its_way_is_waited_for() -> None:
    """A function outlives its execution; as long as it can, its answer may still come."""
    world = a_world(UNSAFE, compensation=CompensationPolicy())
    ready = world.ready()
    world.gateway.fail("send", Killed(), when=When.AFTER)
    with pytest.raises(Killed):
        world.run(ready, INVOKE)
    over(world)
    world.clock.advance(59)
    assert looked(world) is Reconciled.AT_WORK
    world.clock.advance(1)
    assert looked(world) is Reconciled.NOTIFIED


@pytest.mark.parametrize("when, created", [(When.BEFORE, 1), (When.AFTER, 1)])
def test_an_idempotent_call_in_doubt_is_sent_again_under_its_key(when: When, created: int) -> None:
    """Whether or not the first one arrived, one effect exists and is recorded with how that is known."""
    world = killed_around_the_call(a_world(), when)
    assert looked(world) is Reconciled.SETTLED
    outcome = world.outcome()
    assert (outcome.status, world.created) == (OutcomeStatus.SUCCEEDED, created)
    assert outcome.resolution is not None
    assert (outcome.resolution.method, outcome.resolution.resolved_by) == (ResolutionMethod.RESENT, "reconciler")
    assert [signal.signal_type for signal in world.bus.published] == ["ACTION_UNKNOWN", "ACTION_EXECUTED"]
    assert outcome.attempt_count == 2
    agreed(world)


@pytest.mark.parametrize("when, status", [(When.BEFORE, OutcomeStatus.FAILED), (When.AFTER, OutcomeStatus.SUCCEEDED)])
def test_a_verifiable_call_in_doubt_is_asked_about_and_never_sent_again(when: When, status: OutcomeStatus) -> None:
    """Found is a success; absent is a failure with nothing done, because nothing new is begun for a dead execution."""
    world = killed_around_the_call(a_world(VERIFIABLE), when)
    assert looked(world) is Reconciled.WAITING
    assert world.outcome().status is OutcomeStatus.UNKNOWN
    world.clock.advance(30)
    assert looked(world) is Reconciled.SETTLED
    outcome = world.outcome()
    assert outcome.status is status
    assert outcome.resolution is not None
    assert outcome.resolution.method is ResolutionMethod.VERIFIED
    assert len(outcome.external_object_refs) == len(world.tools.objects) == world.created
    assert CallPurpose.INVOKE not in [call.purpose for call in world.tools.sends[world.created :]]
    agreed(world)


@pytest.mark.parametrize("when", When)
def test_an_unsafe_call_in_doubt_is_a_persons_matter_and_they_are_told_once(when: When) -> None:
    """Never resent, never guessed: one notice that names the intent, and then quiet."""
    world = killed_around_the_call(a_world(UNSAFE, compensation=CompensationPolicy()), when)
    sent = len(world.tools.sends)
    assert looked(world) is Reconciled.NOTIFIED
    assert [looked(world) for _ in range(3)] == [Reconciled.WAITING] * 3
    (notice,) = world.notices.notices
    assert (notice.kind, notice.ref) == (NoticeKind.ATTENTION, a_ref())
    assert world.outcome().status is OutcomeStatus.UNKNOWN
    assert len(world.tools.sends) == sent
    assert world.events[-1] is LedgerEventType.OPERATOR_NOTIFIED
    agreed(world)


def test_a_tool_that_cannot_be_asked_is_asked_again_ever_later_and_then_it_is_a_persons_matter() -> None:
    """1, 2, 4 … minutes, at most six hours; every look is on the ledger; nobody asks for ever."""
    world = killed_around_the_call(a_world(VERIFIABLE), When.AFTER)
    world.clock.advance(30)
    world.tools.fail_next(TransportPhase.CONNECT, times=1_000)
    waits = []
    for _ in range(MOST_TRIES):
        assert looked(world) is Reconciled.WAITING
        due = world.attempt().next_try_at
        assert due is not None
        waits.append((due - world.clock.now()).total_seconds())
        assert looked(world) is Reconciled.WAITING
        world.clock.advance(waits[-1])
    assert waits[:4] == [60, 120, 240, 480]
    assert max(waits) == 6 * 3_600
    assert looked(world) is Reconciled.NOTIFIED
    assert world.events.count(LedgerEventType.RESOLUTION_TRIED) == MOST_TRIES
    agreed(world)


def test_a_refusal_of_a_resend_counts_only_when_no_earlier_send_can_land() -> None:
    """For a quarter of an hour the first call may still take effect; after that the tool answers for the key."""
    world = recorded_unknown(a_world(), TransportPhase.SENT, Effects.NONE)
    world.tools.answer_next(REFUSAL, times=2)
    assert looked(world) is Reconciled.WAITING
    assert world.outcome().status is OutcomeStatus.UNKNOWN
    world.clock.advance(LATEST_LANDING_SECONDS)
    assert looked(world) is Reconciled.SETTLED
    assert world.outcome().status is OutcomeStatus.FAILED
    agreed(world)


def test_a_late_effect_under_the_same_key_is_still_one_effect() -> None:
    """The resend creates it, the straggler is recognised by the tool (F10)."""
    world = recorded_unknown(a_world(), TransportPhase.SENT, Effects.LATE)
    assert looked(world) is Reconciled.SETTLED
    world.tools.let_late_calls_land()
    assert (world.outcome().status, world.created) == (OutcomeStatus.SUCCEEDED, 1)


@pytest.mark.parametrize("stop", [World.halt, World.hold])
def test_a_switch_that_stops_the_action_stops_its_resend_too(stop: Callable[[World, SwitchScope], None]) -> None:
    """The reconciler dispatches through the same door; released, the doubt is resolved."""
    world = recorded_unknown(a_world(), TransportPhase.SENT, Effects.NONE)
    scope = SwitchScope(kind=SwitchKind.CONNECTOR, subject="crm")
    stop(world, scope)
    sent = len(world.tools.sends)
    assert looked(world) is Reconciled.WAITING
    assert len(world.tools.sends) == sent
    world.switches.flip(a_switch(scope.kind, scope.subject))
    world.clock.advance(60)
    assert looked(world) is Reconciled.SETTLED


def test_a_key_that_the_tool_has_forgotten_is_never_sent_again() -> None:
    """After its lifetime an idempotent tool is as unsafe as any other."""
    world = recorded_unknown(a_world(IDEMPOTENT), TransportPhase.SENT, Effects.WRITTEN)
    world.clock.advance(600)
    assert looked(world) is Reconciled.NOTIFIED
    assert (world.created, len(world.tools.sends)) == (1, 1)


def test_a_revoked_or_expired_approval_permits_no_resend() -> None:
    """To resolve a doubt is no reason to do what is no longer approved."""
    world = recorded_unknown(a_world(), TransportPhase.SENT, Effects.NONE)
    world.clock.advance(86_400)
    assert looked(world) is Reconciled.NOTIFIED
    assert len(world.tools.sends) == 1


@pytest.mark.parametrize(
    "strategy, kinds",
    [(CompensationStrategy.MANUAL, [NoticeKind.COMPENSATION]), (CompensationStrategy.NONE, [NoticeKind.COMPENSATION])],
)
def test_what_only_a_person_can_undo_is_queued_with_its_objects(
    strategy: CompensationStrategy, kinds: list[NoticeKind]
) -> None:
    """The notice names each object, so that nobody has to look it up."""
    world = a_world(compensation=CompensationPolicy(strategy=strategy))
    state = a_partial_outcome(world)
    assert state.outcome is not None
    assert looked(over(world, ExecutionStatus.FAILED)) is Reconciled.NOTIFIED
    assert [notice.kind for notice in world.notices.notices] == kinds
    assert [ref.object_id for ref in world.notices.notices[0].external_object_refs] == ["task-1"]


def a_partial_outcome(world: World) -> ExecutionState:
    """A tool that wrote and failed, recorded without anything undone."""
    ready = world.ready()
    made = {"object_type": "Task", "object_id": "task-1"}
    world.tools.answer_next(ToolAnswer(is_error=True, structured={"success": False, "external_objects": [made]}))
    return world.run(ready, INVOKE, RECORD)


def test_an_undo_that_failed_is_tried_again_until_it_holds() -> None:
    """The gateway was down for the undo; when it is back the object goes and the outcome becomes FAILED."""
    world = a_world()
    a_partial_outcome(world)
    assert world.outcome().status is OutcomeStatus.UNKNOWN
    over(world, ExecutionStatus.FAILED)
    world.tools.fail_next(TransportPhase.CONNECT)
    assert looked(world) is Reconciled.WAITING
    world.clock.advance(60)
    assert looked(world) is Reconciled.SETTLED
    outcome = world.outcome()
    assert (outcome.status, outcome.compensation_status) == (OutcomeStatus.FAILED, CompensationStatus.COMPLETED)
    assert outcome.resolution is not None
    assert outcome.resolution.method is ResolutionMethod.UNDONE
    agreed(world)


def test_an_outcome_whose_news_never_went_out_is_published() -> None:
    """The bus was down for the recorder; the outcome stands and is told now (D26)."""
    world = a_world()
    ready = world.run(world.ready(), INVOKE)
    world.publisher.fail("publish", TransientError("down"))
    with pytest.raises(TransientError):
        world.run(ready, RECORD)
    assert looked(over(world, ExecutionStatus.FAILED)) is Reconciled.SETTLED
    assert [signal.signal_type for signal in world.bus.published] == ["ACTION_EXECUTED"]
    assert looked(world) is Reconciled.SETTLED
    assert len(world.bus.published) == 1


def test_a_status_that_cannot_be_read_counts_as_running() -> None:
    """Who does not know whether the owner is at work takes nothing from it."""
    world = a_world()
    world.run(world.a_state(), *BEFORE_INVOKE)
    over(world)
    before = world.attempt()
    world.executions.fail("status", TransientError("throttled"))
    with pytest.raises(TransientError):
        looked(world)
    assert world.attempt() == before


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("port, method", [("journal", "advance"), ("journal", "settle"), ("publisher", "publish")])
def test_a_reconciler_that_dies_anywhere_is_followed_by_the_next(port: str, method: str, when: When) -> None:
    """Every look starts from what stands; the fence rises again and one outcome results."""
    world = a_world()
    world.run(world.a_state(), *BEFORE_INVOKE)
    over(world)
    getattr(world, port).fail(method, Killed(), when=when)
    with pytest.raises(Killed):
        looked(world)
    assert looked(world) is Reconciled.SETTLED
    assert world.outcome().status is OutcomeStatus.FAILED
    assert len({signal.signal_id for signal in world.bus.published}) == 1
    agreed(world)


def test_a_zombie_that_wakes_up_after_the_takeover_changes_nothing() -> None:
    """Its next write is refused, whichever step it is in, and the record that stands is told."""
    world = a_world()
    ready = world.ready()
    looked(over(world))
    standing = world.everything()
    with pytest.raises(OwnershipLost):
        world.run(ready, INVOKE)
    final = world.run(after(ready, OwnershipLost("taken over")), FAIL)
    assert final.outcome is not None
    assert (final.outcome.recorded, final.outcome.error_code) == (True, "EXECUTION_LOST")
    assert world.everything() == standing


def test_a_run_that_is_overtaken_says_so_and_writes_nothing() -> None:
    """Two runs at once: one of them moves the record, the other finds it moved."""
    world = a_world()
    world.run(world.a_state(), *BEFORE_INVOKE)
    over(world)
    world.journal.fail("advance", OwnershipLost("another was first"))
    assert looked(world) is Reconciled.OVERTAKEN
    assert world.attempt().status is AttemptStatus.CLAIMED


def test_a_lost_mapping_is_a_persons_matter() -> None:
    """Without the mapping nobody knows what the tool can be asked."""
    world = recorded_unknown(a_world(), TransportPhase.SENT, Effects.NONE)
    world.registry = type(world.registry)(Unfindable())
    assert looked(world) is Reconciled.NOTIFIED


class Unfindable:
    """A registry that has lost everything."""

    def find(self, _action_type: str, _version: str) -> ToolMapping | None:
        """Find nothing."""
        return None


def test_a_sweep_finishes_everything_that_is_open_and_reports_it() -> None:
    """Even if every event was lost: stale claims, stale dispatches, due UNKNOWNs, unpublished news."""
    world = a_world()
    world.run(world.a_state(), *BEFORE_INVOKE)
    over(world)
    assert world.sweep() == {}
    world.clock.advance(121)
    assert world.sweep() == {"SETTLED": 1}
    assert world.sweep() == {}


def test_one_intents_error_does_not_stop_the_sweep() -> None:
    """It is counted, and met again by the next sweep."""
    world = a_world()
    world.run(world.a_state(), *BEFORE_INVOKE)
    over(world)
    world.clock.advance(121)
    world.executions.fail("status", ExecutionHalted("odd"))
    assert world.sweep() == {"FAILED": 1}
    assert world.sweep() == {"SETTLED": 1}
