"""What wakes the reconciler, as declared."""

from typing import Any

import pytest

from infrastructure.reconciliation import schedule_expression
from tests.infrastructure.program import ACCOUNT, Recording, run

RULES = ["reconcile-schedule", "execution-ended"]
ARN = f"arn:aws:events:us-west-2:{ACCOUNT}:rule/cc-native-dev-"
QUEUE = f"arn:aws:sqs:us-west-2:{ACCOUNT}:cc-native-dev-execution-reconciler-handler-dlq"


def rule(recording: Recording, name: str) -> dict[str, Any]:
    """One rule's inputs."""
    return dict(recording.one("aws:cloudwatch/eventRule:EventRule", name).inputs)


def target(recording: Recording, name: str) -> dict[str, Any]:
    """The inputs of a rule's one target."""
    return dict(recording.one("aws:cloudwatch/eventTarget:EventTarget", name).inputs)


def test_the_schedule_wakes_it_every_minute(dev: Recording) -> None:
    """A crashed execution whose event was lost is found by the next turn."""
    assert rule(dev, "reconcile-schedule")["scheduleExpression"] == "rate(1 minute)"
    assert "eventPattern" not in rule(dev, "reconcile-schedule")


def test_the_schedule_can_be_slowed_down() -> None:
    """Fewer runs where few actions are approved, still in the service's own words."""
    assert (
        rule(run("dev", reconcileEveryMinutes="10"), "reconcile-schedule")["scheduleExpression"] == "rate(10 minutes)"
    )


@pytest.mark.parametrize("minutes, words", [(1, "rate(1 minute)"), (2, "rate(2 minutes)"), (10, "rate(10 minutes)")])
def test_one_minute_is_a_singular(minutes: int, words: str) -> None:
    """EventBridge refuses "1 minutes" (User Guide, "Rate expressions")."""
    assert schedule_expression(minutes) == words


def test_the_bad_end_of_an_execution_of_this_machine_wakes_it(dev: Recording) -> None:
    """The three ends that may have recorded nothing, of no other machine of the account."""
    assert dev.one("aws:cloudwatch/eventRule:EventRule", "execution-ended").document("eventPattern") == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
            "stateMachineArn": [dev.exports["state_machine_arn"]],
        },
    }


@pytest.mark.parametrize("name", RULES)
def test_its_rules_are_on_the_accounts_default_bus(name: str) -> None:
    """Schedules work on no other bus and Step Functions reports on no other, whatever bus approvals arrive on."""
    recording = run("dev", eventBusName="company-bus")

    assert rule(recording, name)["eventBusName"] == target(recording, name)["eventBusName"] == "default"


@pytest.mark.parametrize("name", RULES)
def test_a_rule_runs_the_published_version(dev: Recording, name: str) -> None:
    """The alias, invoked by the function's own policy: such a target takes no role, and the event arrives whole."""
    inputs = target(dev, name)

    assert inputs["arn"] == dev.exports["function_aliases"]["execution-reconciler"]
    assert inputs["rule"] == f"cc-native-dev-{name}"
    assert inputs.keys().isdisjoint({"roleArn", "inputPath", "input", "inputTransformer"})


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_let_in_by_its_arn(dev: Recording, name: str) -> None:
    """Another rule of the account, or an unqualified call, is not."""
    permission = dict(dev.one("aws:lambda/permission:Permission", name).inputs)

    assert permission == {
        "statementId": name,
        "action": "lambda:InvokeFunction",
        "function": "cc-native-dev-execution-reconciler",
        "qualifier": "live",
        "principal": "events.amazonaws.com",
        "sourceArn": f"{ARN}{name}",
    }


@pytest.mark.parametrize("name, age, attempts", [("reconcile-schedule", 60, 2), ("execution-ended", 3_600, 185)])
def test_what_cannot_be_delivered_waits_on_its_queue(dev: Recording, name: str, age: int, attempts: int) -> None:
    """D71: a missed turn is soon made good by the next; the news of an end is tried for an hour."""
    assert target(dev, name)["deadLetterConfig"] == {"arn": QUEUE}
    assert target(dev, name)["retryPolicy"] == {"maximumEventAgeInSeconds": age, "maximumRetryAttempts": attempts}


def test_exactly_its_two_rules_may_fill_its_queue(dev: Recording) -> None:
    """Without the grant an undeliverable event would vanish; a wider one would let any rule write there."""
    queue = dev.one("aws:sqs/queuePolicy:QueuePolicy", "execution-reconciler-handler-dlq")
    refused, grant = queue.document("policy")["Statement"]

    assert (refused["Effect"], refused["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert (grant["Principal"], grant["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    assert grant["Resource"] == QUEUE
    assert grant["Condition"] == {
        "ArnEquals": {"aws:SourceArn": [f"{ARN}{name}" for name in RULES]},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }
