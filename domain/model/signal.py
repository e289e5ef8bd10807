"""Signals: the news of an outcome for the rest of the platform, kept in an outbox until it is published."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.model.canonical_json import JsonObject
from domain.model.idempotency import signal_id
from domain.model.identifiers import Identifier, IntentRef
from domain.model.ledger import LedgerEventType
from domain.model.outcome import Outcome, OutcomeStatus


class SignalType(StrEnum):
    """The kinds of news; consumers match these as EventBridge detail types."""

    ACTION_EXECUTED = "ACTION_EXECUTED"
    ACTION_FAILED = "ACTION_FAILED"
    ACTION_CANCELLED = "ACTION_CANCELLED"
    ACTION_UNKNOWN = "ACTION_UNKNOWN"

    @classmethod
    def of(cls, status: OutcomeStatus) -> "SignalType":
        """Return the news of an outcome."""
        return {
            OutcomeStatus.SUCCEEDED: cls.ACTION_EXECUTED,
            OutcomeStatus.FAILED: cls.ACTION_FAILED,
            OutcomeStatus.CANCELLED: cls.ACTION_CANCELLED,
            OutcomeStatus.UNKNOWN: cls.ACTION_UNKNOWN,
        }[status]

    @property
    def ledger_event(self) -> LedgerEventType:
        """The ledger event that says the same."""
        return LedgerEventType(self.value)


class Signal(BaseModel):
    """One piece of news about one intent. Delivered at least once; consumers dedupe by ``signal_id``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signal_id: str
    signal_type: SignalType
    tenant_id: Identifier
    account_id: Identifier
    action_intent_id: Identifier
    trace_id: str
    data: JsonObject
    created_at: AwareDatetime
    published_at: AwareDatetime | None = None

    @property
    def ref(self) -> IntentRef:
        """The intent this news is about."""
        return IntentRef(tenant_id=self.tenant_id, account_id=self.account_id, action_intent_id=self.action_intent_id)

    @classmethod
    def of(cls, outcome: Outcome, *, now: datetime) -> Self:
        """Return the news of a recorded outcome."""
        signal_type = SignalType.of(outcome.status)
        return cls(
            signal_id=signal_id(outcome.ref, signal_type),
            signal_type=signal_type,
            tenant_id=outcome.tenant_id,
            account_id=outcome.account_id,
            action_intent_id=outcome.action_intent_id,
            trace_id=outcome.trace_id,
            data=outcome_facts(outcome),
            created_at=now,
        )


def outcome_facts(outcome: Outcome) -> JsonObject:
    """Return what the ledger entry and the signal of an outcome both say, so that they cannot differ."""
    return {
        "action_intent_id": outcome.action_intent_id,
        "status": outcome.status.value,
        "external_object_refs": [ref.model_dump(mode="json") for ref in outcome.external_object_refs],
        "error_code": outcome.error_code,
        "error_class": outcome.error_class.value if outcome.error_class else None,
        "attempt_count": outcome.attempt_count,
        "compensation_status": outcome.compensation_status.value,
    }
