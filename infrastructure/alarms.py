"""Which alarms a stack has, and its dashboard: metric, threshold and advice for each, as plain data.

An alarm says what happened and what to do. Metrics that no data arrives for are healthy, because nothing runs when
nothing is approved; the reconciler alone always runs, so its silence is an alarm. This module declares nothing;
``observability`` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from infrastructure.naming import (
    APPROVAL_RULE,
    DEFAULT_EVENT_BUS,
    EXECUTION_ENDED_RULE,
    INGRESS_DLQ,
    ORCHESTRATOR,
    OUTCOME_SPOOL,
    SCHEDULE_RULE,
    Names,
    handler_dlq,
)
from ports.steps.contract import BREAKER_OPENED, CAPACITY_UNUSABLE, FUNCTIONS, RECONCILER
from ports.steps.resources import Resource

Json = dict[str, object]

PERIOD_SECONDS: Final = 300
"""Five minutes: the interval at which SQS is sure to publish its metrics (Amazon SQS Developer Guide, "Available
CloudWatch metrics")."""

STALE_MESSAGE_SECONDS: Final = 4 * 3_600
"""A guess: half a working day, in which somebody should have taken up a first alarm."""

BREAKER_METRIC: Final = "CircuitBreakersOpened"
"""How often a circuit breaker has opened, of any tenant at any connector."""

BREAKER_PATTERN: Final = f'{{ ($.message = "{BREAKER_OPENED}") || ($.message = "{CAPACITY_UNUSABLE}") }}'
"""Finds the lines in JSON logs (Amazon CloudWatch Logs User Guide, "Filter pattern syntax for metric filters")."""

SENDERS: Final = tuple(
    spec.component
    for spec in FUNCTIONS.values()
    if any(use.resource is Resource.CONNECTOR_CAPACITY for use in spec.uses)
)
"""The functions whose logs may hold it."""

SILENT_PERIODS: Final = 3
"""A quarter of an hour: the slowest schedule that can be configured wakes the reconciler within any of it."""


@dataclass(frozen=True)
class Alarm:
    """One alarm: it fires when ``statistic`` of the metric reaches ``threshold`` in one period.

    One ``on_silence`` fires when the metric has stayed below it for ``SILENT_PERIODS``, or had no data at all.
    """

    component: str
    description: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str] = field(default_factory=dict)
    statistic: str = "Sum"
    threshold: int = 1
    on_silence: bool = False


def function_alarms(names: Names, error_threshold: int) -> list[Alarm]:
    """Return two alarms for each function: it fails too often, or it may not run."""
    found = []
    for spec in FUNCTIONS.values():
        dimensions = {"FunctionName": names.function(spec.component)}
        found += [
            Alarm(
                f"{spec.component}-errors",
                f"{spec.title} raised {error_threshold} errors in five minutes; read its log group.",
                "AWS/Lambda",
                "Errors",
                dimensions,
                threshold=error_threshold,
            ),
            Alarm(
                f"{spec.component}-throttles",
                f"{spec.title} was refused a run; raise its concurrency or slow the approvals.",
                "AWS/Lambda",
                "Throttles",
                dimensions,
            ),
        ]
    return found


def silence_alarm(names: Names) -> Alarm:
    """Return the alarm on the reconciler's silence, which no other alarm could report.

    A stack that has just been created may raise it once, before the schedule's first turn.
    """
    return Alarm(
        "reconciler-silent",
        "The reconciler has not run for a quarter of an hour; see whether its schedule's rule is enabled and may "
        "invoke it, because until then nothing finishes what executions leave behind.",
        "AWS/Lambda",
        "Invocations",
        {"FunctionName": names.function(RECONCILER.component)},
        on_silence=True,
    )


def breaker_alarm(names: Names) -> Alarm:
    """Return the alarm on connectors that do not answer: approved actions wait, and nothing fails that would tell."""
    return Alarm(
        "connector-breaker-opened",
        "A connector does not answer one tenant's calls, so they wait; the senders' logs say which.",
        log_namespace(names),
        BREAKER_METRIC,
    )


def log_namespace(names: Names) -> str:
    """Return the namespace of the metrics that are counted in this stack's logs."""
    return names.of("execution")


def queue_alarms(names: Names) -> list[Alarm]:
    """Return two alarms for every queue: its first message, and one that nobody takes up."""
    advice: dict[str, str] = {
        INGRESS_DLQ: "An approval did not reach the state machine; find the reason, then send it again.",
        OUTCOME_SPOOL: "An outcome or its signal did not get through; restore store or bus, then hand each message "
        "to the reconciler.",
        Resource.COMPENSATION_TASKS: "Objects exist that should not and only a person can undo them; undo them where "
        "they are, then record it.",
        Resource.ATTENTION: "Nobody could find out what became of an action; look at the tool's own records, then "
        "resolve it with that evidence.",
        Resource.QUARANTINE: "A message could not be understood and is not tried again; find its sender by its hash, "
        "and have it sent again as it should be.",
    }
    advice |= {
        handler_dlq(spec.component): f"An event sent to {spec.title} directly was given up; inspect the message."
        for spec in FUNCTIONS.values()
    }
    advice[handler_dlq(RECONCILER.component)] = (
        "The reconciler gave up on an event; read its log group. The schedule finds the execution again, "
        "so once the reconciler runs the message can go."
    )
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
        for component in advice
    ]
    return found


def machine_alarms(names: Names, account_id: str) -> list[Alarm]:
    """Return an alarm for each way in which an execution can end badly (D13, D17)."""
    advice = {
        "ExecutionsFailed": "An action failed, was refused or is in doubt; its outcome says which.",
        "ExecutionsTimedOut": "An execution ran out of time; the reconciler settles it, so look up its attempt.",
        "ExecutionsAborted": "Somebody stopped an execution; the reconciler settles it, so look up its attempt.",
    }
    kind = {"ExecutionsFailed": "failed", "ExecutionsTimedOut": "timed-out", "ExecutionsAborted": "aborted"}
    dimensions = {"StateMachineArn": names.machine_arn(account_id)}
    return [
        Alarm(f"{ORCHESTRATOR}-{kind[metric]}", text, "AWS/States", metric, dimensions)
        for metric, text in advice.items()
    ]


def rule_alarms(names: Names, event_bus_name: str) -> list[Alarm]:
    """Return an alarm for each way in which an approval can be lost, or the reconciler left asleep.

    The metrics of a rule on the account's default bus have the rule's name as their only dimension (Amazon EventBridge
    User Guide, "Monitoring Amazon EventBridge").
    """
    on_bus = {} if event_bus_name == DEFAULT_EVENT_BUS else {"EventBusName": event_bus_name}
    asleep = "see whether the rule may invoke it. The schedule finds the execution again."
    watched = {
        APPROVAL_RULE: (
            "approvals",
            on_bus,
            "The rule gave up on an approval; it is on the ingress queue.",
            "An approval reached neither machine nor queue; publish it again.",
        ),
        SCHEDULE_RULE: (
            SCHEDULE_RULE,
            {},
            "The schedule could not wake the reconciler; see whether its rule may invoke it.",
            "The schedule reached neither the reconciler nor its queue; see whether its rule may do either.",
        ),
        EXECUTION_ENDED_RULE: (
            EXECUTION_ENDED_RULE,
            {},
            f"The reconciler was not told of an execution's end; {asleep}",
            f"The news of an execution's end reached neither the reconciler nor its queue; {asleep}",
        ),
    }
    return [
        Alarm(f"{prefix}-{kind}", text, "AWS/Events", metric, {**bus, "RuleName": names.rule(rule)})
        for rule, (prefix, bus, undelivered, lost) in watched.items()
        for kind, metric, text in (
            ("undelivered", "FailedInvocations", undelivered),
            ("lost", "InvocationsFailedToBeSentToDlq", lost),
        )
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
