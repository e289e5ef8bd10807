"""The orchestration flow on the embedded AWS: event, rule, declared state machine, functions, stores, bus (R94)."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adapters.dynamodb.kill_switches import DynamoDbKillSwitches
from domain.model.errors import CROSSING_ERRORS
from domain.model.intent import ActionIntent
from domain.model.kill_switch import KillSwitch, SwitchKind, SwitchScope, SwitchState
from domain.model.ledger import LedgerEntry, first_broken_entry
from domain.model.tool_mapping import ToolMapping
from local.stack import LocalStack
from local.tool_server.faults import Fault, FaultKind
from tests.builders import NOW, a_mapping, an_intent, an_unsafe_mapping
from tests.integration.journey import Journey

CREATE_TASK = "crm___create_task"


@pytest.fixture(scope="module")
def journey(stack: LocalStack) -> Journey:
    """Hands on the stack, with the sample mapping published under its own action type."""
    return Journey.on(stack)


@pytest.fixture
def intent_of(request: pytest.FixtureRequest) -> Callable[..., ActionIntent]:
    """A maker of intents that are this test's own."""

    def make(**changes: Any) -> ActionIntent:  # noqa: ANN401  any field of the model
        name = request.node.name.replace("[", "-").rstrip("]")[:100]
        fresh = {"expires_at_epoch": int(time.time()) + 3_600, "parameters": {"title": "Call back"}}
        return an_intent(**{"action_intent_id": f"it-{name}", "action_type": "FLOW", **fresh, **changes})

    return make


def _mapping(**changes: object) -> ToolMapping:
    return a_mapping(
        **{
            "action_type": "FLOW",
            "parameters": [{"parameter": "title", "argument": "title", "required": True}],
            **changes,
        }
    )


def test_an_approved_intent_becomes_one_effect_and_one_agreeing_record(
    journey: Journey, intent_of: Callable[..., ActionIntent]
) -> None:
    """Outcome, ledger, signal, executions and the tool's own database tell the same story."""
    intent = intent_of()
    journey.seed(intent, _mapping())
    seen = journey.travel(intent.ref)
    assert (seen.status, seen.execution_status, seen.external_writes) == ("SUCCEEDED", "SUCCEEDED", 1)
    assert seen.ledger == ["EXECUTION_STARTED", "TOOL_DISPATCHED", "TOOL_REPLIED", "ACTION_EXECUTED"]
    assert seen.ref_has_id_and_url
    assert seen.attempt_count == 1


def test_the_ledger_written_by_the_functions_is_an_unbroken_chain(
    journey: Journey, intent_of: Callable[..., ActionIntent]
) -> None:
    """The entries read back from the table hold together by their hashes."""
    intent = intent_of()
    journey.seed(intent, _mapping())
    journey.travel(intent.ref)
    items = [{k: v for k, v in item.items() if k not in {"pk", "sk"}} for item in journey.observer.ledger(intent.ref)]
    entries = [
        LedgerEntry.model_validate({**item, "seq": int(item["seq"]), "data": _json(item["data"])}) for item in items
    ]
    assert len(entries) == 4
    assert first_broken_entry(entries) is None


def _json(value: object) -> object:
    return json.loads(json.dumps(value, default=lambda number: int(number) if number % 1 == 0 else float(number)))


def test_twenty_duplicate_approvals_have_one_effect(journey: Journey, intent_of: Callable[..., ActionIntent]) -> None:
    """One execution carries the action out; the others end as duplicates and the outcome stays as it was (D20, D21)."""
    intent = intent_of()
    journey.seed(intent, _mapping())
    first = journey.travel(intent.ref)
    again = journey.travel(intent.ref, times=19)
    assert again.executions_by_end == {"Succeeded": 1, "DuplicateSuppressed": 19}
    assert (again.writes_ever, again.ledger, again.attempt_count) == (1, first.ledger, 1)


def test_a_partial_write_is_undone_by_really_calling_the_gateway(
    journey: Journey, intent_of: Callable[..., ActionIntent]
) -> None:
    """The tool fails after writing; its object is deleted again and the outcome says so (D7, D61, R64)."""
    intent = intent_of()
    journey.seed(intent, _mapping())
    journey.fault(Fault(kind=FaultKind.FAIL_AFTER_WRITE, tool=CREATE_TASK), intent)
    seen = journey.travel(intent.ref)
    assert (seen.status, seen.compensation_status, seen.external_writes, seen.writes_ever) == (
        "FAILED",
        "COMPLETED",
        0,
        1,
    )
    assert "COMPENSATION_REPLIED" in seen.ledger


def test_a_partial_write_without_an_undo_is_never_called_failed(
    journey: Journey, intent_of: Callable[..., ActionIntent]
) -> None:
    """What exists and cannot be undone by the system stays UNKNOWN for a person to settle."""
    intent = intent_of(action_type="FLOW_MANUAL")
    journey.seed(intent, _mapping(action_type="FLOW_MANUAL", compensation={"strategy": "MANUAL"}))
    journey.fault(Fault(kind=FaultKind.FAIL_AFTER_WRITE, tool=CREATE_TASK), intent)
    seen = journey.travel(intent.ref)
    assert (seen.status, seen.compensation_status, seen.external_writes) == ("UNKNOWN", "PENDING", 1)
    assert seen.execution_status == "FAILED"


def test_an_idempotent_call_whose_answer_was_lost_is_sent_again_and_writes_once(
    journey: Journey, intent_of: Callable[..., ActionIntent]
) -> None:
    """The connection drops after the write; the repeat under the same key finds it (D23)."""
    intent = intent_of()
    journey.seed(intent, _mapping())
    journey.fault(Fault(kind=FaultKind.DROP_AFTER_WRITE, tool=CREATE_TASK), intent)
    seen = journey.travel(intent.ref)
    assert (seen.status, seen.writes_ever, seen.attempt_count) == ("SUCCEEDED", 1, 2)


def test_an_unsafe_call_whose_answer_was_lost_is_unknown_and_never_sent_again(
    journey: Journey, intent_of: Callable[..., ActionIntent]
) -> None:
    """The tool saw one request; the outcome says that nobody knows (D25)."""
    intent = intent_of(action_type="FLOW_UNSAFE")
    journey.seed(intent, an_unsafe_mapping(action_type="FLOW_UNSAFE", parameters=_mapping().parameters))
    journey.fault(Fault(kind=FaultKind.DROP_AFTER_WRITE, tool=CREATE_TASK), intent)
    seen = journey.travel(intent.ref)
    assert (seen.status, seen.requests_seen_by_tool) == ("UNKNOWN", 1)
    assert seen.executions_by_end == {"ExecutionUnknown": 1}


def test_a_verifiable_call_whose_answer_was_lost_is_asked_about(
    journey: Journey, intent_of: Callable[..., ActionIntent]
) -> None:
    """After the server's bound the verify tool is asked; the effect is found and not repeated."""
    verifiable = {"kind": "VERIFIABLE", "verify_tool": "crm___find_task", "server_bound_seconds": 1}
    intent = intent_of(action_type="FLOW_VERIFIABLE")
    journey.seed(intent, _mapping(action_type="FLOW_VERIFIABLE", effect_safety=verifiable))
    journey.fault(Fault(kind=FaultKind.DROP_AFTER_WRITE, tool=CREATE_TASK), intent)
    seen = journey.travel(intent.ref)
    assert (seen.status, seen.writes_ever, seen.attempt_count) == ("SUCCEEDED", 1, 1)
    assert seen.ref_has_id_and_url


def test_a_rate_limited_call_waits_in_the_state_machine(
    journey: Journey, intent_of: Callable[..., ActionIntent]
) -> None:
    """429 with Retry-After goes through the Wait state; nothing sleeps in a function (D32, D38)."""
    intent = intent_of()
    journey.seed(intent, _mapping())
    journey.fault(Fault(kind=FaultKind.RATE_LIMITED, tool=CREATE_TASK, retry_after=2), intent)
    seen = journey.travel(intent.ref)
    (arn,) = journey.observer.executions(intent.ref)
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in journey.observer.history(arn)
        if "stateEnteredEventDetails" in event
    ]
    assert (seen.status, seen.attempt_count, seen.writes_ever) == ("SUCCEEDED", 2, 1)
    assert "WaitForTool" in entered


@pytest.mark.parametrize(
    "scope",
    [
        SwitchScope(kind=SwitchKind.TENANT, subject="tenant-stopped"),
        SwitchScope(kind=SwitchKind.TOOL, subject=CREATE_TASK),
        SwitchScope(kind=SwitchKind.CONNECTOR, subject="crm"),
    ],
    ids=lambda scope: scope.kind.value.lower(),
)
def test_a_kill_switch_stops_the_action_without_a_deploy(
    journey: Journey, stack: LocalStack, intent_of: Callable[..., ActionIntent], scope: SwitchScope
) -> None:
    """A halted tenant is refused at preflight, a halted tool or connector at the dispatch; nothing is sent (D83)."""
    switches = DynamoDbKillSwitches(stack.info.client("dynamodb"), stack.info.tables["kill-switches"])
    intent = intent_of(tenant_id="tenant-stopped")
    journey.seed(intent, _mapping())
    halted = KillSwitch(scope=scope, state=SwitchState.CANCEL, reason="test", changed_by="operator", changed_at=NOW)
    switches.flip(halted)
    try:
        seen = journey.travel(intent.ref)
    finally:
        switches.flip(halted.model_copy(update={"state": SwitchState.RUNNING}))
    assert (seen.status, seen.error_code, seen.requests_seen_by_tool) == ("CANCELLED", "EXECUTION_HALTED", 0)
    assert seen.execution_status == "FAILED"


BAD_EVENTS = {
    "no-ids": {},
    "no-tenant": {"action_intent_id": "some-intent", "account_id": "account-1"},
    "illegal-id": {"action_intent_id": "a#b", "tenant_id": "tenant-1", "account_id": "account-1"},
    "number-for-id": {"action_intent_id": 7, "tenant_id": "tenant-1", "account_id": "account-1"},
}


@pytest.mark.parametrize("data", BAD_EVENTS.values(), ids=BAD_EVENTS)
def test_a_bad_event_ends_in_a_visibly_failed_execution(stack: LocalStack, data: dict[str, object]) -> None:
    """The execution fails as INVALID_EVENT and its cause says which field is at fault and how to mend it (D11)."""
    steps = stack.info.client("stepfunctions")
    arn = steps.start_execution(stateMachineArn=stack.info.state_machine_arn, input=json.dumps(data))["executionArn"]
    described = _ended(steps, arn)
    assert (described["status"], described["error"]) == ("FAILED", "INVALID_EVENT")
    assert "send a string of 1 to 128 characters" in described["cause"]


def test_an_event_without_data_fails_visibly_too(stack: LocalStack) -> None:
    """An approval event whose detail holds no data still starts an execution, which says what is missing."""
    steps = stack.info.client("stepfunctions")
    before = {one["executionArn"] for one in _executions(steps, stack)}
    stack.info.client("events").put_events(
        Entries=[
            {
                "EventBusName": stack.info.event_bus,
                "Source": "cc-native",
                "DetailType": "ACTION_APPROVED",
                "Detail": "{}",
            }
        ]
    )
    deadline = time.monotonic() + 20
    started: set[str] = set()
    while not started and time.monotonic() < deadline:
        started = {one["executionArn"] for one in _executions(steps, stack)} - before
        time.sleep(0.05)
    described = _ended(steps, started.pop())
    assert (described["status"], described["error"]) == ("FAILED", "INVALID_EVENT")


def test_an_unknown_intent_fails_visibly_and_leaves_no_record(
    journey: Journey, intent_of: Callable[..., ActionIntent]
) -> None:
    """There is nothing to record an outcome under; the execution's error names the ids (R23)."""
    seen = journey.travel(intent_of().ref)
    assert (seen.execution_status, seen.execution_error) == ("FAILED", "INTENT_NOT_FOUND")
    assert (seen.status, seen.ledger) == (None, [])


def test_an_intent_of_another_tenant_is_an_unknown_intent(
    journey: Journey, intent_of: Callable[..., ActionIntent]
) -> None:
    """The same id under another tenant finds nothing, and the real tenant's intent is untouched."""
    intent = intent_of()
    journey.seed(intent, _mapping())
    foreign = journey.travel(intent.ref.model_copy(update={"tenant_id": "tenant-2"}))
    assert (foreign.execution_error, foreign.status) == ("INTENT_NOT_FOUND", None)
    assert journey.travel(intent.ref).writes_ever == 1


def test_an_unapproved_intent_is_not_burned_by_an_early_event(
    journey: Journey, intent_of: Callable[..., ActionIntent]
) -> None:
    """The event before the approval fails and claims nothing; after the approval the action takes effect (D81)."""
    intent = intent_of()
    journey.seed(intent, _mapping(), approved_by=None)
    early = journey.travel(intent.ref)
    journey.operations.approve(intent.ref, approved_by="approver-1", times=0)
    late = journey.travel(intent.ref)
    assert (early.execution_error, early.status, early.ledger) == ("INTENT_NOT_APPROVED", None, [])
    assert (late.status, late.writes_ever) == ("SUCCEEDED", 1)


def test_a_missing_mapping_is_recorded(journey: Journey, intent_of: Callable[..., ActionIntent]) -> None:
    """An action type that nobody has mapped fails with a recorded outcome (R24)."""
    intent = intent_of(action_type="NOBODY_MAPPED_THIS")
    journey.seed(intent)
    seen = journey.travel(intent.ref)
    assert (seen.status, seen.error_code, seen.execution_status) == ("FAILED", "TOOL_MAPPING_NOT_FOUND", "FAILED")


@pytest.mark.parametrize(
    "parameters", [{}, {"title": "Call back", "colour": "red"}], ids=["missing-required", "unknown"]
)
def test_parameters_that_do_not_fit_are_refused_and_recorded(
    journey: Journey, intent_of: Callable[..., ActionIntent], parameters: dict[str, str]
) -> None:
    """Neither a missing required parameter nor an unknown one is dropped quietly (D54)."""
    intent = intent_of(parameters=parameters)
    journey.seed(intent, _mapping())
    seen = journey.travel(intent.ref)
    assert (seen.status, seen.error_code, seen.requests_seen_by_tool) == ("FAILED", "INVALID_PARAMETERS", 0)


def test_a_tool_answer_that_is_not_json_is_never_a_success(
    journey: Journey, intent_of: Callable[..., ActionIntent]
) -> None:
    """After every repeat gave the same, the outcome is UNKNOWN with the reason (D33, D37)."""
    intent = intent_of()
    journey.seed(intent, _mapping())
    journey.fault(Fault(kind=FaultKind.NOT_JSON, tool=CREATE_TASK, times=4), intent)
    seen = journey.travel(intent.ref)
    assert (seen.status, seen.error_code, seen.attempt_count) == ("UNKNOWN", "MALFORMED_RESPONSE", 4)


def test_an_expired_approval_is_cancelled(journey: Journey, intent_of: Callable[..., ActionIntent]) -> None:
    """A second after the expiry nothing is sent any more."""
    intent = intent_of(expires_at_epoch=int((NOW - timedelta(days=1)).timestamp()))
    journey.seed(intent, _mapping())
    seen = journey.travel(intent.ref)
    assert (seen.status, seen.error_code, seen.requests_seen_by_tool) == ("CANCELLED", "EXPIRED", 0)


def test_a_missing_setting_is_a_configuration_error_with_a_recorded_outcome(
    journey: Journey, stack: LocalStack, intent_of: Callable[..., ActionIntent]
) -> None:
    """A mapper that lost an environment variable fails by name; the failure is recorded where the intent is known."""
    functions, name = stack.info.client("lambda"), stack.info.functions["MapActionToTool"]
    steps = stack.info.client("stepfunctions")
    original = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    broken = {key: value for key, value in original.items() if key != "ACTION_TYPE_REGISTRY_TABLE_NAME"}
    definition = steps.describe_state_machine(stateMachineArn=stack.info.state_machine_arn)["definition"]
    intent = intent_of()
    journey.seed(intent, _mapping())
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": broken})
    latest = definition.replace(f"{name}:live", f"{name}:$LATEST")
    assert latest != definition
    steps.update_state_machine(stateMachineArn=stack.info.state_machine_arn, definition=latest)
    try:
        seen = journey.travel(intent.ref)
    finally:
        steps.update_state_machine(stateMachineArn=stack.info.state_machine_arn, definition=definition)
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": original})
    assert (seen.status, seen.error_code, seen.execution_status) == ("FAILED", "CONFIGURATION_ERROR", "FAILED")


def test_every_error_name_in_a_history_is_one_of_the_contract(
    journey: Journey, stack: LocalStack, intent_of: Callable[..., ActionIntent]
) -> None:
    """Whatever the functions of this run raised had a class name that the contract knows (D5, D60)."""
    journey.travel(intent_of().ref)
    steps = stack.info.client("stepfunctions")
    raised = {
        event["taskFailedEventDetails"]["error"]
        for one in _executions(steps, stack)
        for event in steps.get_execution_history(executionArn=one["executionArn"], maxResults=1000)["events"]
        if "taskFailedEventDetails" in event
    }
    assert raised
    assert raised <= set(CROSSING_ERRORS)


def _executions(steps: Any, stack: LocalStack) -> list[dict[str, Any]]:  # noqa: ANN401  a boto3 client
    pages = steps.get_paginator("list_executions").paginate(stateMachineArn=stack.info.state_machine_arn)
    return [one for page in pages for one in page["executions"]]


def _ended(steps: Any, arn: str) -> dict[str, Any]:  # noqa: ANN401  a boto3 client
    deadline = time.monotonic() + 30
    described: dict[str, Any] = steps.describe_execution(executionArn=arn)
    while described["status"] == "RUNNING" and time.monotonic() < deadline:
        time.sleep(0.05)
        described = steps.describe_execution(executionArn=arn)
    return described
