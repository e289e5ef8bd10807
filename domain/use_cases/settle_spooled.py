"""SettleSpooled: record an execution from the state that it spooled when it could not record itself."""

from dataclasses import dataclass

from domain.model.errors import OwnershipLost, TransientError
from domain.use_cases.record_outcome import evidence_of
from domain.use_cases.recording import Recording
from ports.execution_journal import ExecutionJournal
from ports.steps.state import ExecutionState, OutcomeSection


@dataclass(frozen=True)
class SettleSpooled:
    """Settles from a spooled state; doing it again changes nothing.

    Where the reconciler was first, what it recorded stands, unless that is UNKNOWN and the state holds the tool's
    answer. Raises ``OwnershipLost`` for a state that is not the intent's owner's, which no repeat can change, and
    ``TransientError`` where something could not be written or another is settling just now.
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
        return self.recording.record(attempt, **evidence_of(state))
