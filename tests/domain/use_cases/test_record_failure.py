"""RecordFailure settles what this execution owns by what the attempt knows, and touches nothing else."""

import pytest

from adapters.memory.tool_gateway import Effects
from domain.model.errors import (
    ConfigurationError,
    DuplicateExecution,
    ExecutionHalted,
    IntentNotApproved,
    IntentNotFound,
    InvalidEvent,
    OwnershipLost,
    PermanentError,
    TransientError,
)
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.model.tool_call import TransportPhase
from ports.steps.state import CaughtError, ExecutionState, OutcomeSection
from tests.builders import OTHER_EXECUTION_ARN, a_ref
from tests.domain.use_cases.world import BEFORE_INVOKE, FAIL, INVOKE, START, World, after
from tests.support.faulty import Killed, When


def recorded(world: World, state: ExecutionState) -> OutcomeSection:
    """Run the step and return its section."""
    section = world.run(state, FAIL).outcome
    if section is None:
        raise LookupError("no section")
    return section


@pytest.mark.parametrize("error", [IntentNotFound("no"), IntentNotApproved("no"), TransientError("no")])
def test_without_a_claim_nothing_is_recorded(error: Exception) -> None:
    """No attempt, no outcome, no signal: the failed execution itself is the visible record (D21)."""
    world = World()
    empty = world.everything()
    section = recorded(world, after(world.a_state(), error))
    assert (section.recorded, section.status, section.signal_id) == (False, OutcomeStatus.FAILED, None)
    assert world.everything() == empty


def test_an_illegal_event_is_answered_without_reading_anything() -> None:
    """Its ids cannot name anything, so no store is asked."""
    world = World()
    state = world.a_state().model_copy(update={"approval": {"tenant_id": "a#b"}})
    section = recorded(world, after(state, InvalidEvent("tenant_id is illegal")))
    assert (section.recorded, section.error_code) == (False, "INVALID_EVENT")
    assert world.journal.calls == []


@pytest.mark.parametrize("error", [DuplicateExecution("no"), PermanentError("no"), ExecutionHalted("no")])
def test_another_executions_attempt_is_never_settled(error: Exception) -> None:
    """A duplicate must not write FAILED for an action that is running or done (D21)."""
    world = World()
    world.run(world.a_state(), *BEFORE_INVOKE)
    standing = world.everything()
    section = recorded(world, after(world.a_state(owner=OTHER_EXECUTION_ARN), error))
    assert section.recorded is False
    assert world.everything() == standing


def test_an_execution_that_failed_before_any_send_is_failed() -> None:
    """With its claim, its error and no effect (R56, D10)."""
    world = World()
    state = world.run(world.a_state(), *BEFORE_INVOKE)
    section = recorded(world, after(state, ConfigurationError("a setting is missing")))
    outcome = world.outcome()
    assert (section.recorded, section.status, section.error_code) == (True, OutcomeStatus.FAILED, "CONFIGURATION_ERROR")
    assert (outcome.attempt_count, outcome.compensation_status) == (0, CompensationStatus.NOT_NEEDED)
    assert outcome.error_message == "a setting is missing"
    assert len(world.bus.published) == 1


@pytest.mark.parametrize("name", ["States.Timeout", "Lambda.Unknown", "TransientError", "ExecutionHalted", "KeyError"])
def test_an_execution_that_failed_with_a_call_in_doubt_is_unknown(name: str) -> None:
    """The error's name decides nothing about the effect (D25)."""
    world = World()
    state = world.ready()
    world.gateway.fail("send", Killed(), when=When.AFTER)
    with pytest.raises(Killed):
        world.run(state, INVOKE)
    section = recorded(world, state.model_copy(update={"error": CaughtError(Error=name, Cause="stopped")}))
    assert section.status is OutcomeStatus.UNKNOWN
    assert world.outcome().attempt_count == 1


def test_a_transient_error_that_outlasted_its_retries_is_unknown_though_the_effect_exists() -> None:
    """Four 503 with the write behind them: nobody may call it failed (D11, D25)."""
    world = World()
    state = world.ready()
    world.tools.fail_next(TransportPhase.HTTP_STATUS, times=4, effects=Effects.WRITTEN, http_status=503)
    with pytest.raises(TransientError) as caught:
        world.invoked_after_retries(state, tries=4)
    section = recorded(world, after(state, caught.value))
    assert (section.status, section.error_code) == (OutcomeStatus.UNKNOWN, "DOWNSTREAM_ERROR")
    assert (world.created, world.outcome().attempt_count) == (1, 4)


def test_an_answer_on_the_attempt_is_worth_more_than_the_error_after_it() -> None:
    """The function died after the answer was kept: the action succeeded (D10)."""
    world = World()
    state = world.ready()
    world.external_writes.fail("record", ConfigurationError("denied"))
    with pytest.raises(ConfigurationError) as caught:
        world.run(state, INVOKE)
    section = recorded(world, after(state, caught.value))
    assert section.status is OutcomeStatus.SUCCEEDED
    assert len(world.outcome().external_object_refs) == 1


def test_a_store_that_is_down_leaves_the_failure_to_the_next_try() -> None:
    """Nothing is half recorded."""
    world = World()
    state = after(world.run(world.a_state(), START), PermanentError("stopped"))
    world.journal.fail("settle", TransientError("the store did not answer"))
    with pytest.raises(TransientError) as caught:
        world.run(state, FAIL)
    assert world.records.find_outcome(a_ref()) is None
    assert recorded(world, state).status is OutcomeStatus.FAILED
    assert caught.value.error_code == "TRANSIENT_ERROR"


def test_what_stopped_the_execution_is_recorded_without_its_secrets() -> None:
    """A cause may quote anything (D84)."""
    world = World()
    state = world.run(world.a_state(), START)
    error = CaughtError(Error="KeyError", Cause='{"errorMessage": "client_secret=hunter2", "errorType": "KeyError"}')
    recorded(world, state.model_copy(update={"error": error}))
    assert "hunter2" not in world.everything()


def test_an_execution_whose_claim_has_gone_says_that_nothing_is_known() -> None:
    """Somebody deleted the attempt while a call was out: FAILED would claim that nothing was done."""
    world = World()
    sent = world.run(world.ready(), INVOKE)
    forgotten = World()
    state = forgotten.run(after(sent, OwnershipLost("the attempt has gone")), FAIL)
    assert state.outcome is not None
    assert (state.outcome.recorded, state.outcome.status) == (False, OutcomeStatus.UNKNOWN)
    assert state.outcome.compensation_status is CompensationStatus.UNKNOWN
