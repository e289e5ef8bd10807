"""Alarms and dashboard as declared."""

import json

import pytest

from infrastructure.naming import handler_dlq
from ports.steps.contract import FUNCTIONS
from tests.infrastructure.program import ACCOUNT, Recording, run

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPONENTS = [spec.component for spec in FUNCTIONS.values()]


def watched(recording: Recording) -> set[tuple[str, tuple[str, ...]]]:
    """Metric and dimension values of every alarm."""
    return {
        (alarm.inputs["metricName"], tuple(sorted(alarm.inputs["dimensions"].values())))
        for alarm in recording.of(ALARM)
    }


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_function_has_its_alarms(dev: Recording, component: str) -> None:
    """D78: errors, throttles, and the first message on its dead-letter queue."""
    assert {
        ("Errors", (f"cc-native-dev-{component}",)),
        ("Throttles", (f"cc-native-dev-{component}",)),
        ("ApproximateNumberOfMessagesVisible", (f"cc-native-dev-{handler_dlq(component)}",)),
    } <= watched(dev)


QUEUES = [
    *("ingress-dlq", "outcome-spool", "compensation-tasks", "attention", "quarantine"),
    *(handler_dlq(component) for component in COMPONENTS),
]


@pytest.mark.parametrize("queue", QUEUES)
def test_a_message_on_any_queue_raises_two_alarms(dev: Recording, queue: str) -> None:
    """D72: the first message, and a message that nobody takes up."""
    name = (f"cc-native-dev-{queue}",)

    assert {("ApproximateNumberOfMessagesVisible", name), ("ApproximateAgeOfOldestMessage", name)} <= watched(dev)


@pytest.mark.parametrize("metric", ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"])
def test_a_bad_end_of_an_execution_raises_an_alarm(dev: Recording, metric: str) -> None:
    """D13, D17: failed, timed out or stopped: each is seen at the first one."""
    (alarm,) = [alarm for alarm in dev.of(ALARM) if alarm.inputs["metricName"] == metric]

    assert alarm.inputs["dimensions"] == {"StateMachineArn": dev.exports["state_machine_arn"]}
    assert alarm.inputs["threshold"] == 1


@pytest.mark.parametrize("metric", ["FailedInvocations", "InvocationsFailedToBeSentToDlq"])
def test_an_approval_that_never_became_an_execution_raises_an_alarm(dev: Recording, metric: str) -> None:
    """D71: the rule's own failures are watched on the bus that it listens to."""
    names = ("cc-native-dev-action-approved", "cc-native-dev-event-bus")

    assert (metric, names) in watched(dev)


@pytest.mark.parametrize("metric", ["FailedInvocations", "InvocationsFailedToBeSentToDlq"])
@pytest.mark.parametrize("rule", ["reconcile-schedule", "execution-ended"])
def test_a_rule_that_cannot_wake_the_reconciler_raises_an_alarm(dev: Recording, rule: str, metric: str) -> None:
    """Both rules are on the default bus, whose metrics know a rule's name alone."""
    assert (metric, (f"cc-native-dev-{rule}",)) in watched(dev)


def test_a_silent_reconciler_raises_an_alarm(dev: Recording) -> None:
    """Nothing at all for a quarter of an hour, an absent metric included: nobody else would say so."""
    silent = dev.one(ALARM, "reconciler-silent").inputs

    assert (silent["metricName"], silent["dimensions"]) == (
        "Invocations",
        {"FunctionName": "cc-native-dev-execution-reconciler"},
    )
    assert (silent["comparisonOperator"], silent["threshold"], silent["statistic"]) == ("LessThanThreshold", 1, "Sum")
    assert silent["period"] * silent["evaluationPeriods"] == 900
    assert silent["treatMissingData"] == "breaching"


@pytest.mark.parametrize("metric", ["FailedInvocations", "InvocationsFailedToBeSentToDlq"])
def test_a_rule_on_the_default_bus_is_watched_under_its_name_alone(metric: str) -> None:
    """No metric of the default bus has a bus's name, so an alarm that asked for one would stay silent for ever."""
    recording = run("dev", eventBusName="default")
    found = [alarm.inputs["dimensions"] for alarm in recording.of(ALARM) if alarm.inputs["metricName"] == metric]
    body = recording.one("aws:cloudwatch/dashboard:Dashboard", "execution").document("dashboardBody")

    assert {"RuleName": "cc-native-dev-action-approved"} in found
    assert '"EventBusName"' not in json.dumps(body)


def test_a_rule_on_a_supplied_bus_is_watched_there() -> None:
    """Only the default bus is an exception."""
    assert ("FailedInvocations", ("approvals", "cc-native-dev-action-approved")) in watched(
        run("dev", eventBusName="approvals")
    )


def test_every_alarm_reaches_somebody_and_says_what_to_do(dev: Recording) -> None:
    """D78: an alarm without an action is a light in an empty room; silence is health, but for the reconciler's."""
    topic = f"arn:aws:sns:us-west-2:{ACCOUNT}:cc-native-dev-alarms"

    for alarm in dev.of(ALARM):
        assert alarm.inputs["alarmActions"] == [topic]
        assert alarm.inputs["alarmDescription"].endswith(".")
        silence = "breaching" if alarm.name == "reconciler-silent" else "notBreaching"
        assert alarm.inputs["treatMissingData"] == silence


def test_only_this_stacks_alarms_may_publish(dev: Recording) -> None:
    """The topic's policy names CloudWatch, this account and this stack's alarms."""
    grant, refusal = dev.one("aws:sns/topicPolicy:TopicPolicy", "alarms").document("policy")["Statement"]

    assert grant["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert grant["Condition"]["ArnLike"] == {
        "aws:SourceArn": f"arn:aws:cloudwatch:us-west-2:{ACCOUNT}:alarm:cc-native-dev-*"
    }
    assert (refusal["Effect"], refusal["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_a_supplied_topic_is_used_and_not_managed() -> None:
    """An organisation's own alarm channel takes every alarm."""
    topic = f"arn:aws:sns:us-west-2:{ACCOUNT}:on-call"
    recording = run("dev", alarmTopicArn=topic)

    assert recording.of("aws:sns/topic:Topic") == recording.of("aws:sns/topicPolicy:TopicPolicy") == []
    assert {tuple(alarm.inputs["alarmActions"]) for alarm in recording.of(ALARM)} == {(topic,)}


def test_the_error_threshold_can_be_set() -> None:
    """Refusals count as a function's errors, so how many are normal is the stack's own matter."""
    errors = [a for a in run("dev", functionErrorThreshold="50").of(ALARM) if a.inputs["metricName"] == "Errors"]

    assert {alarm.inputs["threshold"] for alarm in errors} == {50}


def test_the_dashboard_shows_every_alarmed_metric(dev: Recording) -> None:
    """One page shows what the alarms watch, source by source."""
    body = dev.one("aws:cloudwatch/dashboard:Dashboard", "execution").document("dashboardBody")
    shown = {
        (line[1], tuple(sorted(line[3::2])))
        for widget in body["widgets"]
        if widget["type"] == "metric"
        for line in widget["properties"]["metrics"]
    }

    assert shown == watched(dev)


def test_a_breaker_that_opens_is_counted_in_the_logs_of_who_sends_and_raises_an_alarm(dev: Recording) -> None:
    """Actions that wait fail nowhere, so nothing else would say that a connector is broken."""
    filters = dev.of("aws:cloudwatch/logMetricFilter:LogMetricFilter")
    counted = {"name": "CircuitBreakersOpened", "namespace": "cc-native-dev-execution", "value": "1"}

    assert {one.inputs["logGroupName"] for one in filters} == {
        "/aws/lambda/cc-native-dev-tool-invoker",
        "/aws/lambda/cc-native-dev-execution-reconciler",
    }
    assert [one.inputs["metricTransformation"] for one in filters] == [counted, counted]
    assert {one.inputs["pattern"] for one in filters} == {
        '{ ($.message = "circuit breaker opened") || ($.message = "connector capacity unusable") }'
    }
    alarm = dev.one(ALARM, "connector-breaker-opened").inputs
    assert (alarm["metricName"], alarm["namespace"]) == (counted["name"], counted["namespace"])
    assert alarm["treatMissingData"] == "notBreaching"
