"""One table, as the adapters use it: strongly consistent reads, whole puts, first-wins puts, and looks at an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.dynamodb.errors import ConditionRefused, translated
from adapters.dynamodb.item import key_attributes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutItemInputTypeDef, QueryInputTypeDef, ScanInputTypeDef

    from adapters.dynamodb.item import Item
    from adapters.dynamodb.keys import ItemKey

_LOOK_ITEMS: Final = 25
"""Items fetched at a time from an index: a look that ends early has then read little that nobody wanted; a guess."""


@dataclass(frozen=True)
class Index:
    """A global secondary index by name, with its keys: which partition, and by what it is ordered."""

    name: str
    hash_key: str
    range_key: str


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

    def look(self, index: Index, partition: str, *, before: str, greatest_first: bool = False) -> Iterator[Item]:
        """Yield the items of an index's partition whose range key is less than ``before``, in its order or against it.

        Each page is fetched when its first item is asked for. An index follows its table by moments, and no read of it
        can be strongly consistent.
        """
        request: QueryInputTypeDef = {
            "TableName": self.name,
            "IndexName": index.name,
            "KeyConditionExpression": "#hash = :hash AND #range < :before",
            "ExpressionAttributeNames": {"#hash": index.hash_key, "#range": index.range_key},
            "ExpressionAttributeValues": {":hash": {"S": partition}, ":before": {"S": before}},
            "ScanIndexForward": not greatest_first,
            "Limit": _LOOK_ITEMS,
        }
        while True:
            with translated("Query", f"{self.name}/{index.name} at {partition}"):
                page = self._client.query(**request)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def everything(self) -> Iterator[Item]:
        """Yield every item of the table, as it stands when its page is read."""
        request: ScanInputTypeDef = {"TableName": self.name, "ConsistentRead": True}
        while True:
            with translated("Scan", self.name):
                page = self._client.scan(**request)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

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

    def put_next(self, item: Item, *, version: int) -> Item | None:
        """Store the item in the place of the version before ``version``, of no item before version 1.

        Returns ``None`` when it is stored, else the item that stands instead (empty when there is none).
        """
        first = version <= 1
        request: PutItemInputTypeDef = {
            "TableName": self.name,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(pk)" if first else "version = :before",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if not first:
            request["ExpressionAttributeValues"] = {":before": {"N": str(version - 1)}}
        try:
            with translated("PutItem", f"{self.name} at {_spelled(item)}"):
                self._client.put_item(**request)
        except ConditionRefused as refused:
            return refused.standing[0] or {}
        return None


def _spelled(item: Item) -> str:
    return f"{item['pk']['S']} / {item['sk']['S']}"
