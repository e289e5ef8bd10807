"""The whole program under mocks: what exists, how it is called, what it may do, what it exports."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from infrastructure.permissions import UNSCOPED_ACTIONS
from infrastructure.refusals import SettingsError
from ports.steps.contract import FUNCTIONS
from tests.infrastructure.program import CLIENT_SECRET, NAME_KEYS, Recording, run

FUNCTION_COUNT = len(FUNCTIONS)

COUNTS = {
    "aws:dynamodb/table:Table": 9,
    "aws:dynamodb/tableItem:TableItem": 1,
    "aws:s3/bucket:Bucket": 1,
    "aws:s3/bucketVersioning:BucketVersioning": 1,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": 1,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": 1,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": 1,
    "aws:s3/bucketPolicy:BucketPolicy": 1,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": 1,
    "aws:cloudwatch/eventBus:EventBus": 1,
    "aws:cloudwatch/eventRule:EventRule": 3,
    "aws:cloudwatch/eventTarget:EventTarget": 3,
    "aws:cloudwatch/logGroup:LogGroup": FUNCTION_COUNT + 1,
    "aws:cloudwatch/metricAlarm:MetricAlarm": 4 * FUNCTION_COUNT + 21,
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": 2,
    "aws:cloudwatch/dashboard:Dashboard": 1,
    "aws:sqs/queue:Queue": FUNCTION_COUNT + 5,
    "aws:sqs/queuePolicy:QueuePolicy": FUNCTION_COUNT + 5,
    "aws:iam/role:Role": FUNCTION_COUNT + 2,
    "aws:iam/rolePolicy:RolePolicy": FUNCTION_COUNT + 2,
    "aws:lambda/function:Function": FUNCTION_COUNT,
    "aws:lambda/alias:Alias": FUNCTION_COUNT,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": FUNCTION_COUNT,
    "aws:lambda/permission:Permission": 2,
    "aws:cognito/userPool:UserPool": 1,
    "aws:cognito/resourceServer:ResourceServer": 1,
    "aws:cognito/userPoolDomain:UserPoolDomain": 1,
    "aws:cognito/userPoolClient:UserPoolClient": 1,
    "aws:secretsmanager/secret:Secret": 1,
    "aws:secretsmanager/secretVersion:SecretVersion": 1,
    "aws:sfn/stateMachine:StateMachine": 1,
    "aws:sns/topic:Topic": 1,
    "aws:sns/topicPolicy:TopicPolicy": 1,
}

POLICY_KEYS = ("policy", "assumeRolePolicy")


def physical_names(recording: Recording) -> set[tuple[str, str]]:
    """Type and physical name of every resource that has a name of its own in the account."""
    # A role's inline policy and a function's alias are named inside their role and function.
    owned = {"aws:iam/rolePolicy:RolePolicy", "aws:lambda/alias:Alias"}
    references = {"aws:s3/bucket:Bucket": ("bucket",)}
    return {
        (resource.type, resource.inputs[key])
        for resource in recording.resources
        if resource.custom and resource.type not in owned
        for key in references.get(resource.type, NAME_KEYS)
        if key in resource.inputs and not (key == "bucket" and resource.type not in references)
    }


def statements(recording: Recording) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy document in the stack."""
    for resource in recording.resources:
        for key in POLICY_KEYS:
            if key in resource.inputs:
                for statement in resource.document(key)["Statement"]:
                    yield f"{resource.type} {resource.name}", statement


def test_the_stack_holds_exactly_these_resources(dev: Recording) -> None:
    """R2, R3, R5: nothing planned is missing, and nothing appears that nobody decided."""
    assert Counter(resource.type for resource in dev.resources if resource.custom) == COUNTS


def test_no_logical_name_is_used_twice(dev: Recording) -> None:
    """Pulumi would refuse a duplicate at deployment, and mocks do not."""
    used = Counter((resource.type, resource.name) for resource in dev.resources)

    assert [key for key, count in used.items() if count > 1] == []


def test_two_stacks_share_no_physical_name(dev: Recording, prod: Recording) -> None:
    """D79: two stacks can live in one account."""
    mine, other = physical_names(dev), physical_names(prod)

    assert len(mine) == len(other) > 60
    assert mine & other == set()
    assert [name for _, name in mine if "cc-native-dev-" not in name] == []


def test_a_prefix_moves_every_name() -> None:
    """The prefix is part of every physical name, with no name spelt out beside it."""
    assert [name for _, name in physical_names(run("dev", prefix="acme")) if "acme-dev-" not in name] == []


def test_no_policy_allows_by_wildcard(dev: Recording) -> None:
    """Every document of the deployed stack: no wildcard action, and ``*`` only where no narrower resource exists."""
    checked = 0
    for place, statement in statements(dev):
        if statement["Effect"] != "Allow":
            continue
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resources = statement.get("Resource", [])
        for resource in [resources] if isinstance(resources, str) else resources:
            assert resource != "*" or set(actions) <= UNSCOPED_ACTIONS, place
            assert resource == "*" or resource.startswith("arn:aws:"), place
        assert not [action for action in actions if "*" in action], place
        checked += 1
    assert checked > 50


def test_every_trust_is_bound_to_the_account(dev: Recording) -> None:
    """No service can be talked into assuming a role of this stack for another account."""
    conditions = [
        role.document("assumeRolePolicy")["Statement"][0]["Condition"] for role in dev.of("aws:iam/role:Role")
    ]

    assert len(conditions) == FUNCTION_COUNT + 2
    assert {condition["StringEquals"]["aws:SourceAccount"] for condition in conditions} == {"123456789012"}


def test_the_exports_are_what_operators_and_tools_need(dev: Recording) -> None:
    """R79: functions, queues, machine, rule and bucket, and everything a local tool has to find."""
    assert set(dev.exports) == {
        *("region", "tables", "artifacts_bucket", "event_bus", "queues", "functions", "function_aliases"),
        *(
            "log_groups",
            "state_machine_arn",
            "rule_arn",
            "reconcile_rule_arns",
            "gateway_url",
            "user_pool_id",
            "token_endpoint_url",
        ),
        *(
            "mcp_protocol_version",
            "token_scopes",
            "token_issuer",
            "jwks_uri",
            "client_id",
            "gateway_credentials_secret_arn",
        ),
        *("alarm_topic_arn", "dashboard_name"),
    }
    assert set(dev.exports["functions"]) == {spec.component for spec in FUNCTIONS.values()}
    assert len(dev.exports["tables"]) == 9
    assert {"ingress-dlq", "outcome-spool", "tool-invoker-handler-dlq"} <= set(dev.exports["queues"])
    assert {"compensation-tasks", "attention", "quarantine"} <= set(dev.exports["queues"])


def test_no_export_holds_the_secret(dev: Recording) -> None:
    """The client's secret reaches Secrets Manager, encrypted on its way, and nothing else."""
    assert CLIENT_SECRET not in json.dumps(dev.exports)
    holders = [resource.type for resource in dev.resources if CLIENT_SECRET in json.dumps(resource.inputs, default=str)]
    assert holders == ["aws:secretsmanager/secretVersion:SecretVersion"]


@pytest.mark.parametrize(
    "config, key",
    [
        ({"gatewayTimeoutSeconds": "59"}, "gatewayTimeoutSeconds is 59"),
        ({"gatewayUrl": ""}, "gatewayUrl is missing"),
        ({"lambdaArchitecture": "mips"}, "lambdaArchitecture is 'mips'"),
        ({"gatewayTimoutSeconds": "20"}, "gatewayTimoutSeconds is no setting"),
        ({"cc-native-execution:region": "eu-central-1"}, "region is no setting"),
        ({"region": "oregon"}, "region is 'oregon'"),
    ],
)
def test_a_wrong_value_stops_the_preview(config: dict[str, Any], key: str) -> None:
    """A bad value, a missing one or a misspelt key fails before any resource is declared."""
    with pytest.raises(SettingsError) as refused:
        run("dev", **config)

    assert key in str(refused.value)


def test_a_refusal_is_one_that_pulumi_shows_without_a_traceback() -> None:
    """The command line prints a RunError's message alone."""
    with pytest.raises(pulumi.RunError) as refused:
        run("dev", gatewayUrl="http://gateway.example.com/mcp")

    assert isinstance(refused.value, SettingsError)
    assert str(refused.value).startswith("gatewayUrl is 'http://gateway.example.com/mcp': it is not https")


def test_an_update_without_a_package_stops() -> None:
    """Only a preview may do without the functions' code."""
    with pytest.raises(SettingsError) as refused:
        run("dev", preview=False, lambdaPackage="dist/no-such-package.zip")

    assert "lambdaPackage is 'dist/no-such-package.zip'" in str(refused.value)


def test_another_region_reaches_every_arn_that_is_built() -> None:
    """The region of the provider is the region of the names, the graphs and the endpoints."""
    elsewhere = run("dev", region="eu-central-1")

    assert elsewhere.exports["region"] == "eu-central-1"
    assert elsewhere.exports["artifacts_bucket"].endswith("-eu-central-1")
    assert "cognito-idp.eu-central-1." in elsewhere.exports["jwks_uri"]
