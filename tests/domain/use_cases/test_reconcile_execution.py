"""The reconciler finishes what an execution left open, and takes nothing from one that is at work."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

import pytest

from adapters.memory.backlog import MemoryBacklog
from domain.model.attempt import Attempt, AttemptStatus
from domain.model.canonical_json import JsonObject
from domain.model.errors import ConfigurationError, OwnershipLost, TransientError
from domain.model.execution_status import ExecutionStatus
from domain.model.identifiers import IntentRef
from domain.model.ledger import LedgerEventType
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.model.tool_call import CallPurpose, ToolAnswer, TransportPhase
from domain.model.tool_mapping import CompensationPolicy
from domain.use_cases.reconcile_execution import Reconciled
from domain.use_cases.sweep_backlog import SweepBacklog
from ports.backlog import Backlog
from tests.builders import a_claim
from tests.domain.use_cases.left_open import (
    a_partial_outcome,
    a_world,
    agreed,
    looked,
    over,
)
from tests.domain.use_cases.world import (
    BEFORE_INVOKE,
    FAIL,
    INVOKE,
    RECORD,
    START,
    UNSAFE,
    World,
    after,
)
from tests.support.faulty import Faulty, Killed, When


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
    world.clock.advance(300)
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
    made: JsonObject = {"object_type": "Task", "object_id": "task-1"}
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
    world.executions.fail("status", TransientError("throttled"))
    sweep = SweepBacklog(Crowded(world.records), world.reconcile(), world.clock)
    assert sweep(seconds_left=55.0) == {"FAILED": 1, "UNCLAIMED": 100}
    assert world.sweep() == {"SETTLED": 1}


@pytest.mark.parametrize("part", ["looking", "finding"])
def test_a_sweep_that_could_do_nothing_at_all_says_so(part: str) -> None:
    """Hours of throttling must ring the function's alarm, and not only be counted in a report that nobody reads."""
    world = a_world()
    world.run(world.a_state(), *BEFORE_INVOKE)
    over(world)
    world.clock.advance(121)
    backlog = Faulty(MemoryBacklog(world.records))
    if part == "looking":
        world.executions.fail("status", TransientError("throttled"))
    else:
        backlog.fail("open_attempts", TransientError("throttled"), times=3)
        backlog.fail("unpublished_signals", TransientError("throttled"))
    with pytest.raises(TransientError, match="throttled"):
        SweepBacklog(cast("Backlog", backlog), world.reconcile(), world.clock)(seconds_left=55.0)
    assert world.sweep() == {"SETTLED": 1}


def test_what_no_next_sweep_can_mend_is_raised_when_the_rest_is_done() -> None:
    """A record that cannot be read hides none of the others, and the function's alarm tells of it."""
    world = a_world()
    world.run(world.a_state(), *BEFORE_INVOKE)
    over(world)
    world.clock.advance(121)
    backlog = HalfReadable(world.records)
    sweep = SweepBacklog(backlog, world.reconcile(), world.clock)
    with pytest.raises(ConfigurationError, match="not an Attempt"):
        sweep(seconds_left=55.0)
    assert world.outcome().status is OutcomeStatus.FAILED


class Crowded(MemoryBacklog):
    """A backlog in which a hundred held actions stand still, longest of all."""

    def open_attempts(
        self, status: AttemptStatus, *, updated_before: datetime, newest_first: bool = False
    ) -> Iterator[Attempt]:
        """Yield the held ones before those that really are there, or after them."""
        claim, _ = a_claim()
        ids = [f"held-{number}" for number in range(100)] if status is AttemptStatus.CLAIMED else []
        held = [claim.model_copy(update={"action_intent_id": name}) for name in ids]
        there = list(super().open_attempts(status, updated_before=updated_before, newest_first=newest_first))
        yield from (*there, *held) if newest_first else (*held, *there)


def crowded_sweep(world: World) -> None:
    """Sweep where a hundred actions are on hold, each look takes a second, and there is time for forty."""
    reconcile = world.reconcile()

    class Slow:
        """A reconciler whose looks take time."""

        def __call__(self, ref: IntentRef, *, seconds_left: float) -> Reconciled:
            world.clock.advance(1)
            return reconcile(ref, seconds_left=seconds_left)

    SweepBacklog(Crowded(world.records), cast("Any", Slow()), world.clock)(seconds_left=55.0)


def test_what_stands_still_does_not_keep_a_sweep_from_anything_else() -> None:
    """News is published in the sweep in which its turn comes, whatever stands before it."""
    world = a_world()
    world.run(world.ready(), INVOKE)
    over(world)
    world.publisher.fail("publish", TransientError("down"))
    with pytest.raises(TransientError):
        looked(world)
    world.clock.advance(121)
    crowded_sweep(world)
    assert [signal.signal_type for signal in world.bus.published] == ["ACTION_EXECUTED"]


def test_a_claim_that_was_left_now_is_found_behind_any_number_that_are_held() -> None:
    """Claims on hold are the oldest, and look like it; so the youngest are looked at as well."""
    world = a_world()
    world.run(world.a_state(), *BEFORE_INVOKE)
    over(world)
    world.clock.advance(121)
    crowded_sweep(world)
    assert world.outcome().status is OutcomeStatus.FAILED


def test_a_sweep_passes_by_what_is_not_due() -> None:
    """Its time is for what can be found out now; thousands that wait for theirs would use it up."""
    world = a_world()
    a_partial_outcome(world)
    over(world, ExecutionStatus.FAILED)
    world.tools.fail_next(TransportPhase.CONNECT)
    world.clock.advance(1)
    assert world.sweep() == {"WAITING": 1}
    world.clock.advance(59)
    assert world.sweep() == {}
    world.clock.advance(1)
    assert world.sweep() == {"SETTLED": 1}


class HalfReadable(MemoryBacklog):
    """A backlog that holds, behind what it can read, a row that it cannot."""

    def open_attempts(
        self, status: AttemptStatus, *, updated_before: datetime, newest_first: bool = False
    ) -> Iterator[Attempt]:
        """Yield what is there, then fail."""
        yield from super().open_attempts(status, updated_before=updated_before, newest_first=newest_first)
        raise ConfigurationError("an item is not an Attempt; correct or restore it")


def test_an_execution_that_the_service_does_not_know_yet_is_left_alone() -> None:
    """Its own claim may be younger than the service's word about it."""
    world = a_world()
    world.run(world.a_state(), *BEFORE_INVOKE)
    over(world, ExecutionStatus.GONE)
    assert looked(world) is Reconciled.AT_WORK
    world.clock.advance(300)
    assert looked(world) is Reconciled.SETTLED
