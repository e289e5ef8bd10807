"""The scenarios: what is prepared, what is approved, and what must then be true. Data only; ``runner`` plays them."""

from typing import Final

from domain.model.intent import ActionIntent
from domain.model.kill_switch import SwitchKind, SwitchScope, SwitchState
from local.demo.mishaps import MISHAPS
from local.demo.scenario import CREATE_TASK, Scenario
from local.tool_server.faults import Fault, FaultKind

_CRM_TASKS: Final = SwitchScope(kind=SwitchKind.ACTION_TYPE, subject="CREATE_CRM_TASK")


def _raise_the_stakes(intent: ActionIntent) -> ActionIntent:
    return intent.model_copy(update={"parameters": {**intent.parameters, "title": "Give Globex a 90 % discount"}})


_CLEAN_LEDGER = ["EXECUTION_STARTED", "TOOL_DISPATCHED", "TOOL_REPLIED", "ACTION_EXECUTED"]

SCENARIOS: Final = (
    Scenario(
        name="create-crm-task",
        story="An approved CRM task is created, once, and everybody is told.",
        expected={
            "status": "SUCCEEDED",
            "execution_status": "SUCCEEDED",
            "external_writes": 1,
            "writes_ever": 1,
            "compensation_status": "NOT_NEEDED",
            "ledger": _CLEAN_LEDGER,
            "signal": "ACTION_EXECUTED",
            "ref_has_id_and_url": True,
        },
    ),
    Scenario(
        name="five-duplicate-approvals",
        story="The same approval arrives five times; it takes effect once.",
        approvals=5,
        expected={
            "status": "SUCCEEDED",
            "execution_status": "SUCCEEDED",
            "external_writes": 1,
            "writes_ever": 1,
            "compensation_status": "NOT_NEEDED",
            "executions_by_end": {"Succeeded": 1, "DuplicateSuppressed": 4},
            "attempt_count": 1,
            "ledger": _CLEAN_LEDGER,
        },
    ),
    Scenario(
        name="tool-refuses",
        story="The CRM refuses the task; nothing is written and the execution fails for all to see.",
        faults=(Fault(kind=FaultKind.REFUSE, tool=CREATE_TASK, message="validation: the owner may not have tasks"),),
        expected={
            "status": "FAILED",
            "error_class": "VALIDATION",
            "execution_status": "FAILED",
            "external_writes": 0,
            "writes_ever": 0,
            "compensation_status": "NOT_NEEDED",
            "signal": "ACTION_FAILED",
        },
    ),
    Scenario(
        name="gateway-recovers",
        story="The gateway answers 503 twice; the third try succeeds under the same key.",
        faults=(Fault(kind=FaultKind.UNAVAILABLE, tool=CREATE_TASK, times=2),),
        expected={
            "status": "SUCCEEDED",
            "execution_status": "SUCCEEDED",
            "external_writes": 1,
            "writes_ever": 1,
            "attempt_count": 3,
            "requests_seen_by_tool": 3,
            "compensation_status": "NOT_NEEDED",
        },
    ),
    Scenario(
        name="partial-write-undone",
        story="The CRM writes the task, then reports failure; the task is deleted again.",
        faults=(Fault(kind=FaultKind.FAIL_AFTER_WRITE, tool=CREATE_TASK, message="the index could not be updated"),),
        expected={
            "status": "FAILED",
            "execution_status": "FAILED",
            "external_writes": 0,
            "writes_ever": 1,
            "compensation_status": "COMPLETED",
            "signal": "ACTION_FAILED",
        },
    ),
    Scenario(
        name="kill-switch-on",
        story="An operator has stopped this action type; nothing is sent.",
        setup=lambda hands: hands.flip(_CRM_TASKS, SwitchState.CANCEL),
        expected={
            "status": "CANCELLED",
            "error_code": "EXECUTION_HALTED",
            "execution_status": "FAILED",
            "external_writes": 0,
            "writes_ever": 0,
            "requests_seen_by_tool": 0,
            "compensation_status": "NOT_NEEDED",
        },
    ),
    Scenario(
        name="expired-approval",
        story="The approval's time is over before its event arrives; nothing is sent.",
        lifetime_seconds=-60,
        expected={
            "status": "CANCELLED",
            "error_code": "EXPIRED",
            "execution_status": "FAILED",
            "external_writes": 0,
            "writes_ever": 0,
            "requests_seen_by_tool": 0,
            "compensation_status": "NOT_NEEDED",
        },
    ),
    Scenario(
        name="tampered-parameters",
        story="Somebody changes the parameters after the approval; the digest tells.",
        tamper=_raise_the_stakes,
        expected={
            "status": "FAILED",
            "error_code": "APPROVAL_MISMATCH",
            "execution_status": "FAILED",
            "execution_error": "APPROVAL_MISMATCH",
            "external_writes": 0,
            "writes_ever": 0,
            "requests_seen_by_tool": 0,
            "compensation_status": "NOT_NEEDED",
        },
    ),
    *MISHAPS,
)
