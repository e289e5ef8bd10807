"""RecordFailure: the end of every execution that an error stopped."""

import hashlib
import json
from dataclasses import dataclass

from domain.model.errors import FailureReport, InvalidEvent, report_from_wire
from domain.model.notice import Notice
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.policies.settlement import CANCELLING_ERRORS
from domain.use_cases.recording import Recording
from domain.use_cases.required import section
from ports.clock import Clock
from ports.execution_journal import ExecutionJournal
from ports.operator_inbox import OperatorInbox
from ports.steps.state import ExecutionState, OutcomeSection


@dataclass(frozen=True)
class RecordFailure:
    """Settles the execution from its error and from what the attempt knows.

    The error's name decides nothing about the effect: if a call may have been sent the outcome is UNKNOWN, whatever
    stopped the execution afterwards. Where this execution holds no claim (unknown intent, not approved, owned by
    another), nothing may be recorded under the intent; the failed execution itself is the visible record, and an event
    that names nothing goes to quarantine. Raises ``TransientError`` if something could not be written or published.
    """

    journal: ExecutionJournal
    recording: Recording
    inbox: OperatorInbox
    clock: Clock

    def __call__(self, state: ExecutionState) -> OutcomeSection:
        """Record the failure if there is a claim to settle."""
        error = section(state.error, "error")
        failure = report_from_wire(error.Error, error.Cause)
        try:
            ref = state.intent_ref
        except InvalidEvent as invalid:
            self._quarantine(state, invalid)
            return _unrecorded(failure)
        attempt = self.journal.find_attempt(ref)
        if attempt is None or attempt.owner != state.execution_arn:
            return _unrecorded(failure) if state.start is None else _claim_gone(failure)
        if attempt.fence != state.fence and not attempt.is_terminal:
            return _claim_gone(failure)
        return self.recording.record(attempt, invocation=None, compensation=None, failure=failure)

    def _quarantine(self, state: ExecutionState, invalid: InvalidEvent) -> None:
        """Leave a trace of an event that names nothing: its hash and what is wrong with it, never its content."""
        content = json.dumps(state.approval, sort_keys=True)
        self.inbox.put(
            Notice.of_quarantined(
                hashlib.sha256(content.encode()).hexdigest(),
                reason=invalid.message,
                advice="Find the publisher of this event by the execution's start time, and have it send valid ids; "
                "the event itself is not tried again.",
                execution_arn=state.execution_arn,
                now=self.clock.now(),
            )
        )


def _claim_gone(failure: FailureReport) -> OutcomeSection:
    """Say nothing about the effect: this execution had a claim, and what it knew went with it or is another's now."""
    return OutcomeSection(
        recorded=False,
        status=OutcomeStatus.UNKNOWN,
        error_code=failure.error_code.value,
        error_message=failure.error_message,
        compensation_status=CompensationStatus.UNKNOWN,
    )


def _unrecorded(failure: FailureReport) -> OutcomeSection:
    cancelled = failure.error_name in CANCELLING_ERRORS
    return OutcomeSection(
        recorded=False,
        status=OutcomeStatus.CANCELLED if cancelled else OutcomeStatus.FAILED,
        error_code=failure.error_code.value,
        error_message=failure.error_message,
        compensation_status=CompensationStatus.NOT_NEEDED,
    )
