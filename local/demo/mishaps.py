"""The stories in which the world breaks in the middle, and what puts it right. Data only; ``runner`` plays them."""

from typing import Any, Final

from domain.model.identifiers import IntentRef
from domain.model.kill_switch import SwitchKind, SwitchScope, SwitchState
from local.demo.observations import Observer
from local.demo.scenario import CREATE_TASK, Intervention, Scenario
from local.tool_server.faults import Fault, FaultKind
from ports.steps.contract import Junction, StepName, Worker

FIND_TASK: Final = "crm___find_task"
_HOLD_SECONDS: Final = 60.0
"""How long the tool holds its answer for a caller that will be killed; nobody waits for the end of it."""

_CRM_TASKS: Final = SwitchScope(kind=SwitchKind.ACTION_TYPE, subject="CREATE_CRM_TASK")
_CUT_AFTER_THE_WRITE: Final = (Fault(kind=FaultKind.DROP_AFTER_WRITE, tool=CREATE_TASK),)
_ONE_EFFECT: Final[dict[str, Any]] = {
    "status": "SUCCEEDED",
    "external_writes": 1,
    "writes_ever": 1,
    "compensation_status": "NOT_NEEDED",
    "signal": "ACTION_EXECUTED",
    "findings": [],
}


def _waits(observer: Observer, ref: IntentRef) -> bool:
    """Two rounds, so that it was asked again and still held."""
    return observer.visits(ref, Junction.WAIT_FOR_TOOL.value) > 1


def _has_written(observer: Observer, ref: IntentRef) -> bool:
    return any(effect.operation == "CREATE" for effect in observer.effects(ref))


def _person_is_told(observer: Observer, ref: IntentRef) -> bool:
    return bool(observer.notices(ref))


def _nobody_could_record(observer: Observer, ref: IntentRef) -> bool:
    """The state is on the spool, and the reconciler that the execution's end woke has failed as well."""
    return bool(observer.spooled(ref)) and observer.complaints(Worker.RECONCILER, ref) > 0


def _is_recorded(observer: Observer, ref: IntentRef) -> bool:
    return any(entry["event_type"] == "ACTION_EXECUTED" for entry in observer.ledger(ref))


MISHAPS: Final = (
    Scenario(
        name="connection-drops-after-write-idempotent",
        story="The connection drops after the write; the tool dedupes, so the call is sent again under its key.",
        faults=_CUT_AFTER_THE_WRITE,
        expected={
            **_ONE_EFFECT,
            "execution_status": "SUCCEEDED",
            "attempt_count": 2,
            "tools_called": {CREATE_TASK: 2},
            "resolution": None,
        },
    ),
    Scenario(
        name="connection-drops-after-write-verifiable",
        story="The same with a tool that cannot dedupe but can be asked: it is asked, and not called again.",
        faults=_CUT_AFTER_THE_WRITE,
        effect_safety={"kind": "VERIFIABLE", "verify_tool": FIND_TASK, "server_bound_seconds": 1},
        expected={
            **_ONE_EFFECT,
            "execution_status": "SUCCEEDED",
            "attempt_count": 1,
            "tools_called": {CREATE_TASK: 1, FIND_TASK: 1},
            "resolution": None,
        },
    ),
    Scenario(
        name="connection-drops-after-write-unsafe",
        story="The same with a tool that can do neither: nobody guesses; a person looks, and says what they saw.",
        faults=_CUT_AFTER_THE_WRITE,
        effect_safety={"kind": "UNSAFE"},
        interventions=(
            Intervention(
                who="operator",
                when=_person_is_told,
                act=lambda hands, ref: hands.resolve_by_looking(ref),
                expected={"status": "UNKNOWN", "external_writes": 1, "notices": ["ATTENTION"]},
            ),
        ),
        expected={
            **_ONE_EFFECT,
            "execution_status": "FAILED",
            "executions_by_end": {"ExecutionUnknown": 1},
            "attempt_count": 1,
            "tools_called": {CREATE_TASK: 1},
            "resolution": "OPERATOR",
            "notices": [],
        },
    ),
    Scenario(
        name="hold-and-release",
        story="An operator holds this action type; the action waits unsent, and goes out when it is released.",
        setup=lambda hands: hands.flip(_CRM_TASKS, SwitchState.HOLD),
        interventions=(
            Intervention(
                who="operator",
                when=_waits,
                act=lambda hands, _ref: hands.flip(_CRM_TASKS, SwitchState.RUNNING),
                expected={"status": None, "execution_status": "RUNNING", "requests_seen_by_tool": 0, "writes_ever": 0},
            ),
        ),
        expected={
            **_ONE_EFFECT,
            "execution_status": "SUCCEEDED",
            "attempt_count": 1,
            "tools_called": {CREATE_TASK: 1},
        },
    ),
    Scenario(
        name="lambda-killed-mid-call",
        story="The function is killed while the tool, which has written, holds its answer; the key makes it one row.",
        faults=(Fault(kind=FaultKind.SLOW_AFTER_WRITE, tool=CREATE_TASK, seconds=_HOLD_SECONDS),),
        interventions=(
            Intervention(
                who="accident",
                when=_has_written,
                act=lambda hands, _ref: hands.kill_workers(StepName.INVOKE_TOOL),
                expected={"status": None, "execution_status": "RUNNING", "external_writes": 1},
            ),
        ),
        expected={
            **_ONE_EFFECT,
            "execution_status": "SUCCEEDED",
            "attempt_count": 2,
            "tools_called": {CREATE_TASK: 2},
            "resolution": None,
        },
    ),
    Scenario(
        name="recorder-down-then-redriven",
        story="Nobody may write outcomes; the state waits on the spool, and a redrive records it, once.",
        setup=lambda hands: hands.deny_outcomes((StepName.RECORD_OUTCOME, Worker.RECONCILER)),
        interventions=(
            Intervention(
                who="operator",
                when=_nobody_could_record,
                act=lambda hands, ref: hands.redrive_spool(ref),
                expected={
                    "status": None,
                    "executions_by_end": {"RecordingFailed": 1},
                    "external_writes": 1,
                    "spooled": 1,
                    "signal": None,
                },
            ),
            Intervention(
                who="operator",
                when=_is_recorded,
                act=lambda hands, _ref: hands.redrive_spool_again(),
                expected={"status": "SUCCEEDED", "spooled": 0},
            ),
        ),
        expected={
            **_ONE_EFFECT,
            "execution_status": "FAILED",
            "attempt_count": 1,
            "tools_called": {CREATE_TASK: 1},
            "ledger": [
                "EXECUTION_STARTED",
                "TOOL_DISPATCHED",
                "TOOL_REPLIED",
                "EXECUTION_TAKEN_OVER",
                "EXECUTION_TAKEN_OVER",
                "ACTION_EXECUTED",
            ],
            "spooled": 0,
        },
    ),
)
