"""The state machine: definition, role, log group.

The definition is generated (``asl``); here it meets the aliases and the queue. Logs say what failed and never carry
execution data, because an approval's parameters may be personal.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infrastructure.asl import Wiring, definition
from infrastructure.naming import ORCHESTRATOR
from infrastructure.permissions import machine_policy, trust_policy
from infrastructure.settings import StackSettings
from ports.steps.contract import StepName


@dataclass(frozen=True)
class WorkflowConfig:
    """What the machine points at."""

    settings: StackSettings
    account_id: pulumi.Output[str]
    alias_arns: Mapping[StepName, pulumi.Output[str]]
    spool_queue: aws.sqs.Queue


class Workflow(pulumi.ComponentResource):
    """The machine; ``machine_arn`` and ``log_group_name`` are outputs."""

    def __init__(self, name: str, config: WorkflowConfig, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cc-native:infrastructure:Workflow", name, None, opts)
        settings = config.settings
        child = pulumi.ResourceOptions(parent=self)
        log_group = aws.cloudwatch.LogGroup(
            ORCHESTRATOR, name=settings.names.machine_log_group, retention_in_days=settings.log_days, opts=child
        )
        role = aws.iam.Role(
            ORCHESTRATOR,
            name=settings.names.role(ORCHESTRATOR),
            description="What the state machine may do.",
            assume_role_policy=config.account_id.apply(
                lambda account: json.dumps(
                    trust_policy("states.amazonaws.com", account, settings.names.machine_arn(account))
                )
            ),
            opts=child,
        )
        steps = list(config.alias_arns)
        aliases = pulumi.Output.all(*config.alias_arns.values())
        policy = aws.iam.RolePolicy(
            ORCHESTRATOR,
            name=ORCHESTRATOR,
            role=role.name,
            policy=pulumi.Output.all(aliases, config.spool_queue.arn).apply(
                lambda known: json.dumps(machine_policy(known[0], known[1]))
            ),
            opts=child,
        )
        machine = aws.sfn.StateMachine(
            ORCHESTRATOR,
            name=settings.names.machine,
            type="STANDARD",
            role_arn=role.arn,
            definition=pulumi.Output.all(aliases, config.spool_queue.url).apply(
                lambda known: json.dumps(
                    definition(Wiring(dict(zip(steps, known[0], strict=True)), known[1], settings.partition))
                )
            ),
            logging_configuration={
                "level": "ERROR",
                "include_execution_data": False,
                "log_destination": log_group.arn.apply(lambda arn: f"{arn}:*"),
            },
            tracing_configuration={"enabled": True},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.machine_arn = machine.arn
        self.log_group_name = log_group.name
        self.register_outputs({"machine_arn": self.machine_arn})
