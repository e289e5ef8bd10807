"""The outcome: what an execution came to, write-once, and the compensation that belongs to it."""

from enum import StrEnum
from typing import Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from domain.model.attempt import AttemptStatus
from domain.model.canonical_json import JsonObject
from domain.model.errors import ErrorClass
from domain.model.external_object import ExternalObjectRef
from domain.model.identifiers import Identifier, IntentRef, Sha256Hex


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OutcomeStatus(StrEnum):
    """The terminal statuses; each is also the attempt's."""

    SUCCEEDED = "SUCCEEDED"
    """The tool's own evidence says that the effect exists."""
    FAILED = "FAILED"
    """It is proved that nothing was done, or that what was done is undone."""
    CANCELLED = "CANCELLED"
    """Stopped before anything was sent: a kill switch, or an approval whose time was over."""
    UNKNOWN = "UNKNOWN"
    """No proof either way, or an effect that should not exist still does."""

    @property
    def attempt_status(self) -> AttemptStatus:
        """The attempt's terminal status of the same name."""
        return AttemptStatus(self.value)


class CompensationStatus(StrEnum):
    """What became of undoing."""

    NOT_NEEDED = "NOT_NEEDED"
    """Nothing exists that would have to be undone."""
    NONE = "NONE"
    """Something exists and the mapping offers no way to undo it."""
    PENDING = "PENDING"
    """A person must act."""
    COMPLETED = "COMPLETED"
    PARTIAL = "PARTIAL"
    """Some objects are undone, some are not."""
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class RefCompensation(_Frozen):
    """What became of undoing one object."""

    ref: ExternalObjectRef
    status: CompensationStatus
    idempotency_key: Sha256Hex
    detail: str | None = None


class ResolutionMethod(StrEnum):
    """How an UNKNOWN outcome became a known one."""

    VERIFIED = "VERIFIED"
    """The tool's side was asked and answered."""
    RESENT = "RESENT"
    """The call was sent again under its own key, and answered."""
    UNDONE = "UNDONE"
    """What should not exist was undone."""
    ANSWER = "ANSWER"
    """The tool's answer turned up after the outcome was recorded without it."""
    OPERATOR = "OPERATOR"
    """A person looked, and says what they saw."""


MAX_EVIDENCE_CHARACTERS: Final = 2_000


class Resolution(_Frozen):
    """The evidence on which an outcome took the place of an UNKNOWN one."""

    method: ResolutionMethod
    resolved_by: Identifier
    evidence: str = Field(min_length=1, max_length=MAX_EVIDENCE_CHARACTERS)
    resolved_at: AwareDatetime


class Compensation(_Frozen):
    """The result of undoing, over all objects."""

    status: CompensationStatus
    reason: str
    refs: tuple[RefCompensation, ...] = ()


class Outcome(_Frozen):
    """The recorded result of one approved action."""

    action_intent_id: Identifier
    tenant_id: Identifier
    account_id: Identifier
    status: OutcomeStatus
    external_object_refs: tuple[ExternalObjectRef, ...] = ()
    error_code: str | None = None
    error_class: ErrorClass | None = None
    error_message: str | None = None
    attempt_count: int = Field(ge=0)
    tool_name: str | None = None
    tool_schema_version: str | None = None
    tool_run_ref: str | None = None
    raw_response_artifact_ref: str | None = None
    started_at: AwareDatetime
    completed_at: AwareDatetime
    """When the tool's answer came, or when the execution ended without one."""
    recorded_at: AwareDatetime
    compensation_status: CompensationStatus
    compensation_reason: str | None = None
    compensation_refs: tuple[RefCompensation, ...] = ()
    trace_id: str
    decision_trace_id: Identifier
    action_type: Identifier
    registry_version: Identifier
    action_digest: Sha256Hex
    idempotency_key: Sha256Hex | None = None
    execution_arn: str
    approved_by: Identifier | None = None
    approved_at: AwareDatetime | None = None
    resolution: Resolution | None = None
    """Only where this outcome replaced an UNKNOWN one: what it rests on."""

    @property
    def ref(self) -> IntentRef:
        """The intent this outcome belongs to."""
        return IntentRef(tenant_id=self.tenant_id, account_id=self.account_id, action_intent_id=self.action_intent_id)

    def as_ledger_data(self) -> JsonObject:
        """Return the whole outcome as its ledger entry keeps it, so that the ledger alone can tell it again."""
        return self.model_dump(mode="json", exclude_none=True)

    @model_validator(mode="after")
    def _no_false_statement(self) -> Self:
        if self.status is OutcomeStatus.SUCCEEDED and self.error_code is not None:
            msg = "error_code: a SUCCEEDED outcome has none"
            raise ValueError(msg)
        if self.status is not OutcomeStatus.SUCCEEDED and self.error_code is None:
            msg = f"error_code: a {self.status} outcome says why"
            raise ValueError(msg)
        undone = {CompensationStatus.NOT_NEEDED, CompensationStatus.COMPLETED}
        if self.status is OutcomeStatus.FAILED and self.compensation_status not in undone:
            msg = f"status: FAILED with compensation {self.compensation_status} would claim that nothing exists"
            raise ValueError(msg)
        if self.status is OutcomeStatus.UNKNOWN and self.resolution is not None:
            msg = "resolution: an UNKNOWN outcome is not resolved"
            raise ValueError(msg)
        return self
