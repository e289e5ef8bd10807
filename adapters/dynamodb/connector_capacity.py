"""Connector capacity on DynamoDB, in connector-capacity.

One item per tenant and connector, replaced as a whole under its version. Its items expire by ``forget_at_epoch``, which
no other table's do: they throttle and prove nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.dynamodb import keys
from adapters.dynamodb.item import item_of, model_of
from adapters.dynamodb.table import Table
from domain.model.connector_capacity import ConnectorCapacity

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from domain.model.connector_capacity import CapacityKey


class DynamoDbConnectorCapacities:
    """Reads and replaces one item."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._table = Table(client, table_name)

    def find(self, key: CapacityKey) -> ConnectorCapacity | None:
        item = self._table.get(keys.connector_capacity(key))
        return model_of(ConnectorCapacity, item, table=self._table.name) if item else None

    def replace(self, state: ConnectorCapacity) -> bool:
        item = item_of(state, keys.connector_capacity(state.key))
        standing = self._table.put_next(item, version=state.version)
        return standing is None or (
            bool(standing) and model_of(ConnectorCapacity, standing, table=self._table.name) == state
        )
