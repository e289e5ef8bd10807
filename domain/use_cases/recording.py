"""Recording: settle an attempt with its outcome, ledger entry and signal in one transaction, then publish.

Both recorders come through this one door, so an outcome has the same shape whichever way an execution ended, and
recording twice is harmless.
"""

from dataclasses import dataclass

from domain.model.attempt import Attempt
from domain.model.errors import FailureReport, TransientError
from domain.model.idempotency import signal_id
from domain.model.invocation import Invocation
from domain.model.outcome import Compensation, Outcome
from domain.model.signal import Signal, SignalType, outcome_facts
from domain.policies.settlement import Settlement, answer_of, settle
from ports.clock import Clock
from ports.execution_journal import ExecutionJournal
from ports.signal_publisher import SignalPublisher
from ports.steps.state import OutcomeSection

NO_ERROR = "NONE"


@dataclass(frozen=True)
class Recording:
    """Writes outcomes, exactly once each."""

    journal: ExecutionJournal
    publisher: SignalPublisher
    clock: Clock

    def record(
        self,
        attempt: Attempt,
        *,
        invocation: Invocation | None,
        compensation: Compensation | None,
        failure: FailureReport | None,
    ) -> OutcomeSection:
        """Settle the attempt, or find it settled; publish its signal if that has not been done."""
        if attempt.is_terminal:
            outcome = self._standing_outcome(attempt)
        else:
            settlement = settle(attempt, invocation=invocation, compensation=compensation, failure=failure)
            outcome = self._settle(attempt, settlement, answer_of(attempt, invocation))
        self._publish(outcome)
        return section_of(outcome)

    def _standing_outcome(self, attempt: Attempt) -> Outcome:
        outcome = self.journal.find_outcome(attempt.ref)
        if outcome is None:
            raise TransientError(
                f"attempt {attempt.ref} is {attempt.status} and its outcome cannot be read; they are written together, "
                "so the store is answering from two points in time",
                **attempt.ref.model_dump(),
            )
        return outcome

    def _settle(self, attempt: Attempt, settlement: Settlement, invocation: Invocation | None) -> Outcome:
        now = self.clock.now()
        outcome = _outcome(attempt, settlement, invocation, now_recorded=now.isoformat())
        signal = Signal.of(outcome, now=now)
        following, entry = attempt.advance(
            outcome.status.attempt_status, signal.signal_type.ledger_event, dict(outcome_facts(outcome)), now=now
        )
        self.journal.settle(attempt, following, entry, outcome, signal)
        return outcome

    def _publish(self, outcome: Outcome) -> None:
        signal = self.journal.find_signal(outcome.ref, signal_id(outcome.ref, SignalType.of(outcome.status)))
        if signal is not None and signal.published_at is None:
            self.publisher.publish(signal)
            self.journal.mark_published(signal.model_copy(update={"published_at": self.clock.now()}))


def _outcome(attempt: Attempt, settlement: Settlement, invocation: Invocation | None, *, now_recorded: str) -> Outcome:
    return Outcome.model_validate(
        {
            **attempt.ref.model_dump(),
            "status": settlement.status,
            "external_object_refs": invocation.external_object_refs if invocation else (),
            "error_code": settlement.error_code,
            "error_class": settlement.error_class,
            "error_message": settlement.error_message,
            "attempt_count": attempt.attempt_count,
            "tool_name": attempt.tool_name,
            "tool_schema_version": attempt.tool_schema_version,
            "tool_run_ref": invocation.tool_run_ref if invocation else None,
            "raw_response_artifact_ref": invocation.raw_response_artifact_ref if invocation else None,
            "started_at": attempt.started_at,
            "completed_at": invocation.completed_at if invocation else now_recorded,
            "recorded_at": now_recorded,
            "compensation_status": settlement.compensation.status,
            "compensation_reason": settlement.compensation.reason,
            "compensation_refs": settlement.compensation.refs,
            "trace_id": attempt.execution_trace_id,
            "decision_trace_id": attempt.decision_trace_id,
            "action_type": attempt.action_type,
            "registry_version": attempt.mapping_version,
            "action_digest": attempt.action_digest,
            "idempotency_key": attempt.idempotency_key,
            "execution_arn": attempt.owner,
            "approved_by": attempt.approved_by,
            "approved_at": attempt.approved_at,
        }
    )


def section_of(outcome: Outcome) -> OutcomeSection:
    """Return what the state machine needs to know of a recorded outcome."""
    return OutcomeSection(
        recorded=True,
        status=outcome.status,
        error_code=outcome.error_code or NO_ERROR,
        error_message=outcome.error_message or "",
        compensation_status=outcome.compensation_status,
        signal_id=signal_id(outcome.ref, SignalType.of(outcome.status)),
    )
