"""The keys of every table and of the sparse indexes, built here and nowhere else.

Key parts are joined with ``#``, so an id that holds one could name another tenant's item. Models validate their ids;
they are checked once more here because a key is where an id of the wrong shape would do harm.
"""

import re
from dataclasses import dataclass
from typing import Final

from domain.model.attempt import AttemptStatus
from domain.model.canonical_json import digest
from domain.model.connector_capacity import CapacityKey
from domain.model.identifiers import IDENTIFIER_PATTERN, IntentRef
from domain.model.kill_switch import SwitchKind, SwitchScope

_TOOL_PATTERN: Final = r"[A-Za-z0-9_.-]{1,256}"
_HASH_PATTERN: Final = r"[0-9a-f]{64}"
_SEQ_DIGITS: Final = 9
"""Digits of a ledger number in a key, zero-padded so that text order is number order; the model's bound is 10^9."""

SWITCH_PARTITION: Final = "SWITCH"

SHARDS: Final = tuple(str(number) for number in range(8))
"""The shards of each sparse index: one index key for all open work would be one partition for the writes of all
tenants, and a busy one would slow the others down. Eight times one partition's 1,000 writes a second (Amazon DynamoDB
Developer Guide, "Using Global Secondary Index write sharding") against eight queries for each look; a guess.
Changing the number loses nothing as long as it grows: readers ask every shard, and no item is moved by reading."""

OPEN: Final = frozenset({AttemptStatus.CLAIMED, AttemptStatus.DISPATCHED, AttemptStatus.UNKNOWN})
"""The statuses that still need somebody: only attempts of these are in the index of open work."""


@dataclass(frozen=True)
class ItemKey:
    """One item's partition and sort key."""

    pk: str
    sk: str


def intent(ref: IntentRef) -> ItemKey:
    """Return the key of an intent in action-intents."""
    return ItemKey(_scope(ref), f"ACTION_INTENT#{_id(ref.action_intent_id)}")


def attempt(ref: IntentRef) -> ItemKey:
    """Return the key of an intent's one attempt in execution-attempts."""
    return ItemKey(_scope(ref), f"EXECUTION#{_id(ref.action_intent_id)}")


def outcome(ref: IntentRef) -> ItemKey:
    """Return the key of an intent's outcome in execution-outcomes."""
    return ItemKey(_scope(ref), f"OUTCOME#{_id(ref.action_intent_id)}")


def ledger_entry(ref: IntentRef, seq: int) -> ItemKey:
    """Return the key of one ledger entry."""
    entries = ledger_entries(ref)
    return ItemKey(entries.pk, f"{entries.sk}{seq:0{_SEQ_DIGITS}d}")


def ledger_entries(ref: IntentRef) -> ItemKey:
    """Return the partition and the sort key *prefix* of all of an intent's ledger entries."""
    return ItemKey(_scope(ref), f"LEDGER#{_id(ref.action_intent_id)}#")


def signal(ref: IntentRef, signal_id: str) -> ItemKey:
    """Return the key of a signal in the outbox."""
    return ItemKey(_scope(ref), f"SIGNAL#{_id(signal_id)}")


def mapping(action_type: str, version: str) -> ItemKey:
    """Return the key of one version of a tool mapping."""
    return ItemKey(f"ACTION_TYPE#{_id(action_type)}", f"VERSION#{_id(version)}")


def external_write(idempotency_key: str) -> ItemKey:
    """Return the key of the record of what a call created."""
    return ItemKey(f"IDEMPOTENCY_KEY#{_matching(_HASH_PATTERN, idempotency_key)}", "EXTERNAL_WRITE")


def switch(scope: SwitchScope) -> ItemKey:
    """Return the key of a kill switch."""
    match scope.kind:
        case SwitchKind.GLOBAL:
            _matching("", scope.subject)
        case SwitchKind.TENANT | SwitchKind.ACTION_TYPE:
            _id(scope.subject)
        case SwitchKind.TOOL | SwitchKind.CONNECTOR:
            _matching(_TOOL_PATTERN, scope.subject)
        case SwitchKind.INTENT:
            tenant_id, _, action_intent_id = scope.subject.partition("#")
            _id(tenant_id)
            _id(action_intent_id)
    return ItemKey(SWITCH_PARTITION, str(scope))


def connector_capacity(key: CapacityKey) -> ItemKey:
    """Return the key of what one tenant's calls of one connector leave room for."""
    return ItemKey(f"TENANT#{_id(key.tenant_id)}", f"CONNECTOR#{_matching(_TOOL_PATTERN, key.connector)}")


def open_status(status: AttemptStatus, shard: str) -> str:
    """Return the partition of the index of open work that holds a shard's attempts of one status."""
    return f"{status.value}#{shard}"


def shard(ref: IntentRef) -> str:
    """Return the shard of everything about one intent: by its digest, so that a tenant's intents are in all of them."""
    return SHARDS[int(digest(ref.model_dump()), 16) % len(SHARDS)]


def _scope(ref: IntentRef) -> str:
    return f"TENANT#{_id(ref.tenant_id)}#ACCOUNT#{_id(ref.account_id)}"


def _id(value: str) -> str:
    return _matching(IDENTIFIER_PATTERN, value)


def _matching(pattern: str, value: str) -> str:
    if not re.fullmatch(pattern, value):
        msg = f"a key part of {len(value)} characters has an illegal shape; keys are built from validated ids only"
        raise ValueError(msg)
    return value
