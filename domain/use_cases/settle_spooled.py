"""SettleSpooled: record an execution from the state that it spooled when it could not record itself."""

from dataclasses import dataclass

from domain.model.errors import OwnershipLost, PermanentError, TransientError
from domain.model.invocation import InvocationStatus
from domain.model.outcome import OutcomeStatus
from domain.use_cases.record_outcome import evidence_of
from domain.use_cases.recording import Recording
from ports.execution_journal import ExecutionJournal
from ports.steps.state import ExecutionState, OutcomeSection


@dataclass(frozen=True)
class SettleSpooled:
    """Settles from a spooled state; doing it again changes nothing.

    Where the reconciler was first, what it recorded stands, unless that is UNKNOWN and the state holds the tool's
    answer. Raises ``TransientError`` where something could not be written or another is settling just now, and what
    no repeat can change: ``OwnershipLost`` for a state that is not the intent's owner's, ``PermanentError`` for one
    whose answer contradicts what stands, so that its evidence does not vanish in silence.
    """

    journal: ExecutionJournal
    recording: Recording

    def __call__(self, state: ExecutionState) -> OutcomeSection:
        """Record what the state knows."""
        ref = state.intent_ref
        attempt = self.journal.find_attempt(ref)
        if attempt is None or attempt.owner != state.execution_arn:
            raise OwnershipLost(
                f"the spooled state of {state.execution_arn} does not belong to the attempt of {ref}: "
                "nothing is recorded from it",
                **ref.model_dump(),
            )
        if attempt.fence != state.fence and not attempt.is_terminal:
            raise TransientError(f"intent {ref} is being settled by the reconciler; try again", **ref.model_dump())
        section = self.recording.record(attempt, **evidence_of(state))
        answer = state.invocation
        if answer and answer.status is InvocationStatus.SUCCEEDED and section.status is OutcomeStatus.FAILED:
            raise PermanentError(
                f"the tool answered {answer.tool_run_ref} of intent {ref} with success, and its outcome stands as "
                f"{section.status}: one of the two is wrong. Look at the tool's own records and undo what exists there",
                **ref.model_dump(),
            )
        return section
