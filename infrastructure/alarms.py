"""Which alarms a stack has, and its dashboard: metric, threshold and advice for each, as plain data.

An alarm says what happened and what to do. Metrics that no data arrives for are healthy: nothing runs when nothing is
approved. This module declares nothing; ``observability`` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from infrastructure.naming import DEFAULT_EVENT_BUS, INGRESS_DLQ, ORCHESTRATOR, OUTCOME_SPOOL, Names, handler_dlq
from ports.steps.contract import STEPS

Json = dict[str, object]

PERIOD_SECONDS: Final = 300
"""Five minutes: the interval at which SQS is sure to publish its metrics (Amazon SQS Developer Guide, "Available
CloudWatch metrics")."""

STALE_MESSAGE_SECONDS: Final = 4 * 3_600
"""A guess: half a working day, in which somebody should have taken up a first alarm."""


@dataclass(frozen=True)
class Alarm:
    """One alarm: it fires when ``statistic`` of the metric reaches ``threshold`` in one period."""

    component: str
    description: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str] = field(default_factory=dict)
    statistic: str = "Sum"
    threshold: int = 1


def function_alarms(names: Names, error_threshold: int) -> list[Alarm]:
    """Return two alarms for each function: it fails too often, or it may not run."""
    found = []
    for spec in STEPS.values():
        dimensions = {"FunctionName": names.function(spec.component)}
        found += [
            Alarm(
                f"{spec.component}-errors",
                f"{spec.name.value} raised {error_threshold} errors in five minutes; read its log group.",
                "AWS/Lambda",
                "Errors",
                dimensions,
                threshold=error_threshold,
            ),
            Alarm(
                f"{spec.component}-throttles",
                f"{spec.name.value} was refused a run; raise its concurrency or slow the approvals.",
                "AWS/Lambda",
                "Throttles",
                dimensions,
            ),
        ]
    return found


def queue_alarms(names: Names) -> list[Alarm]:
    """Return an alarm on the first message of every queue, and on a message that nobody takes up."""
    advice = {
        INGRESS_DLQ: "An approval did not reach the state machine; find the reason, then send it again.",
        OUTCOME_SPOOL: "An outcome or its signal did not get through; restore store or bus, then work off the queue.",
    }
    advice |= {
        handler_dlq(spec.component): f"An event sent to {spec.name.value} directly was given up; inspect the message."
        for spec in STEPS.values()
    }
    found = [
        Alarm(
            f"{component}-depth",
            text,
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": names.queue(component)},
            "Maximum",
        )
        for component, text in advice.items()
    ]
    found += [
        Alarm(
            f"{component}-age",
            f"A message has waited four hours. {advice[component]}",
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            {"QueueName": names.queue(component)},
            "Maximum",
            STALE_MESSAGE_SECONDS,
        )
        for component in (INGRESS_DLQ, OUTCOME_SPOOL)
    ]
    return found


def machine_alarms(names: Names, account_id: str) -> list[Alarm]:
    """Return an alarm for each way in which an execution can end badly (D13, D17)."""
    advice = {
        "ExecutionsFailed": "An action failed, was refused or is in doubt; its outcome says which.",
        "ExecutionsTimedOut": "An execution outlived its hour and may have recorded nothing; look up its attempt.",
        "ExecutionsAborted": "Somebody stopped an execution; look up its attempt.",
    }
    kind = {"ExecutionsFailed": "failed", "ExecutionsTimedOut": "timed-out", "ExecutionsAborted": "aborted"}
    dimensions = {"StateMachineArn": names.machine_arn(account_id)}
    return [
        Alarm(f"{ORCHESTRATOR}-{kind[metric]}", text, "AWS/States", metric, dimensions)
        for metric, text in advice.items()
    ]


def rule_alarms(names: Names, event_bus_name: str) -> list[Alarm]:
    """Return an alarm for each way in which an approval can be lost before it becomes an execution.

    The metrics of a rule on the account's default bus have the rule's name as their only dimension (Amazon EventBridge
    User Guide, "Monitoring Amazon EventBridge").
    """
    advice = {
        "FailedInvocations": ("undelivered", "The rule gave up on an approval; it is on the ingress queue."),
        "InvocationsFailedToBeSentToDlq": ("lost", "An approval reached neither machine nor queue; publish it again."),
    }
    dimensions = {"RuleName": names.rule}
    if event_bus_name != DEFAULT_EVENT_BUS:
        dimensions = {"EventBusName": event_bus_name, **dimensions}
    return [
        Alarm(f"approvals-{kind}", text, "AWS/Events", metric, dimensions) for metric, (kind, text) in advice.items()
    ]


def dashboard(names: Names, region: str, alarms: list[Alarm]) -> Json:
    """Return the dashboard's body: one graph for each metric of the alarms, all its sources in it."""
    metrics: dict[tuple[str, str, str], list[Alarm]] = {}
    for alarm in alarms:
        metrics.setdefault((alarm.namespace, alarm.metric, alarm.statistic), []).append(alarm)
    widgets = [
        {
            "type": "metric",
            "x": 12 * (position % 2),
            "y": 6 * (position // 2),
            "width": 12,
            "height": 6,
            "properties": {
                "title": f"{namespace.removeprefix('AWS/')} {metric}",
                "region": region,
                "stat": statistic,
                "period": PERIOD_SECONDS,
                "metrics": [
                    [namespace, metric, *(part for pair in alarm.dimensions.items() for part in pair)]
                    for alarm in members
                ],
            },
        }
        for position, ((namespace, metric, statistic), members) in enumerate(metrics.items())
    ]
    title = {
        "type": "text",
        "x": 0,
        "y": 6 * ((len(widgets) + 1) // 2),
        "width": 24,
        "height": 2,
        "properties": {"markdown": f"# {names.of('execution')}\nEvery metric that an alarm watches."},
    }
    return {"widgets": [*widgets, title]}
