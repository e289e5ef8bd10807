"""IAM documents: exact actions on exact ARNs, derived from the step contract.

Every function here is pure and returns a policy document as a dictionary; the components turn ARNs that are known
only later into text first. A wildcard stands alone as a resource only where the service offers no narrower one, in
``UNSCOPED_ACTIONS``, and never as an action.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from infrastructure.naming import APPROVAL_DETAIL_TYPE
from ports.steps.resources import Access, Resource, ResourceKind, Use

Json = dict[str, object]

POLICY_VERSION: Final = "2012-10-17"

ACTIONS: Final[Mapping[ResourceKind, Mapping[Access, str]]] = {
    ResourceKind.TABLE: {
        Access.GET: "dynamodb:GetItem",
        Access.QUERY: "dynamodb:Query",
        Access.PUT: "dynamodb:PutItem",
        Access.UPDATE: "dynamodb:UpdateItem",
        Access.CHECK: "dynamodb:ConditionCheckItem",
    },
    ResourceKind.BUCKET: {Access.GET: "s3:GetObject", Access.PUT: "s3:PutObject"},
    ResourceKind.EVENT_BUS: {Access.PUBLISH: "events:PutEvents"},
    ResourceKind.SECRET: {Access.GET: "secretsmanager:GetSecretValue"},
    ResourceKind.QUEUE: {Access.SEND: "sqs:SendMessage"},
    ResourceKind.EXECUTIONS: {Access.DESCRIBE: "states:DescribeExecution"},
}
"""The one API action behind each access. A transaction needs the action of each of its items (Amazon DynamoDB
Developer Guide, "Transactions and IAM")."""

ARTIFACT_OBJECTS: Final = "tenant/*"
"""Where the artifact store writes; a supplied bucket may hold what is none of this stack's business."""

TRACING_ACTIONS: Final = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")
SAMPLING_ACTIONS: Final = ("xray:GetSamplingRules", "xray:GetSamplingTargets")
LOG_DELIVERY_ACTIONS: Final = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)

KEY_ACTIONS: Final = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")

UNSCOPED_ACTIONS: Final = frozenset({*TRACING_ACTIONS, *SAMPLING_ACTIONS, *LOG_DELIVERY_ACTIONS})
"""The only actions granted on ``*``. None has resource-level permissions: X-Ray has no segment ARN to name (Service
Authorization Reference, "AWS X-Ray"), and the delivery of state machine logs is set up on the account (AWS Step
Functions Developer Guide, "Logging using CloudWatch Logs"). They write traces and delivery settings, and read
neither logs nor data."""


def document(*statements: Json) -> Json:
    """Return a policy document of ``statements``."""
    return {"Version": POLICY_VERSION, "Statement": list(statements)}


def allow(sid: str, actions: Iterable[str], resources: str | list[str]) -> Json:
    """Return a statement that allows exactly ``actions`` on ``resources``."""
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(set(actions)), "Resource": resources}


def never_approve(event_bus_arn: str) -> Json:
    """Return the statement that keeps a function that may publish from publishing an approval.

    A refusal rather than a condition on the grant: whoever evaluates no condition key of EventBridge, as emulators do,
    would find a conditioned grant never to apply, while a refusal that does not apply changes nothing there.
    """
    return {
        "Sid": "NeverApprove",
        "Effect": "Deny",
        "Action": [ACTIONS[ResourceKind.EVENT_BUS][Access.PUBLISH]],
        "Resource": event_bus_arn,
        "Condition": {"StringEquals": {"events:detail-type": APPROVAL_DETAIL_TYPE}},
    }


def actions_of(use: Use) -> tuple[str, ...]:
    """Return the API actions of one use, sorted; raises ``ValueError`` for an access that its kind does not have."""
    if use.resource.kind is ResourceKind.SETTING:
        return ()
    known = ACTIONS[use.resource.kind]
    unknown = use.access - known.keys()
    if unknown:
        raise ValueError(f"{use.resource} is a {use.resource.kind} and has no {', '.join(sorted(unknown))}")
    return tuple(sorted(known[access] for access in use.access))


def scope_of(use: Use, arn: str) -> str | list[str]:
    """Return what a use's actions apply to: a bucket's tenant objects, and a table's indexes when it is queried."""
    if use.resource.kind is ResourceKind.BUCKET:
        return f"{arn}/{ARTIFACT_OBJECTS}"
    if use.resource.kind is ResourceKind.TABLE and Access.QUERY in use.access:
        return [arn, f"{arn}/index/*"]
    return arn


def function_policy(uses: Iterable[Use], arns: Mapping[Resource, str], *, log_group_arn: str, dlq_arn: str) -> Json:
    """Return what one function may do: its uses, its own log group, its own dead-letter queue, and tracing.

    Who may publish reports on executions, and is refused the one event that would start another.
    """
    uses = tuple(uses)
    granted = [
        allow(_sid(use.resource), actions_of(use), scope_of(use, arns[use.resource])) for use in uses if actions_of(use)
    ]
    refused = [never_approve(arns[use.resource]) for use in uses if Access.PUBLISH in use.access]
    return document(
        *granted,
        *refused,
        allow("OwnLogs", ("logs:CreateLogStream", "logs:PutLogEvents"), f"{log_group_arn}:*"),
        allow("OwnDeadLetters", ("sqs:SendMessage",), dlq_arn),
        allow("Tracing", TRACING_ACTIONS, "*"),
    )


def machine_policy(alias_arns: Iterable[str], spool_queue_arn: str) -> Json:
    """Return what the state machine may do: run the aliased functions, fill the spool queue, log and trace."""
    return document(
        allow("RunSteps", ("lambda:InvokeFunction",), sorted(alias_arns)),
        allow("SpoolOutcomes", ("sqs:SendMessage",), spool_queue_arn),
        allow("DeliverLogs", LOG_DELIVERY_ACTIONS, "*"),
        allow("Tracing", (*TRACING_ACTIONS, *SAMPLING_ACTIONS), "*"),
    )


def start_policy(machine_arn: str) -> Json:
    """Return what the approval rule may do: start this machine (D75)."""
    return document(allow("StartExecutions", ("states:StartExecution",), machine_arn))


def trust_policy(service: str, account_id: str, source_arn: str | None = None) -> Json:
    """Return a role's trust in one service, for this account and, where it says so, for one source only.

    Lambda names the account alone; Step Functions and EventBridge name the source too (their developer guides,
    "Cross-service confused deputy prevention").
    """
    condition: Json = {"StringEquals": {"aws:SourceAccount": account_id}}
    if source_arn is not None:
        condition["ArnEquals"] = {"aws:SourceArn": source_arn}
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": condition,
        }
    )


def gateway_trust_policy(account_id: str, gateway_arns: str) -> Json:
    """Return the gateway role's trust in AgentCore, for this account's gateway of this name (Amazon Bedrock AgentCore
    Developer Guide, "Set up permissions for AgentCore Gateway"). The gateway's whole ARN is known only when it exists,
    and it cannot be created without the role, so the ARN's end stays open.
    """
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": "bedrock-agentcore.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account_id},
                "ArnLike": {"aws:SourceArn": gateway_arns},
            },
        }
    )


def gateway_policy(lambda_arns: Sequence[str], kms_key_arn: str | None, *, region: str, dns_suffix: str) -> Json:
    """Return what a declared gateway may do: invoke its targets and, with a key of one's own, use that key.

    The key's actions are those of the Amazon Bedrock AgentCore Developer Guide, "Encrypt your AgentCore gateway with a
    customer-managed KMS key"; without targets that need the role and without a key there is no statement.
    """
    statements = []
    if lambda_arns:
        statements.append(allow("InvokeTargets", ("lambda:InvokeFunction",), list(lambda_arns)))
    if kms_key_arn is not None:
        through = {"StringEquals": {"kms:ViaService": f"bedrock-agentcore.{region}.{dns_suffix}"}}
        statements.append({**allow("UseKey", KEY_ACTIONS, kms_key_arn), "Condition": through})
    return document(*statements)


def tls_only(sid: str, action: str, resources: str | list[str]) -> Json:
    """Return the statement that refuses plain HTTP; the one place where an action is a whole service's."""
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def queue_policy(queue_arn: str, *, account_id: str, rule_arns: Sequence[str] = ()) -> Json:
    """Return a queue's policy: TLS only and, with ``rule_arns``, delivery by exactly those EventBridge rules (D71)."""
    statements = [tls_only("TlsOnly", "sqs:*", queue_arn)]
    if rule_arns:
        statements.append(
            {
                "Sid": "DeadLettersOfRules",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": list(rule_arns)},
                    "StringEquals": {"aws:SourceAccount": account_id},
                },
            }
        )
    return document(*statements)


def bucket_policy(bucket_arn: str) -> Json:
    """Return the artifacts bucket's policy: TLS only (D77)."""
    return document(tls_only("TlsOnly", "s3:*", [bucket_arn, f"{bucket_arn}/*"]))


def topic_policy(topic_arn: str, *, account_id: str, alarm_arns: str) -> Json:
    """Return the alarm topic's policy: this stack's alarms may publish, over TLS as everybody."""
    return document(
        {
            "Sid": "AlarmsOfTheStack",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {
                "ArnLike": {"aws:SourceArn": alarm_arns},
                "StringEquals": {"aws:SourceAccount": account_id},
            },
        },
        tls_only("TlsOnly", "sns:Publish", topic_arn),
    )


def _sid(resource: Resource) -> str:
    return "".join(word.capitalize() for word in resource.value.split("-"))
