"""Compensation: what must be undone, how, and what the results add up to. Decided on evidence, not on an HTTP class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import JsonValue

from domain.model.attempt import Attempt
from domain.model.external_object import ExternalObjectRef
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.outcome import Compensation, CompensationStatus, RefCompensation
from domain.model.tool_mapping import CompensationPolicy, CompensationStrategy
from domain.policies.classification import Evidence, Verdict

IN_DOUBT: Final = Compensation(
    status=CompensationStatus.UNKNOWN,
    reason="The call is in doubt; nothing is undone before it is known what exists",
)
"""What can be said of undoing while a send has no proof: to undo what may land again would leave it for good."""

ACTION_SUCCEEDED: Final = Compensation(status=CompensationStatus.NOT_NEEDED, reason="The action succeeded")


class UndoMove(StrEnum):
    """What follows the reply to an undo call."""

    RECORD = "RECORD"
    """The result is known; record it and go on with the next object."""
    RETRY = "RETRY"
    """Raise ``TransientError``: an undo tool is harmless to repeat for the same object."""


@dataclass(frozen=True)
class Undo:
    """The objects to undo, last created first."""

    refs: tuple[ExternalObjectRef, ...]


def existing_refs(*evidence: Iterable[ExternalObjectRef]) -> tuple[ExternalObjectRef, ...]:
    """Return the union of what different evidence says exists, each object once, in order of creation."""
    known: dict[tuple[str, str, str], ExternalObjectRef] = {}
    for refs in evidence:
        for ref in refs:
            known.setdefault((ref.system, ref.object_type, ref.object_id), ref)
    return tuple(known.values())


def plan(
    policy: CompensationPolicy,
    refs: Sequence[ExternalObjectRef],
    *,
    attempt: Attempt,
    invocation: Invocation | None,
) -> Undo | Compensation:
    """Return what to undo, or the result where there is nothing to call a tool for."""
    if _in_doubt(attempt, invocation):
        return IN_DOUBT
    if not refs:
        return Compensation(status=CompensationStatus.NOT_NEEDED, reason="No external objects created")
    if invocation is not None and invocation.status is InvocationStatus.SUCCEEDED:
        # One run of the step gave up and a later one succeeded: its effect is the action's.
        return ACTION_SUCCEEDED
    match policy.strategy:
        case CompensationStrategy.NONE:
            return Compensation(
                status=CompensationStatus.NONE, reason="Compensation not supported for this action type"
            )
        case CompensationStrategy.MANUAL:
            return Compensation(status=CompensationStatus.PENDING, reason="Requires manual compensation")
        case CompensationStrategy.AUTOMATIC:
            return Undo(tuple(reversed(refs)))


def _in_doubt(attempt: Attempt, invocation: Invocation | None) -> bool:
    """Whether an effect may exist that no evidence names; a wait, or the refusal of a resend, proves nothing."""
    answered = invocation is not None and invocation.is_answer
    return not attempt.nothing_was_done and (attempt.in_doubt or not answered)


def undo_arguments(policy: CompensationPolicy, ref: ExternalObjectRef) -> dict[str, JsonValue]:
    """Return the compensation tool's arguments for one object; a field the ref lacks is left out."""
    values: dict[str, JsonValue] = {name: getattr(ref, field.value) for name, field in policy.arguments.items()}
    return {name: value for name, value in values.items() if value is not None}


def after_undo(verdict: Verdict) -> UndoMove:
    """Decide what follows the reply to one undo call."""
    if verdict.evidence is Evidence.IN_DOUBT or (verdict.evidence is Evidence.NOT_DONE and verdict.transient):
        return UndoMove.RETRY
    return UndoMove.RECORD


def undo_status(verdict: Verdict) -> CompensationStatus:
    """Return what one undo call proves about its object."""
    match verdict.evidence:
        case Evidence.SUCCEEDED:
            return CompensationStatus.COMPLETED
        case Evidence.IN_DOUBT:
            return CompensationStatus.UNKNOWN
        case Evidence.REFUSED | Evidence.PARTIAL | Evidence.NOT_DONE:
            return CompensationStatus.FAILED


def total(results: Sequence[RefCompensation]) -> Compensation:
    """Return what the results over all objects add up to."""
    statuses = {result.status for result in results}
    undone = sum(result.status is CompensationStatus.COMPLETED for result in results)
    reason = f"{undone} of {len(results)} external objects undone"
    if statuses == {CompensationStatus.COMPLETED}:
        status = CompensationStatus.COMPLETED
    elif undone:
        status = CompensationStatus.PARTIAL
    elif CompensationStatus.UNKNOWN in statuses:
        status = CompensationStatus.UNKNOWN
    else:
        status = CompensationStatus.FAILED
    return Compensation(status=status, reason=reason, refs=tuple(results))
