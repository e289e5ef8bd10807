"""ApproveIntent: sign an intent's content, so that execution can prove it runs exactly that."""

from dataclasses import dataclass
from typing import Final

from domain.model.errors import IntentNotFound
from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent, Approval, IntentStatus, action_digest
from ports.clock import Clock
from ports.intent_store import IntentStore
from ports.mapping_registry import MappingRegistry

UNPUBLISHED_MAPPING: Final = "0" * 64
"""Stands for "no mapping was published when this was approved"; no mapping has this hash, so it never executes."""


@dataclass(frozen=True)
class ApproveIntent:
    """Records who approved an intent, when, and the digest of what they approved.

    Approving again signs the content as it is now. An intent whose mapping is not published can be approved, and its
    execution will say that the mapping is missing. Raises ``IntentNotFound``.
    """

    intents: IntentStore
    registry: MappingRegistry
    clock: Clock

    def __call__(self, ref: IntentRef, *, approved_by: str) -> ActionIntent:
        """Approve the stored intent and return it as it now stands."""
        intent = self.intents.find(ref)
        if intent is None:
            raise IntentNotFound(
                f"ActionIntent not found: {ref.action_intent_id} (tenant {ref.tenant_id}, account {ref.account_id}); "
                "seed it first, or correct the ids",
                **ref.model_dump(),
            )
        mapping = self.registry.find(intent.action_type, intent.mapping_version)
        mapping_hash = mapping.content_hash if mapping else UNPUBLISHED_MAPPING
        approval = Approval(
            approved_by=approved_by,
            approved_at=self.clock.now(),
            action_digest=action_digest(intent, mapping_hash),
            mapping_hash=mapping_hash,
        )
        approved = intent.model_copy(update={"status": IntentStatus.APPROVED, "approval": approval})
        self.intents.put(approved)
        return approved
