"""Recording: settle an attempt with its outcome, ledger entry and signal in one transaction, then publish.

Both recorders come through this one door, so an outcome has the same shape whichever way an execution ended, and
recording twice is harmless.
"""

from dataclasses import dataclass

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.errors import FailureReport, TransientError
from domain.model.idempotency import signal_id
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.outcome import Compensation, Outcome, OutcomeStatus, Resolution, ResolutionMethod
from domain.model.signal import Signal, SignalType
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
        """Settle the attempt, or find it settled; publish its signal if that has not been done.

        An outcome that stands as UNKNOWN gives way to a tool's answer that comes with the state only now. A refusal
        counts for that only where the attempt holds no answer: its own is to a later send.
        """
        if not attempt.is_terminal:
            settlement = settle(attempt, invocation=invocation, compensation=compensation, failure=failure)
            outcome = self._settle(attempt, settlement, answer_of(attempt, invocation))
            self.publish(outcome)
            return section_of(outcome)
        outcome = self.standing_outcome(attempt)
        self.publish(outcome)
        said = _newer_word(attempt, invocation)
        if attempt.status is AttemptStatus.UNKNOWN and said is not None and not attempt.undone:
            settlement = settle(attempt, invocation=said, compensation=compensation, failure=failure)
            if settlement.status is not OutcomeStatus.UNKNOWN:
                evidence = f"The answer to {said.tool_run_ref}, kept in the execution's state."
                outcome = self.resolve(
                    attempt, settlement, said, ResolutionMethod.ANSWER, resolved_by="recorder", evidence=evidence
                )
        return section_of(outcome)

    def resolve(
        self,
        attempt: Attempt,
        settlement: Settlement,
        invocation: Invocation | None,
        method: ResolutionMethod,
        *,
        resolved_by: str,
        evidence: str,
    ) -> Outcome:
        """Replace an UNKNOWN outcome by one that cites its evidence, and publish that."""
        resolution = Resolution(method=method, resolved_by=resolved_by, evidence=evidence, resolved_at=self.clock.now())
        outcome = self._settle(attempt, settlement, invocation, resolution)
        self.publish(outcome)
        return outcome

    def standing_outcome(self, attempt: Attempt) -> Outcome:
        """Return the outcome of a settled attempt; raises ``TransientError`` where the store shows only half of it."""
        outcome = self.journal.find_outcome(attempt.ref)
        if outcome is None:
            raise TransientError(
                f"attempt {attempt.ref} is {attempt.status} and its outcome cannot be read; they are written together, "
                "so the store is answering from two points in time",
                **attempt.ref.model_dump(),
            )
        return outcome

    def _settle(
        self,
        attempt: Attempt,
        settlement: Settlement,
        invocation: Invocation | None,
        resolution: Resolution | None = None,
    ) -> Outcome:
        now = self.clock.now()
        outcome = _outcome(attempt, settlement, invocation, resolution, now_recorded=now.isoformat())
        signal = Signal.of(outcome, now=now)
        following, entry = attempt.advance(
            outcome.status.attempt_status, signal.signal_type.ledger_event, outcome.as_ledger_data(), now=now
        )
        self.journal.settle(attempt, following, entry, outcome, signal)
        return outcome

    def publish(self, outcome: Outcome) -> None:
        """Publish an outcome's news unless that is done; consumers dedupe, so twice is better than never.

        What it resolved is told before it: else that would stay in the outbox for ever, or be told after it.
        """
        told = (OutcomeStatus.UNKNOWN, outcome.status) if outcome.resolution else (outcome.status,)
        for status in told:
            signal = self.journal.find_signal(outcome.ref, signal_id(outcome.ref, SignalType.of(status)))
            if signal is not None and signal.published_at is None:
                self.publisher.publish(signal)
                self.journal.mark_published(signal.model_copy(update={"published_at": self.clock.now()}))


def _newer_word(attempt: Attempt, invocation: Invocation | None) -> Invocation | None:
    """Return the tool's word that a state brings, if it can tell more than the one on the attempt.

    The attempt's own answer is the later one, so only a success, which stays true, counts beside it.
    """
    if invocation is None or not invocation.is_answer:
        return None
    return invocation if attempt.reply is None or invocation.status is InvocationStatus.SUCCEEDED else None


def _outcome(
    attempt: Attempt,
    settlement: Settlement,
    invocation: Invocation | None,
    resolution: Resolution | None,
    *,
    now_recorded: str,
) -> Outcome:
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
            "resolution": resolution,
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
