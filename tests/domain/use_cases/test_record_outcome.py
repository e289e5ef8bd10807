"""RecordOutcome settles once, publishes at least once, and never says more than is known."""

import pytest

from domain.model.attempt import AttemptStatus
from domain.model.errors import OwnershipLost, PermanentError, TransientError
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.model.tool_call import TransportPhase
from ports.steps.state import ExecutionState
from tests.builders import OTHER_EXECUTION_ARN, a_ref, later
from tests.domain.use_cases.world import COMPENSATE, INVOKE, RECORD, START, World, after
from tests.support.faulty import Killed, When


def invoked(world: World) -> ExecutionState:
    """A success that is not recorded yet."""
    return world.run(world.ready(), INVOKE)


def test_a_bus_that_is_down_is_transient_and_the_next_run_publishes() -> None:
    """The outcome stands before the news; entered again, only the news is left to do (D26)."""
    world = World()
    state = invoked(world)
    world.publisher.fail("publish", TransientError("the bus did not answer"))
    with pytest.raises(TransientError) as caught:
        world.run(state, RECORD)
    assert world.outcome().status is OutcomeStatus.SUCCEEDED
    assert world.signal().published_at is None
    standing = (world.outcome(), world.records.ledger(a_ref()))
    world.clock.advance(4)
    final = world.run(state, RECORD)
    assert final.outcome is not None
    assert final.outcome.status is OutcomeStatus.SUCCEEDED
    assert (world.outcome(), world.records.ledger(a_ref())) == standing
    assert len(world.bus.published) == 1
    assert world.signal().published_at == later(4)
    assert "bus did not answer" in caught.value.message


@pytest.mark.parametrize("port, method", [("publisher", "publish"), ("journal", "mark_published")])
def test_news_that_went_out_before_the_process_died_goes_out_again_under_the_same_id(port: str, method: str) -> None:
    """At least once: consumers dedupe by the id."""
    world = World()
    state = invoked(world)
    getattr(world, port).fail(method, Killed(), when=When.AFTER if method == "publish" else When.BEFORE)
    with pytest.raises(Killed):
        world.run(state, RECORD)
    world.run(state, RECORD)
    assert len(world.bus.published) == 2
    assert len({signal.signal_id for signal in world.bus.published}) == 1


@pytest.mark.parametrize("when", When)
def test_a_settlement_that_could_not_be_written_is_whole_or_absent(when: When) -> None:
    """One transaction: before it nothing stands, after it everything does, and the next run goes on (D12, D26)."""
    world = World()
    state = invoked(world)
    world.journal.fail("settle", TransientError("the store did not answer"), when=when)
    with pytest.raises(TransientError) as caught:
        world.run(state, RECORD)
    written = when is When.AFTER
    assert (world.records.find_outcome(a_ref()) is not None) is written
    assert world.attempt().is_terminal is written
    world.run(state, RECORD)
    assert (len(world.records.ledger(a_ref())), len(world.bus.published)) == (4, 1)
    assert caught.value.error_code == "TRANSIENT_ERROR"


def test_an_outcome_that_cannot_be_read_beside_its_attempt_is_asked_for_again() -> None:
    """They are written together, so a reader that sees only one is looking at two points in time."""
    world = World()
    state = world.run(invoked(world), RECORD)
    vars(world.records)["_outcomes"] = {}
    with pytest.raises(TransientError) as caught:
        world.run(state, RECORD)
    assert "two points in time" in caught.value.message


def test_another_execution_may_not_record() -> None:
    """A stranger's result is not this intent's outcome (D22)."""
    world = World()
    state = invoked(world)
    with pytest.raises(OwnershipLost) as caught:
        world.run(state.model_copy(update={"execution_arn": OTHER_EXECUTION_ARN}), RECORD)
    assert world.attempt().status is AttemptStatus.DISPATCHED
    assert caught.value.error_code == "OWNERSHIP_LOST"


def test_an_intent_without_an_attempt_is_not_recorded() -> None:
    """There is nothing to settle, and somebody should know."""
    state = invoked(World())
    world = World()
    with pytest.raises(OwnershipLost) as caught:
        world.run(state, RECORD)
    assert world.records.find_outcome(a_ref()) is None
    assert "deleted its claim" in caught.value.message


def test_the_count_is_the_attempts_and_not_the_states() -> None:
    """Whatever a state says, the outcome counts the dispatches that were recorded (R17, D9)."""
    world = World()
    state = invoked(world)
    assert state.invocation is not None
    forged = state.model_copy(update={"invocation": state.invocation.model_copy(update={"attempt_count": 99})})
    world.run(forged, RECORD)
    assert world.outcome().attempt_count == 1


def test_the_tools_time_and_the_recording_time_are_kept_apart() -> None:
    """An outcome recorded late still says when the tool answered (R51, D59)."""
    world = World()
    state = world.ready()
    world.clock.advance(2)
    state = world.run(state, INVOKE)
    world.clock.advance(300)
    world.run(state, RECORD)
    assert (world.outcome().completed_at, world.outcome().recorded_at) == (later(2), later(302))


def test_an_execution_that_ends_after_a_wait_ended_when_it_ended() -> None:
    """The gateway asked to wait, then refused for good: completed is the end, not the wait (D59)."""
    world = World()
    state = world.ready()
    world.tools.fail_next(TransportPhase.HTTP_STATUS, http_status=429, retry_after_seconds=60)
    state = world.run(state, INVOKE)
    world.clock.advance(60)
    world.tools.fail_next(TransportPhase.HTTP_STATUS, http_status=403)
    with pytest.raises(PermanentError) as caught:
        world.run(state, INVOKE)
    world.run(after(state, caught.value), COMPENSATE, RECORD)
    assert world.outcome().completed_at == later(60)


def test_a_resend_refused_for_good_after_a_wait_leaves_the_doubt_of_the_first() -> None:
    """Sent in doubt, asked to wait, refused for good: nobody knows what exists, so nothing is "not needed" (D62)."""
    world = World()
    state = world.ready()
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD)
    world.tools.fail_next(TransportPhase.HTTP_STATUS, http_status=429, retry_after_seconds=60)
    state = world.invoked_after_retries(state, tries=2)
    world.clock.advance(60)
    world.tools.fail_next(TransportPhase.HTTP_STATUS, http_status=403)
    with pytest.raises(PermanentError) as caught:
        world.run(state, INVOKE)
    world.run(after(state, caught.value), COMPENSATE, RECORD)
    assert world.outcome().status is OutcomeStatus.UNKNOWN
    assert world.outcome().compensation_status is CompensationStatus.UNKNOWN


def test_the_error_that_brought_an_execution_here_is_its_outcomes_error() -> None:
    """Code, class and message of the caught error are recorded, not "Unknown error" (D31)."""
    world = World()
    state = world.ready()
    world.tools.fail_next(TransportPhase.HTTP_STATUS, http_status=403)
    with pytest.raises(PermanentError) as caught:
        world.run(state, INVOKE)
    world.run(after(state, caught.value), COMPENSATE, RECORD)
    outcome = world.outcome()
    assert (outcome.error_code, outcome.error_class) == ("AUTH_FAILED", "AUTH")
    assert outcome.error_message == caught.value.message


def test_a_claim_alone_is_settled_by_its_error() -> None:
    """Nothing was sent: FAILED with proof."""
    world = World()
    state = world.run(world.a_state(), START)
    world.run(after(state, PermanentError("stopped")), RECORD)
    assert world.outcome().status is OutcomeStatus.FAILED
