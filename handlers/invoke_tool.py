"""InvokeTool's Lambda entry point: call the tool at most once per run and say what is then known."""

from handlers.container import Container
from handlers.runtime import step_handler
from ports.steps.contract import StepName
from ports.steps.state import ExecutionState, InvocationSection


def _call(container: Container, state: ExecutionState, seconds_left: float) -> InvocationSection:
    return container.invoke_tool()(state, seconds_left=seconds_left)


handler = step_handler(StepName.INVOKE_TOOL, _call)
