"""The contract's driver and the interpreter of the generated definition take identical paths, on every route."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from pydantic import JsonValue

from adapters.memory.tool_gateway import Effects
from domain.model.tool_mapping import ToolMapping
from ports.steps.contract import STEPS, Junction, StepName
from tests.builders import EXECUTION_ARN, a_ref
from tests.proof.simulation.driver import RUNNING, Execution
from tests.support.asl_interpreter import Run, Visit
from tests.support.faulty import Killed, When
from tests.support.stage import APPROVAL, FUNCTION_ARNS, SPOOL_QUEUE_URL, Stage
from tests.workflow.scenarios import SCENARIOS, a_partial_answer, halted, partial, plain

S = StepName


class DrivenStage(Stage):
    """The same stage, on which executions are driven from the contract."""

    def run(self, approval: JsonValue = APPROVAL, *, execution_arn: str = EXECUTION_ARN) -> Run:
        """Play one execution to its end."""
        execution = Execution(execution_arn, self.clock.now(), approval)
        while execution.status == RUNNING:
            execution = execution.advance(self)
        return Run(
            visits=[Visit(state) for state in execution.path],
            status=execution.status,
            error=execution.error,
            cause=execution.cause,
            variables=execution.variables,
            output=execution.output,
        )

    def now(self) -> datetime:
        """Return the time."""
        return self.clock.now()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def invoke(self, step: StepName, payload: Any) -> JsonValue:  # noqa: ANN401  JSON of any shape
        """Invoke a function through the same integration as the machine's task."""
        arguments = {"FunctionName": FUNCTION_ARNS[step], "Payload": payload}
        result: Any = self._task(step, "arn:aws:states:::lambda:invoke", arguments)
        section: JsonValue = result["Payload"]
        return section

    def spool(self, body: Any) -> None:  # noqa: ANN401  JSON of any shape
        """Put the state on the queue through the same integration as the machine's task."""
        arguments = {"QueueUrl": SPOOL_QUEUE_URL, "MessageBody": json.dumps(body)}
        self._task(Junction.SPOOL_OUTCOME, "arn:aws:states:::sqs:sendMessage", arguments)


def _story(stage: Stage, run: Run) -> dict[str, Any]:
    """Everything of a run that somebody can see."""
    sections = {name: value for name, value in run.variables.items() if value is not None}
    return {
        "path": run.path,
        "end": (run.status, run.error, run.cause, run.output),
        "payloads": stage.received,
        "spooled": stage.spooled,
        "sections": sections,
        "clock": stage.clock.now(),
        "ledger": [entry.entry_hash for entry in stage.journal.ledger(a_ref())],
        "outcome": stage.journal.find_outcome(a_ref()),
    }


def _assert_same(plan: Callable[[Stage], Run], mapping: Callable[[], ToolMapping] | None = None) -> None:
    told = []
    for kind in (Stage, DrivenStage):
        stage = kind(mapping() if mapping else None)
        told.append(_story(stage, plan(stage)))
    assert told[0] == told[1]


@pytest.mark.parametrize("name", SCENARIOS)
def test_both_take_the_same_path_on_every_route(name: str) -> None:
    """States, payloads, waits, variables, end, and every record: the routes of all edges of the machine."""
    _assert_same(SCENARIOS[name].play, SCENARIOS[name].mapping)


_ROUTES = {**dict.fromkeys(STEPS, plain), S.COMPENSATE_ACTION: partial, S.RECORD_FAILURE: halted}


@pytest.mark.parametrize("after_the_work", [False, True], ids=["not begun", "reply lost"])
@pytest.mark.parametrize(
    "error", ["Runtime.ExitError", "TransientError", "Lambda.TooManyRequestsException", "Nonsense"]
)
@pytest.mark.parametrize("times", [1, 3, 99])
@pytest.mark.parametrize("step", STEPS)
def test_both_retry_and_catch_alike(step: StepName, times: int, error: str, after_the_work: bool) -> None:  # noqa: FBT001  a parameter of the table
    """Retriers, their counts and waits, and catchers, where a function fails once, a few times, or always."""

    def scene(stage: Stage) -> Run:
        stage.break_function(step, error, times=times, after_the_work=after_the_work)
        return _ROUTES[step](stage)

    _assert_same(scene)


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("port, method", [("journal", "dispatch"), ("gateway", "send"), ("journal", "advance")])
@pytest.mark.parametrize("step", [S.INVOKE_TOOL, S.COMPENSATE_ACTION])
def test_both_go_on_alike_after_a_crash(step: StepName, port: str, method: str, when: When) -> None:
    """Where a process dies within a step."""

    def scene(stage: Stage) -> Run:
        if step is S.COMPENSATE_ACTION:
            stage.gateway.answer_next(a_partial_answer(), effects=Effects.WRITTEN)
        stage.port(step, port).fail(method, Killed(), when=when)
        return stage.run()

    _assert_same(scene)
