"""From the invoker through the gateway to the tool, on the deployed functions, one step at a time (R95)."""

import json
import time
from typing import Any

import pytest

from adapters.mcp.endpoint import build_http_client
from domain.model.intent import ActionIntent
from local.stack import LocalStack
from local.tool_server.faults import Fault, FaultKind
from ports.steps.contract import STEPS, StepName
from ports.steps.state import MAX_STATE_BYTES
from tests.builders import a_mapping, an_intent
from tests.integration.journey import Journey

MAPPING = a_mapping(action_type="INVOKE", parameters=[{"parameter": "title", "argument": "title", "required": True}])


class Steps:
    """The deployed functions, called one by one with the sections of those before."""

    def __init__(self, stack: LocalStack, intent: ActionIntent) -> None:
        self._lambda = stack.info.client("lambda")
        self._names = stack.info.functions
        executions = stack.info.state_machine_arn.replace(":stateMachine:", ":execution:")
        self.state: dict[str, Any] = {
            "execution_arn": f"{executions}:{intent.action_intent_id}",
            "started_at": "2026-11-23T10:00:00.000Z",
            "approval": intent.ref.model_dump(),
        }

    def run(self, step: StepName) -> dict[str, Any]:
        """Invoke the step's function through its alias and keep its section."""
        spec = STEPS[step]
        answer = self._lambda.invoke(
            FunctionName=self._names[step.value],
            Qualifier="live",
            Payload=json.dumps(
                {key: value for key, value in self.state.items() if key not in _SECTIONS - set(spec.inputs)}
            ),
        )
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        self.state[spec.section] = payload
        assert len(json.dumps(self.state)) < MAX_STATE_BYTES
        return payload


_SECTIONS = {spec.section for spec in STEPS.values()}
BEFORE_THE_CALL = (StepName.START_EXECUTION, StepName.VALIDATE_PREFLIGHT, StepName.MAP_ACTION_TO_TOOL)


@pytest.fixture(scope="module")
def journey(stack: LocalStack) -> Journey:
    """Hands on the stack."""
    return Journey.on(stack)


def _ready(stack: LocalStack, journey: Journey, name: str) -> tuple[Steps, ActionIntent]:
    intent = an_intent(
        action_intent_id=f"invoke-{name}",
        action_type="INVOKE",
        parameters={"title": "Call back"},
        expires_at_epoch=int(time.time()) + 3_600,
    )
    journey.seed(intent, MAPPING)
    steps = Steps(stack, intent)
    for step in BEFORE_THE_CALL:
        steps.run(step)
    return steps, intent


def test_the_invoker_reaches_the_tool_and_both_sides_logs_join(stack: LocalStack, journey: Journey) -> None:
    """The tool's own log holds the run ref and the key that the invoker's section and the mapping name (D39)."""
    steps, intent = _ready(stack, journey, "joins")
    section = steps.run(StepName.INVOKE_TOOL)
    (effect,) = journey.witness.effects(intent.action_intent_id)
    assert section["status"] == "SUCCEEDED"
    assert effect.tool_run_ref == section["tool_run_ref"]
    assert effect.idempotency_key == steps.state["mapping"]["idempotency_key"]
    assert [ref["object_id"] for ref in section["external_object_refs"]] == [effect.object_id]


def test_the_exchange_is_archived_under_the_tenants_own_prefix_without_a_token(
    stack: LocalStack, journey: Journey
) -> None:
    """The artifact holds request and response; neither it nor the state holds the token (R43, D40, D51)."""
    steps, intent = _ready(stack, journey, "archived")
    uri = steps.run(StepName.INVOKE_TOOL)["raw_response_artifact_ref"]
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    archived = stack.info.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert bucket == stack.info.artifacts_bucket
    assert key.startswith(f"tenant/{intent.tenant_id}/account/{intent.account_id}/")
    assert "Call back" in archived
    assert "eyJ" not in archived + json.dumps(steps.state)
    assert "Bearer" not in archived + json.dumps(steps.state)


def test_an_invoker_that_runs_twice_sends_once(stack: LocalStack, journey: Journey) -> None:
    """Run again after its answer was lost on the way, the function answers from the attempt (D18, D22)."""
    steps, intent = _ready(stack, journey, "twice")
    first = steps.run(StepName.INVOKE_TOOL)
    assert steps.run(StepName.INVOKE_TOOL) == first
    assert len(journey.witness.requests(intent.action_intent_id)) == 1


def test_each_step_run_twice_gives_the_same_section(stack: LocalStack, journey: Journey) -> None:
    """A retried state changes nothing: same section, same ledger."""
    steps, intent = _ready(stack, journey, "same")
    for step in (*BEFORE_THE_CALL, StepName.INVOKE_TOOL, StepName.RECORD_OUTCOME):
        first = steps.run(step)
        ledger = len(journey.observer.ledger(intent.ref))
        again = steps.run(step)
        assert {**again, "checked_at": None} == {**first, "checked_at": None}
        assert len(journey.observer.ledger(intent.ref)) == ledger


def test_the_compensator_undoes_through_the_gateway_under_a_key_of_its_own(stack: LocalStack, journey: Journey) -> None:
    """The delete call carries another idempotency key than the create call (D63)."""
    steps, intent = _ready(stack, journey, "undone")
    journey.fault(Fault(kind=FaultKind.FAIL_AFTER_WRITE, tool="crm___create_task"), intent)
    assert steps.run(StepName.INVOKE_TOOL)["status"] == "PARTIAL"
    assert steps.run(StepName.COMPENSATE_ACTION)["status"] == "COMPLETED"
    created, deleted = journey.witness.effects(intent.action_intent_id)
    assert (created.operation, deleted.operation) == ("CREATE", "DELETE")
    assert created.idempotency_key != deleted.idempotency_key
    assert journey.witness.objects(intent.action_intent_id) == []


def test_the_gateway_lets_nobody_in_without_a_token(stack: LocalStack) -> None:
    """The reference server answers 401 to a call without a token, so the invoker's calls were made with one."""
    with build_http_client(str(stack.info.ca_bundle)) as http:
        answer = http.post(
            stack.info.gateway_url,
            json={"jsonrpc": "2.0", "id": "1", "method": "tools/list", "params": {}},
            headers={"Accept": "application/json, text/event-stream"},
        )
    assert answer.status_code == 401
