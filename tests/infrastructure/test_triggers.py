"""The approval rule as declared."""

from tests.infrastructure.program import ACCOUNT, Recording

RULE = f"arn:aws:events:us-west-2:{ACCOUNT}:rule/cc-native-dev-event-bus/cc-native-dev-action-approved"


def target(recording: Recording) -> dict[str, object]:
    """The rule's one target."""
    return dict(recording.one("aws:cloudwatch/eventTarget:EventTarget", "action-approved").inputs)


def test_the_rule_listens_for_approvals(dev: Recording) -> None:
    """R90: source cc-native, detail-type ACTION_APPROVED, on the custom bus."""
    rule = dev.one("aws:cloudwatch/eventRule:EventRule", "action-approved")

    assert rule.document("eventPattern") == {"source": ["cc-native"], "detail-type": ["ACTION_APPROVED"]}
    assert rule.inputs["eventBusName"] == "cc-native-dev-event-bus"


def test_the_machine_receives_the_approvals_data_whole(dev: Recording) -> None:
    """R91, D11: all three ids arrive, and a missing one is missing instead of an empty string."""
    assert target(dev)["inputPath"] == "$.detail.data"
    assert target(dev)["arn"] == dev.exports["state_machine_arn"]


def test_the_target_starts_the_machine_through_a_role(dev: Recording) -> None:
    """R92, D75: a machine has no resource policy, so the rule assumes a role that may start this one machine."""
    assert target(dev)["roleArn"] == f"arn:aws:iam::{ACCOUNT}:role/cc-native-dev-action-approved-role"
    (grant,) = dev.one("aws:iam/rolePolicy:RolePolicy", "action-approved").document("policy")["Statement"]
    assert (grant["Action"], grant["Resource"]) == (["states:StartExecution"], dev.exports["state_machine_arn"])
    (trust,) = dev.one("aws:iam/role:Role", "action-approved").document("assumeRolePolicy")["Statement"]
    assert trust["Principal"] == {"Service": "events.amazonaws.com"}
    assert trust["Condition"]["ArnEquals"] == {"aws:SourceArn": RULE}


def test_an_undeliverable_approval_waits_on_the_ingress_queue(dev: Recording) -> None:
    """D71: an explicit retry policy, a dead-letter queue, and a queue policy that lets this rule fill it."""
    queue = f"arn:aws:sqs:us-west-2:{ACCOUNT}:cc-native-dev-ingress-dlq"

    assert target(dev)["deadLetterConfig"] == {"arn": queue}
    assert target(dev)["retryPolicy"] == {"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 185}
    _, grant = dev.one("aws:sqs/queuePolicy:QueuePolicy", "ingress-dlq").document("policy")["Statement"]
    assert (grant["Principal"], grant["Resource"]) == ({"Service": "events.amazonaws.com"}, queue)
    assert grant["Condition"]["ArnEquals"] == {"aws:SourceArn": [RULE]}
