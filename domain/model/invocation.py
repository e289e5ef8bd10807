"""What one invocation of a tool came to, as it is kept on the attempt and carried between steps."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.model.errors import ErrorClass
from domain.model.external_object import ExternalObjectRef


class InvocationStatus(StrEnum):
    """What is known after a call; the state machine's Choice branches on it."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    """The tool refused: by its typed contract, nothing was done."""
    PARTIAL = "PARTIAL"
    """The tool says it failed and names objects that exist all the same."""
    DEFERRED = "DEFERRED"
    """Nothing can be said or sent before ``retry_after_seconds`` have passed; Step Functions waits."""
    UNKNOWN = "UNKNOWN"
    """A call may have taken effect, there is no proof, and nothing may be sent again."""


class Invocation(BaseModel):
    """The result of invoking a tool (the original plan's ToolInvocationResponse), without any blob."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: InvocationStatus
    tool_run_ref: str | None = None
    external_object_refs: tuple[ExternalObjectRef, ...] = ()
    raw_response_artifact_ref: str | None = None
    error_code: str | None = None
    error_class: ErrorClass | None = None
    error_message: str | None = None
    attempt_count: int = Field(ge=0)
    completed_at: AwareDatetime
    """When the tool's answer came, or the wait for it ended."""
    retry_after_seconds: int = Field(default=0, ge=0, le=900)
    """Only for DEFERRED: how long Step Functions waits, in seconds."""

    @property
    def is_answer(self) -> bool:
        """Whether this is the tool's own word; a wait or a doubt is none."""
        return self.status not in {InvocationStatus.DEFERRED, InvocationStatus.UNKNOWN}
