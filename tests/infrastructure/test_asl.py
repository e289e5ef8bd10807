"""The generated state machine: its form, its numbers, and every route with values really flowing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from jsonata import Jsonata
from moto import mock_aws

from infrastructure.asl import Wiring, definition
from infrastructure.asl_lint import expressions, findings
from ports.steps.contract import (
    INVOCATION_ROUTING,
    MACHINE_TIMEOUT_SECONDS,
    OUTCOME_ROUTING,
    SECTIONS,
    STEPS,
    StepName,
)
from ports.steps.state import MAX_STATE_BYTES, ExecutionState
from tests.infrastructure.machine import EXECUTION, Json, Raised, Run, execute
from tests.infrastructure.sections import SECTIONS as SAMPLE

WIRING = Wiring(
    {step: f"arn:aws:lambda:us-west-2:123456789012:function:{spec.component}:live" for step, spec in STEPS.items()},
    "https://sqs.us-west-2.amazonaws.com/123456789012/outcome-spool",
)
MACHINE: dict[str, Any] = definition(WIRING)
STATES = MACHINE["States"]
LAMBDA_TASKS = {name: state for name, state in STATES.items() if state.get("Resource", "").endswith("lambda:invoke")}
# statelint 3.1.0 takes Seconds for an integer only; in JSONata it may be an expression (Amazon States Language
# specification, "Wait State").
KNOWN_FALSE_ALARM = (
    'State Machine.States.WaitForTool.Seconds is "{% $invocation.retry_after_seconds %}" but should be an Integer'
)


def run(*, status: str = "SUCCEEDED", outcome: str = "SUCCEEDED", **failures: str | list[str | None]) -> Run:
    """Execute the machine: each step answers with its sample section, or fails under the given error name."""
    statuses = iter([status] if status != "DEFERRED" else ["DEFERRED", "SUCCEEDED"])

    def answer(name: str, _request: Json) -> Json:
        failure = failures.get(name)
        if isinstance(failure, str):
            raise Raised(failure)
        if name == "SpoolOutcome":
            return {"MessageId": "m-1"}
        section = dict(SAMPLE[STEPS[StepName(name)].section])
        if name == "InvokeTool":
            section["status"] = next(statuses)
        if STEPS[StepName(name)].section == "outcome":
            section["status"] = outcome
        return {"StatusCode": 200, "Payload": section, "ExecutedVersion": "7"}

    return execute(MACHINE, answer)


def test_the_seven_steps_start_with_the_claim() -> None:
    """R80, R81: seven named tasks, one comment, seven days, StartExecution first."""
    assert sorted(LAMBDA_TASKS) == sorted(step.value for step in StepName)
    assert MACHINE["StartAt"] == "StartExecution"
    assert MACHINE["Comment"] == "Action Intent Execution Orchestrator"
    assert MACHINE["TimeoutSeconds"] == MACHINE_TIMEOUT_SECONDS == 7 * 86_400


def test_a_success_takes_the_straight_road() -> None:
    """R82: Start, Validate, Map, Invoke, RecordOutcome, and the machine's output is the outcome."""
    found = run()

    assert found.visited == [
        *("StartExecution", "ValidatePreflight", "MapActionToTool", "InvokeTool"),
        *("CheckInvocation", "RecordOutcome", "CheckOutcome", "Succeeded"),
    ]
    assert found.output == SAMPLE["outcome"]


@pytest.mark.parametrize("status, target", [(key, value.value) for key, value in INVOCATION_ROUTING.routes.items()])
def test_every_invocation_status_has_its_route(status: str, target: str) -> None:
    """D7: what follows a call is decided by what is known of it, not by an HTTP class."""
    visited = run(status=status).visited

    assert visited[visited.index("CheckInvocation") + 1] == target


def test_a_deferred_call_is_entered_again() -> None:
    """D24: waiting is done by Step Functions, and the step is then asked again."""
    visited = run(status="DEFERRED").visited

    assert visited.count("InvokeTool") == 2
    assert visited[visited.index("WaitForTool") + 1] == "InvokeTool"


@pytest.mark.parametrize("status, target", [(key, value.value) for key, value in OUTCOME_ROUTING.routes.items()])
def test_every_outcome_ends_the_execution_as_it_is(status: str, target: str) -> None:
    """D13: only a success ends as Succeeded; alarms and redrive see everything else."""
    found = run(outcome=status)

    assert found.visited[-1] == target
    assert found.error == (None if target == "Succeeded" else SAMPLE["outcome"]["error_code"])


def test_an_unforeseen_outcome_status_fails_visibly() -> None:
    """A status that nobody routed is no success."""
    assert run(outcome="SOMETHING_NEW").visited[-1] == "ExecutionFailed"


@pytest.mark.parametrize("step", ["StartExecution", "ValidatePreflight", "MapActionToTool", "InvokeTool"])
def test_any_failure_before_recording_is_recorded(step: str) -> None:
    """R85, D10: every early failure reaches RecordFailure, which gets the error and whatever sections exist."""
    found = run(**{step: "InvalidParameters"}, outcome="FAILED")

    assert found.visited[-3:] == ["RecordFailure", "CheckOutcome", "ExecutionFailed"]
    request = dict(found.requests)["RecordFailure"]["Payload"]
    assert request["error"]["Error"] == "InvalidParameters"
    assert ExecutionState.model_validate(request).error is not None


def test_a_permanent_error_of_the_call_is_compensated() -> None:
    """R87, D4, D8: InvokeTool's PermanentError goes to CompensateAction with ids kept, then to RecordOutcome."""
    found = run(InvokeTool="PermanentError", outcome="FAILED")

    assert found.visited[3:7] == ["InvokeTool", "CompensateAction", "RecordOutcome", "CheckOutcome"]
    request = ExecutionState.model_validate(dict(found.requests)["CompensateAction"]["Payload"])
    assert request.error is not None
    assert request.invocation is None
    assert request.intent_ref.tenant_id == "t-1"


def test_a_failed_compensation_is_still_recorded() -> None:
    """D61: an error of the compensation reaches the recorder instead of vanishing."""
    found = run(status="PARTIAL", CompensateAction="TransientError", outcome="FAILED")

    request = dict(found.requests)["RecordOutcome"]["Payload"]
    assert request["error"]["Error"] == "TransientError"
    assert request["compensation"] is None


def test_a_duplicate_ends_quietly_and_records_nothing() -> None:
    """D21: a second approval of the same intent succeeds as a duplicate and never reaches a recorder."""
    found = run(StartExecution="DuplicateExecution")

    assert found.visited == ["StartExecution", "DuplicateSuppressed"]
    assert found.output == {"status": "DUPLICATE_SUPPRESSED"}


@pytest.mark.parametrize("step", ["RecordOutcome", "RecordFailure"])
def test_an_outcome_that_cannot_be_recorded_is_spooled(step: str) -> None:
    """D12: the last resort sends one whole ExecutionState document to the queue, then fails the execution."""
    early = {"MapActionToTool": "ToolMappingNotFound"} if step == "RecordFailure" else {}
    found = run(**early, **{step: "TransientError"})

    assert found.visited[-3:] == [step, "SpoolOutcome", "RecordingFailed"]
    assert found.error == "RecordingFailed"
    message = dict(found.requests)["SpoolOutcome"]
    assert message["QueueUrl"] == WIRING.spool_queue_url
    state = ExecutionState.model_validate_json(message["MessageBody"])
    assert state.error is not None
    assert state.error.Error == "TransientError"
    assert state.intent_ref.action_intent_id == "i-1"


def test_a_lost_spool_still_ends_as_a_failure() -> None:
    """When even the queue is away, the execution fails under the same name and its history keeps the state."""
    assert run(RecordOutcome="TransientError", SpoolOutcome="States.Timeout").error == "RecordingFailed"


@pytest.mark.parametrize("step", list(StepName))
def test_every_route_into_a_step_gives_it_what_it_requires(step: StepName) -> None:
    """D3, D11, D14: whatever the road, the payload is a valid ExecutionState with every required section."""
    roads = [
        run(),
        run(status="DEFERRED"),
        run(status="PARTIAL"),
        run(status="UNKNOWN", outcome="UNKNOWN"),
        *(run(**{name.value: "Lambda.Unknown"}, outcome="FAILED") for name in StepName),
        run(InvokeTool="PermanentError", CompensateAction="TransientError", outcome="FAILED"),
    ]
    states = [request["Payload"] for road in roads for name, request in road.requests if name == step.value]

    assert states
    for payload in states:
        state = ExecutionState.model_validate(payload)
        assert state.execution_arn == EXECUTION["Id"]
        assert state.approval == EXECUTION["Input"]
        assert [name for name in STEPS[step].requires if getattr(state, name) is None] == []
        assert len(json.dumps(payload)) < MAX_STATE_BYTES


@pytest.mark.parametrize("name", sorted(LAMBDA_TASKS))
def test_a_step_selects_its_section_from_the_envelope(name: str) -> None:
    """D2, D3: the one variable assigned is the Lambda payload, and nothing else is passed on."""
    state = LAMBDA_TASKS[name]
    section = STEPS[StepName(name)].section

    assert state["Assign"][section] == "{% $states.result.Payload %}"
    assert {key for key, value in state["Assign"].items() if value is not None} == {section}
    assert not {"ResultPath", "ResultSelector", "Parameters", "OutputPath"} & state.keys()


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if state["Type"] == "Task"])
def test_a_task_passes_nothing_on(name: str) -> None:
    """Variables carry everything; an input passed on would copy all that a publisher sent into every history entry."""
    state = STATES[name]

    assert [state["Output"], *(rule["Output"] for rule in state["Catch"])] == [{}] * (1 + len(state["Catch"]))
    assert "$states.input" not in json.dumps(MACHINE)


def test_a_lost_recording_says_what_to_restore() -> None:
    """D12: the store or the bus may be the reason, and the state to work off is on the queue."""
    assert STATES["RecordingFailed"]["Cause"] == (
        "The outcome could not be recorded, or its signal not published. The whole state is on the outcome spool "
        "queue; restore the store or the bus, then work off that queue."
    )


def test_only_the_first_step_initialises_and_it_does_so_on_every_road() -> None:
    """An undefined variable is an error in JSONata, so all of them exist after the first state, failed or not."""
    everything = {*SECTIONS, "error"}
    first = STATES["StartExecution"]

    assert set(first["Assign"]) == everything
    assert all(set(rule["Assign"]) == everything for rule in first["Catch"])


@pytest.mark.parametrize("name", sorted(LAMBDA_TASKS))
def test_a_task_runs_the_alias_and_is_timed_retried_and_caught(name: str) -> None:
    """D12, D15, D16: alias ARN, a task timeout above the function's, full jitter with a cap, catches from the table."""
    state, spec = LAMBDA_TASKS[name], STEPS[StepName(name)]

    assert state["Arguments"]["FunctionName"].endswith(f":function:{spec.component}:live")
    assert spec.function_timeout_seconds < state["TimeoutSeconds"] < MACHINE_TIMEOUT_SECONDS
    assert [rule["ErrorEquals"] for rule in state["Retry"]] == [list(rule.errors) for rule in spec.retries]
    assert all(rule["JitterStrategy"] == "FULL" and rule["MaxDelaySeconds"] > 0 for rule in state["Retry"])
    assert [(rule["ErrorEquals"], rule["Next"]) for rule in state["Catch"]] == [
        (list(rule.errors), rule.target.value) for rule in spec.catches
    ]


def test_a_transient_error_is_retried_as_planned() -> None:
    """R86: after 2 s, three times, doubling; and the retrier that AWS recommends for Lambda stands beside it."""
    retriers = {rule["ErrorEquals"][0]: rule for rule in STATES["InvokeTool"]["Retry"]}

    transient = retriers["TransientError"]
    assert (transient["IntervalSeconds"], transient["MaxAttempts"], transient["BackoffRate"]) == (2, 3, 2.0)
    assert "Lambda.TooManyRequestsException" in retriers["Lambda.ClientExecutionTimeoutException"]["ErrorEquals"]


def test_no_token_or_argument_travels_through_the_state() -> None:
    """D51: the payloads name references only; nothing called a token, an argument or a URL of the gateway."""
    text = json.dumps([state["Arguments"]["Payload"] for state in LAMBDA_TASKS.values()])

    assert not [word for word in ("jwt", "token", "gateway_url", "tool_arguments") if word in text]


def test_the_partition_follows_the_region() -> None:
    """A machine in China or GovCloud calls the integrations of its own partition."""
    elsewhere = definition(Wiring(WIRING.function_arns, WIRING.spool_queue_url, "aws-cn"))

    assert '"arn:aws:states' not in json.dumps(elsewhere)


def test_our_own_lint_finds_nothing() -> None:
    """Every name, route, timeout and error name of the generated machine is in order."""
    assert findings(MACHINE) == []


def test_every_expression_parses_as_jsonata() -> None:
    """A malformed expression would be refused only at deployment."""
    found = list(expressions(MACHINE))

    assert len(found) > 40
    assert all(Jsonata(text) for text in found)


def test_statelint_finds_nothing_but_its_own_mistake(tmp_path: Path) -> None:
    """Fields, reachability and terminal states hold by the published linter, too."""
    file = tmp_path / "machine.asl.json"
    file.write_text(json.dumps(MACHINE), encoding="utf-8")

    linted = subprocess.run([sys.executable, "-m", "statelint", str(file)], capture_output=True, text=True, check=False)

    assert [line.strip() for line in linted.stdout.splitlines()] == ["One error:", KNOWN_FALSE_ALARM]


@mock_aws(config={"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}})
def test_an_independent_parser_accepts_the_machine() -> None:
    """The grammar of another implementation creates the machine, integration names included."""
    created = boto3.client("stepfunctions", region_name="us-west-2").create_state_machine(
        name="orchestrator",
        definition=json.dumps(MACHINE),
        roleArn="arn:aws:iam::123456789012:role/orchestrator",
    )

    assert created["stateMachineArn"].endswith(":stateMachine:orchestrator")
