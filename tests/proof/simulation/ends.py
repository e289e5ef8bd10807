"""How every flow ends if nothing strikes: what keeps a system that refuses everything from passing for a safe one.

The judge asks whether an end is true, and it is true of an action that never began that it failed. So each flow also
says what is due to it, at the machine and in the record, when no fault strikes and nobody interferes.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from domain.model.outcome import OutcomeStatus
from ports.steps.contract import Junction
from tests.proof.simulation.flows import Safety


class End(NamedTuple):
    """How the first execution ends, and what stands when nothing is left to do."""

    machine: Junction
    outcome: OutcomeStatus


_DONE: Final = End(Junction.SUCCEEDED, OutcomeStatus.SUCCEEDED)
_NOT_DONE: Final = End(Junction.EXECUTION_FAILED, OutcomeStatus.FAILED)
_CANCELLED: Final = End(Junction.EXECUTION_FAILED, OutcomeStatus.CANCELLED)
_OPEN: Final = End(Junction.EXECUTION_UNKNOWN, OutcomeStatus.UNKNOWN)
_FOUND_DONE: Final = End(Junction.EXECUTION_UNKNOWN, OutcomeStatus.SUCCEEDED)
_UNDONE_LATER: Final = End(Junction.EXECUTION_UNKNOWN, OutcomeStatus.FAILED)
_RECORDED_LATER: Final = End(Junction.RECORDING_FAILED, OutcomeStatus.SUCCEEDED)
_LOST: Final = End(Junction.RECORDING_FAILED, OutcomeStatus.FAILED)

_IF_IT_CAN_BE_KNOWN: Final = {Safety.IDEMPOTENT: _DONE, Safety.VERIFIABLE: _DONE, Safety.UNSAFE: _OPEN}

_ENDS: Final[dict[str, End | Mapping[Safety, End]]] = {
    "accepted": _DONE,
    "refused": _NOT_DONE,
    "half-done": _NOT_DONE,
    "half-done-twofold": _NOT_DONE,
    "half-done-undo-refused": _UNDONE_LATER,
    "half-done-undo-silent": _NOT_DONE,
    "half-done-undo-lost": _NOT_DONE,
    "half-done-undo-dead": _UNDONE_LATER,
    "half-done-by-hand": _OPEN,
    "half-done-for-good": _OPEN,
    "muttered": _IF_IT_CAN_BE_KNOWN,
    "grumbled": _IF_IT_CAN_BE_KNOWN,
    "hedged": _OPEN,
    "busy": _DONE,
    "unreachable": _DONE,
    "forbidden": _NOT_DONE,
    "token-refused": _DONE,
    "done-and-lost": _IF_IT_CAN_BE_KNOWN,
    "done-503": _IF_IT_CAN_BE_KNOWN,
    "cut": _IF_IT_CAN_BE_KNOWN,
    "late": _IF_IT_CAN_BE_KNOWN,
    "late-then-refused": {Safety.IDEMPOTENT: _FOUND_DONE, Safety.VERIFIABLE: _DONE},
    "cut-then-half-done": {Safety.IDEMPOTENT: _UNDONE_LATER, Safety.VERIFIABLE: _NOT_DONE},
    "lost-and-verifier-down": _DONE,
    "cancelled": _CANCELLED,
    "unmapped": _NOT_DONE,
    "tampered": _NOT_DONE,
    "tampered-while-waiting": _NOT_DONE,
    "held": _DONE,
    "cancelled-while-waiting": _CANCELLED,
    "revoked-while-waiting": _NOT_DONE,
    "expired": _CANCELLED,
    "expires-while-waiting": _NOT_DONE,
    "expires-while-held": _CANCELLED,
    "shut-out": _DONE,
    "cancelled-while-shut-out": _CANCELLED,
    "expires-while-shut-out": _CANCELLED,
    "approved-twice": _DONE,
    "recorder-down": _RECORDED_LATER,
    "cancelled-and-recorder-down": _LOST,
    "bus-down": _RECORDED_LATER,
}


def due_end(flow: str, safety: Safety) -> End | None:
    """Return how a named flow ends undisturbed; ``None`` where it is not one of this safety's flows."""
    found = _ENDS.get(flow)
    if isinstance(found, End):
        return found
    return found.get(safety) if found else None
