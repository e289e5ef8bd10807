"""External write records on DynamoDB, in external-write-dedupe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.dynamodb import keys
from adapters.dynamodb.item import item_of, model_of
from adapters.dynamodb.table import Table
from domain.model.external_write import ExternalWrite

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDbExternalWrites:
    """The first record of a key wins. The key is a hash over the tenant, so tenants cannot meet."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._table = Table(client, table_name)

    def find(self, idempotency_key: str) -> ExternalWrite | None:
        item = self._table.get(keys.external_write(idempotency_key))
        return model_of(ExternalWrite, item, table=self._table.name) if item else None

    def record(self, write: ExternalWrite) -> ExternalWrite:
        item = self._table.put_first(item_of(write, keys.external_write(write.idempotency_key)))
        return model_of(ExternalWrite, item, table=self._table.name)
