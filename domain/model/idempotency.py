"""Idempotency keys: the same action has the same key however often it is tried, and no other action has it."""

from collections.abc import Mapping

from domain.model.canonical_json import digest
from domain.model.external_object import ExternalObjectRef
from domain.model.identifiers import IntentRef


def idempotency_key(ref: IntentRef, *, tool_name: str, arguments: Mapping[str, object], mapping_version: str) -> str:
    """Return the key of carrying out one intent: SHA-256 over tenant, account, intent, tool, arguments, version."""
    return digest(
        {
            "account_id": ref.account_id,
            "action_intent_id": ref.action_intent_id,
            "arguments": arguments,
            "mapping_version": mapping_version,
            "tenant_id": ref.tenant_id,
            "tool_name": tool_name,
        }
    )


def compensation_key(key: str, ref: ExternalObjectRef) -> str:
    """Return the key of undoing one object: its own, so that no tool mistakes the undo for the action."""
    return digest(
        {
            "compensates": key,
            "object_id": ref.object_id,
            "object_type": ref.object_type,
            "system": ref.system.value,
        }
    )


def tool_run_ref(key: str, send: int) -> str:
    """Return the name of one send of one call: deterministic, so that both sides' logs join.

    ``send`` counts from 1; a repeat of the same call has another run ref under the same idempotency key.
    """
    return f"gateway_invocation_{digest({'key': key, 'send': send})[:24]}"


def signal_id(ref: IntentRef, signal_type: str) -> str:
    """Return the id by which consumers dedupe: one per intent and kind of news."""
    return digest(
        {
            "account_id": ref.account_id,
            "action_intent_id": ref.action_intent_id,
            "signal_type": signal_type,
            "tenant_id": ref.tenant_id,
        }
    )[:40]
