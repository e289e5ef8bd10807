"""One table, as the adapters use it: strongly consistent reads, whole puts, first-wins puts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.dynamodb.errors import ConditionRefused, translated
from adapters.dynamodb.item import key_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from adapters.dynamodb.item import Item
    from adapters.dynamodb.keys import ItemKey


class Table:
    """A table by name; every method raises what ``adapters.dynamodb.errors`` translates to."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self.name = name

    def get(self, key: ItemKey) -> Item | None:
        """Return the item as it stands now, or ``None``."""
        with translated("GetItem", f"{self.name} at {key.pk} / {key.sk}"):
            found = self._client.get_item(TableName=self.name, Key=key_attributes(key), ConsistentRead=True)
        return found.get("Item")

    def starting_with(self, prefix: ItemKey) -> list[Item]:
        """Return every item of the partition whose sort key starts with the prefix's, in order."""
        items: list[Item] = []
        with translated("Query", f"{self.name} at {prefix.pk} / {prefix.sk}"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self.name,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
                ExpressionAttributeValues={":pk": {"S": prefix.pk}, ":sk": {"S": prefix.sk}},
                ConsistentRead=True,
            )
            for page in pages:
                items.extend(page["Items"])
        return items

    def put(self, item: Item) -> None:
        """Store the item, replacing an earlier one of the same key."""
        with translated("PutItem", f"{self.name} at {_spelled(item)}"):
            self._client.put_item(TableName=self.name, Item=item)

    def put_first(self, item: Item) -> Item:
        """Store the item unless its key is taken, and return the one that now stands."""
        try:
            with translated("PutItem", f"{self.name} at {_spelled(item)}"):
                self._client.put_item(
                    TableName=self.name,
                    Item=item,
                    ConditionExpression="attribute_not_exists(pk)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionRefused as refused:
            return refused.standing[0] or {}
        return item


def _spelled(item: Item) -> str:
    return f"{item['pk']['S']} / {item['sk']['S']}"
