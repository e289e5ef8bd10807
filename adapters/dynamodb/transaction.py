"""Several writes, whole or not at all, and the conditions under which the journal makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.dynamodb import keys
from adapters.dynamodb.errors import translated
from adapters.dynamodb.item import OPEN_STATUS, UNPUBLISHED, attribute_of, item_of, key_attributes
from domain.model.canonical_json import digest
from domain.model.kill_switch import SwitchState
from domain.model.outcome import OutcomeStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from domain.model.attempt import Attempt
    from domain.model.identifiers import IntentRef
    from domain.model.kill_switch import SwitchScope
    from domain.model.ledger import LedgerEntry
    from domain.model.outcome import Outcome
    from domain.model.signal import Signal

_TOKEN_CHARACTERS: Final = 36
"""Longest client request token (Amazon DynamoDB API Reference, "TransactWriteItems")."""

# Nothing was ever written here: attempts, ledger entries and signals are never deleted.
_NEVER_WRITTEN: Final = "attribute_not_exists(pk)"
# The attempt still belongs to the execution that read it...
_SAME_OWNER: Final = "#owner = :owner"
# ...nobody has taken it over since, not even in the same execution's name...
_SAME_FENCE: Final = "fence = :fence"
# ...and it has not moved: every transition adds a ledger entry, so an equal head means an equal record.
_SAME_HEAD: Final = "ledger_seq = :ledger_seq AND ledger_hash = :ledger_hash"
_STILL_CURRENT: Final = f"{_SAME_OWNER} AND {_SAME_FENCE} AND {_SAME_HEAD}"
# The recorded outcome says "in doubt": the one statement that evidence may replace.
_IN_DOUBT: Final = "#status = :unknown"
_NOT_SETTLED: Final = f"{_NEVER_WRITTEN} OR {_IN_DOUBT}"
# The switch says in so many words that actions may pass...
_RUNNING: Final = "#state = :running"
# ...or nobody ever set it. The global switch does not have this way out: a lost row must not start anything.
_RUNNING_OR_NEVER_SET: Final = f"{_NEVER_WRITTEN} OR {_RUNNING}"


def first_attempt(table: str, attempt: Attempt) -> TransactWriteItemTypeDef:
    """Put an intent's first attempt record."""
    return {
        "Put": {
            "TableName": table,
            "Item": item_of(attempt, keys.attempt(attempt.ref), **_index_keys(attempt)),
            "ConditionExpression": _NEVER_WRITTEN,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def next_attempt(table: str, current: Attempt, following: Attempt) -> TransactWriteItemTypeDef:
    """Replace the attempt record, as long as it is still ``current``."""
    return {
        "Put": {
            "TableName": table,
            "Item": item_of(following, keys.attempt(current.ref), **_index_keys(following)),
            "ConditionExpression": _STILL_CURRENT,
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": {
                ":owner": attribute_of(current.owner),
                ":fence": attribute_of(current.fence),
                ":ledger_seq": attribute_of(current.ledger_seq),
                ":ledger_hash": attribute_of(current.ledger_hash),
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def appended(table: str, entry: LedgerEntry) -> TransactWriteItemTypeDef:
    """Append a ledger entry."""
    return {
        "Put": {
            "TableName": table,
            "Item": item_of(entry, keys.ledger_entry(entry.ref, entry.seq)),
            "ConditionExpression": _NEVER_WRITTEN,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def settled(table: str, outcome: Outcome) -> TransactWriteItemTypeDef:
    """Put the outcome where none stands or, with a resolution that cites evidence, in place of an UNKNOWN one."""
    item = item_of(outcome, keys.outcome(outcome.ref))
    if outcome.resolution is None:
        return {"Put": {"TableName": table, "Item": item, "ConditionExpression": _NEVER_WRITTEN}}
    return {
        "Put": {
            "TableName": table,
            "Item": item,
            "ConditionExpression": _NOT_SETTLED,
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {":unknown": {"S": OutcomeStatus.UNKNOWN.value}},
        }
    }


def queued(table: str, signal: Signal) -> TransactWriteItemTypeDef:
    """Put a signal into the outbox, once, as unpublished."""
    index_keys = {UNPUBLISHED: keys.shard(signal.ref)}
    return {
        "Put": {
            "TableName": table,
            "Item": item_of(signal, keys.signal(signal.ref, signal.signal_id), **index_keys),
            "ConditionExpression": _NEVER_WRITTEN,
        }
    }


def let_pass(table: str, scope: SwitchScope) -> TransactWriteItemTypeDef:
    """Check, writing nothing, that a kill switch lets actions pass."""
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": key_attributes(keys.switch(scope)),
            "ConditionExpression": _RUNNING if scope.must_exist else _RUNNING_OR_NEVER_SET,
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {":running": {"S": SwitchState.RUNNING.value}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def commit(
    client: DynamoDBClient, writes: Sequence[TransactWriteItemTypeDef], *, concerning: IntentRef, may_replay: bool
) -> None:
    """Make all writes or none; raises ``ConditionRefused`` or what ``adapters.dynamodb.errors`` translates to.

    With ``may_replay`` the request carries a token made of its whole content, and for ten minutes the service answers
    a repeat with the first one's success without looking at any condition (API Reference, "TransactWriteItems"). That
    is right where success means "this is on record", and wrong where it means "you, and nobody else, may go on":
    those pass False, and the SDK's own token then covers the SDK's own repeats only.
    """
    tables = ", ".join(dict.fromkeys(_table_of(write) for write in writes))
    with translated("TransactWriteItems", f"{tables} for intent {concerning}"):
        if may_replay:
            token = digest(writes)[:_TOKEN_CHARACTERS]
            client.transact_write_items(TransactItems=writes, ClientRequestToken=token)
        else:
            client.transact_write_items(TransactItems=writes)


def _table_of(write: TransactWriteItemTypeDef) -> str:
    return write["Put"]["TableName"] if "Put" in write else write["ConditionCheck"]["TableName"]


def _index_keys(attempt: Attempt) -> dict[str, str]:
    if attempt.status not in keys.OPEN:
        return {}
    return {OPEN_STATUS: keys.open_status(attempt.status, keys.shard(attempt.ref))}
