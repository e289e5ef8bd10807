"""IAM documents, as data: exact actions on exact ARNs."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any
from unittest import mock

import pytest

from adapters.s3.artifact_store import S3ArtifactStore
from domain.model.identifiers import IntentRef
from infrastructure.permissions import (
    ACTIONS,
    UNSCOPED_ACTIONS,
    actions_of,
    bucket_policy,
    function_policy,
    machine_policy,
    queue_policy,
    scope_of,
    start_policy,
    topic_policy,
    trust_policy,
)
from infrastructure.triggers import APPROVAL_PATTERN
from ports.steps.contract import FUNCTIONS, StepName, Worker
from ports.steps.resources import Access, Resource, ResourceKind, Use

Json = Any
"""A policy document."""

ARNS = {resource: f"arn:aws:made-up:::{resource.value}" for resource in Resource}
ACCOUNT = "123456789012"


def statements(policy: Json) -> list[dict[str, Any]]:
    """The statements of a document."""
    found: list[dict[str, Any]] = policy["Statement"]
    return found


def grants(step: StepName | Worker) -> dict[str, list[str]]:
    """What one step's function may do, by resource."""
    policy = function_policy(FUNCTIONS[step].uses, ARNS, log_group_arn="arn:log-group", dlq_arn="arn:dlq")
    allowed = [statement for statement in statements(policy) if statement["Effect"] == "Allow"]
    return {arn: statement["Action"] for statement in allowed for arn in listed(statement["Resource"])}


def listed(resources: str | list[str]) -> list[str]:
    """What a statement applies to, one or several, as a list."""
    return [resources] if isinstance(resources, str) else resources


def test_the_mapper_reads_intents_and_mappings_and_nothing_else() -> None:
    """R74, D74: two tables to read; no grant on Cognito's user calls, which have no ARN and did nothing."""
    assert grants(StepName.MAP_ACTION_TO_TOOL) == {
        ARNS[Resource.ACTION_INTENTS]: ["dynamodb:GetItem"],
        ARNS[Resource.ACTION_TYPE_REGISTRY]: ["dynamodb:GetItem"],
        "arn:log-group:*": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "arn:dlq": ["sqs:SendMessage"],
        "*": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    }


def test_the_invoker_writes_artifacts_and_reads_its_one_secret() -> None:
    """R75, D40: objects of the bucket may be put, not read back, and only the gateway's secret is readable."""
    found = grants(StepName.INVOKE_TOOL)

    assert found[f"{ARNS[Resource.EXECUTION_ARTIFACTS]}/tenant/*"] == ["s3:PutObject"]
    assert found[ARNS[Resource.GATEWAY_CREDENTIALS]] == ["secretsmanager:GetSecretValue"]
    assert found[ARNS[Resource.KILL_SWITCHES]] == ["dynamodb:ConditionCheckItem", "dynamodb:GetItem"]
    assert found[ARNS[Resource.CONNECTOR_CAPACITY]] == ["dynamodb:GetItem", "dynamodb:PutItem"]


@pytest.mark.parametrize("step", [StepName.RECORD_OUTCOME, StepName.RECORD_FAILURE])
def test_the_recorders_can_read_back_what_they_write(step: StepName) -> None:
    """R76, D76: a conditional failure is settled by reading, so the grant to read comes with the grant to write."""
    found = grants(step)

    for resource in (Resource.EXECUTION_OUTCOMES, Resource.EXECUTION_ATTEMPTS):
        assert found[ARNS[resource]] == ["dynamodb:GetItem", "dynamodb:PutItem"]
    assert found[ARNS[Resource.EVENT_BUS]] == ["events:PutEvents"]


@pytest.mark.parametrize("step", FUNCTIONS)
def test_whoever_may_publish_can_not_approve(step: StepName | Worker) -> None:
    """An approval starts an execution, so a function that reports on one must not be able to forge the next."""
    policy = function_policy(FUNCTIONS[step].uses, ARNS, log_group_arn="arn:log-group", dlq_arn="arn:dlq")
    refusals = [statement for statement in statements(policy) if statement["Effect"] == "Deny"]
    (approved,) = APPROVAL_PATTERN["detail-type"]

    publishes = "events:PutEvents" in grants(step).get(ARNS[Resource.EVENT_BUS], [])
    assert publishes == (step in {StepName.RECORD_OUTCOME, StepName.RECORD_FAILURE, Worker.RECONCILER})
    assert [
        (statement["Action"], statement["Resource"], statement["Condition"]) for statement in refusals
    ] == publishes * [
        (["events:PutEvents"], ARNS[Resource.EVENT_BUS], {"StringEquals": {"events:detail-type": approved}})
    ]


def test_the_reconciler_looks_at_executions_and_changes_none() -> None:
    """It takes over what is over; to stop, start or redrive an execution is nobody's business but a person's."""
    found = grants(Worker.RECONCILER)

    assert found[ARNS[Resource.EXECUTIONS]] == ["states:DescribeExecution"]
    assert {action for actions in found.values() for action in actions if action.startswith("states:")} == {
        "states:DescribeExecution"
    }


@pytest.mark.parametrize("queue", [Resource.COMPENSATION_TASKS, Resource.ATTENTION, Resource.QUARANTINE])
def test_who_asks_people_for_help_can_only_ask(queue: Resource) -> None:
    """A message is put on the queue and never taken off it, so what was asked stays until a person has seen it."""
    asking = {step: grants(step)[ARNS[queue]] for step in FUNCTIONS if ARNS[queue] in grants(step)}

    steps = {StepName.RECORD_FAILURE} if queue is Resource.QUARANTINE else set()
    assert asking == {function: ["sqs:SendMessage"] for function in (Worker.RECONCILER, *steps)}


def test_artifacts_are_written_where_they_may_be() -> None:
    """The grant reaches a tenant's objects and nothing else in the bucket, and that is where the adapter writes."""
    client = mock.Mock()
    S3ArtifactStore(client, "bucket").put(
        IntentRef(tenant_id="t-1", account_id="a-1", action_intent_id="i-1"), "request", {}
    )
    use = Use(Resource.EXECUTION_ARTIFACTS, frozenset({Access.PUT}))
    granted = str(scope_of(use, "arn:aws:s3:::bucket"))

    assert granted == "arn:aws:s3:::bucket/tenant/*"
    assert fnmatchcase(f"arn:aws:s3:::bucket/{client.put_object.call_args.kwargs['Key']}", granted)


@pytest.mark.parametrize("step", FUNCTIONS)
def test_the_ledger_can_only_grow(step: StepName | Worker) -> None:
    """No function may update or delete what it once wrote to the ledger."""
    assert grants(step).get(ARNS[Resource.LEDGER], ["dynamodb:PutItem"]) == ["dynamodb:PutItem"]


@pytest.mark.parametrize("step", FUNCTIONS)
def test_a_function_is_granted_exactly_its_uses(step: StepName | Worker) -> None:
    """Each access in the contract is one action on one resource, and no action stands there without an access."""
    granted = {(arn, action) for arn, actions in grants(step).items() for action in actions if "made-up" in arn}
    wanted = {
        (arn, ACTIONS[use.resource.kind][access])
        for use in FUNCTIONS[step].uses
        for access in use.access
        if use.resource.kind is not ResourceKind.SETTING
        for arn in listed(scope_of(use, ARNS[use.resource]))
    }

    assert granted == wanted


def documents() -> Iterator[tuple[str, Any]]:
    """Every kind of document that this module builds."""
    for step, spec in FUNCTIONS.items():
        yield step, function_policy(spec.uses, ARNS, log_group_arn="arn:log-group", dlq_arn="arn:dlq")
    yield "machine", machine_policy(["arn:alias"], "arn:spool")
    yield "start", start_policy("arn:machine")
    yield "queue", queue_policy("arn:queue", account_id=ACCOUNT, rule_arns=["arn:rule"])
    yield "bucket", bucket_policy("arn:bucket")
    yield "topic", topic_policy("arn:topic", account_id=ACCOUNT, alarm_arns="arn:alarm:*")


@pytest.mark.parametrize("policy", [policy for _, policy in documents()], ids=[name for name, _ in documents()])
def test_nothing_is_allowed_by_wildcard(policy: Json) -> None:
    """No allowed action has a wildcard, and ``*`` stands as a resource only for actions that have no narrower one."""
    for statement in statements(policy):
        if statement["Effect"] != "Allow":
            continue
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action]
        if statement["Resource"] == "*":
            assert set(actions) <= UNSCOPED_ACTIONS


def test_the_machine_may_run_the_aliases_and_fill_the_spool() -> None:
    """D16: the qualified ARNs are granted, so the machine cannot run an unpublished version."""
    found = {statement["Sid"]: statement for statement in statements(machine_policy(["arn:b", "arn:a"], "arn:spool"))}

    assert found["RunSteps"]["Action"] == ["lambda:InvokeFunction"]
    assert found["RunSteps"]["Resource"] == ["arn:a", "arn:b"]
    assert (found["SpoolOutcomes"]["Action"], found["SpoolOutcomes"]["Resource"]) == (["sqs:SendMessage"], "arn:spool")


def test_a_trust_names_the_account_and_the_source() -> None:
    """A service acting for somebody else's resource cannot assume the role."""
    (statement,) = statements(trust_policy("states.amazonaws.com", ACCOUNT, "arn:machine"))

    assert statement["Principal"] == {"Service": "states.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals": {"aws:SourceArn": "arn:machine"},
    }


def test_the_ingress_queue_takes_messages_from_the_one_rule() -> None:
    """D71: EventBridge may deliver dead letters of this rule only, and nobody speaks plain HTTP."""
    refused, allowed = statements(queue_policy("arn:queue", account_id=ACCOUNT, rule_arns=["arn:rule"]))

    assert refused["Effect"] == "Deny"
    assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Action"] == "sqs:SendMessage"
    assert allowed["Condition"] == {
        "ArnEquals": {"aws:SourceArn": ["arn:rule"]},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


def test_a_query_reaches_the_indexes_too() -> None:
    """An index has an ARN of its own, and a grant on the table alone would be refused."""
    use = Use(Resource.EXECUTION_ATTEMPTS, frozenset({Access.QUERY}))

    assert scope_of(use, "arn:table") == ["arn:table", "arn:table/index/*"]
    assert actions_of(use) == ("dynamodb:Query",)


def test_an_access_that_a_resource_does_not_have_is_refused() -> None:
    """A mistake in the contract fails where it is made, not as a missing grant at run time."""
    with pytest.raises(ValueError, match="has no UPDATE") as refused:
        actions_of(Use(Resource.EVENT_BUS, frozenset({Access.UPDATE})))

    assert "event-bus" in str(refused.value)
