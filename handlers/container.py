"""The container: which adapter stands behind which port, for one function.

Built once per cold start by ``build_container`` and lazily throughout: a function that never calls the gateway never
builds an HTTP client. Wiring is by explicit provider calls only; tests build a fresh container and override
providers. This is the only importer of ``dependency_injector`` and, at run time, of adapters.
"""

from typing import Any

import boto3
from botocore.config import Config
from dependency_injector import containers, providers

from adapters.cognito.token_provider import CognitoTokenProvider
from adapters.dynamodb.backlog import DynamoDbBacklog
from adapters.dynamodb.connector_capacity import DynamoDbConnectorCapacities
from adapters.dynamodb.execution_journal import DynamoDbExecutionJournal
from adapters.dynamodb.external_writes import DynamoDbExternalWrites
from adapters.dynamodb.intent_store import DynamoDbIntentStore
from adapters.dynamodb.kill_switches import DynamoDbKillSwitches
from adapters.dynamodb.mapping_registry import DynamoDbMappingRegistry
from adapters.eventbridge.signal_publisher import EventBridgeSignalPublisher
from adapters.mcp.endpoint import build_http_client
from adapters.mcp.tool_gateway import McpToolGateway
from adapters.s3.artifact_store import S3ArtifactStore
from adapters.sqs.operator_inbox import SqsOperatorInbox
from adapters.stepfunctions.executions import StepFunctionsExecutions
from adapters.system.clock import SystemClock
from adapters.system.run_ids import SystemRunIds
from domain.policies.capacity import CapacityLimits
from domain.use_cases.compensate_action import CompensateAction
from domain.use_cases.connector_slots import ConnectorSlots
from domain.use_cases.gateway_exchange import GatewayExchange
from domain.use_cases.invoke_tool import InvokeTool
from domain.use_cases.map_action_to_tool import MapActionToTool
from domain.use_cases.reconcile_execution import ReconcileExecution
from domain.use_cases.record_failure import RecordFailure
from domain.use_cases.record_outcome import RecordOutcome
from domain.use_cases.recording import Recording
from domain.use_cases.settle_spooled import SettleSpooled
from domain.use_cases.start_execution import StartExecution
from domain.use_cases.sweep_backlog import SweepBacklog
from domain.use_cases.tool_dispatch import ToolDispatch
from domain.use_cases.undoing import Undoing
from domain.use_cases.validate_preflight import ValidatePreflight
from handlers.settings import HandlerSettings, RuntimeSettings, load_runtime_settings, load_settings
from ports.argument_schemas import ArgumentSchemas
from ports.steps.contract import StepName, Worker

CLIENT_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
)
"""Bounds every store call well inside a function's timeout: at worst three tries of 7 s (seconds; a guess to be
measured under load). The SDK may repeat a call because every write of ours is harmless to repeat."""

ARCHIVE_CONFIG = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 1})
"""Archiving comes between a tool's answer and its record, so it may take four seconds at most and is not repeated."""


SECRET_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
"""The secret is read between the record of a dispatch and the call, so it may take three seconds at most: a function
that ended there would leave in doubt a call that was never made. Without a token the step is entered again."""


def _client(service: str) -> Any:  # noqa: ANN401  boto3 builds client classes at run time
    return boto3.client(service, config=CLIENT_CONFIG)  # type: ignore[call-overload]  # the name is a variable


def _archive_client() -> Any:  # noqa: ANN401  as above
    return boto3.client("s3", config=ARCHIVE_CONFIG)


def _secrets_client() -> Any:  # noqa: ANN401  as above
    return boto3.client("secretsmanager", config=SECRET_CONFIG)


def _argument_schemas() -> ArgumentSchemas:
    # Its library takes longer to load than everything else but boto3, and one function in eight needs it.
    from adapters.jsonschema.argument_schemas import JsonSchemaArguments  # noqa: PLC0415  see above

    return JsonSchemaArguments()


def _setting(settings: HandlerSettings, name: str) -> str | None:
    """Return a setting, or ``None`` where the step has no such setting; adapters refuse to work without theirs."""
    value = getattr(settings, name, None)
    return None if value is None else str(value)


def _scopes(settings: HandlerSettings) -> tuple[str, ...]:
    return tuple((_setting(settings, "token_scopes") or "").split())


class Container(containers.DeclarativeContainer):
    """Every port with its AWS adapter, and the use cases over them."""

    settings = providers.Dependency(instance_of=HandlerSettings)
    runtime = providers.Dependency(instance_of=RuntimeSettings)

    clock = providers.Singleton(SystemClock)
    run_ids = providers.Singleton(SystemRunIds)
    dynamodb = providers.Singleton(_client, "dynamodb")
    http = providers.Singleton(build_http_client, runtime.provided.aws_ca_bundle)

    intents = providers.Singleton(DynamoDbIntentStore, dynamodb, settings.provided.action_intent_table_name)
    registry = providers.Singleton(DynamoDbMappingRegistry, dynamodb, settings.provided.action_type_registry_table_name)
    kill_switches = providers.Singleton(DynamoDbKillSwitches, dynamodb, settings.provided.kill_switches_table_name)
    external_writes = providers.Singleton(
        DynamoDbExternalWrites, dynamodb, settings.provided.external_write_dedupe_table_name
    )
    journal = providers.Singleton(
        DynamoDbExecutionJournal,
        dynamodb,
        attempts_table=providers.Callable(_setting, settings, "execution_attempts_table_name"),
        outcomes_table=providers.Callable(_setting, settings, "execution_outcomes_table_name"),
        ledger_table=providers.Callable(_setting, settings, "ledger_table_name"),
        signals_table=providers.Callable(_setting, settings, "signals_table_name"),
        kill_switches_table=providers.Callable(_setting, settings, "kill_switches_table_name"),
    )
    artifacts = providers.Singleton(
        S3ArtifactStore,
        providers.Singleton(_archive_client),
        settings.provided.execution_artifacts_bucket,
    )
    publisher = providers.Singleton(
        EventBridgeSignalPublisher, providers.Singleton(_client, "events"), settings.provided.event_bus_name
    )
    inbox = providers.Singleton(
        SqsOperatorInbox,
        providers.Singleton(_client, "sqs"),
        compensation_queue_url=providers.Callable(_setting, settings, "compensation_tasks_queue_url"),
        attention_queue_url=providers.Callable(_setting, settings, "attention_queue_url"),
        quarantine_queue_url=providers.Callable(_setting, settings, "quarantine_queue_url"),
    )
    argument_schemas = providers.Singleton(_argument_schemas)
    executions = providers.Singleton(StepFunctionsExecutions, providers.Singleton(_client, "stepfunctions"))
    backlog = providers.Singleton(
        DynamoDbBacklog,
        dynamodb,
        attempts_table=settings.provided.execution_attempts_table_name,
        signals_table=settings.provided.signals_table_name,
    )
    tokens = providers.Singleton(
        CognitoTokenProvider,
        http,
        providers.Singleton(_secrets_client),
        secret_arn=settings.provided.gateway_credentials_secret_arn,
        token_endpoint_url=settings.provided.token_endpoint_url,
        default_scopes=providers.Callable(_scopes, settings),
        clock=clock,
    )
    gateway = providers.Singleton(
        McpToolGateway,
        http,
        gateway_url=settings.provided.agentcore_gateway_url,
        protocol_version=settings.provided.mcp_protocol_version,
        tokens=tokens,
        clock=clock,
    )
    exchange = providers.Singleton(
        GatewayExchange,
        gateway=gateway,
        artifacts=artifacts,
        timeout_seconds=settings.provided.gateway_timeout_seconds,
    )
    recording = providers.Singleton(Recording, journal=journal, publisher=publisher, clock=clock)
    connector_capacity = providers.Singleton(
        DynamoDbConnectorCapacities, dynamodb, settings.provided.connector_capacity_table_name
    )
    slots = providers.Singleton(
        ConnectorSlots,
        capacities=connector_capacity,
        limits=providers.Factory(
            CapacityLimits,
            concurrency=settings.provided.connector_concurrency,
            rate_per_second=settings.provided.connector_rate_per_second,
            burst=settings.provided.connector_burst,
            breaker_failures=settings.provided.breaker_failures,
            breaker_open_seconds=settings.provided.breaker_open_seconds,
        ),
        clock=clock,
    )
    dispatch = providers.Singleton(
        ToolDispatch, journal=journal, external_writes=external_writes, exchange=exchange, slots=slots, clock=clock
    )
    undoing = providers.Singleton(
        Undoing, journal=journal, external_writes=external_writes, exchange=exchange, clock=clock
    )

    start_execution = providers.Singleton(StartExecution, intents=intents, journal=journal, clock=clock)
    validate_preflight = providers.Singleton(ValidatePreflight, intents=intents, switches=kill_switches, clock=clock)
    map_action_to_tool = providers.Singleton(
        MapActionToTool, intents=intents, registry=registry, schemas=argument_schemas
    )
    invoke_tool = providers.Singleton(
        InvokeTool,
        intents=intents,
        registry=registry,
        journal=journal,
        switches=kill_switches,
        dispatch=dispatch,
        clock=clock,
    )
    compensate_action = providers.Singleton(CompensateAction, registry=registry, journal=journal, undoing=undoing)
    record_outcome = providers.Singleton(RecordOutcome, journal=journal, recording=recording)
    record_failure = providers.Singleton(RecordFailure, journal=journal, recording=recording, inbox=inbox, clock=clock)

    reconcile_execution = providers.Singleton(
        ReconcileExecution,
        intents=intents,
        registry=registry,
        journal=journal,
        executions=executions,
        dispatch=dispatch,
        undoing=undoing,
        recording=recording,
        inbox=inbox,
        run_ids=run_ids,
        clock=clock,
    )
    sweep_backlog = providers.Singleton(SweepBacklog, backlog=backlog, reconcile=reconcile_execution, clock=clock)
    settle_spooled = providers.Singleton(SettleSpooled, journal=journal, recording=recording)


def build_container(function: StepName | Worker) -> Container:
    """Return a function's container, its settings checked; raises ``ConfigurationError``."""
    return Container(settings=load_settings(function), runtime=load_runtime_settings())
