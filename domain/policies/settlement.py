"""Settlement: which terminal status the evidence supports. SUCCEEDED and FAILED need proof; the rest is UNKNOWN.

The attempt is the last word on what may have been sent: an execution that failed for whatever reason *after* a call
went out without proof is UNKNOWN, whatever the error was called.
"""

from dataclasses import dataclass
from typing import Final

from domain.model.attempt import Attempt
from domain.model.errors import CLASS_OF_CODE, ErrorClass, ErrorCode, ExecutionHalted, FailureReport, IntentExpired
from domain.model.idempotency import compensation_key
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.outcome import Compensation, CompensationStatus, OutcomeStatus, RefCompensation
from domain.policies.compensation import ACTION_SUCCEEDED, IN_DOUBT, total

CANCELLING_ERRORS: Final = frozenset({ExecutionHalted.__name__, IntentExpired.__name__})
"""Errors that stop an action rather than fail it, as long as nothing was sent."""

_NOTHING_EXISTS: Final = frozenset({CompensationStatus.NOT_NEEDED, CompensationStatus.COMPLETED})


@dataclass(frozen=True)
class Settlement:
    """The terminal status, and why."""

    status: OutcomeStatus
    compensation: Compensation
    error_code: str | None = None
    error_class: ErrorClass | None = None
    error_message: str | None = None


def settle(
    attempt: Attempt,
    *,
    invocation: Invocation | None,
    compensation: Compensation | None,
    failure: FailureReport | None,
) -> Settlement:
    """Return the settlement of an execution from everything that is known at its end.

    ``invocation`` is the step's result or, if the step never returned, the tool's answer kept on the attempt.
    """
    known = answer_of(attempt, invocation)
    if known is None:
        return _without_answer(attempt, compensation, failure)
    match known.status:
        case InvocationStatus.SUCCEEDED:
            return Settlement(OutcomeStatus.SUCCEEDED, ACTION_SUCCEEDED)
        case InvocationStatus.FAILED | InvocationStatus.PARTIAL:
            undone = compensation or _as_far_as_recorded(attempt, known, failure)
            if attempt.in_doubt:
                # That a resend failed says nothing about the send before it, which may still land.
                undone = IN_DOUBT if undone.status is CompensationStatus.NOT_NEEDED else undone
                return _because(OutcomeStatus.UNKNOWN, undone, known)
            holds = undone.status in _NOTHING_EXISTS
            return _because(OutcomeStatus.FAILED if holds else OutcomeStatus.UNKNOWN, undone, known)
        case InvocationStatus.UNKNOWN | InvocationStatus.DEFERRED:
            if attempt.nothing_was_done:
                return _without_answer(attempt, compensation, failure or _proved_late(attempt))
            return _because(OutcomeStatus.UNKNOWN, compensation or IN_DOUBT, known)


def answer_of(attempt: Attempt, invocation: Invocation | None) -> Invocation | None:
    """Return what the invocation came to: the step's result or, if that is no answer, the one kept on the attempt.

    Another run of the step may have had its answer after this one had given up on it.
    """
    if invocation is None or invocation.status is InvocationStatus.DEFERRED:
        return attempt.reply
    return attempt.reply or invocation if invocation.status is InvocationStatus.UNKNOWN else invocation


def _proved_late(attempt: Attempt) -> FailureReport:
    code = ErrorCode.__members__.get(attempt.last_failure_code or "", ErrorCode.UNKNOWN_ERROR)
    return FailureReport(
        error_name=code.value,
        error_code=code,
        error_class=CLASS_OF_CODE[code],
        error_message="nothing was done, which was proved only after the step had given up on its call",
    )


def _as_far_as_recorded(attempt: Attempt, known: Invocation, failure: FailureReport | None) -> Compensation:
    """Return what the attempt proves of an undo whose own result never arrived."""
    if not known.external_object_refs:
        return Compensation(status=CompensationStatus.NOT_NEEDED, reason="No external objects created")
    why = failure.error_message if failure else "the execution ended before it"
    results: list[RefCompensation] = []
    for ref in known.external_object_refs:
        key = compensation_key(attempt.idempotency_key or "", ref)
        undone = key in attempt.undone
        status = CompensationStatus.COMPLETED if undone else CompensationStatus.FAILED
        results.append(RefCompensation(ref=ref, status=status, idempotency_key=key))
    found = total(results)
    if found.status is CompensationStatus.COMPLETED:
        return found
    return found.model_copy(update={"reason": f"{found.reason}; compensation did not finish: {why}"})


def _without_answer(attempt: Attempt, compensation: Compensation | None, failure: FailureReport | None) -> Settlement:
    code = failure.error_code if failure else ErrorCode.UNKNOWN_ERROR
    error_class = failure.error_class if failure else ErrorClass.UNKNOWN
    message = failure.error_message if failure else "the execution ended without an answer of the tool"
    if not attempt.nothing_was_done:
        return Settlement(OutcomeStatus.UNKNOWN, compensation or IN_DOUBT, code, error_class, message)
    cancelled = failure is not None and failure.error_name in CANCELLING_ERRORS
    return Settlement(
        OutcomeStatus.CANCELLED if cancelled else OutcomeStatus.FAILED,
        Compensation(status=CompensationStatus.NOT_NEEDED, reason="No external objects created"),
        code,
        error_class,
        message,
    )


def _because(status: OutcomeStatus, compensation: Compensation, known: Invocation) -> Settlement:
    return Settlement(
        status,
        compensation,
        known.error_code or ErrorCode.UNKNOWN_ERROR,
        known.error_class or ErrorClass.UNKNOWN,
        known.error_message or "the tool gave no error message",
    )
