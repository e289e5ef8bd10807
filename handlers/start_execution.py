"""StartExecution's Lambda entry point: claim the intent for this execution."""

from handlers.container import Container
from handlers.runtime import step_handler
from ports.steps.contract import StepName
from ports.steps.state import ExecutionState, StartSection


def _call(container: Container, state: ExecutionState, _seconds_left: float) -> StartSection:
    return container.start_execution()(state)


handler = step_handler(StepName.START_EXECUTION, _call)
