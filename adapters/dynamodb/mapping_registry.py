"""Tool mappings on DynamoDB, in action-type-registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.dynamodb import keys
from adapters.dynamodb.item import item_of, model_of
from adapters.dynamodb.table import Table
from domain.model.errors import PermanentError
from domain.model.tool_mapping import ToolMapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDbMappingRegistry:
    """The first publication of a version wins; what makes two equal is their ``content_hash``."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._table = Table(client, table_name)

    def find(self, action_type: str, version: str) -> ToolMapping | None:
        item = self._table.get(keys.mapping(action_type, version))
        return model_of(ToolMapping, item, table=self._table.name) if item else None

    def publish(self, mapping: ToolMapping) -> None:
        item = self._table.put_first(item_of(mapping, keys.mapping(mapping.action_type, mapping.version)))
        standing = model_of(ToolMapping, item, table=self._table.name)
        if standing.content_hash != mapping.content_hash:
            raise PermanentError(
                f"version {mapping.version} of {mapping.action_type} is published with another content; "
                "publish this one as a new version",
                action_type=mapping.action_type,
                version=mapping.version,
            )

    def published(self) -> Iterator[ToolMapping]:
        for item in self._table.everything():
            yield model_of(ToolMapping, item, table=self._table.name)
