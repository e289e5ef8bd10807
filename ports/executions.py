"""The executions port."""

from typing import Protocol

from domain.model.execution_status import ExecutionStatus


class Executions(Protocol):
    """Tells how state machine executions stand, so that nobody takes over from one that is still at work."""

    def status(self, execution_arn: str) -> ExecutionStatus:
        """Return the status now; ``GONE`` for an execution that the service does not know.

        Raises ``TransientError`` when the service cannot be reached (the caller must then assume that it runs) and
        ``ConfigurationError`` when access is denied.
        """
        ...
