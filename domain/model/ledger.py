"""The ledger: what happened to an intent, append-only and hash-chained, so that an edit or a gap shows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.model.canonical_json import JsonObject, digest
from domain.model.identifiers import Identifier, IntentRef, Sha256Hex

GENESIS_HASH: Final = "0" * 64
"""The previous hash of an intent's first entry."""


class LedgerEventType(StrEnum):
    """What an entry says."""

    EXECUTION_STARTED = "EXECUTION_STARTED"
    TOOL_DISPATCHED = "TOOL_DISPATCHED"
    TOOL_NOT_EXECUTED = "TOOL_NOT_EXECUTED"
    TOOL_REPLIED = "TOOL_REPLIED"
    TOOL_IN_DOUBT = "TOOL_IN_DOUBT"
    EFFECT_VERIFIED = "EFFECT_VERIFIED"
    COMPENSATION_DISPATCHED = "COMPENSATION_DISPATCHED"
    COMPENSATION_REPLIED = "COMPENSATION_REPLIED"
    EXECUTION_TAKEN_OVER = "EXECUTION_TAKEN_OVER"
    RESOLUTION_TRIED = "RESOLUTION_TRIED"
    """An UNKNOWN outcome was looked into without a result; the next try has its time."""
    OPERATOR_NOTIFIED = "OPERATOR_NOTIFIED"
    ACTION_EXECUTED = "ACTION_EXECUTED"
    ACTION_FAILED = "ACTION_FAILED"
    ACTION_CANCELLED = "ACTION_CANCELLED"
    ACTION_UNKNOWN = "ACTION_UNKNOWN"


class LedgerEntry(BaseModel):
    """One fact about one intent's execution, chained to the one before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: Identifier
    account_id: Identifier
    action_intent_id: Identifier
    seq: int = Field(ge=1, lt=10**9)
    event_type: LedgerEventType
    occurred_at: AwareDatetime
    trace_id: str
    """The execution's trace; ``decision_trace_id`` is the approver's."""
    decision_trace_id: Identifier
    data: JsonObject
    previous_hash: Sha256Hex
    entry_hash: Sha256Hex

    @property
    def ref(self) -> IntentRef:
        """The intent this entry belongs to."""
        return IntentRef(tenant_id=self.tenant_id, account_id=self.account_id, action_intent_id=self.action_intent_id)

    @classmethod
    def chained(
        cls,
        *,
        ref: IntentRef,
        seq: int,
        previous_hash: str,
        event_type: LedgerEventType,
        occurred_at: datetime,
        trace_id: str,
        decision_trace_id: str,
        data: Mapping[str, object],
    ) -> Self:
        """Return the entry with the hash that seals it to its predecessor."""
        unsealed = cls.model_validate(
            {
                **ref.model_dump(),
                "seq": seq,
                "event_type": event_type,
                "occurred_at": occurred_at.astimezone(UTC),
                "trace_id": trace_id,
                "decision_trace_id": decision_trace_id,
                "data": data,
                "previous_hash": previous_hash,
                "entry_hash": GENESIS_HASH,
            }
        )
        return unsealed.model_copy(update={"entry_hash": unsealed.sealed_hash()})

    def sealed_hash(self) -> str:
        """Recompute this entry's hash from its content."""
        return digest(self.model_dump(mode="json", exclude={"entry_hash"}))


def first_broken_entry(entries: Sequence[LedgerEntry]) -> int | None:
    """Return the sequence number at which a chain stops holding, or ``None`` if it holds.

    ``entries`` are one intent's, in order. An edited, missing, reordered or foreign entry breaks the chain there;
    a cut-off tail cannot show here and is found against the attempt's ``ledger_seq`` and ``ledger_hash``.
    """
    previous = GENESIS_HASH
    for expected, entry in enumerate(entries, start=1):
        holds = (
            entry.seq == expected
            and entry.previous_hash == previous
            and entry.entry_hash == entry.sealed_hash()
            and entry.ref == entries[0].ref
        )
        if not holds:
            return expected
        previous = entry.entry_hash
    return None
