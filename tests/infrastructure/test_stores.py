"""The stores as declared: keys, indexes, protection, and the switch that must not be reset."""

import ast
import inspect

import boto3
import pytest
from moto import mock_aws

from adapters.dynamodb.kill_switches import DynamoDbKillSwitches
from domain.model.connector_capacity import ConnectorCapacity
from domain.model.kill_switch import SwitchKind, SwitchScope, SwitchState
from infrastructure import stores
from infrastructure.stores import INDEXES, TABLES, TTL_ATTRIBUTES
from ports.steps.resources import Resource
from tests.infrastructure.program import Recording, run

LIMITS = Resource.CONNECTOR_LIMITS.environment_keys
TABLE = "aws:dynamodb/table:Table"


@pytest.mark.parametrize("table", [resource.value for resource in TABLES])
def test_a_table_is_encrypted_and_can_be_restored(dev: Recording, table: str) -> None:
    """D78: on demand, encrypted, with point-in-time recovery."""
    inputs = dev.one(TABLE, table).inputs

    assert (inputs["hashKey"], inputs["rangeKey"], inputs["billingMode"]) == ("pk", "sk", "PAY_PER_REQUEST")
    assert inputs["pointInTimeRecovery"] == {"enabled": True}
    assert inputs["serverSideEncryption"] == {"enabled": True}


def test_nothing_expires_but_what_throttles(dev: Recording) -> None:
    """A lost claim runs twice; a lost count of calls lets a few more go. The attribute is one of the model's."""
    expiring = {table.name: table.inputs["ttl"] for table in dev.of(TABLE) if table.inputs.get("ttl")}

    assert expiring == {"connector-capacity": {"attributeName": "forget_at_epoch", "enabled": True}}
    assert TTL_ATTRIBUTES[Resource.CONNECTOR_CAPACITY] in ConnectorCapacity.model_fields


def test_the_limits_of_calls_are_told_to_those_who_send() -> None:
    """A limit that is configured and not told would be another one's default."""
    recording = run(
        "dev",
        connectorConcurrency="3",
        connectorRatePerSecond="4",
        connectorBurst="5",
        breakerFailures="6",
        breakerOpenSeconds="7",
    )
    told = {
        function.name: [function.inputs["environment"]["variables"].get(key) for key in LIMITS]
        for function in recording.of("aws:lambda/function:Function")
    }

    assert told.pop("tool-invoker") == told.pop("execution-reconciler") == ["3", "4", "5", "6", "7"]
    assert {value for values in told.values() for value in values} == {None}


def test_production_tables_refuse_deletion(dev: Recording, prod: Recording) -> None:
    """D78: a mistaken destroy loses nothing in prod, and works in dev."""
    assert {table.inputs["deletionProtectionEnabled"] for table in prod.of(TABLE)} == {True}
    assert {table.inputs["deletionProtectionEnabled"] for table in dev.of(TABLE)} == {False}


def test_a_protected_bucket_is_not_emptied_by_a_destroy(dev: Recording, prod: Recording) -> None:
    """In dev a destroy takes the artifacts along; in prod it stops at them, and they stay a year."""
    name = Resource.EXECUTION_ARTIFACTS.value
    lifecycle = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"

    assert dev.one("aws:s3/bucket:Bucket", name).inputs["forceDestroy"] is True
    assert prod.one("aws:s3/bucket:Bucket", name).inputs["forceDestroy"] is False
    assert prod.one(lifecycle, name).inputs["rules"][0]["expiration"] == {"days": 365}


def test_indexes_serve_the_sweeper_and_the_tenant(dev: Recording) -> None:
    """R116: open attempts by status, attempts by intent, outcomes by tenant, unpublished signals; keys declared."""
    found = {
        (table.name, index["name"]): [key["attributeName"] for key in index["keySchemas"]]
        for table in dev.of(TABLE)
        for index in table.inputs.get("globalSecondaryIndexes", [])
    }

    assert found == {
        ("execution-attempts", "by-status"): ["open_status", "updated_at"],
        ("execution-attempts", "by-intent"): ["action_intent_id"],
        ("execution-outcomes", "by-tenant"): ["tenant_id", "completed_at"],
        ("signals", "by-unpublished"): ["unpublished", "created_at"],
    }
    for resource in INDEXES:
        attributes = {entry["name"] for entry in dev.one(TABLE, resource.value).inputs["attributes"]}
        used = {key for index in INDEXES[resource] for key in (index.hash_key, index.range_key) if key}
        assert attributes == {"pk", "sk", *used}


@mock_aws
def test_the_switch_row_is_what_the_functions_read(dev: Recording) -> None:
    """The declared row, put into a table as it stands, lets the adapter see a running system."""
    client = boto3.client("dynamodb", region_name="us-west-2")
    client.create_table(
        TableName="switches",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    item = dev.one("aws:dynamodb/tableItem:TableItem", "global-kill-switch")
    client.put_item(TableName="switches", Item=item.document("item"))

    (switch,) = DynamoDbKillSwitches(client, "switches").find([SwitchScope(kind=SwitchKind.GLOBAL)])

    assert switch.state is SwitchState.RUNNING
    assert item.inputs["tableName"] == "cc-native-dev-kill-switches"


def test_a_deployment_never_turns_the_switch_back_on() -> None:
    """Mocks do not show resource options, so the source is read: changes of the switch's item are ignored."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(stores))) if isinstance(node, ast.Call)]
    (item,) = [call for call in calls if ast.unparse(call.func) == "aws.dynamodb.TableItem"]
    options = {keyword.arg: ast.unparse(keyword.value) for keyword in item.keywords}["opts"]

    assert "ignore_changes=['item']" in options


def test_the_bucket_is_closed_versioned_and_cleared(dev: Recording) -> None:
    """R78, D77: no public access, no ACLs, encrypted, TLS only, and artifacts leave after their time."""
    name = Resource.EXECUTION_ARTIFACTS.value

    def of(kind: str) -> dict[str, object]:
        return dict(dev.one(f"aws:s3/bucket{kind}:Bucket{kind[0].upper()}{kind[1:]}", name).inputs)

    access = of("PublicAccessBlock")
    assert {key: value for key, value in access.items() if key != "bucket"} == dict.fromkeys(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True
    )
    assert of("Versioning")["versioningConfiguration"] == {"status": "Enabled"}
    assert of("OwnershipControls")["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    assert "AES256" in str(of("ServerSideEncryptionConfiguration")["rules"])
    assert '"aws:SecureTransport": "false"' in str(of("Policy")["policy"])
    (rule,) = dev.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", name).inputs["rules"]
    assert (rule["status"], rule["expiration"]) == ("Enabled", {"days": 30})
    assert dev.exports["artifacts_bucket"] == "cc-native-dev-execution-artifacts-123456789012-us-west-2"


def test_a_supplied_bucket_is_used_and_not_managed() -> None:
    """R78, D40: no bucket is created, and both the environment and the grant point at the supplied one."""
    recording = run("dev", artifactsBucketName="raw-responses")

    assert [resource.type for resource in recording.resources if resource.type.startswith("aws:s3/")] == []
    assert recording.exports["artifacts_bucket"] == "raw-responses"
    function = recording.one("aws:lambda/function:Function", "tool-invoker")
    assert function.inputs["environment"]["variables"]["EXECUTION_ARTIFACTS_BUCKET"] == "raw-responses"
    policy = recording.one("aws:iam/rolePolicy:RolePolicy", "tool-invoker").inputs["policy"]
    assert '"arn:aws:s3:::raw-responses/tenant/*"' in policy
