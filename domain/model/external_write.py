"""The record of what one call created, under its idempotency key."""

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.model.external_object import ExternalObjectRef
from domain.model.identifiers import Identifier, Sha256Hex


class ExternalWrite(BaseModel):
    """What a tool said it created under one idempotency key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    idempotency_key: Sha256Hex
    tenant_id: Identifier
    account_id: Identifier
    action_intent_id: Identifier
    tool_name: str
    tool_run_ref: str
    external_object_refs: tuple[ExternalObjectRef, ...]
    recorded_at: AwareDatetime
