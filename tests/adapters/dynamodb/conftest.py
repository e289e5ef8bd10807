"""A DynamoDB to ask, a record of what was asked, and one that answers as it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.ports.tables import dynamodb_with_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def client() -> Iterator[DynamoDBClient]:
    """An in-process DynamoDB with every table."""
    with dynamodb_with_tables() as empty:
        yield empty


@pytest.fixture
def requests(client: DynamoDBClient) -> list[dict[str, Any]]:
    """Every request made from here on, oldest first."""
    made: list[dict[str, Any]] = []

    def keep(params: dict[str, Any], **_: object) -> None:
        made.append(params)

    client.meta.events.register("provide-client-params.dynamodb.*", keep)
    return made


@pytest.fixture
def stubbed() -> Iterator[tuple[DynamoDBClient, Stubber]]:
    """A client that answers what a test tells it to, and nothing else."""
    client = boto3.client("dynamodb", region_name="us-west-2")
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()
