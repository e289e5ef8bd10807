"""Environment variables as types: what each function must be told, checked when it first runs.

This is the only module that reads the environment. A field's name in upper case is the variable's name; the
infrastructure sets exactly these (a test compares both with the step contract). There are no defaults for names of
stores: a wrong default would quietly read another stack's table.
"""

import os
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from domain.model.errors import ConfigurationError
from ports.steps.contract import StepName, Worker

Name = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class HandlerSettings(BaseModel):
    """What a function reads from its environment; each function composes its own."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Intents(HandlerSettings):
    action_intent_table_name: Name


class _Registry(HandlerSettings):
    action_type_registry_table_name: Name


class _Attempts(HandlerSettings):
    execution_attempts_table_name: Name
    ledger_table_name: Name


class _ExternalWrites(HandlerSettings):
    external_write_dedupe_table_name: Name


class _Switches(HandlerSettings):
    kill_switches_table_name: Name


class _Capacity(HandlerSettings):
    connector_capacity_table_name: Name
    connector_concurrency: int = Field(ge=1)
    connector_rate_per_second: int = Field(ge=1)
    connector_burst: int = Field(ge=1)
    breaker_failures: int = Field(ge=1)
    breaker_open_seconds: int = Field(ge=1)


class _Gateway(HandlerSettings):
    agentcore_gateway_url: Name
    mcp_protocol_version: Name
    gateway_timeout_seconds: float = Field(gt=0)
    token_endpoint_url: Name
    token_scopes: str
    """OAuth scopes separated by spaces; may be empty."""
    gateway_credentials_secret_arn: Name
    execution_artifacts_bucket: Name


class _Quarantine(HandlerSettings):
    quarantine_queue_url: Name


class StartExecutionSettings(_Intents, _Attempts):
    """What StartExecution must be told."""


class ValidatePreflightSettings(_Intents, _Switches):
    """What ValidatePreflight must be told."""


class MapActionToToolSettings(_Intents, _Registry):
    """What MapActionToTool must be told."""


class InvokeToolSettings(_Intents, _Registry, _Attempts, _Switches, _ExternalWrites, _Capacity, _Gateway):
    """What InvokeTool must be told."""


class CompensateActionSettings(_Registry, _Attempts, _ExternalWrites, _Gateway):
    """What CompensateAction must be told."""


class RecorderSettings(_Attempts):
    """What whoever records an outcome must be told; RecordOutcome needs no more."""

    execution_outcomes_table_name: Name
    signals_table_name: Name
    event_bus_name: Name


class RecordFailureSettings(RecorderSettings, _Quarantine):
    """What RecordFailure must be told: beside the stores, where an approval goes that cannot be understood."""


class ReconcilerSettings(
    _Intents, _Registry, RecorderSettings, _Switches, _ExternalWrites, _Capacity, _Gateway, _Quarantine
):
    """What the reconciler must be told: all that a step is told, and where people are asked for help."""

    compensation_tasks_queue_url: Name
    attention_queue_url: Name


SETTINGS: Final[dict[StepName | Worker, type[HandlerSettings]]] = {
    StepName.START_EXECUTION: StartExecutionSettings,
    StepName.VALIDATE_PREFLIGHT: ValidatePreflightSettings,
    StepName.MAP_ACTION_TO_TOOL: MapActionToToolSettings,
    StepName.INVOKE_TOOL: InvokeToolSettings,
    StepName.COMPENSATE_ACTION: CompensateActionSettings,
    StepName.RECORD_OUTCOME: RecorderSettings,
    StepName.RECORD_FAILURE: RecordFailureSettings,
    Worker.RECONCILER: ReconcilerSettings,
}


class RuntimeSettings(BaseModel):
    """What the Lambda runtime or the SDK's own conventions may provide; the infrastructure sets none of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    aws_ca_bundle: str | None = None
    """A CA file to trust instead of the system's (Boto3 documentation, "Using environment variables")."""


def load_settings(function: StepName | Worker, environ: Mapping[str, str] | None = None) -> HandlerSettings:
    """Return the function's settings, or raise ``ConfigurationError`` naming every variable at fault.

    A value is never repeated in the message: it may have been meant for another variable.
    """
    values = os.environ if environ is None else environ
    try:
        return SETTINGS[function].model_validate({key.lower(): value for key, value in values.items()})
    except ValidationError as error:
        faults = "; ".join(
            f"{str(fault['loc'][0]).upper()}: {'not set' if fault['type'] == 'missing' else fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(
            f"the function for {function} lacks environment variables or has wrong ones ({faults}); "
            "deploy the stack again, it sets them from the step contract"
        ) from error


def load_runtime_settings(environ: Mapping[str, str] | None = None) -> RuntimeSettings:
    """Return what the runtime provides."""
    values = os.environ if environ is None else environ
    return RuntimeSettings.model_validate({key.lower(): value for key, value in values.items()})
