"""What stands as UNKNOWN becomes known by asking, resending or undoing, or is handed to a person once."""

from collections.abc import Callable
from typing import Any

import pytest

from adapters.memory.tool_gateway import Effects
from domain.model.execution_status import ExecutionStatus
from domain.model.intent import IntentStatus
from domain.model.kill_switch import SwitchKind, SwitchScope
from domain.model.ledger import LedgerEventType
from domain.model.notice import NoticeKind
from domain.model.outcome import CompensationStatus, OutcomeStatus, ResolutionMethod
from domain.model.tool_call import CallPurpose, TransportPhase
from domain.model.tool_mapping import CompensationPolicy, CompensationStrategy, ToolMapping
from domain.policies.reconciliation import MOST_TRIES
from domain.policies.retry import LATEST_LANDING_SECONDS
from domain.use_cases.reconcile_execution import Reconciled
from domain.use_cases.recording import Recording
from domain.use_cases.resolve_unknown import ResolveUnknown
from tests.builders import a_ref, a_switch
from tests.domain.use_cases.left_open import (
    REFUSAL,
    a_partial_outcome,
    a_world,
    agreed,
    killed_around_the_call,
    looked,
    over,
    recorded_unknown,
)
from tests.domain.use_cases.world import (
    IDEMPOTENT,
    UNSAFE,
    VERIFIABLE,
    World,
)
from tests.support.faulty import When


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
    world = recorded_unknown(a_world(), TransportPhase.RESPONSE_HEAD, Effects.NONE)
    world.tools.answer_next(REFUSAL, times=2)
    assert looked(world) is Reconciled.WAITING
    assert world.outcome().status is OutcomeStatus.UNKNOWN
    world.clock.advance(LATEST_LANDING_SECONDS)
    assert looked(world) is Reconciled.SETTLED
    assert world.outcome().status is OutcomeStatus.FAILED
    agreed(world)


def test_a_late_effect_under_the_same_key_is_still_one_effect() -> None:
    """The resend creates it, the straggler is recognised by the tool (F10)."""
    world = recorded_unknown(a_world(), TransportPhase.RESPONSE_HEAD, Effects.LATE)
    assert looked(world) is Reconciled.SETTLED
    world.tools.let_late_calls_land()
    assert (world.outcome().status, world.created) == (OutcomeStatus.SUCCEEDED, 1)


@pytest.mark.parametrize("stop", [World.halt, World.hold])
def test_a_switch_that_stops_the_action_stops_its_resend_too(stop: Callable[[World, SwitchScope], None]) -> None:
    """The reconciler dispatches through the same door; released, the doubt is resolved."""
    world = recorded_unknown(a_world(), TransportPhase.RESPONSE_HEAD, Effects.NONE)
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
    world = recorded_unknown(a_world(IDEMPOTENT), TransportPhase.RESPONSE_HEAD, Effects.WRITTEN)
    world.clock.advance(600)
    assert looked(world) is Reconciled.NOTIFIED
    assert (world.created, len(world.tools.sends)) == (1, 1)


def test_a_revoked_approval_permits_no_resend_and_a_person_is_told_at_once() -> None:
    """No later try can go otherwise, so nobody waits two days for the last of them."""
    world = recorded_unknown(a_world(), TransportPhase.RESPONSE_HEAD, Effects.NONE)
    world.intents.put(world.intents.find(a_ref()).model_copy(update={"status": IntentStatus.PROPOSED}))
    assert looked(world) is Reconciled.NOTIFIED
    assert (len(world.tools.sends), len(world.notices.notices)) == (1, 1)
    assert world.events[-2:] == [LedgerEventType.RESOLUTION_TRIED, LedgerEventType.OPERATOR_NOTIFIED]


def test_an_expired_approval_permits_no_resend() -> None:
    """To resolve a doubt is no reason to do what is no longer approved."""
    world = recorded_unknown(a_world(), TransportPhase.RESPONSE_HEAD, Effects.NONE)
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


def test_two_runs_at_one_moment_never_both_act() -> None:
    """Each takes over under a name of its own, so one of them finds the record moved and calls no tool."""
    world = a_world()
    a_partial_outcome(world)
    over(world, ExecutionStatus.FAILED)
    standing = world.attempt()
    other = world.reconcile()
    real: Any = other.journal.advance

    def both_read_the_same(*record: object) -> None:
        world.journal.advance = real
        assert looked(world) is Reconciled.SETTLED
        real(*record)

    world.journal.advance = both_read_the_same
    assert other(a_ref(), seconds_left=55.0) is Reconciled.OVERTAKEN
    assert [call.purpose for call in world.tools.sends].count(CallPurpose.COMPENSATE) == 1
    assert world.attempt().fence == standing.fence + 1
    agreed(world)


def test_a_person_who_was_faster_is_not_overruled() -> None:
    """Their word stands as soon as it is recorded, whatever the reconciler was about to find out."""
    world = killed_around_the_call(a_world(VERIFIABLE), When.AFTER)
    looked(world)
    world.clock.advance(30)
    real = world.gateway.send

    def resolved_meanwhile(*call: object, **options: object) -> object:
        recording = Recording(world.journal, world.publisher, world.clock)
        ResolveUnknown(world.journal, recording, world.clock)(
            a_ref(), OutcomeStatus.SUCCEEDED, resolved_by="operator-1", evidence="It stands in the CRM."
        )
        world.tools.fail_next(TransportPhase.CONNECT)
        return real(*call, **options)

    world.gateway.send = resolved_meanwhile
    assert looked(world) is Reconciled.OVERTAKEN
    resolution = world.outcome().resolution
    assert resolution is not None
    assert resolution.method is ResolutionMethod.OPERATOR
    agreed(world)


def test_a_lost_mapping_is_a_persons_matter() -> None:
    """Without the mapping nobody knows what the tool can be asked."""
    world = recorded_unknown(a_world(), TransportPhase.RESPONSE_HEAD, Effects.NONE)
    world.registry = type(world.registry)(Unfindable())
    assert looked(world) is Reconciled.NOTIFIED


class Unfindable:
    """A registry that has lost everything."""

    def find(self, _action_type: str, _version: str) -> ToolMapping | None:
        """Find nothing."""
        return None
