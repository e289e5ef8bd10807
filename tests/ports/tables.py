"""The stores' tables for the contract suites, keyed and indexed as the deployed ones.

This owns how the contract suites get a DynamoDB; what the tables are protected with is the stack's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from moto import mock_aws

from ports.steps.resources import Resource, ResourceKind

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import CreateTableInputTypeDef, KeySchemaElementTypeDef

TABLES = tuple(resource.value for resource in Resource if resource.kind is ResourceKind.TABLE)

INDEXES: dict[str, dict[str, tuple[str, ...]]] = {
    "execution-attempts": {"by-status": ("open_status", "updated_at"), "by-intent": ("action_intent_id",)},
    "execution-outcomes": {"by-tenant": ("tenant_id", "completed_at")},
    "signals": {"by-unpublished": ("unpublished", "created_at")},
}


@contextmanager
def dynamodb_with_tables() -> Iterator[DynamoDBClient]:
    """A client of an empty in-process DynamoDB that has every table, under its component name."""
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-west-2")
        create_tables(client)
        yield client


def create_tables(client: DynamoDBClient) -> None:
    """Create every table under its component name."""
    for table in TABLES:
        _create(client, table)


def _create(client: DynamoDBClient, table: str) -> None:
    indexes = INDEXES.get(table, {})
    attributes = {"pk", "sk"}.union(*indexes.values())
    request: CreateTableInputTypeDef = {
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in sorted(attributes)],
        "KeySchema": _key_schema("pk", "sk"),
    }
    if indexes:
        request["GlobalSecondaryIndexes"] = [
            {"IndexName": name, "KeySchema": _key_schema(*keys), "Projection": {"ProjectionType": "ALL"}}
            for name, keys in indexes.items()
        ]
    client.create_table(**request)


def _key_schema(*keys: str) -> list[KeySchemaElementTypeDef]:
    return [{"AttributeName": key, "KeyType": "RANGE" if place else "HASH"} for place, key in enumerate(keys)]
