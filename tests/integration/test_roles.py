"""Every role of the deployed stack: what it may do passes, and what it may not is denied.

What the emulator does not enforce (the roles of Step Functions and EventBridge) is asked of its policy simulator.
"""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws_clients import Credentials
from local.stack import LocalStack, StackInfo
from ports.steps.contract import RECONCILER, STEPS, StepName

DENIED = {"AccessDenied", "AccessDeniedException"}


@pytest.fixture
def info(stack: LocalStack) -> StackInfo:
    """Where everything is."""
    return stack.info


def role_of(info: StackInfo, component: str) -> str:
    """Return the ARN of a component's role."""
    return str(info.client("iam").get_role(RoleName=f"cc-native-local-{component}-role")["Role"]["Arn"])


@contextmanager
def acting_as(info: StackInfo, component: str, service: str) -> Iterator[Any]:
    """Give a client with exactly the rights of one component's role.

    Only a service may assume the role itself, so its policies are lent to one that this test may assume.
    """
    iam, declared, probe = info.client("iam"), f"cc-native-local-{component}-role", f"probe-{component}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=probe, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    names = iam.list_role_policies(RoleName=declared)["PolicyNames"]
    for name in names:
        policy = json.dumps(iam.get_role_policy(RoleName=declared, PolicyName=name)["PolicyDocument"])
        iam.put_role_policy(RoleName=probe, PolicyName=name, PolicyDocument=policy)
    session = info.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    credentials = Credentials(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    try:
        with closing(info.client_as(service, credentials)) as client:
            yield client
    finally:
        for name in names:
            iam.delete_role_policy(RoleName=probe, PolicyName=name)
        iam.delete_role(RoleName=probe)


def decision(info: StackInfo, component: str, action: str, resource: str) -> str:
    """Return what the role's policies say of one action on one resource."""
    answer = info.client("iam").simulate_principal_policy(
        PolicySourceArn=role_of(info, component), ActionNames=[action], ResourceArns=[resource]
    )
    return str(answer["EvaluationResults"][0]["EvalDecision"])


def alias_arn(stack: LocalStack, step: StepName) -> str:
    """Return what the state machine invokes for a step."""
    return str(stack.program.exports["function_aliases"][STEPS[step].component])


@pytest.mark.parametrize(
    "component,allowed,denied",
    [
        ("execution-validator", "action-intents", "ledger"),
        ("tool-mapper", "action-type-registry", "execution-attempts"),
        ("failure-recorder", "execution-outcomes", "action-intents"),
    ],
)
def test_a_functions_role_reads_its_tables_and_no_other(
    info: StackInfo, component: str, allowed: str, denied: str
) -> None:
    """Enforced for real: the same call passes on one table and is denied on another."""
    key = {"pk": {"S": "nobody"}, "sk": {"S": "nothing"}}
    with acting_as(info, component, "dynamodb") as dynamodb:
        assert "Item" not in dynamodb.get_item(TableName=info.tables[allowed], Key=key)
        with pytest.raises(ClientError) as denial:
            dynamodb.get_item(TableName=info.tables[denied], Key=key)
    assert denial.value.response["Error"]["Code"] in DENIED


@pytest.mark.parametrize("component", ["tool-invoker", "execution-orchestrator", "action-approved"])
def test_nobody_but_its_service_can_take_on_a_role(info: StackInfo, component: str) -> None:
    """Not even root: a role's rights are for the function, the machine or the rule that it was made for."""
    with pytest.raises(ClientError) as denial:
        info.client("sts").assume_role(RoleArn=role_of(info, component), RoleSessionName="test")
    assert denial.value.response["Error"]["Code"] in DENIED


def test_the_validator_cannot_write_the_ledger(info: StackInfo) -> None:
    """The ledger is written by those who act, and by nobody who only looks."""
    with acting_as(info, "execution-validator", "dynamodb") as dynamodb, pytest.raises(ClientError) as denial:
        dynamodb.put_item(TableName=info.tables["ledger"], Item={"pk": {"S": "x"}, "sk": {"S": "y"}})
    assert denial.value.response["Error"]["Code"] in DENIED


def test_nobody_can_change_or_remove_a_ledger_entry(info: StackInfo) -> None:
    """Append-only is a matter of grants: a recorder adds an entry and cannot take it back."""
    ledger, key = info.tables["ledger"], {"pk": {"S": "test"}, "sk": {"S": "append-only"}}
    with acting_as(info, "execution-recorder", "dynamodb") as dynamodb:
        dynamodb.put_item(TableName=ledger, Item=key)
        with pytest.raises(ClientError) as deletion:
            dynamodb.delete_item(TableName=ledger, Key=key)
        with pytest.raises(ClientError) as update:
            dynamodb.update_item(TableName=ledger, Key=key)
    info.client("dynamodb").delete_item(TableName=ledger, Key=key)
    assert deletion.value.response["Error"]["Code"] in DENIED
    assert update.value.response["Error"]["Code"] in DENIED


def test_the_state_machine_may_run_the_aliases_and_nothing_beside_them(stack: LocalStack) -> None:
    """The emulator runs whatever the machine names, so its role is asked of the policy simulator."""
    for step in STEPS:
        alias = alias_arn(stack, step)
        assert decision(stack.info, "execution-orchestrator", "lambda:InvokeFunction", alias) == "allowed"
        unqualified = alias.rsplit(":", 1)[0]
        assert decision(stack.info, "execution-orchestrator", "lambda:InvokeFunction", unqualified) == "implicitDeny"
    reconciler = stack.program.exports["function_aliases"][RECONCILER.component]
    assert decision(stack.info, "execution-orchestrator", "lambda:InvokeFunction", reconciler) == "implicitDeny"


def queues_that(info: StackInfo, component: str) -> set[str]:
    """Return the queues that a component may fill."""
    arns = {
        name: info.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        for name, url in info.queues.items()
    }
    return {name for name, arn in arns.items() if decision(info, component, "sqs:SendMessage", arn) == "allowed"}


@pytest.mark.parametrize(
    "component,queues",
    [
        ("execution-orchestrator", {"outcome-spool"}),
        ("failure-recorder", {"quarantine"}),
        ("execution-reconciler", {"compensation-tasks", "attention", "quarantine"}),
        *((spec.component, set[str]()) for step, spec in STEPS.items() if step is not StepName.RECORD_FAILURE),
    ],
)
def test_a_queue_is_filled_by_whom_it_is_for_and_by_nobody_else(
    info: StackInfo, component: str, queues: set[str]
) -> None:
    """The machine's last resort is one queue; only who asks people for help reaches theirs; and each its own."""
    own = {name for name in info.queues if name.startswith(component) and name.endswith("-dlq")}
    assert queues_that(info, component) == queues | own


def test_the_reconciler_looks_at_executions_of_this_machine_and_ends_none(info: StackInfo) -> None:
    """Enforced for real: it learns how ours stand, is told nothing of another machine's, and can stop neither."""
    steps = info.client("stepfunctions")
    execution = steps.start_execution(stateMachineArn=info.state_machine_arn, input="{}")["executionArn"]
    with acting_as(info, RECONCILER.component, "stepfunctions") as reconciler:
        assert reconciler.describe_execution(executionArn=execution)["executionArn"] == execution
        with pytest.raises(ClientError) as stop:
            reconciler.stop_execution(executionArn=execution)
        with pytest.raises(ClientError) as other:
            reconciler.describe_execution(executionArn=execution.replace("-orchestrator:", "-orchestrator-2:"))
    assert {stop.value.response["Error"]["Code"], other.value.response["Error"]["Code"]} <= DENIED


@pytest.mark.parametrize(
    "table, index, key",
    [("execution-attempts", "by-status", "open_status"), ("signals", "by-unpublished", "unpublished")],
)
def test_only_the_reconciler_searches_what_is_not_finished(info: StackInfo, table: str, index: str, key: str) -> None:
    """The indexes reach over all tenants, so no step may read them."""
    query = {
        "TableName": info.tables[table],
        "IndexName": index,
        "KeyConditionExpression": "#key = :value",
        "ExpressionAttributeNames": {"#key": key},
        "ExpressionAttributeValues": {":value": {"S": "nothing"}},
    }
    with acting_as(info, RECONCILER.component, "dynamodb") as dynamodb:
        assert dynamodb.query(**query)["Items"] == []
    with acting_as(info, "execution-recorder", "dynamodb") as dynamodb, pytest.raises(ClientError) as denial:
        dynamodb.query(**query)
    assert denial.value.response["Error"]["Code"] in DENIED


def test_the_rule_may_start_this_machine_and_no_other(info: StackInfo) -> None:
    """An approval starts one thing."""
    machine = info.state_machine_arn
    assert decision(info, "action-approved", "states:StartExecution", machine) == "allowed"
    assert decision(info, "action-approved", "states:StartExecution", f"{machine}-other") == "implicitDeny"
    assert decision(info, "action-approved", "states:StopExecution", machine) == "implicitDeny"


def test_the_secret_holds_the_clients_credentials_and_only_callers_can_read_it(stack: LocalStack) -> None:
    """The functions that call the gateway, and no other."""
    secret = stack.program.exports["gateway_credentials_secret_arn"]
    with acting_as(stack.info, "tool-invoker", "secretsmanager") as secrets:
        held = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
    assert held.keys() == {"client_id", "client_secret"}
    assert held["client_id"] == stack.program.exports["client_id"]
    assert held["client_secret"]
    with acting_as(stack.info, "tool-mapper", "secretsmanager") as secrets, pytest.raises(ClientError) as denial:
        secrets.get_secret_value(SecretId=secret)
    assert denial.value.response["Error"]["Code"] in DENIED
