"""The gateway that tools are called through: one that exists, named by its URL, or one that this stack declares.

A declared gateway lets in exactly this stack's client with this stack's scopes, accepts exactly the configured
versions of MCP, and may invoke exactly the functions that are its targets. An existing one belongs to somebody else:
nothing is created, and its URL is passed on. Either way the functions learn the URL from here.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infrastructure.gateway_settings import GatewaySettings, GatewayTarget
from infrastructure.identity import Identity
from infrastructure.naming import GATEWAY
from infrastructure.permissions import gateway_policy, gateway_trust_policy
from infrastructure.settings import StackSettings
from infrastructure.tool_schema import schema_blocks
from ports.steps.resources import Resource

DISCOVERY_PATH: Final = "/.well-known/openid-configuration"
"""Where an issuer describes itself; the service demands exactly this end (Amazon Bedrock AgentCore Developer Guide,
"Configure inbound JWT authorizer")."""


@dataclass(frozen=True)
class GatewayConfig:
    """What the gateway depends on."""

    settings: StackSettings
    account_id: pulumi.Output[str]
    identity: Identity


class Gateway(pulumi.ComponentResource):
    """The gateway; ``environment`` is what functions are told of it, ``exports`` what the stack says of it."""

    def __init__(self, name: str, config: GatewayConfig, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cc-native:infrastructure:Gateway", name, None, opts)
        self._config = config
        settings = config.settings
        self.arns: dict[Resource, pulumi.Output[str]] = {}
        self.exports: dict[str, pulumi.Output[str]] = {}
        if settings.gateway is None:
            self.url = pulumi.Output.from_input(settings.gateway_url or "")
        else:
            gateway = self._declared(settings.gateway)
            self.url = gateway.gateway_url
            self.exports |= {"gateway_id": gateway.gateway_id, "gateway_arn": gateway.gateway_arn}
        self.exports["gateway_url"] = self.url
        self.environment: dict[str, pulumi.Input[str]] = {
            "AGENTCORE_GATEWAY_URL": self.url,
            "MCP_PROTOCOL_VERSION": settings.mcp_protocol_version,
            "GATEWAY_TIMEOUT_SECONDS": str(settings.gateway_timeout_seconds),
        }
        self.register_outputs({"url": self.url})

    def _declared(self, declared: GatewaySettings) -> aws.bedrock.AgentcoreGateway:
        settings, identity = self._config.settings, self._config.identity
        role, policies = self._role(declared)
        gateway = aws.bedrock.AgentcoreGateway(
            GATEWAY,
            name=settings.names.gateway,
            description="The tools that approved actions are carried out with.",
            role_arn=role.arn,
            protocol_type="MCP",
            protocol_configuration={"mcp": {"supported_versions": list(settings.gateway_versions)}},
            authorizer_type="CUSTOM_JWT",
            # Cognito's client tokens carry no audience: client and scope are what can be checked (the same guide).
            authorizer_configuration={
                "custom_jwt_authorizer": {
                    "discovery_url": identity.issuer.apply(lambda issuer: f"{issuer}{DISCOVERY_PATH}"),
                    "allowed_clients": [identity.client_id],
                    "allowed_scopes": list(settings.scopes),
                }
            },
            exception_level=declared.exception_level,
            kms_key_arn=declared.kms_key_arn,
            # The service assumes the role and uses the key while it creates the gateway.
            opts=pulumi.ResourceOptions(parent=self, depends_on=policies),
        )
        for target in declared.targets:
            aws.bedrock.AgentcoreGatewayTarget(
                target.name,
                name=target.name,
                gateway_identifier=gateway.gateway_id,
                target_configuration={"mcp": _mcp_configuration(target)},
                # A function is invoked as the gateway's role; for an MCP server without credentials there is no block.
                credential_provider_configuration=None if target.lambda_arn is None else {"gateway_iam_role": {}},
                opts=pulumi.ResourceOptions(parent=self),
            )
        return gateway

    def _role(self, declared: GatewaySettings) -> tuple[aws.iam.Role, list[aws.iam.RolePolicy]]:
        settings = self._config.settings
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            GATEWAY,
            name=settings.names.role(GATEWAY),
            description="What the gateway may do for its callers.",
            assume_role_policy=self._config.account_id.apply(
                lambda account: json.dumps(gateway_trust_policy(account, settings.names.gateway_arns(account)))
            ),
            opts=child,
        )
        document = gateway_policy(
            declared.lambda_arns, declared.kms_key_arn, region=settings.region, dns_suffix=settings.dns_suffix
        )
        # IAM refuses a document without statements, and MCP servers are called without the role.
        if not document["Statement"]:
            return role, []
        return role, [
            aws.iam.RolePolicy(GATEWAY, name=GATEWAY, role=role.name, policy=json.dumps(document), opts=child)
        ]


def _mcp_configuration(target: GatewayTarget) -> Any:  # noqa: ANN401  the provider's own nest of typed dictionaries
    if target.lambda_arn is None:
        return {"mcp_server": {"endpoint": target.endpoint}}
    tools = [
        {
            "name": tool.name,
            "description": tool.description,
            "input_schema": schema_blocks(tool.input_schema),
            **({} if tool.output_schema is None else {"output_schema": schema_blocks(tool.output_schema)}),
        }
        for tool in target.tools
    ]
    return {"lambda_": {"lambda_arn": target.lambda_arn, "tool_schema": {"inline_payloads": tools}}}
