"""The trigger: from an approval on the bus to an execution.

EventBridge cannot name executions, so a replayed approval starts a second one and the claim makes it harmless. What
cannot be delivered waits on the ingress queue (D71); the rule starts the machine through a role of its own, because
state machines have no resource policy (D75).
"""

import json
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infrastructure.naming import APPROVAL_DETAIL_TYPE, APPROVAL_RULE, INGRESS_DLQ
from infrastructure.permissions import queue_policy, start_policy, trust_policy
from infrastructure.settings import StackSettings

APPROVAL_PATTERN: Final = {"source": ["cc-native"], "detail-type": [APPROVAL_DETAIL_TYPE]}
"""R90."""

APPROVAL_PATH: Final = "$.detail.data"
"""R91. The whole object, not its fields: a missing field would reach the machine as an empty string."""

MAXIMUM_EVENT_AGE_SECONDS: Final = 3_600
MAXIMUM_RETRY_ATTEMPTS: Final = 185
"""An approval that could not be delivered for an hour is a person's matter; 185 tries is the service's own most
(Amazon EventBridge User Guide, "Retrying event delivery")."""


@dataclass(frozen=True)
class ApprovalTriggerConfig:
    """What the rule listens to and starts."""

    settings: StackSettings
    account_id: pulumi.Output[str]
    event_bus_name: pulumi.Output[str]
    machine_arn: pulumi.Output[str]
    ingress_dlq: aws.sqs.Queue


class ApprovalTrigger(pulumi.ComponentResource):
    """Rule, target, role; ``rule_name`` and ``rule_arn`` are outputs."""

    def __init__(self, name: str, config: ApprovalTriggerConfig, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cc-native:infrastructure:ApprovalTrigger", name, None, opts)
        names = config.settings.names
        child = pulumi.ResourceOptions(parent=self)
        rule = aws.cloudwatch.EventRule(
            APPROVAL_RULE,
            name=names.rule(APPROVAL_RULE),
            description="Approved actions start the execution state machine.",
            event_bus_name=config.event_bus_name,
            event_pattern=json.dumps(APPROVAL_PATTERN),
            opts=child,
        )
        queue_grant = aws.sqs.QueuePolicy(
            INGRESS_DLQ,
            queue_url=config.ingress_dlq.url,
            policy=pulumi.Output.all(config.ingress_dlq.arn, config.account_id, rule.arn).apply(
                lambda known: json.dumps(queue_policy(known[0], account_id=known[1], rule_arns=known[2:]))
            ),
            opts=child,
        )
        role = aws.iam.Role(
            APPROVAL_RULE,
            name=names.role(APPROVAL_RULE),
            description="Lets the approval rule start executions.",
            assume_role_policy=pulumi.Output.all(config.account_id, rule.arn).apply(
                lambda known: json.dumps(trust_policy("events.amazonaws.com", known[0], known[1]))
            ),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            APPROVAL_RULE,
            name=APPROVAL_RULE,
            role=role.name,
            policy=config.machine_arn.apply(lambda arn: json.dumps(start_policy(arn))),
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            APPROVAL_RULE,
            target_id="execution-orchestrator",
            rule=rule.name,
            event_bus_name=config.event_bus_name,
            arn=config.machine_arn,
            role_arn=role.arn,
            input_path=APPROVAL_PATH,
            dead_letter_config={"arn": config.ingress_dlq.arn},
            retry_policy={
                "maximum_event_age_in_seconds": MAXIMUM_EVENT_AGE_SECONDS,
                "maximum_retry_attempts": MAXIMUM_RETRY_ATTEMPTS,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, queue_grant]),
        )
        self.rule_name = rule.name
        self.rule_arn = rule.arn
        self.register_outputs({"rule_arn": self.rule_arn})
