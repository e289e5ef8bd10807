"""A spooled state is recorded as its execution would have recorded it, once, and never against what is known."""

import pytest

from domain.model.errors import OwnershipLost, TransientError
from domain.model.execution_status import ExecutionStatus
from domain.model.outcome import OutcomeStatus, ResolutionMethod
from domain.policies.audit import findings
from domain.use_cases.recording import Recording
from domain.use_cases.settle_spooled import SettleSpooled
from ports.steps.state import ExecutionState, OutcomeSection
from tests.builders import EXECUTION_ARN, OTHER_EXECUTION_ARN, a_ref, an_unsafe_mapping
from tests.domain.use_cases.world import BEFORE_INVOKE, INVOKE, RECORD, World
from tests.support.faulty import When

DOWN = TransientError("the store is down")


def settled(world: World, state: ExecutionState) -> OutcomeSection:
    """Work one spooled state off."""
    return SettleSpooled(world.journal, Recording(world.journal, world.publisher, world.clock))(state)


def spooled(world: World) -> ExecutionState:
    """The state of an execution whose action is done and whose outcome could not be written."""
    state = world.run(world.ready(), INVOKE)
    world.journal.fail("settle", DOWN)
    with pytest.raises(TransientError):
        world.run(state, RECORD)
    return state


def test_a_spooled_state_is_settled_and_told() -> None:
    """As soon as the store is back (D12)."""
    world = World()
    section = settled(world, spooled(world))
    assert (section.recorded, section.status) == (True, OutcomeStatus.SUCCEEDED)
    assert len(world.bus.published) == 1
    assert findings(world.attempt(), world.outcome(), world.records.ledger(a_ref())) == ()


def test_settling_it_again_changes_nothing() -> None:
    """A queue delivers at least once."""
    world = World()
    state = spooled(world)
    settled(world, state)
    before = world.everything()
    assert settled(world, state).status is OutcomeStatus.SUCCEEDED
    assert world.everything() == before


def test_where_the_reconciler_was_first_its_record_stands() -> None:
    """It had the same answer, kept on the attempt."""
    world = World()
    state = spooled(world)
    world.workflow.set_status(EXECUTION_ARN, ExecutionStatus.FAILED)
    world.reconcile()(a_ref(), seconds_left=55.0)
    before = world.everything()
    assert settled(world, state).status is OutcomeStatus.SUCCEEDED
    assert world.everything() == before


def test_an_answer_that_only_the_state_holds_resolves_what_was_recorded_as_unknown() -> None:
    """The attempt could not keep it, the reconciler could not know it; the spool can prove it."""
    world = World(mapping=an_unsafe_mapping())
    ready = world.ready()
    world.journal.fail("advance", DOWN)
    state = world.run(ready, INVOKE)
    world.workflow.set_status(EXECUTION_ARN, ExecutionStatus.FAILED)
    world.clock.advance(61)
    world.reconcile()(a_ref(), seconds_left=55.0)
    assert world.outcome().status is OutcomeStatus.UNKNOWN
    assert settled(world, state).status is OutcomeStatus.SUCCEEDED
    resolution = world.outcome().resolution
    assert resolution is not None
    assert resolution.method is ResolutionMethod.ANSWER
    assert "gateway_invocation_" in resolution.evidence
    assert findings(world.attempt(), world.outcome(), world.records.ledger(a_ref())) == ()


def test_a_state_of_another_execution_or_of_no_claim_is_refused() -> None:
    """Nothing is recorded on the word of a state that does not own the intent."""
    world = World()
    state = spooled(world)
    before = world.everything()
    with pytest.raises(OwnershipLost, match="does not belong"):
        settled(world, state.model_copy(update={"execution_arn": OTHER_EXECUTION_ARN}))
    assert world.everything() == before
    with pytest.raises(OwnershipLost):
        settled(World(), state)


def test_while_the_reconciler_is_at_work_the_state_has_to_wait() -> None:
    """It holds the fence and has not settled yet; the message comes again later."""
    world = World()
    state = spooled(world)
    standing = world.attempt()
    following, entry = standing.taken_over(
        by="reconciler", run="run-1", execution_status="FAILED", now=world.clock.now()
    )
    world.records.advance(standing, following, entry)
    with pytest.raises(TransientError, match="being settled by the reconciler"):
        settled(world, state)


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize(
    "port, method", [("journal", "settle"), ("publisher", "publish"), ("journal", "mark_published")]
)
def test_a_failure_while_settling_is_made_good_by_the_next_delivery(port: str, method: str, when: When) -> None:
    """One outcome, one signal id, whatever was lost in between."""
    world = World()
    state = spooled(world)
    getattr(world, port).fail(method, DOWN, when=when)
    with pytest.raises(TransientError):
        settled(world, state)
    assert settled(world, state).status is OutcomeStatus.SUCCEEDED
    assert len({signal.signal_id for signal in world.bus.published}) == 1


def test_an_action_that_never_was_sent_is_settled_as_its_error_says() -> None:
    """The state carries the error that ended it."""
    world = World()
    state = world.run(world.a_state(), *BEFORE_INVOKE)
    error = {"Error": "ExecutionHalted", "Cause": "EXECUTION_HALTED: stopped by an operator"}
    section = settled(world, ExecutionState.model_validate({**state.model_dump(), "error": error}))
    assert (section.status, section.error_code) == (OutcomeStatus.CANCELLED, "EXECUTION_HALTED")
