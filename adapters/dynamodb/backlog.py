"""The backlog on DynamoDB, from the sparse indexes over execution-attempts and signals."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel

from adapters.dynamodb import keys
from adapters.dynamodb.item import OPEN_STATUS, UNPUBLISHED, model_of, moment
from adapters.dynamodb.table import Index, Table
from domain.model.attempt import Attempt
from domain.model.errors import ConfigurationError
from domain.model.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

    from domain.model.attempt import AttemptStatus

_BY_STATUS: Final = Index("by-status", OPEN_STATUS, "updated_at")
_BY_UNPUBLISHED: Final = Index("by-unpublished", UNPUBLISHED, "created_at")

_Model = TypeVar("_Model", bound=BaseModel)


class DynamoDbBacklog:
    """Merges the shards of an index into one order, and holds one page of each.

    An item that cannot be read hides no other: the ``ConfigurationError`` that names it comes after the last of those
    that can. Else one row that somebody edited wrongly would keep everything behind it from ever being finished.
    """

    def __init__(self, client: DynamoDBClient, *, attempts_table: str, signals_table: str) -> None:
        self._attempts = Table(client, attempts_table)
        self._signals = Table(client, signals_table)

    def open_attempts(
        self, status: AttemptStatus, *, updated_before: datetime, newest_first: bool = False
    ) -> Iterator[Attempt]:
        partitions = [keys.open_status(status, shard) for shard in keys.SHARDS] if status in keys.OPEN else []
        return _models(
            Attempt, self._attempts, _BY_STATUS, partitions, before=updated_before, newest_first=newest_first
        )

    def unpublished_signals(self, *, created_before: datetime) -> Iterator[Signal]:
        return _models(Signal, self._signals, _BY_UNPUBLISHED, keys.SHARDS, before=created_before)


def _models(
    kind: type[_Model],
    table: Table,
    index: Index,
    partitions: Iterable[str],
    *,
    before: datetime,
    newest_first: bool = False,
) -> Iterator[_Model]:
    looks = (
        table.look(index, partition, before=moment(before), greatest_first=newest_first) for partition in partitions
    )
    unreadable: ConfigurationError | None = None
    for item in merge(*looks, key=lambda item: item[index.range_key]["S"], reverse=newest_first):
        try:
            model = model_of(kind, item, table=table.name)
        except ConfigurationError as error:
            unreadable = unreadable or error
            continue
        yield model
    if unreadable:
        raise unreadable
