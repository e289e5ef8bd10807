"""The execution journal on DynamoDB: every writing method is one transaction over the stores it touches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.dynamodb import keys, transaction
from adapters.dynamodb.errors import ConditionRefused, translated
from adapters.dynamodb.item import UNPUBLISHED, key_attributes, model_of, moment
from adapters.dynamodb.table import Table
from domain.model.attempt import Attempt
from domain.model.errors import ActionError, ConfigurationError, PermanentError, TransientError
from domain.model.kill_switch import stopped_by
from domain.model.ledger import LedgerEntry
from domain.model.outcome import Outcome
from domain.model.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from adapters.dynamodb.item import Item
    from domain.model.identifiers import IntentRef
    from domain.model.kill_switch import SwitchScope

# The first mark stands, and with it the signal leaves the index of unpublished ones, both or neither.
_PUBLISHED: Final = "SET published_at = if_not_exists(published_at, :published_at) REMOVE #unpublished"


class DynamoDbExecutionJournal:
    """Knows only the tables that its step may touch; using another one is a ``ConfigurationError``.

    A lost reply is told from a lost race by the ledger: entries are never changed or deleted, so an entry of the same
    number and hash means that this very write is on record, whatever has happened since.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        *,
        attempts_table: str | None,
        outcomes_table: str | None,
        ledger_table: str | None,
        signals_table: str | None,
        kill_switches_table: str | None,
    ) -> None:
        self._client = client
        self._tables = {
            "execution-attempts": attempts_table,
            "execution-outcomes": outcomes_table,
            "ledger": ledger_table,
            "signals": signals_table,
            "kill-switches": kill_switches_table,
        }

    def find_attempt(self, ref: IntentRef) -> Attempt | None:
        table = self._table("execution-attempts")
        item = Table(self._client, table).get(keys.attempt(ref))
        return model_of(Attempt, item, table=table) if item else None

    def claim(self, attempt: Attempt, entry: LedgerEntry) -> Attempt:
        table = self._table("execution-attempts")
        writes = [transaction.first_attempt(table, attempt), self._append(entry)]
        try:
            transaction.commit(self._client, writes, concerning=entry.ref, may_replay=False)
        except ConditionRefused as refused:
            standing = refused.standing[0]
            if standing is None:
                raise PermanentError(
                    f"the ledger of intent {entry.ref} has entries but {table} has no attempt: evidence was removed. "
                    "The action may have been carried out, so it is not started; restore the attempt",
                    action_intent_id=entry.action_intent_id,
                    tenant_id=entry.tenant_id,
                ) from refused
            return model_of(Attempt, standing, table=table)
        return attempt

    def advance(self, current: Attempt, following: Attempt, entry: LedgerEntry) -> None:
        self._record([self._next(current, following), self._append(entry)], current, entry)

    def dispatch(
        self, current: Attempt, following: Attempt, entry: LedgerEntry, switches: Sequence[SwitchScope]
    ) -> None:
        table = self._table("kill-switches")
        scopes = tuple(dict.fromkeys(switches))
        checks = [transaction.let_pass(table, scope) for scope in scopes]
        writes = [self._next(current, following), self._append(entry), *checks]
        try:
            transaction.commit(self._client, writes, concerning=entry.ref, may_replay=False)
        except ConditionRefused as refused:
            attempt_now, entry_now, *switches_now = refused.standing
            if _is_ours(entry_now, entry):
                raise TransientError(
                    f"dispatch {entry.seq} of intent {entry.ref} is already recorded, so a call may be on its way; "
                    "read the attempt again instead of sending",
                    action_intent_id=entry.action_intent_id,
                    tenant_id=entry.tenant_id,
                ) from refused
            if attempt_now is not None or entry_now is not None:
                raise self._overtaken(current, attempt_now) from refused
            stopping = [
                (scope, now.get("state", {}).get("S"))
                for scope, now in zip(scopes, switches_now, strict=True)
                if now is not None
            ]
            raise stopped_by(entry.ref, stopping) from refused

    def settle(
        self, current: Attempt, following: Attempt, entry: LedgerEntry, outcome: Outcome, signal: Signal
    ) -> None:
        writes = [
            self._next(current, following),
            self._append(entry),
            transaction.settled(self._table("execution-outcomes"), outcome),
            transaction.queued(self._table("signals"), signal),
        ]
        self._record(writes, current, entry)

    def find_outcome(self, ref: IntentRef) -> Outcome | None:
        table = self._table("execution-outcomes")
        item = Table(self._client, table).get(keys.outcome(ref))
        return model_of(Outcome, item, table=table) if item else None

    def ledger(self, ref: IntentRef) -> tuple[LedgerEntry, ...]:
        table = self._table("ledger")
        items = Table(self._client, table).starting_with(keys.ledger_entries(ref))
        return tuple(model_of(LedgerEntry, item, table=table) for item in items)

    def find_signal(self, ref: IntentRef, signal_id: str) -> Signal | None:
        table = self._table("signals")
        item = Table(self._client, table).get(keys.signal(ref, signal_id))
        return model_of(Signal, item, table=table) if item else None

    def mark_published(self, signal: Signal) -> None:
        if signal.published_at is None:
            raise ValueError("published_at is missing; set it to the moment the bus accepted the signal")
        table = self._table("signals")
        try:
            with translated("UpdateItem", f"{table} for signal {signal.signal_id} of intent {signal.ref}"):
                self._client.update_item(
                    TableName=table,
                    Key=key_attributes(keys.signal(signal.ref, signal.signal_id)),
                    UpdateExpression=_PUBLISHED,
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeNames={"#unpublished": UNPUBLISHED},
                    ExpressionAttributeValues={":published_at": {"S": moment(signal.published_at)}},
                )
        except ConditionRefused as refused:
            raise PermanentError(
                f"signal {signal.signal_id} of intent {signal.ref} is not in the outbox; settle it first",
                signal_id=signal.signal_id,
                tenant_id=signal.tenant_id,
            ) from refused

    def _record(self, writes: list[TransactWriteItemTypeDef], current: Attempt, entry: LedgerEntry) -> None:
        try:
            transaction.commit(self._client, writes, concerning=entry.ref, may_replay=True)
        except ConditionRefused as refused:
            if not _is_ours(refused.standing[1], entry):
                raise self._overtaken(current, refused.standing[0]) from refused

    def _overtaken(self, current: Attempt, standing: Item | None) -> ActionError:
        """Return the error of a stale writer; ``standing`` is the attempt that its refused condition met, if any."""
        attempt = model_of(Attempt, standing, table=self._table("execution-attempts")) if standing else None
        return current.overtaken_by(attempt)

    def _next(self, current: Attempt, following: Attempt) -> TransactWriteItemTypeDef:
        return transaction.next_attempt(self._table("execution-attempts"), current, following)

    def _append(self, entry: LedgerEntry) -> TransactWriteItemTypeDef:
        return transaction.appended(self._table("ledger"), entry)

    def _table(self, store: str) -> str:
        name = self._tables[store]
        if name is None:
            raise ConfigurationError(f"this function was given no {store} table; set the name in its environment")
        return name


def _is_ours(standing: Item | None, entry: LedgerEntry) -> bool:
    return standing is not None and standing.get("entry_hash") == {"S": entry.entry_hash}
