"""DynamoDB: tables and the items that a stack starts with."""

import json
from typing import Any

from local.deployer.frame import Clients, Created, Inputs, creates


@creates("aws:dynamodb/table:Table")
def table(inputs: Inputs, aws: Clients) -> Created:
    """Create a table with its indexes, encryption, protection and expiry, and switch its recovery on."""
    dynamodb, name = aws.client("dynamodb"), inputs.required("name")
    request: dict[str, Any] = {
        "TableName": name,
        "BillingMode": inputs.required("billingMode"),
        "AttributeDefinitions": [
            {"AttributeName": attribute.required("name"), "AttributeType": attribute.required("type")}
            for attribute in inputs.blocks("attributes")
        ],
        "KeySchema": _key_schema(inputs.required("hashKey"), inputs.optional("rangeKey")),
        "DeletionProtectionEnabled": inputs.optional("deletionProtectionEnabled", default=False),
    }
    indexes = [_index(index) for index in inputs.blocks("globalSecondaryIndexes")]
    if indexes:
        request["GlobalSecondaryIndexes"] = indexes
    encryption = inputs.block("serverSideEncryption")
    if encryption is not None:
        request["SSESpecification"] = {"Enabled": encryption.required("enabled")}
    arn = dynamodb.create_table(**request)["TableDescription"]["TableArn"]
    recovery = inputs.block("pointInTimeRecovery")
    if recovery is not None:
        dynamodb.update_continuous_backups(
            TableName=name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovery.required("enabled")},
        )
    expiry = inputs.block("ttl")
    if expiry is not None:
        dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={
                "AttributeName": expiry.required("attributeName"),
                "Enabled": expiry.required("enabled"),
            },
        )
    return Created(name, {"arn": arn})


@creates("aws:dynamodb/tableItem:TableItem")
def table_item(inputs: Inputs, aws: Clients) -> Created:
    """Write one item, and refuse to replace one that is there, as pulumi-aws does."""
    name, hash_key, range_key = inputs.required("tableName"), inputs.required("hashKey"), inputs.optional("rangeKey")
    item = json.loads(inputs.required("item"))
    aws.client("dynamodb").put_item(
        TableName=name,
        Item=item,
        ConditionExpression="attribute_not_exists(#h)",
        ExpressionAttributeNames={"#h": hash_key},
    )
    keys = [next(iter(item[key].values())) for key in (hash_key, range_key) if key]
    return Created("|".join([name, hash_key, *keys]))


def _key_schema(hash_key: str, range_key: str | None) -> list[dict[str, str]]:
    pairs = [(hash_key, "HASH"), (range_key, "RANGE")]
    return [{"AttributeName": name, "KeyType": kind} for name, kind in pairs if name]


def _index(index: Inputs) -> dict[str, Any]:
    return {
        "IndexName": index.required("name"),
        "KeySchema": [
            {"AttributeName": key.required("attributeName"), "KeyType": key.required("keyType")}
            for key in index.blocks("keySchemas")
        ],
        "Projection": {"ProjectionType": index.required("projectionType")},
    }
