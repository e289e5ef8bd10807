"""Where messages arrive and where they wait: the bus, the dead-letter queues, the spool, and the queues for people.

A queue that nothing can fill protects nobody, so each has its filler: the rule's target fills the ingress queue, the
state machine the spool, asynchronous invocations the functions' queues (D70, D71), and functions those that ask a
person for something. All keep fourteen days. A queue that rules may fill is named in a policy with them, so that
policy is declared where the rules are (``triggers``, ``reconciliation``).
"""

import json
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infrastructure.naming import INGRESS_DLQ, OUTCOME_SPOOL, handler_dlq
from infrastructure.permissions import queue_policy
from infrastructure.settings import StackSettings
from ports.steps.contract import FUNCTIONS, RECONCILER
from ports.steps.resources import Resource, ResourceKind

RETENTION_SECONDS: Final = 14 * 24 * 3_600
"""The longest that SQS keeps a message (Amazon SQS API Reference, SetQueueAttributes)."""

PEOPLES_QUEUES: Final = tuple(resource for resource in Resource if resource.kind is ResourceKind.QUEUE)
"""What functions ask of people, one queue for each kind of notice."""

FUNCTION_DLQS: Final = tuple(handler_dlq(spec.component) for spec in FUNCTIONS.values())
RECONCILER_DLQ: Final = handler_dlq(RECONCILER.component)

QUEUES: Final = (INGRESS_DLQ, OUTCOME_SPOOL, *(resource.value for resource in PEOPLES_QUEUES), *FUNCTION_DLQS)
"""Every queue of the stack by component name; an alarm watches each."""


@dataclass(frozen=True)
class QueuesConfig:
    """What the queues and the bus depend on."""

    settings: StackSettings
    account_id: pulumi.Output[str]


class Queues(pulumi.ComponentResource):
    """Queues by component name, and the bus; ``arns`` and ``environment`` are what functions may use of it."""

    def __init__(self, name: str, config: QueuesConfig, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cc-native:infrastructure:Queues", name, None, opts)
        self._config = config
        self.queues = {component: self._queue(component) for component in QUEUES}
        self.ingress_dlq, self.outcome_spool = self.queues[INGRESS_DLQ], self.queues[OUTCOME_SPOOL]
        self.reconciler_dlq = self.queues[RECONCILER_DLQ]
        self.urls = {component: queue.url for component, queue in self.queues.items()}
        for component, queue in self.queues.items():
            if component not in {INGRESS_DLQ, RECONCILER_DLQ}:
                self._policy(component, queue)
        self.event_bus_name, event_bus_arn = self._bus()
        asked = {resource: self.queues[resource.value] for resource in PEOPLES_QUEUES}
        self.arns = {Resource.EVENT_BUS: event_bus_arn, **{resource: queue.arn for resource, queue in asked.items()}}
        told = {Resource.EVENT_BUS: self.event_bus_name, **{resource: queue.url for resource, queue in asked.items()}}
        self.environment: dict[str, pulumi.Input[str]] = {
            key: value for resource, value in told.items() for key in resource.environment_keys
        }
        self.register_outputs({"urls": self.urls})

    def _queue(self, component: str) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            component,
            name=self._config.settings.names.queue(component),
            message_retention_seconds=RETENTION_SECONDS,
            sqs_managed_sse_enabled=True,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _policy(self, component: str, queue: aws.sqs.Queue) -> None:
        aws.sqs.QueuePolicy(
            component,
            queue_url=queue.url,
            policy=pulumi.Output.all(queue.arn, self._config.account_id).apply(
                lambda known: json.dumps(queue_policy(known[0], account_id=known[1]))
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _bus(self) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        settings = self._config.settings
        supplied = settings.event_bus_name
        if supplied is not None:
            arn = self._config.account_id.apply(lambda account: settings.names.event_bus_arn(account, supplied))
            return pulumi.Output.from_input(supplied), arn
        bus = aws.cloudwatch.EventBus(
            Resource.EVENT_BUS.value,
            name=settings.names.of(Resource.EVENT_BUS.value),
            description="Approvals in, execution signals out.",
            opts=pulumi.ResourceOptions(parent=self),
        )
        return bus.name, bus.arn
