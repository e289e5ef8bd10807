"""The functions: one component, used once for each function of the contract.

Each function has its own role, log group and dead-letter queue, an environment of exactly the keys that its uses
imply, and a published version behind the alias ``live``, so that a deployment never changes an execution in flight
(D16). What a function may do is decided by the contract, not here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infrastructure.gateway import Gateway
from infrastructure.identity import Identity
from infrastructure.naming import ALIAS, handler_dlq
from infrastructure.permissions import function_policy, trust_policy
from infrastructure.queues import Queues
from infrastructure.settings import LAMBDA_RUNTIME, StackSettings
from infrastructure.stores import Stores
from ports.steps.contract import FUNCTIONS, RECONCILER, STEPS, FunctionSpec, StepName
from ports.steps.resources import Resource

ASYNC_RETRY_ATTEMPTS: Final = 2
"""R71. Step Functions invokes synchronously, so this and the queue serve an operator's or a test's own event (D70), and
the rules that wake the reconciler."""


@dataclass(frozen=True)
class StepFunctionConfig:
    """One function, and everything in the stack it may be connected to."""

    settings: StackSettings
    spec: FunctionSpec
    account_id: pulumi.Output[str]
    arns: Mapping[Resource, pulumi.Output[str]]
    """Every resource that IAM guards."""
    environment: Mapping[str, pulumi.Input[str]]
    """Every environment key of the stack; the function gets those of its own uses."""
    dlq_arn: pulumi.Output[str]


class StepFunction(pulumi.ComponentResource):
    """One function with role, log group and alias.

    ``name``, ``alias_name``, ``alias_arn`` and ``log_group_name`` are outputs.
    """

    def __init__(self, name: str, config: StepFunctionConfig, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cc-native:infrastructure:StepFunction", name, None, opts)
        self._config = config
        settings, spec = config.settings, config.spec
        child = pulumi.ResourceOptions(parent=self)
        log_group = aws.cloudwatch.LogGroup(
            spec.component,
            name=settings.names.function_log_group(spec.component),
            retention_in_days=settings.log_days,
            opts=child,
        )
        role = aws.iam.Role(
            spec.component,
            name=settings.names.role(spec.component),
            description=f"What {spec.title} may do.",
            assume_role_policy=config.account_id.apply(
                lambda account: json.dumps(trust_policy("lambda.amazonaws.com", account))
            ),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            spec.component,
            name=spec.component,
            role=role.name,
            policy=self._policy(log_group),
            opts=child,
        )
        function = self._function(role, log_group, policy)
        alias = aws.lambda_.Alias(
            spec.component,
            name=ALIAS,
            description="The version that new executions run.",
            function_name=function.name,
            function_version=function.version,
            opts=child,
        )
        aws.lambda_.FunctionEventInvokeConfig(
            spec.component,
            function_name=function.name,
            qualifier=alias.name,
            maximum_retry_attempts=ASYNC_RETRY_ATTEMPTS,
            opts=child,
        )
        self.name = function.name
        self.alias_name = alias.name
        self.alias_arn = alias.arn
        self.log_group_name = log_group.name
        self.register_outputs({"name": self.name, "alias_arn": self.alias_arn})

    def _policy(self, log_group: aws.cloudwatch.LogGroup) -> pulumi.Output[str]:
        config = self._config
        used = [use.resource for use in config.spec.uses if use.resource in config.arns]
        known = pulumi.Output.all(log_group.arn, config.dlq_arn, *(config.arns[resource] for resource in used))

        def build(arns: list[str]) -> str:
            log_group_arn, dlq_arn, *rest = arns
            by_resource = dict(zip(used, rest, strict=True))
            return json.dumps(
                function_policy(config.spec.uses, by_resource, log_group_arn=log_group_arn, dlq_arn=dlq_arn)
            )

        return known.apply(build)

    def _function(
        self, role: aws.iam.Role, log_group: aws.cloudwatch.LogGroup, policy: aws.iam.RolePolicy
    ) -> aws.lambda_.Function:
        settings, spec = self._config.settings, self._config.spec
        keys = [key for use in spec.uses for key in use.resource.environment_keys]
        return aws.lambda_.Function(
            spec.component,
            name=settings.names.function(spec.component),
            description=f"{spec.title} of the execution layer.",
            role=role.arn,
            runtime=LAMBDA_RUNTIME,
            architectures=[settings.lambda_architecture.value],
            handler=spec.handler,
            code=pulumi.FileArchive(settings.package_path),
            memory_size=settings.memory or spec.memory_megabytes,
            timeout=spec.function_timeout_seconds,
            reserved_concurrent_executions=settings.reserved_concurrency,
            publish=True,
            environment={"variables": {key: self._config.environment[key] for key in keys}},
            dead_letter_config={"target_arn": self._config.dlq_arn},
            tracing_config={"mode": "Active"},
            logging_config={
                "log_format": "JSON",
                "log_group": log_group.name,
                "application_log_level": "INFO",
                "system_log_level": "WARN",
            },
            # Without its policy the first run would be denied, and Lambda checks the queue grant when it creates.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )


@dataclass(frozen=True)
class StepFunctionsConfig:
    """The parts that functions may be connected to."""

    settings: StackSettings
    account_id: pulumi.Output[str]
    stores: Stores
    queues: Queues
    identity: Identity
    gateway: Gateway


class StepFunctions(pulumi.ComponentResource):
    """All functions; ``names``, ``aliases`` and ``log_groups`` by component, ``alias_arns`` by step.

    ``reconciler`` is the one that the state machine does not run.
    """

    def __init__(self, name: str, config: StepFunctionsConfig, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cc-native:infrastructure:StepFunctions", name, None, opts)
        parts = (config.stores, config.queues, config.identity, config.gateway)
        arns = {resource: arn for part in parts for resource, arn in part.arns.items()}
        # The machine is declared after the functions it runs, so its executions are known by its name.
        arns[Resource.EXECUTIONS] = config.account_id.apply(config.settings.names.execution_arns)
        environment = {key: value for part in parts for key, value in part.environment.items()}
        functions = {
            name: StepFunction(
                spec.component,
                StepFunctionConfig(
                    settings=config.settings,
                    spec=spec,
                    account_id=config.account_id,
                    arns=arns,
                    environment=environment,
                    dlq_arn=config.queues.queues[handler_dlq(spec.component)].arn,
                ),
                pulumi.ResourceOptions(parent=self),
            )
            for name, spec in FUNCTIONS.items()
        }
        self.reconciler = functions[RECONCILER.name]
        self.alias_arns: dict[StepName, pulumi.Output[str]] = {step: functions[step].alias_arn for step in STEPS}
        self.names = {FUNCTIONS[name].component: function.name for name, function in functions.items()}
        self.aliases = {FUNCTIONS[name].component: function.alias_arn for name, function in functions.items()}
        self.log_groups = {FUNCTIONS[name].component: function.log_group_name for name, function in functions.items()}
        self.register_outputs({"names": self.names})
