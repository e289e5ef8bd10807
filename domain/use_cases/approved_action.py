"""Reading what was approved: the intent and its mapping, proved to be the approved ones by digest.

Steps carry references only, so several of them read the intent and the mapping again; this is the one place where
that is done, and where it is proved that nothing has changed since the claim.
"""

from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from domain.model.errors import ApprovalMismatch, IntentNotFound, ToolMappingNotFound
from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent, Approval, action_digest
from domain.model.tool_mapping import ToolMapping
from domain.policies.decision import Refused, require
from domain.policies.parameters import map_parameters
from domain.policies.preflight import approval_present, digest_matches, mapping_as_approved
from ports.intent_store import IntentStore
from ports.mapping_registry import MappingRegistry


@dataclass(frozen=True)
class ApprovedAction:
    """An intent and its mapping, both as approved, and the tool arguments that follow from them."""

    intent: ActionIntent
    mapping: ToolMapping
    arguments: dict[str, JsonValue]


RULES_OF_READING: Final = (approval_present.__name__, digest_matches.__name__)
"""The preflight rules that every reading of an intent applies."""


def read_intent(intents: IntentStore, ref: IntentRef, claimed_digest: str) -> tuple[ActionIntent, Approval]:
    """Return the claimed intent with its approval, still standing and unchanged.

    Raises ``IntentNotFound``, ``IntentNotApproved`` (revoked since) or ``ApprovalMismatch``.
    """
    intent = intents.find(ref)
    if intent is None:
        raise IntentNotFound(
            f"ActionIntent not found: {ref.action_intent_id}; it existed when this execution claimed it, so somebody "
            "has deleted it since",
            **ref.model_dump(),
        )
    require(approval_present(intent), ref)
    require(digest_matches(intent), ref)
    if intent.approval is None or action_digest(intent, intent.approval.mapping_hash) != claimed_digest:
        raise ApprovalMismatch(
            f"intent {ref} was approved anew with another content while its execution was running; "
            "have the new content approved under a new intent id",
            **ref.model_dump(),
        )
    return intent, intent.approval


def read_mapping(registry: MappingRegistry, action_type: str, version: str, ref: IntentRef) -> ToolMapping:
    """Return exactly this version of the mapping; raises ``ToolMappingNotFound``."""
    mapping = registry.find(action_type, version)
    if mapping is None:
        raise ToolMappingNotFound(
            f"Tool mapping not found for action_type: {action_type}, schema_version: {version}; "
            "publish this version, or propose the action again with a published one",
            **ref.model_dump(),
        )
    return mapping


def read_approved_action(
    intents: IntentStore, registry: MappingRegistry, ref: IntentRef, claimed_digest: str
) -> ApprovedAction:
    """Return the action as approved; raises the errors of both reads, ``ApprovalMismatch``, ``InvalidParameters``."""
    intent, _ = read_intent(intents, ref, claimed_digest)
    mapping = read_mapping(registry, intent.action_type, intent.mapping_version, ref)
    require(mapping_as_approved(intent, mapping), ref)
    mapped = map_parameters(mapping, intent.parameters)
    if isinstance(mapped, Refused):
        raise mapped.error(mapped.reason, **ref.model_dump())
    return ApprovedAction(intent, mapping, mapped.arguments)
