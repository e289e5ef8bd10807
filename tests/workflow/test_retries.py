"""What is tried again, how often, and what the last failure leads to, for every step and every error name."""

import pytest

from adapters.memory.tools import EffectKind
from domain.model.errors import TransientError
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.model.tool_call import TransportPhase
from ports.steps.contract import STEPS, Junction, StepName
from ports.steps.retries import LOST_REPLY_RETRY, SERVICE_RETRY, TRANSIENT_RETRY, RetryRule
from tests.support.stage import FOR_EVER, Stage
from tests.workflow.agreement import ended_as_recorded, nothing_recorded, spooled_once
from tests.workflow.scenarios import SCENARIOS, halted, partial, plain

S = StepName
ROUTE_OF = {
    **dict.fromkeys(STEPS, plain),
    S.COMPENSATE_ACTION: partial,
    S.RECORD_FAILURE: halted,
}
"""A scenario that enters the step."""

A_READ_OF = {
    S.START_EXECUTION: ("journal", "claim"),
    S.VALIDATE_PREFLIGHT: ("kill_switches", "find"),
    S.MAP_ACTION_TO_TOOL: ("registry", "find"),
    S.INVOKE_TOOL: ("journal", "dispatch"),
    S.COMPENSATE_ACTION: ("registry", "find"),
    S.RECORD_OUTCOME: ("journal", "settle"),
    S.RECORD_FAILURE: ("journal", "settle"),
}
"""One call of each step that its function makes through a port."""

RETRIED = [(step, error) for step, spec in STEPS.items() for rule in spec.retries for error in rule.errors]
DOWN = TransientError("the store is down")


def _usual_end(step: StepName) -> Junction:
    return Junction.SUCCEEDED if ROUTE_OF[step] is plain else Junction.EXECUTION_FAILED


@pytest.mark.parametrize("step, error", RETRIED)
def test_a_passing_failure_of_a_step_changes_nothing_but_time(step: StepName, error: str) -> None:
    """Each retried error name, raised once, is followed by the same execution as without it (R86, D12)."""
    stage = Stage()
    stage.break_function(step, error, times=1)
    run = ROUTE_OF[step](stage)
    assert run.tries(step) == [2]
    assert run.terminal == _usual_end(step)
    ended_as_recorded(stage, run)


@pytest.mark.parametrize("step", STEPS)
def test_a_transient_error_of_a_real_handler_is_tried_three_times_more(step: StepName) -> None:
    """A store that is back at the fourth try costs nothing; the waits double from 2 s (R86, D5)."""
    stage = Stage()
    stage.port(step, A_READ_OF[step][0]).fail(A_READ_OF[step][1], DOWN, times=3)
    run = ROUTE_OF[step](stage)
    visit = next(visit for visit in run.visits if visit.state == step)
    assert (visit.tries, visit.errors, visit.waits_seconds) == (4, ["TransientError"] * 3, [2, 4, 8])
    assert run.terminal == _usual_end(step)
    ended_as_recorded(stage, run)


@pytest.mark.parametrize("step", STEPS)
def test_a_store_that_stays_down_ends_the_step_after_four_tries(step: StepName) -> None:
    """The fourth failure takes the step's own route out, and what is recorded then is true (R86, D5, D12)."""
    stage = Stage()
    stage.port(step, A_READ_OF[step][0]).fail(A_READ_OF[step][1], DOWN, times=FOR_EVER)
    run = ROUTE_OF[step](stage)
    assert run.tries(step) == [4]
    created = [effect.kind for effect in stage.gateway.effects].count(EffectKind.CREATED)
    match step:
        case S.START_EXECUTION:
            assert (run.terminal, run.error) == (Junction.EXECUTION_FAILED, "TRANSIENT_ERROR")
            nothing_recorded(stage)
            assert created == 0
        case S.VALIDATE_PREFLIGHT | S.MAP_ACTION_TO_TOOL | S.INVOKE_TOOL:
            outcome = ended_as_recorded(stage, run)
            assert (outcome.status, outcome.error_code) == (OutcomeStatus.FAILED, "TRANSIENT_ERROR")
            assert created == 0
        case S.COMPENSATE_ACTION:
            outcome = ended_as_recorded(stage, run)
            assert (outcome.status, outcome.compensation_status) == (OutcomeStatus.UNKNOWN, CompensationStatus.FAILED)
            assert len(stage.gateway.objects) == 1
        case _:
            spooled_once(stage, run)
            nothing_recorded(stage)


@pytest.mark.parametrize(
    "rule, expected",
    [(TRANSIENT_RETRY, [2, 4, 8]), (LOST_REPLY_RETRY, [2, 4]), (SERVICE_RETRY, [2, 4, 8, 16, 30, 30])],
    ids=["transient", "lost reply", "service"],
)
def test_no_pause_between_tries_is_longer_than_its_maximum(rule: RetryRule, expected: list[int]) -> None:
    """The back-off doubles and is cut at MaxDelaySeconds (D15)."""
    stage = Stage()
    assert rule in STEPS[S.MAP_ACTION_TO_TOOL].retries
    stage.break_function(S.MAP_ACTION_TO_TOOL, rule.errors[0])
    run = stage.run()
    visit = next(visit for visit in run.visits if visit.state == S.MAP_ACTION_TO_TOOL)
    assert visit.waits_seconds == expected


def test_each_kind_of_failure_has_its_own_tries() -> None:
    """A throttled service does not use up the tries of a store that is down."""
    stage = Stage()
    stage.break_function(S.INVOKE_TOOL, "Lambda.TooManyRequestsException", times=6)
    stage.port(S.INVOKE_TOOL, "journal").fail("dispatch", DOWN, times=3)
    run = stage.run()
    assert (run.tries(S.INVOKE_TOOL), run.terminal) == ([10], Junction.SUCCEEDED)
    assert len(stage.gateway.sends) == 1


def test_a_gateway_that_is_down_is_called_once_per_try() -> None:
    """Four sends, one per run of the function, and the attempt counts each of them (R86, D9, D24)."""
    stage = Stage()
    stage.gateway.fail_next(TransportPhase.CONNECT, times=FOR_EVER)
    run = stage.run()
    outcome = ended_as_recorded(stage, run)
    assert (outcome.status, outcome.attempt_count, len(stage.gateway.sends)) == (OutcomeStatus.FAILED, 4, 4)
    assert len({call.idempotency_key for call in stage.gateway.sends}) == 1
    assert stage.gateway.effects == []


@pytest.mark.parametrize("name", ["forbidden", "refused", "halted tool", "missing mapping"])
def test_what_cannot_get_better_is_not_tried_again(name: str) -> None:
    """Permanent errors and typed refusals leave their step after one try."""
    run = SCENARIOS[name].play(Stage())
    assert all(visit.tries <= 1 for visit in run.visits)


@pytest.mark.parametrize("step", STEPS)
def test_a_hanging_function_is_cut_off_by_its_task(step: StepName) -> None:
    """A function that hangs on every try ends as States.Timeout in its own step, not after the machine's hour (D15)."""
    stage = Stage()
    stage.break_function(step, "States.Timeout")
    run = ROUTE_OF[step](stage)
    visit = next(visit for visit in run.visits if visit.state == step)
    assert visit.errors == ["States.Timeout"] * 3
    assert run.status == "FAILED"
