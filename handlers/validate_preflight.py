"""ValidatePreflight's Lambda entry point: refuse what is not approved, changed, expired or stopped."""

from handlers.container import Container
from handlers.runtime import step_handler
from ports.steps.contract import StepName
from ports.steps.state import ExecutionState, PreflightSection


def _call(container: Container, state: ExecutionState, _seconds_left: float) -> PreflightSection:
    return container.validate_preflight()(state)


handler = step_handler(StepName.VALIDATE_PREFLIGHT, _call)
