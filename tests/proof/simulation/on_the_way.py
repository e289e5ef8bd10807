"""The judge of what was said on the way: statements and acts that must not be, though a true end follows them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from domain.model.ledger import LedgerEntry, LedgerEventType
from domain.model.outcome import CompensationStatus
from domain.model.tool_mapping import LONGEST_CALL_SECONDS
from tests.proof.simulation.driver import RUNNING

_ENDS_OF_A_CALL: Final = frozenset(
    {LedgerEventType.TOOL_REPLIED, LedgerEventType.TOOL_IN_DOUBT, LedgerEventType.TOOL_NOT_EXECUTED}
)
_OF_A_RECORD: Final = "RECORDED"
"""The status that a takeover names where no execution is taken over, but an outcome that stands."""


def said_on_the_way(ledger: Sequence[LedgerEntry]) -> list[str]:
    """Return what was broken on the way, as sentences."""
    return [*_of_undoing(ledger), *_of_takeovers(ledger)]


def _of_undoing(ledger: Sequence[LedgerEntry]) -> list[str]:
    """What is in doubt may still have to be undone (D62), and what is undone is left alone."""
    found: list[str] = []
    undone: set[object] = set()
    for entry in ledger:
        said = entry.data
        match entry.event_type:
            case LedgerEventType.ACTION_UNKNOWN if said["compensation_status"] == CompensationStatus.NOT_NEEDED:
                found.append("an outcome said UNKNOWN, and that nothing has to be undone")
            case LedgerEventType.COMPENSATION_DISPATCHED if said["idempotency_key"] in undone:
                found.append("asked to undo once more what was proved undone")
            case LedgerEventType.COMPENSATION_REPLIED if said["status"] == CompensationStatus.COMPLETED:
                undone.add(said["idempotency_key"])
    return found


def _of_takeovers(ledger: Sequence[LedgerEntry]) -> list[str]:
    """An execution is taken over when it is over and its call can be answered no more; then it acts no more."""
    found: list[str] = []
    on_its_way: datetime | None = None
    taken_over = False
    for entry in ledger:
        match entry.event_type:
            case LedgerEventType.TOOL_DISPATCHED:
                on_its_way = entry.occurred_at + timedelta(seconds=LONGEST_CALL_SECONDS)
                found += ["a call was dispatched by an execution that had been taken over"] if taken_over else []
            case LedgerEventType.EXECUTION_TAKEN_OVER if entry.data["execution_status"] != _OF_A_RECORD:
                taken_over = True
                found += ["an execution was taken over while it ran"] * (entry.data["execution_status"] == RUNNING)
                if on_its_way and entry.occurred_at < on_its_way:
                    found.append("an execution was taken over while its call could still be answered")
            case LedgerEventType.ACTION_UNKNOWN:
                taken_over = False  # from here on it is the reconciler that sends
            case kind if kind in _ENDS_OF_A_CALL:
                on_its_way = None
    return found
