"""What flows between the steps: an immutable envelope and one section per step, references only.

Each step receives an ``ExecutionState`` and returns exactly one section, which the state machine assigns to one
variable; nothing is ever merged. Parameters, tool arguments, tokens and raw responses never travel here: they stay
in the stores, and a later step reads them again and proves by digest that they are the same.
"""

import re
from collections.abc import Mapping
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from domain.model.attempt import FIRST_FENCE
from domain.model.errors import InvalidEvent
from domain.model.external_object import ExternalSystem
from domain.model.identifiers import IDENTIFIER_PATTERN, Identifier, IntentRef, Sha256Hex
from domain.model.invocation import Invocation
from domain.model.outcome import CompensationStatus, OutcomeStatus, RefCompensation
from domain.model.tool_mapping import CompensationStrategy

CONTRACT_VERSION: Final = 1
"""Raised when a section changes incompatibly, so that a new function can tell an old execution's state."""

MAX_STATE_BYTES: Final = 64 * 1024
"""Our bound on a state, in bytes of JSON. The service's is 256 KiB and its error cannot be caught
(AWS Step Functions Developer Guide, "Service quotas")."""

APPROVAL_IDS: Final = ("action_intent_id", "tenant_id", "account_id")
"""What is read of an approval event's data, and all that an execution keeps of it."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StartSection(_Frozen):
    """StartExecution's result: the claim, and the two traces."""

    action_type: Identifier
    registry_version: Identifier
    action_digest: Sha256Hex
    trace_id: str
    decision_trace_id: Identifier
    fence: int
    attempt_count: int
    started_at: AwareDatetime
    expires_at_epoch: int


class PreflightSection(_Frozen):
    """ValidatePreflight's result: that everything allowed the action at ``checked_at``."""

    checked_at: AwareDatetime
    approved_by: Identifier
    approved_at: AwareDatetime
    rules_passed: tuple[str, ...]


class MappingSection(_Frozen):
    """MapActionToTool's result: which tool, under which key, with arguments of which digest."""

    tool_name: str
    tool_schema_version: Identifier
    mapping_hash: Sha256Hex
    arguments_digest: Sha256Hex
    idempotency_key: Sha256Hex
    system: ExternalSystem
    effect_safety: str
    compensation_strategy: CompensationStrategy


class InvocationSection(Invocation):
    """InvokeTool's result."""


class CompensationSection(_Frozen):
    """CompensateAction's result."""

    status: CompensationStatus
    reason: str
    refs: tuple[RefCompensation, ...] = ()


class OutcomeSection(_Frozen):
    """RecordOutcome's and RecordFailure's result: what stands recorded, or why nothing could be."""

    recorded: bool
    """False only where no claim exists: the intent is unknown, not approved, or owned by another execution."""
    status: OutcomeStatus
    error_code: str
    """``NONE`` for a success, so that the state machine never meets an undefined value."""
    error_message: str
    compensation_status: CompensationStatus
    signal_id: str | None = None


class CaughtError(BaseModel):
    """What a Catch assigns: Step Functions' own error output."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    Error: str
    Cause: str = ""


class ExecutionState(_Frozen):
    """Everything a step receives."""

    contract_version: int = CONTRACT_VERSION
    execution_arn: str = Field(min_length=1)
    started_at: AwareDatetime
    """When the state machine execution started."""
    approval: JsonValue
    """The ids of the approval event's data exactly as they came; ``intent_ref`` is the only reader."""
    start: StartSection | None = None
    preflight: PreflightSection | None = None
    mapping: MappingSection | None = None
    invocation: InvocationSection | None = None
    compensation: CompensationSection | None = None
    outcome: OutcomeSection | None = None
    error: CaughtError | None = None

    @property
    def trace_id(self) -> str:
        """The execution's trace: the execution's name, known before the first step and the same in all."""
        return self.execution_arn.rsplit(":", 1)[-1]

    @property
    def fence(self) -> int:
        """The fence under which this execution owns its attempt: the claim's, as long as nobody has taken it over."""
        return self.start.fence if self.start else FIRST_FENCE

    @property
    def intent_ref(self) -> IntentRef:
        """The intent that the event names; raises ``InvalidEvent`` naming the field at fault."""
        return intent_ref_of(self.approval)


def places_at_fault(error: ValidationError) -> str:
    """Return where a document breaks its contract: our own field names, and nothing else that a sender made up."""
    places = {
        ".".join(str(part) if _FIELD.fullmatch(str(part)) else "?" for part in fault["loc"])
        for fault in error.errors(include_input=False)
    }
    return ", ".join(sorted(places)[:_MOST_PLACES])[:_LONGEST_PLACES]


_FIELD: Final = re.compile(r"[A-Za-z_]{1,40}|[0-9]{1,4}")
_MOST_PLACES: Final = 10
_LONGEST_PLACES: Final = 300
"""In characters: what is told of a bad document must fit where it is told."""


def intent_ref_of(approval: JsonValue) -> IntentRef:
    """Return the intent that an approval event's data names, or raise ``InvalidEvent``.

    Only the three ids are read; whatever else the publisher sends is ignored, because nothing in an event is a
    permission: the stored intent is.
    """
    if not isinstance(approval, Mapping):
        raise InvalidEvent(
            f"the approval event's detail.data is {_shape(approval)}; "
            "send an object with action_intent_id, tenant_id and account_id"
        )
    ids: dict[str, str] = {}
    for field in APPROVAL_IDS:
        value = approval.get(field)
        if not isinstance(value, str) or not re.fullmatch(IDENTIFIER_PATTERN.removesuffix("$"), value):
            raise InvalidEvent(
                f"{field} of the approval (the event's detail.data) is {_shape(value)}; send a string of 1 to 128 "
                "characters out of letters, digits and ._:@+- that starts with a letter or digit"
            )
        ids[field] = value
    return IntentRef.model_validate(ids)


def _shape(value: JsonValue | None) -> str:
    """Describe a bad value by its shape: its content may be hostile or secret, so it is not repeated."""
    match value:
        case None:
            return "missing"
        case str():
            return f"a string of {len(value)} characters with an illegal shape"
        case _:
            return f"a {type(value).__name__}"
