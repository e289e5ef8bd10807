"""RecordOutcome: the end of every execution whose tool was reached, or refused for good."""

from dataclasses import dataclass
from typing import TypedDict

from domain.model.errors import FailureReport, OwnershipLost, report_from_wire
from domain.model.invocation import Invocation
from domain.model.outcome import Compensation
from domain.use_cases.recording import Recording
from ports.execution_journal import ExecutionJournal
from ports.steps.state import ExecutionState, OutcomeSection


@dataclass(frozen=True)
class RecordOutcome:
    """Settles the execution from the invocation, the compensation and the error that brought it here, if any.

    Entered again, it finds its own outcome and only publishes what is not published yet. Raises ``OwnershipLost`` if
    the attempt belongs to another execution, ``TransientError`` if something could not be written or published.
    """

    journal: ExecutionJournal
    recording: Recording

    def __call__(self, state: ExecutionState) -> OutcomeSection:
        """Record what is known."""
        attempt = self.journal.find_attempt(state.intent_ref)
        if attempt is None:
            raise OwnershipLost(f"intent {state.intent_ref} has no attempt; somebody has deleted its claim")
        # Whoever settled it, its owner may know: a takeover changes who writes, not what stands.
        attempt.owned_by(state.execution_arn, attempt.fence if attempt.is_terminal else state.fence)
        return self.recording.record(attempt, **evidence_of(state))


class Evidence(TypedDict):
    """What a state says of how its execution went."""

    invocation: Invocation | None
    compensation: Compensation | None
    failure: FailureReport | None


def evidence_of(state: ExecutionState) -> Evidence:
    """Return what an execution's state holds for its record."""
    compensation = state.compensation
    return {
        "invocation": state.invocation,
        "compensation": Compensation.model_validate(compensation.model_dump()) if compensation else None,
        "failure": report_from_wire(state.error.Error, state.error.Cause) if state.error else None,
    }
