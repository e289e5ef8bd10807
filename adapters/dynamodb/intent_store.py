"""Intents on DynamoDB, in action-intents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.dynamodb import keys
from adapters.dynamodb.item import item_of, model_of
from adapters.dynamodb.table import Table
from domain.model.intent import ActionIntent

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from domain.model.identifiers import IntentRef


class DynamoDbIntentStore:
    """Keyed by tenant and account together, so that no read can cross them."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._table = Table(client, table_name)

    def find(self, ref: IntentRef) -> ActionIntent | None:
        item = self._table.get(keys.intent(ref))
        return model_of(ActionIntent, item, table=self._table.name) if item else None

    def put(self, intent: ActionIntent) -> None:
        self._table.put(item_of(intent, keys.intent(intent.ref)))
