"""Executions in memory, played by whoever sets their statuses."""

from threading import Lock

from adapters.memory import warn_that_nothing_is_kept
from domain.model.execution_status import ExecutionStatus


class MemoryExecutions:
    """Knows the executions that it was told about; any other one is gone."""

    def __init__(self) -> None:
        warn_that_nothing_is_kept(self)
        self._statuses: dict[str, ExecutionStatus] = {}
        self._lock = Lock()

    def set_status(self, execution_arn: str, status: ExecutionStatus) -> None:
        """Play the workflow service: let an execution start, end, or be forgotten (``GONE``)."""
        with self._lock:
            self._statuses[execution_arn] = status

    def status(self, execution_arn: str) -> ExecutionStatus:
        with self._lock:
            return self._statuses.get(execution_arn, ExecutionStatus.GONE)
