"""What may be configured about a stack, and the refusal of everything else.

One frozen model holds every setting; it is built from a plain mapping, so that it can be tested without Pulumi. A
wrong value is refused at preview and named with its consequence, because the alternative is a deployment that fails
half-way or a stack that loses approvals quietly. This module reads no file but the one it must find, and no
environment.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, model_validator

from infrastructure.gateway_settings import GatewaySettings
from infrastructure.naming import IllegalName, Names, partition_of
from infrastructure.refusals import CONSEQUENCES, SettingsError, first_of, refusal
from infrastructure.value_rules import (
    AS_CONFIGURED,
    bucket_name,
    distinct_scopes,
    known_retention,
    list_of_text,
    secure_url,
    split_scope,
    spoken_version,
    structured,
)
from ports.steps.contract import FUNCTIONS, MACHINE_TIMEOUT_SECONDS, SETTLING_MARGIN_SECONDS, STEPS
from ports.steps.resources import MCP_PROTOCOL_VERSIONS, Resource

LAMBDA_RUNTIME: Final = "python3.13"
"""Fixed (D80): the package holds compiled wheels for this version and no other."""

DEFAULT_REGION: Final = "us-west-2"
"""R9."""

SLOWEST_SCHEDULE_MINUTES: Final = 10
"""Once in ten minutes falls into every quarter of an hour, after which the reconciler's silence raises its alarm."""


class Stage(StrEnum):
    """Whether a stack holds anything that must survive a mistake."""

    DEV = "dev"
    PROD = "prod"


class LambdaArchitecture(StrEnum):
    """Instruction set of the functions; the package has to be built for the same one."""

    ARM64 = "arm64"
    X86_64 = "x86_64"


SecureUrl = Annotated[str, AfterValidator(secure_url)]
ProtocolVersion = Annotated[str, AfterValidator(spoken_version)]
TextList = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(list_of_text)]
ScopeList = Annotated[TextList, AfterValidator(distinct_scopes)]
BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"), AfterValidator(bucket_name)]
RetentionDays = Annotated[int, AfterValidator(known_retention)]


class StackSettings(BaseModel):
    """Every setting of one stack, checked together."""

    model_config = AS_CONFIGURED

    stack: str
    """The Pulumi stack's name; part of every physical name."""
    prefix: str = "cc-native"
    """First part of every physical name; the stack's name is the second."""
    stage: Stage = Stage.DEV
    """``dev`` or ``prod``: in prod, data is protected against deletion and logs are kept for a year."""
    protect: bool | None = None
    """Deletion protection; by default on in prod and off in dev."""
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] = DEFAULT_REGION
    """Read from ``aws:region``, the provider's own setting, so that names and resources are in one region."""

    gateway_url: SecureUrl | None = None
    """The MCP endpoint of an existing gateway that tools are called through; https unless it is on this machine. Either
    this or `gateway` is required."""
    gateway: Annotated[GatewaySettings, BeforeValidator(structured)] | None = None
    """An AgentCore gateway for this stack to declare, in the place of `gatewayUrl`: an object with the keys below."""
    gateway_allowed_hosts: TextList = ()
    """Hosts that ``gatewayUrl`` may name; empty allows the configured one."""
    mcp_protocol_version: ProtocolVersion = MCP_PROTOCOL_VERSIONS[-1]
    """The MCP revision that the gateway is spoken to in."""
    gateway_timeout_seconds: Annotated[int, Field(ge=1)] = 30
    """Seconds that one tool call may take."""
    token_scopes: ScopeList = ()
    """OAuth scopes as ``<resource server>/<scope>``."""

    lambda_architecture: LambdaArchitecture = LambdaArchitecture.ARM64
    """``arm64`` or ``x86_64``; the package must be built for the same."""
    lambda_package: str = ""
    """Path of the zip, from the project's folder; by default where ``make package`` puts it."""
    memory: Annotated[int, Field(ge=128, le=10_240)] | None = None
    """Megabytes for every function; by default what each step's contract says."""
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = None
    """Concurrent runs reserved for each function; by default none is."""

    log_retention_days: RetentionDays | None = None
    """Days that logs are kept; by default 14 in dev and 365 in prod."""
    artifacts_bucket_name: BucketName | None = None
    """An existing bucket for raw tool requests and responses; by default one is created."""
    artifacts_retention_days: Annotated[int, Field(ge=1, le=3_650)] | None = None
    """Days that raw tool requests and responses are kept; by default 30 in dev and 365 in prod."""
    event_bus_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,256}$")] | None = None
    """An existing event bus that approvals arrive on; by default one is created."""
    user_pool_id: Annotated[str, Field(pattern=r"^[\w-]+_[0-9A-Za-z]+$")] | None = None
    """An existing Cognito user pool that the gateway trusts; by default one is created."""
    token_endpoint_url: SecureUrl | None = None
    """Required with a supplied pool; alone, it stands for a custom domain in front of the pool that is created."""
    alarm_topic_arn: Annotated[str, Field(pattern=r"^arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w-]+$")] | None = None
    """An existing SNS topic that alarms are sent to; by default one is created."""
    function_error_threshold: Annotated[int, Field(ge=1)] = 5
    """Errors of one function in five minutes that raise its alarm; a refused action is such an error, so a few are
    normal, and the alarm on failed executions counts each of them."""
    reconcile_every_minutes: Annotated[int, Field(ge=1, le=SLOWEST_SCHEDULE_MINUTES)] = 1
    """Minutes between two looks at what executions have left behind; at most ten."""
    connector_concurrency: Annotated[int, Field(ge=1, le=100)] = 10
    """Calls of one connector that one tenant may have under way at once; the default is a guess."""
    connector_rate_per_second: Annotated[int, Field(ge=1, le=1_000)] = 20
    """Calls of one connector a second, on average, for one tenant; the default is a guess."""
    connector_burst: Annotated[int, Field(ge=1, le=1_000)] = 20
    """Calls that one tenant may make of one connector faster than the average; the default is a guess."""
    breaker_failures: Annotated[int, Field(ge=1, le=100)] = 5
    """Calls in a row that a connector does not answer before a tenant's further ones wait; the default is a guess."""
    breaker_open_seconds: Annotated[int, Field(ge=1, le=900)] = 30
    """Seconds until a connector that did not answer is tried again, doubling each time it does not, up to 15 minutes;
    the default is a guess."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        try:
            names = Names(self.prefix, self.stack, self.region)
            names.bucket("0" * 12)
            names.login_domain("0" * 12)
            for function in FUNCTIONS.values():
                names.role(function.component)
        except IllegalName as error:
            raise SettingsError(f"prefix is {self.prefix!r} and the stack {self.stack!r}: {error}") from error
        self._check_gateway()
        self._check_deadlines()
        self._check_tokens()
        self._check_topic()
        return self

    def _check_gateway(self) -> None:
        if self.gateway_url is None and self.gateway is None:
            raise refusal(
                "gatewayUrl", None, "name an existing gateway by it, or declare one by the setting gateway instead"
            )
        if self.gateway is None:
            self._check_host()
        else:
            self._check_declared_gateway(self.gateway)

    def _check_host(self) -> None:
        host = urlsplit(self.gateway_url or "").hostname
        if self.gateway_allowed_hosts and host not in {allowed.lower() for allowed in self.gateway_allowed_hosts}:
            raise refusal(
                "gatewayUrl",
                self.gateway_url,
                f"its host is not among gatewayAllowedHosts ({', '.join(self.gateway_allowed_hosts)}); "
                "add it there, or name a gateway on one of these",
            )

    def _check_declared_gateway(self, gateway: GatewaySettings) -> None:
        if self.gateway_url is not None:
            raise refusal("gatewayUrl", self.gateway_url, "gateway declares one already; keep one of the two")
        if self.gateway_allowed_hosts:
            raise refusal(
                "gatewayAllowedHosts",
                list(self.gateway_allowed_hosts),
                "the host of a gateway that is declared is given by AWS; remove this, or name a gateway by gatewayUrl",
            )
        if self.mcp_protocol_version not in self.gateway_versions:
            raise refusal(
                "gateway.supportedVersions",
                list(gateway.supported_versions),
                f"mcpProtocolVersion is {self.mcp_protocol_version}; add it, or speak one of these",
            )
        if gateway.kms_key_arn is not None and f":kms:{self.region}:" not in gateway.kms_key_arn:
            raise refusal("gateway.kmsKeyArn", gateway.kms_key_arn, f"the key is in another region than {self.region}")
        if gateway.exception_level is not None and self.stage is not Stage.DEV:
            raise refusal("gateway.exceptionLevel", gateway.exception_level, f"the stage is {self.stage}; remove it")

    def _check_deadlines(self) -> None:
        callers = [spec for spec in FUNCTIONS.values() if any(use.resource is Resource.GATEWAY for use in spec.uses)]
        limit = min(spec.function_timeout_seconds for spec in callers) - SETTLING_MARGIN_SECONDS
        if self.gateway_timeout_seconds > limit:
            raise refusal(
                "gatewayTimeoutSeconds",
                self.gateway_timeout_seconds,
                f"the functions that call the gateway end after {limit + SETTLING_MARGIN_SECONDS} s and need "
                f"{SETTLING_MARGIN_SECONDS} s of that themselves, so {limit} is the most",
            )
        for spec in STEPS.values():
            if not spec.function_timeout_seconds < spec.task_timeout_seconds < MACHINE_TIMEOUT_SECONDS:
                raise SettingsError(f"{spec.name}'s deadlines are out of order: function < task < state machine")

    def _check_tokens(self) -> None:
        if self.user_pool_id is None:
            return
        for key, value in (("tokenEndpointUrl", self.token_endpoint_url), ("tokenScopes", self.token_scopes)):
            if not value:
                raise refusal(key, None, "userPoolId names an existing pool, which has endpoint and scopes of its own")
        if not self.user_pool_id.startswith(f"{self.region}_"):
            raise refusal("userPoolId", self.user_pool_id, f"the pool is in another region than {self.region}")

    def _check_topic(self) -> None:
        place = f"arn:{self.partition}:sns:{self.region}:"
        if self.alarm_topic_arn is not None and not self.alarm_topic_arn.startswith(place):
            raise refusal(
                "alarmTopicArn",
                self.alarm_topic_arn,
                f"an alarm can act only on a topic of its own region, which starts with {place}",
            )

    @classmethod
    def from_mapping(cls, config: Mapping[str, object], *, stack: str, package_required: bool) -> Self:
        """Return the settings that ``config`` (camelCase keys) describes, or raise ``SettingsError``.

        With ``package_required`` the Lambda package has to exist; a preview does without.
        """
        for key in config:
            if key not in CONSEQUENCES:
                raise SettingsError(
                    f"{key} is no setting of this project: it would be ignored; known are {', '.join(CONSEQUENCES)}"
                )
        try:
            settings = cls.model_validate({**config, "stack": stack})
        except ValidationError as error:
            raise first_of(error, config) from error
        if package_required and not Path(settings.package_path).is_file():
            raise refusal("lambdaPackage", settings.package_path, "there is no such file; build it with `make package`")
        return settings

    @property
    def names(self) -> Names:
        """The physical names of this stack."""
        return Names(self.prefix, self.stack, self.region)

    @property
    def partition(self) -> str:
        """The ARN partition of the region."""
        return partition_of(self.region)

    @property
    def dns_suffix(self) -> str:
        """The domain of the region's service endpoints."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    @property
    def protected(self) -> bool:
        """Whether data is protected against deletion."""
        return self.stage is Stage.PROD if self.protect is None else self.protect

    @property
    def package_path(self) -> str:
        """Where the Lambda package is."""
        return self.lambda_package or f"dist/lambda-{self.lambda_architecture}.zip"

    @property
    def log_days(self) -> int:
        """Days that logs are kept: a fortnight in dev, a year in prod."""
        return self.log_retention_days or (365 if self.stage is Stage.PROD else 14)

    @property
    def artifact_days(self) -> int:
        """Days that raw tool requests and responses are kept."""
        return self.artifacts_retention_days or (365 if self.stage is Stage.PROD else 30)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The OAuth scopes that a token is asked for."""
        return self.token_scopes or (f"{self.names.of('gateway')}/invoke",)

    @property
    def gateway_versions(self) -> tuple[str, ...]:
        """The versions of MCP that a declared gateway accepts."""
        given = self.gateway.supported_versions if self.gateway else ()
        return given or (self.mcp_protocol_version,)

    @property
    def resource_servers(self) -> dict[str, list[str]]:
        """The names of the scopes by the resource server that grants them."""
        found: dict[str, list[str]] = {}
        for scope in self.scopes:
            server, name = split_scope(scope)
            found.setdefault(server, []).append(name)
        return found
