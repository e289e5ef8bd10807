"""The stack's table of contents: what is declared, in the order in which one part needs another.

Every decision is in ``infrastructure`` or in the step contract; here the parts only meet.
"""

import pulumi

from infrastructure.configuration import current_account, read_settings
from infrastructure.functions import StepFunctions, StepFunctionsConfig
from infrastructure.gateway import Gateway, GatewayConfig
from infrastructure.identity import Identity, IdentityConfig
from infrastructure.observability import Observability, ObservabilityConfig
from infrastructure.queues import Queues, QueuesConfig
from infrastructure.reconciliation import Reconciliation, ReconciliationConfig
from infrastructure.stores import Stores, StoresConfig
from infrastructure.triggers import ApprovalTrigger, ApprovalTriggerConfig
from infrastructure.workflow import Workflow, WorkflowConfig

settings = read_settings()
account_id = current_account()

stores = Stores("stores", StoresConfig(settings, account_id))
queues = Queues("queues", QueuesConfig(settings, account_id))
identity = Identity("identity", IdentityConfig(settings, account_id))
gateway = Gateway("gateway", GatewayConfig(settings, account_id, identity))
functions = StepFunctions("functions", StepFunctionsConfig(settings, account_id, stores, queues, identity, gateway))
workflow = Workflow("workflow", WorkflowConfig(settings, account_id, functions.alias_arns, queues.outcome_spool))
trigger = ApprovalTrigger(
    "trigger",
    ApprovalTriggerConfig(settings, account_id, queues.event_bus_name, workflow.machine_arn, queues.ingress_dlq),
)
reconciliation = Reconciliation(
    "reconciliation",
    ReconciliationConfig(settings, account_id, functions.reconciler, workflow.machine_arn, queues.reconciler_dlq),
)
observability = Observability(
    "observability", ObservabilityConfig(settings, account_id, queues.event_bus_name, functions.log_groups)
)

pulumi.export("region", settings.region)
pulumi.export("tables", stores.table_names)
pulumi.export("artifacts_bucket", stores.bucket_name)
pulumi.export("event_bus", queues.event_bus_name)
pulumi.export("queues", queues.urls)
pulumi.export("functions", functions.names)
pulumi.export("function_aliases", functions.aliases)
pulumi.export("log_groups", {**functions.log_groups, "execution-orchestrator": workflow.log_group_name})
pulumi.export("state_machine_arn", workflow.machine_arn)
pulumi.export("rule_arn", trigger.rule_arn)
pulumi.export("reconcile_rule_arns", reconciliation.rule_arns)
for key, value in gateway.exports.items():
    pulumi.export(key, value)
pulumi.export("user_pool_id", identity.user_pool_id)
pulumi.export("token_endpoint_url", identity.token_endpoint_url)
pulumi.export("token_scopes", list(settings.scopes))
pulumi.export("token_issuer", identity.issuer)
pulumi.export("jwks_uri", identity.jwks_uri)
pulumi.export("client_id", identity.client_id)
pulumi.export("gateway_credentials_secret_arn", identity.secret_arn)
pulumi.export("mcp_protocol_version", settings.mcp_protocol_version)
pulumi.export("alarm_topic_arn", observability.alarm_topic_arn)
pulumi.export("dashboard_name", observability.dashboard_name)
