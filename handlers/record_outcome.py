"""RecordOutcome's Lambda entry point: settle the execution from what the tool and the undo came to."""

from handlers.container import Container
from handlers.runtime import step_handler
from ports.steps.contract import StepName
from ports.steps.state import ExecutionState, OutcomeSection


def _call(container: Container, state: ExecutionState, _seconds_left: float) -> OutcomeSection:
    return container.record_outcome()(state)


handler = step_handler(StepName.RECORD_OUTCOME, _call)
