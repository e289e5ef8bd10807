"""RecordFailure's Lambda entry point: settle the execution from the error that stopped it."""

from handlers.container import Container
from handlers.runtime import step_handler
from ports.steps.contract import StepName
from ports.steps.state import ExecutionState, OutcomeSection


def _call(container: Container, state: ExecutionState, _seconds_left: float) -> OutcomeSection:
    return container.record_failure()(state)


handler = step_handler(StepName.RECORD_FAILURE, _call)
