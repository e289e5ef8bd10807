"""How executions stand, asked of Step Functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from adapters.aws.faults import FAILED_CALLS, Fault, fault_of
from domain.model.errors import ActionError, ConfigurationError, TransientError
from domain.model.execution_status import ExecutionStatus

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_STATUSES: Final[dict[str, ExecutionStatus]] = {
    "RUNNING": ExecutionStatus.RUNNING,
    # Somebody has already decided that it goes on; only its turn has not come.
    "PENDING_REDRIVE": ExecutionStatus.RUNNING,
    "SUCCEEDED": ExecutionStatus.SUCCEEDED,
    "FAILED": ExecutionStatus.FAILED,
    "TIMED_OUT": ExecutionStatus.TIMED_OUT,
    "ABORTED": ExecutionStatus.ABORTED,
}
"""What the service answers, and what it means here (AWS Step Functions API Reference, "DescribeExecution", ``status``).
PENDING_REDRIVE belongs to the children of a Map Run (same, "ListExecutions", ``statusFilter``); this system's machine
has none, and were one ever asked about, nobody may take over from it."""

_TRANSIENT_CODES: Final = frozenset({"KmsThrottlingException"})
"""The service's own code beside the common ones (API Reference, "DescribeExecution", errors)."""

_UNKNOWN_TO_THE_SERVICE: Final = "ExecutionDoesNotExist"


class StepFunctionsExecutions:
    """Asks for each execution by itself, its metadata only, so that no input or output travels.

    The service answers with eventual consistency (API Reference, "DescribeExecution"): an execution that started
    moments ago may be ``GONE``, and one that just ended may still run. A name that the service calls invalid is a
    ``ConfigurationError`` and not ``GONE``: ``GONE`` says that nothing can be at work under this name, and a service
    that cannot read the name (another region's, another partition's, an Express execution's) proves nothing like it.
    A status that is new is a ``ConfigurationError`` for the same reason.
    """

    def __init__(self, client: SFNClient) -> None:
        self._client = client

    def status(self, execution_arn: str) -> ExecutionStatus:
        try:
            found = self._client.describe_execution(executionArn=execution_arn, includedData="METADATA_ONLY")
        except FAILED_CALLS as error:
            fault = fault_of(error, also_transient=_TRANSIENT_CODES)
            if isinstance(error, ClientError) and fault.code == _UNKNOWN_TO_THE_SERVICE:
                return ExecutionStatus.GONE
            raise _untold(execution_arn, fault) from error
        status = _STATUSES.get(found["status"])
        if status is None:
            raise ConfigurationError(
                f"execution {execution_arn} has the status {found['status']}, which this version does not know; "
                "it is taken over by nobody until a version does"
            )
        return status


def _untold(execution_arn: str, fault: Fault) -> ActionError:
    what = f"how execution {execution_arn} stands could not be told ({fault.code})"
    if fault.passes:
        return TransientError(f"{what}; take it for running and ask again")
    return ConfigurationError(
        f"{what}; check that it is the ARN of a standard execution of this region and that the function's role may "
        "describe it"
    )
