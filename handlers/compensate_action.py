"""CompensateAction's Lambda entry point: undo what exists, through the gateway."""

from handlers.container import Container
from handlers.runtime import step_handler
from ports.steps.contract import StepName
from ports.steps.state import CompensationSection, ExecutionState


def _call(container: Container, state: ExecutionState, seconds_left: float) -> CompensationSection:
    return container.compensate_action()(state, seconds_left=seconds_left)


handler = step_handler(StepName.COMPENSATE_ACTION, _call)
