"""Alarms that reach somebody, and one dashboard.

Every alarm acts on one topic: the supplied one, or one that is created and waits for a subscriber. What is watched is
decided in ``alarms``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infrastructure.alarms import (
    BREAKER_METRIC,
    BREAKER_PATTERN,
    PERIOD_SECONDS,
    SENDERS,
    SILENT_PERIODS,
    Alarm,
    breaker_alarm,
    dashboard,
    function_alarms,
    log_namespace,
    machine_alarms,
    queue_alarms,
    rule_alarms,
    silence_alarm,
)
from infrastructure.naming import ALARM_TOPIC, DASHBOARD
from infrastructure.permissions import topic_policy
from infrastructure.settings import StackSettings


@dataclass(frozen=True)
class ObservabilityConfig:
    """What is watched, apart from what names alone can tell."""

    settings: StackSettings
    account_id: pulumi.Output[str]
    event_bus_name: pulumi.Output[str]
    log_groups: Mapping[str, pulumi.Output[str]]
    """The names of the functions' log groups, by component."""


class Observability(pulumi.ComponentResource):
    """Topic, alarms, dashboard; ``alarm_topic_arn`` and ``dashboard_name`` are outputs."""

    def __init__(self, name: str, config: ObservabilityConfig, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cc-native:infrastructure:Observability", name, None, opts)
        settings, names = config.settings, config.settings.names
        self._names = names
        self.alarm_topic_arn = self._topic(config)
        # Dimensions of two groups are known only when the account and the bus are, so each fills in its own.
        named = (
            *function_alarms(names, settings.function_error_threshold),
            silence_alarm(names),
            breaker_alarm(names),
            *queue_alarms(names),
        )
        for component in SENDERS:
            self._count_breakers(component, config.log_groups[component])
        for alarm in named:
            self._declare(alarm, dict(alarm.dimensions))
        for alarm in machine_alarms(names, ""):
            self._declare(alarm, {"StateMachineArn": config.account_id.apply(names.machine_arn)})
        for alarm in rule_alarms(names, settings.event_bus_name or ""):
            late = {"EventBusName": config.event_bus_name} if "EventBusName" in alarm.dimensions else {}
            self._declare(alarm, {**alarm.dimensions, **late})

        def body(known: list[str]) -> str:
            account_id, event_bus_name = known
            watched = [
                *machine_alarms(names, account_id),
                *rule_alarms(names, event_bus_name),
                *named,
            ]
            return json.dumps(dashboard(names, settings.region, watched))

        board = aws.cloudwatch.Dashboard(
            DASHBOARD,
            dashboard_name=names.of(DASHBOARD),
            dashboard_body=pulumi.Output.all(config.account_id, config.event_bus_name).apply(body),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.dashboard_name = board.dashboard_name
        self.register_outputs({"alarm_topic_arn": self.alarm_topic_arn})

    def _topic(self, config: ObservabilityConfig) -> pulumi.Output[str]:
        settings = config.settings
        if settings.alarm_topic_arn is not None:
            return pulumi.Output.from_input(settings.alarm_topic_arn)
        # Not encrypted with the service's own key, through which CloudWatch could not publish (Amazon CloudWatch User
        # Guide, "Amazon SNS encrypted topics"); an alarm carries metric names and no data.
        topic = aws.sns.Topic(ALARM_TOPIC, name=self._names.of(ALARM_TOPIC), opts=pulumi.ResourceOptions(parent=self))
        aws.sns.TopicPolicy(
            ALARM_TOPIC,
            arn=topic.arn,
            policy=pulumi.Output.all(topic.arn, config.account_id).apply(
                lambda known: json.dumps(
                    topic_policy(known[0], account_id=known[1], alarm_arns=self._names.alarm_arns(known[1]))
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return topic.arn

    def _count_breakers(self, component: str, log_group: pulumi.Output[str]) -> None:
        name = f"{component}-breakers"
        aws.cloudwatch.LogMetricFilter(
            name,
            name=self._names.of(name),
            log_group_name=log_group,
            pattern=BREAKER_PATTERN,
            metric_transformation={"name": BREAKER_METRIC, "namespace": log_namespace(self._names), "value": "1"},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _declare(self, alarm: Alarm, dimensions: dict[str, pulumi.Input[str]]) -> None:
        aws.cloudwatch.MetricAlarm(
            alarm.component,
            name=self._names.of(alarm.component),
            alarm_description=alarm.description,
            namespace=alarm.namespace,
            metric_name=alarm.metric,
            dimensions=dimensions,
            statistic=alarm.statistic,
            period=PERIOD_SECONDS,
            evaluation_periods=SILENT_PERIODS if alarm.on_silence else 1,
            comparison_operator="LessThanThreshold" if alarm.on_silence else "GreaterThanOrEqualToThreshold",
            threshold=alarm.threshold,
            treat_missing_data="breaching" if alarm.on_silence else "notBreaching",
            alarm_actions=[self.alarm_topic_arn],
            opts=pulumi.ResourceOptions(parent=self),
        )
