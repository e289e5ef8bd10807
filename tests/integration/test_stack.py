"""The deployed stack: everything declared is really there, set as declared, and connected at both ends."""

import json
import ssl
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from infrastructure.refusals import SettingsError
from local.deployer import Deployer, DeployError, GatewayStandIn
from local.program import preview, run_program
from local.stack import LocalStack, StackError, StackInfo
from local.tool_server.catalogue import TARGETS
from ports.steps.contract import FUNCTIONS, STEPS, StepName, Worker
from ports.steps.resources import Resource, ResourceKind

TARGET_START_SECONDS = 10
TABLES = {resource.value for resource in Resource if resource.kind is ResourceKind.TABLE}


@pytest.fixture
def info(stack: LocalStack) -> StackInfo:
    """Where everything is."""
    return stack.info


def test_the_stack_is_up_within_ten_seconds(
    stack: LocalStack, record_testsuite_property: Callable[[str, object], None]
) -> None:
    """Emulator, every resource and the tool server; the progress on the terminal says how long each part took."""
    record_testsuite_property("stack_start_seconds", round(stack.start_seconds, 1))
    assert stack.start_seconds < TARGET_START_SECONDS


def test_the_written_description_is_the_running_stack(stack: LocalStack) -> None:
    """Another process finds everything that this one has."""
    assert StackInfo.load(stack.folder / "stack.json") == stack.info
    assert stack.info.tables.keys() == TABLES
    assert stack.info.functions.keys() == {name.value for name in FUNCTIONS}
    assert stack.info.tool_server is not None
    assert stack.info.tool_server.database == stack.tool_database


def test_a_second_stack_in_the_same_folder_is_refused(stack: LocalStack) -> None:
    """It would pull the first one's files from under it."""
    with pytest.raises(StackError, match="Another stack is running"):
        LocalStack(stack.folder).start()
    assert StackInfo.load(stack.folder / "stack.json") == stack.info


def test_a_preview_names_what_a_deployment_creates(stack: LocalStack) -> None:
    """The planner's made-up ARNs are those that the services give."""
    planned = preview("local", {key: value for key, value in stack.program.config.items() if value})
    names = ("tables", "artifacts_bucket", "event_bus", "functions", "function_aliases", "log_groups")
    arns = ("state_machine_arn", "rule_arn", "reconcile_rule_arns", "alarm_topic_arn", "dashboard_name")
    for key in (*names, *arns):
        assert planned.exports[key] == stack.program.exports[key], key
    assert [(one.type, one.name) for one in planned.resources] == [
        (one.type, one.name) for one in stack.program.resources
    ]


@pytest.mark.parametrize("component", sorted(TABLES))
def test_every_table_is_there_as_declared(info: StackInfo, component: str) -> None:
    """Keys, encryption, recovery and expiry; a lost setting would be noticed only on the day it is needed."""
    dynamodb, name = info.client("dynamodb"), info.tables[component]
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]} == {"pk": "HASH", "sk": "RANGE"}
    assert table["SSEDescription"]["Status"] == "ENABLED"
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    expires = expiry["TimeToLiveStatus"] == "ENABLED"
    assert (expires, expiry.get("AttributeName")) == (
        (True, "forget_at_epoch") if component == "connector-capacity" else (False, None)
    )


@pytest.mark.parametrize(
    "component, indexes",
    [
        (
            "execution-attempts",
            {"by-status": ["open_status", "updated_at"], "by-intent": ["action_intent_id"]},
        ),
        ("signals", {"by-unpublished": ["unpublished", "created_at"]}),
    ],
)
def test_the_sweepers_indexes_are_there(info: StackInfo, component: str, indexes: dict[str, list[str]]) -> None:
    """The declared names and keys, hash before range."""
    table = info.client("dynamodb").describe_table(TableName=info.tables[component])["Table"]
    keys = {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in table["GlobalSecondaryIndexes"]
    }
    assert keys == indexes


def test_the_global_kill_switch_starts_as_running(info: StackInfo) -> None:
    """Without its row nothing would run."""
    item = info.client("dynamodb").get_item(
        TableName=info.tables["kill-switches"], Key={"pk": {"S": "SWITCH"}, "sk": {"S": "GLOBAL"}}
    )["Item"]
    assert item["state"] == {"S": "RUNNING"}


def test_the_rule_hands_over_the_approval_and_keeps_what_it_cannot_deliver(stack: LocalStack) -> None:
    """The declared path, queue and retries, on the declared bus."""
    (target,) = stack.info.client("events").list_targets_by_rule(
        Rule="cc-native-local-action-approved", EventBusName=stack.info.event_bus
    )["Targets"]
    assert target["Arn"] == stack.info.state_machine_arn
    assert target["InputPath"] == "$.detail.data"
    assert target["DeadLetterConfig"]["Arn"].endswith(":cc-native-local-ingress-dlq")
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 185}


@pytest.mark.parametrize("name, minutes, attempts", [("reconcile-schedule", 1, 2), ("execution-ended", 60, 185)])
def test_the_reconcilers_rules_wake_its_alias_and_keep_what_they_cannot_deliver(
    stack: LocalStack, name: str, minutes: int, attempts: int
) -> None:
    """On the default bus, with the declared queue and retries, and let in by the function's own policy."""
    events, functions, rule = stack.info.client("events"), stack.info.client("lambda"), f"cc-native-local-{name}"
    assert events.describe_rule(Name=rule)["State"] == "ENABLED"
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    assert target["Arn"] == stack.program.exports["function_aliases"]["execution-reconciler"]
    assert target["DeadLetterConfig"]["Arn"].endswith(":cc-native-local-execution-reconciler-handler-dlq")
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": minutes * 60, "MaximumRetryAttempts": attempts}
    policy = functions.get_policy(FunctionName=stack.info.functions[Worker.RECONCILER.value], Qualifier="live")
    let_in = {one["Sid"]: one for one in json.loads(policy["Policy"])["Statement"]}[name]
    assert let_in["Principal"] == {"Service": "events.amazonaws.com"}
    assert stack.program.exports["reconcile_rule_arns"][name] in json.dumps(let_in["Condition"])


def test_an_execution_that_is_stopped_or_fails_is_news_for_the_reconciler(info: StackInfo) -> None:
    """Seen by a second target of the deployed rule: its pattern lets both ends through, with the ARN to look up."""
    events, queues, steps = info.client("events"), info.client("sqs"), info.client("stepfunctions")
    queue = queues.create_queue(QueueName="ends-overheard")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = "cc-native-local-execution-ended"
    events.put_targets(Rule=rule, Targets=[{"Id": "overhearing", "Arn": arn}])
    approval = {"action_intent_id": "intent-of-nobody", "tenant_id": "tenant-1", "account_id": "account-1"}
    try:
        ends = {}
        for expected in ("FAILED", "ABORTED"):
            execution = steps.start_execution(stateMachineArn=info.state_machine_arn, input=json.dumps(approval))
            if expected == "ABORTED":
                steps.stop_execution(executionArn=execution["executionArn"])
            ends[execution["executionArn"]] = expected
        heard = _events_about(queues, queue, set(ends))
    finally:
        events.remove_targets(Rule=rule, Ids=["overhearing"])
        queues.delete_queue(QueueUrl=queue)
    assert {arn: event["detail"]["status"] for arn, event in heard.items()} == ends
    assert all(json.loads(event["detail"]["input"]) == approval for event in heard.values())


def _events_about(queues: Any, queue: str, executions: set[str]) -> dict[str, Any]:  # noqa: ANN401 - a boto3 client
    heard: dict[str, Any] = {}
    deadline = time.monotonic() + 30
    while heard.keys() < executions and time.monotonic() < deadline:
        answer = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        events = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
        heard |= {
            event["detail"]["executionArn"]: event for event in events if event["detail"]["executionArn"] in executions
        }
    return heard


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_alias_runs_the_declared_handler_under_the_declared_limits(
    stack: LocalStack, name: StepName | Worker
) -> None:
    """Through the alias: handler, time and the queue for what was given up are what the contract says."""
    functions, spec = stack.info.client("lambda"), FUNCTIONS[name]
    configuration = functions.get_function_configuration(
        FunctionName=stack.info.functions[name.value], Qualifier="live"
    )
    assert configuration["Handler"] == spec.handler
    assert configuration["Timeout"] == spec.function_timeout_seconds
    assert configuration["DeadLetterConfig"]["TargetArn"].endswith("-dlq")


@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_state_that_no_contract_allows_is_refused_in_the_steps_own_words(stack: LocalStack, step: StepName) -> None:
    """The handler itself answers, and says which step was given what it cannot work with."""
    functions, name = stack.info.client("lambda"), stack.info.functions[step.value]
    answer = functions.invoke(FunctionName=name, Qualifier="live", Payload=b"{}")
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == "ConfigurationError"
    assert step.value in error["errorMessage"]


def test_a_turn_of_the_schedule_reads_and_asks_only_what_the_reconciler_may(stack: LocalStack) -> None:
    """Through the alias, with the role's own rights: a sweep of the deployed indexes ends without a denial."""
    turn = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
    answer = stack.info.client("lambda").invoke(
        FunctionName=stack.info.functions[Worker.RECONCILER.value], Qualifier="live", Payload=json.dumps(turn).encode()
    )
    assert "FunctionError" not in answer
    assert "swept" in json.loads(answer["Payload"].read())


def test_what_the_reconciler_cannot_understand_is_put_aside(info: StackInfo) -> None:
    """On the deployed quarantine queue, by its hash, and never tried again."""
    queues, queue = info.client("sqs"), info.queues["quarantine"]
    answer = info.client("lambda").invoke(
        FunctionName=info.functions[Worker.RECONCILER.value], Qualifier="live", Payload=b'{"secret": "of nobody"}'
    )
    assert "FunctionError" not in answer
    content = json.loads(answer["Payload"].read())["quarantined"]
    deadline, heard = time.monotonic() + 10, list[str]()
    while not any(content in body for body in heard) and time.monotonic() < deadline:
        found = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=1)
        heard += [message["Body"] for message in found.get("Messages", [])]
    assert any(content in body for body in heard)
    assert "of nobody" not in "".join(heard)


def test_what_a_function_logs_is_json_in_the_declared_group(stack: LocalStack) -> None:
    """The runtime client writes what Lambda would write; a log nobody can query is no log."""
    name = stack.info.functions[StepName.START_EXECUTION.value]
    stack.info.client("lambda").invoke(FunctionName=name, Qualifier="live", Payload=b"{}")
    events = stack.info.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    lines = [json.loads(event["message"]) for event in events if event["message"].startswith("{")]
    assert any(line["message"] == "StartExecution invoked" and line["step"] == "StartExecution" for line in lines)
    groups = stack.info.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [14]


def test_the_tool_server_lets_in_the_stacks_own_client_and_nobody_else(stack: LocalStack) -> None:
    """A token of the deployed client, issued by the emulator, is what the reference server accepts."""
    secret = stack.info.client("secretsmanager").get_secret_value(
        SecretId=stack.program.exports["gateway_credentials_secret_arn"]
    )
    client = json.loads(secret["SecretString"])
    trust = ssl.create_default_context(cafile=str(stack.info.ca_bundle))
    with httpx.Client(verify=trust, trust_env=False) as http:
        token = http.post(
            stack.program.exports["token_endpoint_url"],
            data={"grant_type": "client_credentials", "scope": " ".join(stack.program.exports["token_scopes"])},
            auth=(client["client_id"], client["client_secret"]),
        ).json()["access_token"]
        asked = {"jsonrpc": "2.0", "id": "1", "method": "tools/list", "params": {}}
        accept = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
        url = stack.info.gateway_url
        stranger = http.post(url, json=asked, headers=accept)
        known = http.post(url, json=asked, headers={**accept, "Authorization": f"Bearer {token}"})
    assert stranger.status_code == 401
    assert known.status_code == 200
    assert known.json()["result"]["tools"]


def test_the_declared_gateway_is_the_tool_server(stack: LocalStack) -> None:
    """The stack that runs here declares a gateway as one on AWS does, and its outputs lead to the server's own URL."""
    declared = {one.type: one for one in stack.program.resources if "agentcoreGateway:" in one.type}
    (gateway,) = declared.values()
    assert stack.tool_server is not None
    assert stack.program.exports["gateway_url"] == stack.info.gateway_url == stack.tool_server.url
    assert stack.program.exports["gateway_arn"].endswith(f":gateway/{stack.program.exports['gateway_id']}")
    authorizer = gateway.inputs["authorizerConfiguration"]["customJwtAuthorizer"]
    assert authorizer["allowedClients"] == [stack.program.exports["client_id"]]
    assert authorizer["discoveryUrl"].startswith(stack.program.exports["token_issuer"])


def test_the_bucket_is_private_versioned_and_for_tls_only(info: StackInfo) -> None:
    """Raw tool responses may be personal."""
    s3, bucket = info.client("s3"), info.artifacts_bucket
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule["Expiration"]["Days"] == 30
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30


def test_an_alarm_is_there_for_every_function_and_queue(stack: LocalStack) -> None:
    """Each acts on the stack's topic."""
    pages = (
        stack.info.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix="cc-native-local-")
    )
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    watched = {dimension["Value"] for alarm in alarms for dimension in alarm["Dimensions"]}
    assert set(stack.info.functions.values()) <= watched
    assert {url.rsplit("/", 1)[1] for url in stack.info.queues.values()} <= watched
    topic = stack.program.exports["alarm_topic_arn"]
    assert all(alarm["AlarmActions"] == [topic] for alarm in alarms)


def test_an_approval_of_an_unknown_intent_ends_in_a_visibly_failed_execution(info: StackInfo) -> None:
    """From the bus to the end: nothing is known of the intent, and the failure can be seen."""
    data = {"action_intent_id": "intent-nobody-knows", "tenant_id": "tenant-1", "account_id": "account-1"}
    accepted = info.client("events").put_events(
        Entries=[
            {
                "Source": "cc-native",
                "DetailType": "ACTION_APPROVED",
                "EventBusName": info.event_bus,
                "Detail": json.dumps({"data": data}),
            }
        ]
    )
    assert accepted["FailedEntryCount"] == 0
    execution = _ended_execution_of(info, "intent-nobody-knows")
    assert execution["status"] == "FAILED"
    assert execution["error"] == "INTENT_NOT_FOUND"
    assert "intent-nobody-knows" in execution["cause"]


def _ended_execution_of(info: StackInfo, intent_id: str) -> dict[str, Any]:
    steps, deadline = info.client("stepfunctions"), time.monotonic() + 30
    while time.monotonic() < deadline:
        for listed in steps.list_executions(stateMachineArn=info.state_machine_arn)["executions"]:
            execution: dict[str, Any] = steps.describe_execution(executionArn=listed["executionArn"])
            if intent_id in execution["input"] and execution["status"] != "RUNNING":
                return execution
        time.sleep(0.1)
    pytest.fail(f"no execution of {intent_id} ended within 30 s")


def test_a_protected_stack_lives_beside_another_one(stack: LocalStack) -> None:
    """Every name carries prefix and stack, and every optional setting can be deployed too."""
    settings = {
        **stack.program.config,
        "prefix": "beside",
        "stage": "prod",
        "memory": "256",
        "reservedConcurrency": "2",
        "logRetentionDays": "30",
    }
    stand_in = GatewayStandIn(stack.info.gateway_url, TARGETS)
    other = run_program(Deployer(stack.emulator, gateway=stand_in), "local", settings)
    assert set(other.exports["tables"].values()).isdisjoint(stack.info.tables.values())
    name = other.exports["functions"]["tool-invoker"]
    functions = stack.info.client("lambda")
    assert functions.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 2
    assert functions.get_function_configuration(FunctionName=name)["MemorySize"] == 256
    table = stack.info.client("dynamodb").describe_table(TableName=other.exports["tables"]["ledger"])["Table"]
    assert table["DeletionProtectionEnabled"] is True


def test_deploying_the_same_stack_twice_is_refused_by_name(stack: LocalStack) -> None:
    """The emulator's own refusal arrives with the resource it is about."""
    stand_in = GatewayStandIn(stack.info.gateway_url, TARGETS)
    with pytest.raises(DeployError) as refusal:
        run_program(Deployer(stack.emulator, gateway=stand_in), "local", stack.program.config)
    assert "was refused by the emulator" in str(refusal.value)


def test_a_start_that_fails_leaves_nothing_running(tmp_path: Path) -> None:
    """The folder is free again, and no file speaks of a stack that is not there."""
    broken = LocalStack(tmp_path, config={"gatewayTimeoutSeconds": "99"})
    for _ in range(2):
        with pytest.raises(SettingsError, match="gatewayTimeoutSeconds is 99"):
            broken.start()
        assert not (tmp_path / "stack.json").exists()
    with pytest.raises(StackError, match="not running"):
        _ = broken.info


def test_with_another_gateway_no_tool_server_is_started_and_stopping_removes_the_file(tmp_path: Path) -> None:
    """Any MCP server can take the reference server's place."""
    url = "https://127.0.0.1:9/mcp"
    with LocalStack(tmp_path, gateway_url=url) as other:
        assert StackInfo.load(tmp_path / "stack.json").gateway_url == url
        assert other.info.tool_server is None
        with pytest.raises(StackError, match="calls another gateway"):
            _ = other.tool_database
    assert not (tmp_path / "stack.json").exists()


def test_the_package_that_runs_is_our_sources_alone(stack: LocalStack) -> None:
    """The dependencies are those of this environment; a preview or a test builds no wheels."""
    with zipfile.ZipFile(stack.folder / "lambda-sources.zip") as package:
        rooms = {name.split("/")[0] for name in package.namelist()}
    assert rooms == {"domain", "ports", "adapters", "handlers"}
