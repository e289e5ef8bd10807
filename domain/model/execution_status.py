"""How a state machine execution stands, as the workflow service says; our own records say what it came to."""

from enum import StrEnum


class ExecutionStatus(StrEnum):
    """The service's statuses, and the absence of one."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    GONE = "GONE"
    """The service no longer knows it: it ended long ago (AWS Step Functions Developer Guide, "Service quotas": the
    history of an execution is kept for 90 days), or never existed."""

    @property
    def is_over(self) -> bool:
        """Whether no further step of it can begin, short of somebody redriving it."""
        return self is not ExecutionStatus.RUNNING
