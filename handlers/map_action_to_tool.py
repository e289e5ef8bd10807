"""MapActionToTool's Lambda entry point: find the tool, the arguments' digest and the idempotency key."""

from handlers.container import Container
from handlers.runtime import step_handler
from ports.steps.contract import StepName
from ports.steps.state import ExecutionState, MappingSection


def _call(container: Container, state: ExecutionState, _seconds_left: float) -> MappingSection:
    return container.map_action_to_tool()(state)


handler = step_handler(StepName.MAP_ACTION_TO_TOOL, _call)
