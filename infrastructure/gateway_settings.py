"""What may be configured about a gateway that this stack declares: the structured setting ``gateway``.

Each rule is AgentCore's own where it has one, so that a value which the service would refuse half-way through a
deployment is refused at preview. What must agree with the rest of the stack (the spoken version, the stage, the
allowed hosts) is the business of ``settings``.
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from infrastructure.tool_schema import checked_schema
from infrastructure.value_rules import AS_CONFIGURED, https_url

GATEWAY_PROTOCOL_VERSIONS: Final = ("2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
"""The versions of MCP that an AgentCore gateway can be told to accept, oldest first (Amazon Bedrock AgentCore Developer
Guide, "Use an AgentCore gateway")."""

MOST_TARGETS: Final = 100
"""Targets of one gateway (Amazon Bedrock AgentCore Developer Guide, "Quotas")."""

TargetName = Annotated[str, Field(pattern=r"^([0-9a-zA-Z]-?){1,100}$")]
"""Amazon Bedrock AgentCore Control Plane API Reference, CreateGatewayTarget. It is the part of a tool's name before
the three underscores, which is therefore never ambiguous."""

LambdaArn = Annotated[
    str,
    Field(
        max_length=170,
        pattern=r"^arn:(aws[a-zA-Z-]*)?:lambda:([a-z]{2}(-gov)?-[a-z]+-\d{1}):(\d{12}):function:([a-zA-Z0-9-_.]+)"
        r"(:(\$LATEST|[a-zA-Z0-9-_]+))?$",
    ),
]
"""The same reference, ``McpLambdaTargetConfiguration``."""

KmsKeyArn = Annotated[str, Field(pattern=r"^arn:aws(|-cn|-us-gov):kms:[a-zA-Z0-9-]*:[0-9]{12}:key/[a-zA-Z0-9-]{36}$")]
"""The same reference, CreateGateway."""


def _accepted_version(value: str) -> str:
    if value not in GATEWAY_PROTOCOL_VERSIONS:
        raise ValueError(f"an AgentCore gateway accepts {', '.join(GATEWAY_PROTOCOL_VERSIONS)} only")
    return value


AcceptedVersion = Annotated[str, AfterValidator(_accepted_version)]
ToolSchema = Annotated[dict[str, Any], AfterValidator(checked_schema)]


class _Section(BaseModel):
    model_config = AS_CONFIGURED


class TargetTool(_Section):
    """One tool of a Lambda target, as ``tools/list`` shows it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,153}$")]
    """With the longest target's name and three underscores no longer than the 256 that a mapping can name."""
    description: Annotated[str, Field(min_length=1)]
    input_schema: ToolSchema
    output_schema: ToolSchema | None = None


class GatewayTarget(_Section):
    """Where some of the gateway's tools are: a Lambda function with the schema of its tools, or an MCP server."""

    name: TargetName
    lambda_arn: LambdaArn | None = None
    tools: tuple[TargetTool, ...] = ()
    endpoint: Annotated[str, AfterValidator(https_url)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.lambda_arn is None) == (self.endpoint is None):
            raise ValueError(f"target {self.name!r} needs either lambdaArn with tools, or endpoint")
        if (self.lambda_arn is None) != (not self.tools):
            raise ValueError(
                f"target {self.name!r}: the tools of a Lambda function must be listed, and an MCP server lists its own"
            )
        names = [tool.name for tool in self.tools]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"target {self.name!r} lists its tool {twice[0]!r} twice")
        return self


class GatewaySettings(_Section):
    """One gateway: its targets, the versions it accepts, and how its data and errors are kept."""

    targets: Annotated[tuple[GatewayTarget, ...], Field(min_length=1, max_length=MOST_TARGETS)]
    """What its tools are: for each a `name`, and either `lambdaArn` with `tools` (each with `name`, `description`,
    `inputSchema`, and `outputSchema` if it has one), or the https `endpoint` of an MCP server, which is called without
    credentials. A tool is called `<target>___<tool>`."""
    supported_versions: tuple[AcceptedVersion, ...] = ()
    """The MCP versions that it accepts; by default the one of `mcpProtocolVersion`, which must be among them."""
    exception_level: Literal["DEBUG"] | None = None
    """`DEBUG` makes it tell callers what went wrong inside; refused outside dev."""
    kms_key_arn: KmsKeyArn | None = None
    """A key of your own to encrypt its data with; the key's policy must let the gateway's role use it."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [target.name.lower() for target in self.targets]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"the target {twice[0]!r} is there twice, and their tools could not be told apart")
        return self

    @property
    def lambda_arns(self) -> list[str]:
        """The functions that the gateway has to invoke, each once."""
        return sorted({target.lambda_arn for target in self.targets if target.lambda_arn is not None})
