"""CompensateAction: undo what a failed action left behind, with the mapping version that it ran with."""

from dataclasses import dataclass

from domain.model.errors import OwnershipLost
from domain.policies.settlement import answer_of
from domain.use_cases.approved_action import read_mapping
from domain.use_cases.undoing import Undoing
from ports.execution_journal import ExecutionJournal
from ports.mapping_registry import MappingRegistry
from ports.steps.state import CompensationSection, ExecutionState


@dataclass(frozen=True)
class CompensateAction:
    """Undoes the effects that the attempt and the state name.

    Entered again after any crash, it goes on where it was. Raises ``TransientError`` where an undo is to be tried
    again, ``ToolMappingNotFound`` and ``OwnershipLost``.
    """

    registry: MappingRegistry
    journal: ExecutionJournal
    undoing: Undoing

    def __call__(self, state: ExecutionState, *, seconds_left: float) -> CompensationSection:
        """Undo every object that the evidence names."""
        ref = state.intent_ref
        attempt = self.journal.find_attempt(ref)
        if attempt is None:
            raise OwnershipLost(f"intent {ref} has no attempt any more; somebody has deleted its claim")
        if attempt.is_terminal:
            raise OwnershipLost(f"intent {ref} is settled as {attempt.status}; this step may undo no more")
        attempt = attempt.owned_by(state.execution_arn, state.fence)
        mapping = read_mapping(self.registry, attempt.action_type, attempt.mapping_version, ref)
        found = self.undoing.undo(attempt, mapping, answer_of(attempt, state.invocation), seconds_left=seconds_left)
        return CompensationSection.model_validate(found.model_dump())
