"""Valid domain objects for tests: each function answers a complete one, and a test names only what it is about.

This owns the sample story (one tenant's follow-up task in the CRM) and nothing else: no fixtures, no clocks, no
randomness, so a value seen in a failing test can be found here by reading.
"""

from datetime import UTC, datetime, timedelta

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.canonical_json import digest
from domain.model.external_object import ExternalObjectRef, ExternalSystem
from domain.model.external_write import ExternalWrite
from domain.model.idempotency import idempotency_key, tool_run_ref
from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent, Approval, IntentStatus, action_digest
from domain.model.kill_switch import KillSwitch, SwitchKind, SwitchScope, SwitchState
from domain.model.ledger import LedgerEntry, LedgerEventType
from domain.model.outcome import CompensationStatus, Outcome, OutcomeStatus, Resolution, ResolutionMethod
from domain.model.signal import Signal, SignalType
from domain.model.tool_mapping import (
    CompensationPolicy,
    CompensationStrategy,
    Idempotent,
    ParameterRule,
    ParameterType,
    RefField,
    RiskClass,
    ToolMapping,
    Unsafe,
)

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
"""The moment every sample lives at; tests advance from here."""

TENANT, ACCOUNT, INTENT = "tenant-1", "account-1", "intent-1"
TRACE = "execution-trace-1"
_EXECUTIONS = "arn:aws:states:us-west-2:123456789012:execution:cc-native-test-executor"
EXECUTION_ARN = f"{_EXECUTIONS}:execution-1"
OTHER_EXECUTION_ARN = f"{_EXECUTIONS}:execution-2"


def later(seconds: float = 1.0) -> datetime:
    """The moment that many seconds after ``NOW``."""
    return NOW + timedelta(seconds=seconds)


def a_ref(**changes: object) -> IntentRef:
    """The name of the sample intent."""
    return IntentRef.model_validate({"tenant_id": TENANT, "account_id": ACCOUNT, "action_intent_id": INTENT, **changes})


def a_mapping(**changes: object) -> ToolMapping:
    """A tool that creates a CRM task, dedupes on the key, and can be undone by deleting the task."""
    return ToolMapping.model_validate(
        {
            "action_type": "CREATE_CRM_TASK",
            "version": "v1",
            "tool_name": "crm___create_task",
            "tool_schema_version": "v1",
            "parameters": (
                ParameterRule(parameter="title", argument="title", type=ParameterType.STRING, required=True),
                ParameterRule(parameter="priority", argument="priority", type=ParameterType.STRING),
                ParameterRule(parameter="due_in_days", argument="due_in_days", type=ParameterType.INTEGER),
            ),
            "effect_safety": Idempotent(key_ttl_seconds=86_400),
            "compensation": CompensationPolicy(
                strategy=CompensationStrategy.AUTOMATIC,
                compensation_tool="crm___delete_task",
                arguments={"task_id": RefField.OBJECT_ID},
            ),
            "risk_class": RiskClass.LOW,
            "created_at": NOW - timedelta(days=30),
            **changes,
        }
    )


def an_unsafe_mapping(**changes: object) -> ToolMapping:
    """The same tool, registered as one that can neither dedupe nor be asked, nor undone."""
    return a_mapping(effect_safety=Unsafe(), compensation=CompensationPolicy(), **changes)


def an_intent(**changes: object) -> ActionIntent:
    """A proposed intent to create one CRM task, valid for another hour."""
    return ActionIntent.model_validate(
        {
            "action_intent_id": INTENT,
            "tenant_id": TENANT,
            "account_id": ACCOUNT,
            "action_type": "CREATE_CRM_TASK",
            "parameters": {"title": "Call the customer back", "priority": "high"},
            "parameters_schema_version": "v1",
            "trace_id": "decision-trace-1",
            "expires_at_epoch": int(later(3_600).timestamp()),
            "created_at": NOW - timedelta(minutes=10),
            **changes,
        }
    )


def an_approval(intent: ActionIntent, mapping: ToolMapping, **changes: object) -> Approval:
    """The approval of exactly this intent with exactly this mapping."""
    return Approval.model_validate(
        {
            "approved_by": "approver-1",
            "approved_at": NOW - timedelta(minutes=5),
            "action_digest": action_digest(intent, mapping.content_hash),
            "mapping_hash": mapping.content_hash,
            **changes,
        }
    )


def an_approved_intent(mapping: ToolMapping | None = None, **changes: object) -> ActionIntent:
    """An intent approved with ``mapping`` (the sample one by default); the approval covers the changes too."""
    proposed = an_intent(**changes)
    approval = an_approval(proposed, mapping or a_mapping())
    return proposed.model_copy(update={"status": IntentStatus.APPROVED, "approval": approval})


def a_claim(
    intent: ActionIntent | None = None, *, owner: str = EXECUTION_ARN, now: datetime = NOW
) -> tuple[Attempt, LedgerEntry]:
    """A fresh claim of an approved intent, with its first ledger entry."""
    approved = intent or an_approved_intent()
    approval = approved.approval or an_approval(approved, a_mapping())
    return Attempt.claim(approved, approval, owner=owner, action_digest=approval.action_digest, trace_id=TRACE, now=now)


def a_key(ref: IntentRef | None = None) -> str:
    """The idempotency key of the sample action."""
    return idempotency_key(
        ref or a_ref(),
        tool_name="crm___create_task",
        arguments={"title": "Call the customer back", "priority": "high"},
        mapping_version="v1",
    )


def a_dispatch(attempt: Attempt, *, now: datetime | None = None) -> tuple[Attempt, LedgerEntry]:
    """The record of sending the sample call once more."""
    key = a_key(attempt.ref)
    return attempt.dispatch(
        key=key,
        tool_name="crm___create_task",
        tool_schema_version="v1",
        run_ref=tool_run_ref(key, attempt.attempt_count + 1),
        now=now or later(1),
    )


def an_object_ref(**changes: object) -> ExternalObjectRef:
    """The CRM task that the sample call created."""
    return ExternalObjectRef.model_validate(
        {
            "system": ExternalSystem.CRM,
            "object_type": "Task",
            "object_id": "task-1",
            "object_url": "https://crm.example.com/tasks/task-1",
            **changes,
        }
    )


def an_outcome(**changes: object) -> Outcome:
    """A SUCCEEDED outcome of the sample intent, or with ``status=…`` a complete one of that status."""
    status = OutcomeStatus(str(changes.get("status", OutcomeStatus.SUCCEEDED)))
    succeeded = status is OutcomeStatus.SUCCEEDED
    refused = {"error_code": "DOWNSTREAM_ERROR", "error_class": "DOWNSTREAM", "error_message": "the tool said no"}
    return Outcome.model_validate(
        {
            "action_intent_id": INTENT,
            "tenant_id": TENANT,
            "account_id": ACCOUNT,
            "status": status,
            "external_object_refs": (an_object_ref(),) if succeeded else (),
            **({} if succeeded else refused),
            "attempt_count": 0 if status is OutcomeStatus.CANCELLED else 1,
            "tool_name": "crm___create_task",
            "tool_schema_version": "v1",
            "started_at": NOW,
            "completed_at": later(2),
            "recorded_at": later(3),
            "compensation_status": CompensationStatus.NOT_NEEDED,
            "trace_id": TRACE,
            "decision_trace_id": "decision-trace-1",
            "action_type": "CREATE_CRM_TASK",
            "registry_version": "v1",
            "action_digest": digest("the sample action"),
            "execution_arn": EXECUTION_ARN,
            **changes,
        }
    )


def a_resolution(**changes: object) -> Resolution:
    """What an operator saw."""
    return Resolution.model_validate(
        {
            "method": ResolutionMethod.OPERATOR,
            "resolved_by": "operator-1",
            "evidence": "The task stands in the CRM, created once.",
            "resolved_at": later(3),
            **changes,
        }
    )


def a_settlement(attempt: Attempt, **changes: object) -> tuple[Attempt, LedgerEntry, Outcome, Signal]:
    """The terminal record of ``attempt`` with the ledger entry, outcome and signal that agree with it."""
    resolves = attempt.status is AttemptStatus.UNKNOWN
    outcome = an_outcome(
        **{
            **attempt.ref.model_dump(),
            "attempt_count": attempt.attempt_count,
            "resolution": a_resolution() if resolves else None,
            **changes,
        }
    )
    following, entry = attempt.advance(
        AttemptStatus(outcome.status.value),
        LedgerEventType(SignalType.of(outcome.status).value),
        outcome.as_ledger_data(),
        now=outcome.recorded_at,
    )
    return following, entry, outcome, Signal.of(outcome, now=outcome.recorded_at)


def a_signal(**changes: object) -> Signal:
    """The news of the sample outcome, not yet published."""
    return Signal.of(an_outcome(), now=later(3)).model_copy(update=changes)


def a_switch(
    kind: SwitchKind = SwitchKind.GLOBAL, subject: str = "", state: SwitchState = SwitchState.RUNNING
) -> KillSwitch:
    """A switch as an operator left it; the global one is running."""
    return KillSwitch(
        scope=SwitchScope(kind=kind, subject=subject),
        state=state,
        reason="set by a test",
        changed_by="operator-1",
        changed_at=NOW,
    )


def an_external_write(**changes: object) -> ExternalWrite:
    """What the tool said it created under the sample key."""
    key = a_key()
    return ExternalWrite.model_validate(
        {
            "idempotency_key": key,
            **a_ref().model_dump(),
            "tool_name": "crm___create_task",
            "tool_run_ref": tool_run_ref(key, 1),
            "external_object_refs": (an_object_ref(),),
            "recorded_at": later(2),
            **changes,
        }
    )
