"""ResolveUnknown: a person says what became of an action, and what they saw."""

from dataclasses import dataclass

from domain.model.attempt import AttemptStatus
from domain.model.errors import PermanentError
from domain.model.external_object import ExternalObjectRef
from domain.model.identifiers import IntentRef
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.outcome import (
    MAX_EVIDENCE_CHARACTERS,
    Compensation,
    CompensationStatus,
    Outcome,
    OutcomeStatus,
    ResolutionMethod,
)
from domain.model.redaction import redact_document
from domain.policies.compensation import ACTION_SUCCEEDED
from domain.policies.decision import require
from domain.policies.reconciliation import statement_can_stand
from domain.policies.settlement import Settlement
from domain.use_cases.recording import Recording
from ports.clock import Clock
from ports.execution_journal import ExecutionJournal


@dataclass(frozen=True)
class ResolveUnknown:
    """Replaces an UNKNOWN outcome by SUCCEEDED or FAILED, on the word and the evidence of a named person.

    The statement is theirs and the record says so, filtered as all free text is. Nothing but UNKNOWN can be resolved,
    and only when nothing that was sent can make it false any more: raises ``PermanentError`` otherwise, or where the
    statement is not one of the two.
    """

    journal: ExecutionJournal
    recording: Recording
    clock: Clock

    def __call__(
        self,
        ref: IntentRef,
        status: OutcomeStatus,
        *,
        resolved_by: str,
        evidence: str,
        refs: tuple[ExternalObjectRef, ...] = (),
    ) -> Outcome:
        """Record the statement; ``refs`` are the objects that exist, where the record does not name them yet."""
        attempt = self.journal.find_attempt(ref)
        if attempt is None or attempt.status is not AttemptStatus.UNKNOWN:
            standing = "has no attempt" if attempt is None else f"is {attempt.status}"
            raise PermanentError(f"intent {ref} {standing}; only an UNKNOWN outcome can be resolved")
        if status not in {OutcomeStatus.SUCCEEDED, OutcomeStatus.FAILED}:
            raise PermanentError(f"status: {status} settles nothing; say SUCCEEDED or FAILED")
        evidence = redact_document(evidence).strip()
        if not evidence or len(evidence) > MAX_EVIDENCE_CHARACTERS:
            raise PermanentError(
                f"evidence: say what you saw, and where, in at most {MAX_EVIDENCE_CHARACTERS} characters; the record "
                "rests on it"
            )
        require(statement_can_stand(attempt, self.journal.ledger(ref), status, self.clock.now()), ref)
        outcome = self.recording.standing_outcome(attempt)
        known = outcome.external_object_refs or refs
        succeeded = status is OutcomeStatus.SUCCEEDED
        settlement = Settlement(
            status,
            _undoing(known, succeeded=succeeded, evidence=evidence),
            *((None, None, None) if succeeded else (outcome.error_code, outcome.error_class, outcome.error_message)),
        )
        invocation = Invocation(
            status=InvocationStatus.SUCCEEDED if succeeded else InvocationStatus.FAILED,
            tool_run_ref=outcome.tool_run_ref,
            external_object_refs=known,
            raw_response_artifact_ref=outcome.raw_response_artifact_ref,
            attempt_count=attempt.attempt_count,
            completed_at=outcome.completed_at,
        )
        return self.recording.resolve(
            attempt, settlement, invocation, ResolutionMethod.OPERATOR, resolved_by=resolved_by, evidence=evidence
        )


def _undoing(known: tuple[ExternalObjectRef, ...], *, succeeded: bool, evidence: str) -> Compensation:
    if succeeded:
        return ACTION_SUCCEEDED
    if not known:
        return Compensation(status=CompensationStatus.NOT_NEEDED, reason="No external objects created")
    return Compensation(status=CompensationStatus.COMPLETED, reason=f"Undone by hand: {evidence}"[:500])
