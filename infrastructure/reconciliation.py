"""What wakes the reconciler: a schedule, and the end of an execution that ended badly.

Both rules are on the account's default bus: schedules work on no other, and Step Functions sends its events there
(Amazon EventBridge User Guide, "Creating a scheduled rule"; AWS Step Functions Developer Guide, "Automating Step
Functions event delivery with EventBridge"). Such an event is sent on a best-effort basis (Amazon EventBridge Events
Reference, "AWS Step Functions events"), so the schedule is what makes sure and the event only makes it soon.

What arrives, whole, as both targets pass it on (AWS Step Functions Developer Guide, "EventBridge (CloudWatch Events)
for Step Functions execution status changes"; the same on the embedded AWS)::

    {"version": "0", "id": "<uuid>", "source": "aws.events", "account": "<12 digits>", "time": "<ISO 8601, seconds>",
     "region": "<region>", "resources": ["<the rule's ARN>"], "detail-type": "Scheduled Event", "detail": {}}

    {"version": "0", "id": "<uuid>", "source": "aws.states", "account": "<12 digits>", "time": "<ISO 8601, seconds>",
     "region": "<region>", "resources": ["<the execution's ARN>"],
     "detail-type": "Step Functions Execution Status Change",
     "detail": {"executionArn": "<ARN>", "stateMachineArn": "<ARN>", "name": "<the execution's name>",
                "status": "FAILED" | "TIMED_OUT" | "ABORTED", "startDate": <epoch ms>, "stopDate": <epoch ms>,
                "input": "<the approval's data as JSON text>" | null, "inputDetails": {"included": true | false} | null,
                "output": null, "outputDetails": null, "error": "<name>" | null, "cause": "<text>" | null,
                "stateMachineVersionArn": null, "stateMachineAliasArn": null,
                "redriveCount": 0, "redriveDate": null, "redriveStatus": "<word>", "redriveStatusReason": "<text>"}}

The input is left out when it is larger than 248 KB, so the execution's ARN is the only thing that is always there.
"""

import json
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infrastructure.functions import StepFunction
from infrastructure.naming import DEFAULT_EVENT_BUS, EXECUTION_ENDED_RULE, SCHEDULE_RULE
from infrastructure.permissions import queue_policy
from infrastructure.queues import RECONCILER_DLQ
from infrastructure.settings import StackSettings

Json = dict[str, object]

BAD_ENDS: Final = ("FAILED", "TIMED_OUT", "ABORTED")
"""A machine that was stopped or timed out recorded nothing; one that failed may have recorded nothing. One that
succeeded has recorded all there is."""


@dataclass(frozen=True)
class Delivery:
    """How long EventBridge tries to hand an event over before it goes to the dead-letter queue."""

    maximum_event_age_seconds: int
    maximum_retry_attempts: int


SCHEDULE_DELIVERY: Final = Delivery(60, 2)
"""A missed turn is made good by the next; a minute is the shortest age that the service accepts (Amazon EventBridge API
Reference, RetryPolicy)."""

ENDED_DELIVERY: Final = Delivery(3_600, 185)
"""Tried for as long as an approval is; the schedule finds the execution long before."""


def schedule_expression(minutes: int) -> str:
    """Return EventBridge's words for "every ``minutes`` minutes", which know a singular."""
    return f"rate({minutes} minute{'' if minutes == 1 else 's'})"


def ended_pattern(machine_arn: str) -> Json:
    """Return the pattern of the events that say that an execution of this machine ended badly."""
    return {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": list(BAD_ENDS), "stateMachineArn": [machine_arn]},
    }


@dataclass(frozen=True)
class ReconciliationConfig:
    """Who is woken, by whose executions, and where an event waits that could not be handed over."""

    settings: StackSettings
    account_id: pulumi.Output[str]
    reconciler: StepFunction
    machine_arn: pulumi.Output[str]
    reconciler_dlq: aws.sqs.Queue


class Reconciliation(pulumi.ComponentResource):
    """Two rules, each with its target and its permission to invoke; ``rule_arns`` by component is an output."""

    def __init__(self, name: str, config: ReconciliationConfig, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cc-native:infrastructure:Reconciliation", name, None, opts)
        self._config = config
        names, child = config.settings.names, pulumi.ResourceOptions(parent=self)
        schedule = aws.cloudwatch.EventRule(
            SCHEDULE_RULE,
            name=names.rule(SCHEDULE_RULE),
            description="The reconciler looks at what executions have left behind.",
            event_bus_name=DEFAULT_EVENT_BUS,
            schedule_expression=schedule_expression(config.settings.reconcile_every_minutes),
            opts=child,
        )
        ended = aws.cloudwatch.EventRule(
            EXECUTION_ENDED_RULE,
            name=names.rule(EXECUTION_ENDED_RULE),
            description="An execution that ended badly is looked at by the reconciler at once.",
            event_bus_name=DEFAULT_EVENT_BUS,
            event_pattern=config.machine_arn.apply(lambda arn: json.dumps(ended_pattern(arn))),
            opts=child,
        )
        self._queue_grant = aws.sqs.QueuePolicy(
            RECONCILER_DLQ,
            queue_url=config.reconciler_dlq.url,
            policy=pulumi.Output.all(config.reconciler_dlq.arn, config.account_id, schedule.arn, ended.arn).apply(
                lambda known: json.dumps(queue_policy(known[0], account_id=known[1], rule_arns=known[2:]))
            ),
            opts=child,
        )
        self._wake(SCHEDULE_RULE, schedule, SCHEDULE_DELIVERY)
        self._wake(EXECUTION_ENDED_RULE, ended, ENDED_DELIVERY)
        self.rule_arns = {SCHEDULE_RULE: schedule.arn, EXECUTION_ENDED_RULE: ended.arn}
        self.register_outputs({"rule_arns": self.rule_arns})

    def _wake(self, component: str, rule: aws.cloudwatch.EventRule, delivery: Delivery) -> None:
        reconciler = self._config.reconciler
        # A function is invoked by its own policy: EventBridge assumes no role for it (Amazon EventBridge User Guide,
        # "Using resource-based policies").
        permission = aws.lambda_.Permission(
            component,
            statement_id=component,
            action="lambda:InvokeFunction",
            function=reconciler.name,
            qualifier=reconciler.alias_name,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.cloudwatch.EventTarget(
            component,
            target_id="execution-reconciler",
            rule=rule.name,
            event_bus_name=DEFAULT_EVENT_BUS,
            arn=reconciler.alias_arn,
            dead_letter_config={"arn": self._config.reconciler_dlq.arn},
            retry_policy={
                "maximum_event_age_in_seconds": delivery.maximum_event_age_seconds,
                "maximum_retry_attempts": delivery.maximum_retry_attempts,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission, self._queue_grant]),
        )
