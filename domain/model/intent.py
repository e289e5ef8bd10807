"""The action intent: what somebody wants done, and the approval that binds exactly that and nothing else."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from domain.model.canonical_json import JsonObject, digest
from domain.model.identifiers import Identifier, IntentRef, Sha256Hex


class IntentStatus(StrEnum):
    """Where an intent stands with the people who decide; execution has its own statuses (``AttemptStatus``)."""

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    REVOKED = "REVOKED"


class Approval(BaseModel):
    """Who approved what, when: ``action_digest`` binds the content, ``mapping_hash`` the tool mapping."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approved_by: Identifier
    approved_at: AwareDatetime
    action_digest: Sha256Hex
    mapping_hash: Sha256Hex


class ActionIntent(BaseModel):
    """One proposed action of one tenant's account."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action_intent_id: Identifier
    tenant_id: Identifier
    account_id: Identifier
    action_type: Identifier
    parameters: JsonObject
    parameters_schema_version: Identifier
    registry_version: Identifier | None = None
    """The mapping version pinned at approval; without it ``parameters_schema_version`` names the version."""
    trace_id: Identifier
    """The decision's trace; kept as correlation (``decision_trace_id``) beside the execution's own trace."""
    expires_at_epoch: int = Field(gt=0, le=253_402_300_799)
    """Seconds since 1970-01-01 UTC after which the approval permits nothing."""
    created_at: AwareDatetime
    status: IntentStatus = IntentStatus.PROPOSED
    approval: Approval | None = None

    @model_validator(mode="after")
    def _approved_means_signed(self) -> Self:
        if self.status is IntentStatus.APPROVED and self.approval is None:
            msg = "approval: an APPROVED intent must say who approved it, when, and the digest approved"
            raise ValueError(msg)
        return self

    @property
    def ref(self) -> IntentRef:
        """The tenant, account and id that together name this intent."""
        return IntentRef(tenant_id=self.tenant_id, account_id=self.account_id, action_intent_id=self.action_intent_id)

    @property
    def mapping_version(self) -> str:
        """The registry version that this intent runs with, for ever; never "latest"."""
        return self.registry_version or self.parameters_schema_version


def action_digest(intent: ActionIntent, mapping_hash: str) -> str:
    """Return the digest of exactly what an approver approves.

    It covers everything that decides what will happen and to whom; not the trace, nor the approval itself.
    """
    approved: Mapping[str, object] = {
        "account_id": intent.account_id,
        "action_intent_id": intent.action_intent_id,
        "action_type": intent.action_type,
        "expires_at_epoch": intent.expires_at_epoch,
        "mapping_hash": mapping_hash,
        "mapping_version": intent.mapping_version,
        "parameters": intent.parameters,
        "parameters_schema_version": intent.parameters_schema_version,
        "tenant_id": intent.tenant_id,
    }
    return digest(approved)
