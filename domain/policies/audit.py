"""Audit: does the ledger prove what the other records say? Pure, and independent of how they were written."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from domain.model.attempt import FIRST_FENCE, Attempt
from domain.model.ledger import LedgerEntry, LedgerEventType, first_broken_entry
from domain.model.outcome import CompensationStatus, Outcome
from domain.model.signal import SignalType

_OUTCOMES: Final = frozenset(kind.ledger_event for kind in SignalType)


def outcome_in(entries: Sequence[LedgerEntry]) -> Outcome | None:
    """Return the outcome that the ledger alone tells: its latest statement, or ``None`` if it makes none.

    Raises ``ValueError`` where the statement is no outcome.
    """
    stated = [entry for entry in entries if entry.event_type in _OUTCOMES]
    try:
        return Outcome.model_validate(stated[-1].data) if stated else None
    except ValidationError as error:
        msg = f"ledger entry {stated[-1].seq} states no outcome ({error.error_count()} faults)"
        raise ValueError(msg) from error


def findings(attempt: Attempt | None, outcome: Outcome | None, entries: Sequence[LedgerEntry]) -> tuple[str, ...]:
    """Return every disagreement as a sentence; none means that ledger, attempt and outcome prove each other."""
    found: list[str] = []
    broken = first_broken_entry(entries)
    if broken is not None:
        found.append(f"the ledger's chain does not hold at entry {broken}: one was edited, removed or moved")
    if attempt is None:
        return (*found, *(["the ledger has entries and no attempt exists"] if entries else []))
    head = entries[-1] if entries else None
    if head is None or (head.seq, head.entry_hash) != (attempt.ledger_seq, attempt.ledger_hash):
        found.append(f"the ledger does not end at entry {attempt.ledger_seq} as the attempt says")
    dispatches = sum(entry.event_type is LedgerEventType.TOOL_DISPATCHED for entry in entries)
    if dispatches != attempt.attempt_count:
        found.append(f"the ledger knows {dispatches} send(s), the attempt {attempt.attempt_count}")
    found += [
        f"the attempt's {name} is not what the ledger states"
        for name, fact in _facts_in(entries).items()
        if getattr(attempt, name) != fact
    ]
    try:
        told = outcome_in(entries)
    except ValueError as error:
        return (*found, str(error))
    if told != outcome:
        found.append("the outcome that stands is not the one that the ledger states")
    if (outcome is not None) != attempt.is_terminal:
        found.append(f"the attempt is {attempt.status}, and an outcome {'stands' if outcome else 'is missing'}")
    elif outcome is not None and attempt.status.value != outcome.status.value:
        found.append(f"the attempt is {attempt.status} and the outcome {outcome.status}")
    return tuple(found)


_CLAIMED: Final = ("owner", "action_digest", "action_type", "mapping_version", "approved_by")


def _facts_in(entries: Sequence[LedgerEntry]) -> dict[str, object]:
    """Return what the ledger alone says of the attempt; what it never states (doubts, the expiry) is not among it."""
    if not entries:
        return {}
    first = entries[0]
    facts: dict[str, object] = {
        **first.ref.model_dump(),
        **{name: first.data.get(name) for name in _CLAIMED},
        "approved_at": _moment(first.data.get("approved_at")),
        "execution_trace_id": first.trace_id,
        "decision_trace_id": first.decision_trace_id,
        "started_at": first.occurred_at,
        "updated_at": entries[-1].occurred_at,
    }
    fence, tries, undone = FIRST_FENCE, 0, []
    for entry in entries:
        match entry.event_type:
            case LedgerEventType.TOOL_DISPATCHED:
                facts |= {name: entry.data.get(name) for name in ("tool_name", "idempotency_key")}
                facts["last_dispatched_at"] = entry.occurred_at
                facts.setdefault("first_dispatched_at", entry.occurred_at)
            case LedgerEventType.COMPENSATION_REPLIED if entry.data.get("status") == CompensationStatus.COMPLETED:
                undone.append(entry.data.get("idempotency_key"))
            case LedgerEventType.EXECUTION_TAKEN_OVER:
                fence += 1
            case LedgerEventType.RESOLUTION_TRIED:
                tries += 1
            case LedgerEventType.OPERATOR_NOTIFIED:
                facts["operator_notified_at"] = entry.occurred_at
    return {"operator_notified_at": None, **facts, "fence": fence, "resolution_tries": tries, "undone": tuple(undone)}


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
