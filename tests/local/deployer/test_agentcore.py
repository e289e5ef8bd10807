"""The declared gateway on this machine: the tool server stands for it, and nothing it could not honour is accepted."""

import json
from typing import Any

import pulumi
import pytest

from local.deployer import Deployer, DeployError, GatewayStandIn
from local.deployer.agentcore import GATEWAY, TARGET, Admission

URL = "https://127.0.0.1:1/mcp"
ISSUER = "https://cognito-idp.us-west-2.amazonaws.com/us-west-2_abc"
DECLARED: dict[str, Any] = {
    "name": "stack-gateway",
    "description": "for people",
    "roleArn": "arn:aws:iam::111111111111:role/stack-gateway-role",
    "protocolType": "MCP",
    "protocolConfiguration": {"mcp": {"supportedVersions": ["2025-11-25", "2026-07-28"]}},
    "authorizerType": "CUSTOM_JWT",
    "authorizerConfiguration": {
        "customJwtAuthorizer": {
            "discoveryUrl": f"{ISSUER}/.well-known/openid-configuration",
            "allowedClients": ["client-1"],
            "allowedScopes": ["server/read", "server/invoke"],
        }
    },
}
SERVED: dict[str, Any] = {
    "name": "crm",
    "gatewayIdentifier": "stack-gateway-standsin00",
    "targetConfiguration": {"mcp": {"mcpServer": {"endpoint": URL}}},
}


class Sts:
    """Answers for the one service that a gateway's ARN needs."""

    region = "us-west-2"

    def client(self, service: str) -> Any:  # noqa: ANN401 - as the protocol says
        """Return itself as the STS client."""
        assert service == "sts"
        return self

    def get_caller_identity(self) -> dict[str, str]:
        """Return what STS would."""
        return {"Account": "111111111111"}


@pytest.fixture
def stand_in() -> GatewayStandIn:
    """A tool server with the tools of one target."""
    return GatewayStandIn(URL, {"crm"})


def create(stand_in: GatewayStandIn | None, typ: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Create one resource as the program would."""
    return Deployer(Sts(), gateway=stand_in).new_resource(
        pulumi.runtime.MockResourceArgs(typ=typ, name="one", inputs=inputs, custom=True)
    )


def changed(inputs: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return the inputs with one value replaced, or with one more."""
    copied: dict[str, Any] = json.loads(json.dumps(inputs))
    inner, *keys = copied, *path.split("/")
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return copied


def test_the_gateways_url_is_the_tool_servers(stand_in: GatewayStandIn) -> None:
    """Everything that is built on the gateway's outputs leads to the server."""
    identifier, outputs = create(stand_in, GATEWAY, DECLARED)

    assert outputs["gatewayUrl"] == URL
    assert outputs["gatewayId"] == identifier == "stack-gateway-standsin00"
    assert outputs["gatewayArn"] == f"arn:aws:bedrock-agentcore:us-west-2:111111111111:gateway/{identifier}"


def test_who_is_let_in_is_what_was_declared(stand_in: GatewayStandIn) -> None:
    """The server's check of tokens has no other source."""
    create(stand_in, GATEWAY, DECLARED)

    assert stand_in.admission == Admission(ISSUER, ("client-1",), ("server/read", "server/invoke"))


def test_the_declaration_names_each_target_at_the_tool_server(stand_in: GatewayStandIn) -> None:
    """What the local stack is configured with is what the stand-in accepts."""
    assert json.loads(stand_in.declaration) == {"targets": [{"name": "crm", "endpoint": URL}]}
    assert create(stand_in, TARGET, SERVED)[1]["targetId"] == "crm"


@pytest.mark.parametrize(
    "typ, inputs, said",
    [
        (GATEWAY, changed(DECLARED, "authorizerType", "NONE"), "authorizerType is NONE"),
        (GATEWAY, changed(DECLARED, "protocolType", "HTTP"), "protocolType must be MCP"),
        (GATEWAY, changed(DECLARED, "protocolConfiguration/mcp/supportedVersions", ["1999-01-01"]), "1999-01-01"),
        (GATEWAY, changed(DECLARED, "authorizerConfiguration", None), "customJwtAuthorizer is missing"),
        (GATEWAY, changed(DECLARED, "exceptionLevel", "DEBUG"), "does not read exceptionLevel"),
        (GATEWAY, changed(DECLARED, "kmsKeyArn", "arn:key"), "does not read kmsKeyArn"),
        (
            GATEWAY,
            changed(DECLARED, "authorizerConfiguration/customJwtAuthorizer/allowedAudiences", ["a"]),
            "does not read authorizerConfiguration.customJwtAuthorizer.allowedAudiences",
        ),
        (
            GATEWAY,
            changed(DECLARED, "protocolConfiguration/mcp/searchType", "SEMANTIC"),
            "does not read protocolConfiguration.mcp.searchType",
        ),
        (TARGET, changed(SERVED, "name", "billing"), "the tool server offers tools of crm only"),
        (
            TARGET,
            changed(SERVED, "targetConfiguration/mcp/mcpServer/endpoint", "https://other.example.com/mcp"),
            "the tool server is at https://127.0.0.1:1/mcp",
        ),
        (TARGET, changed(SERVED, "targetConfiguration/mcp", {"lambda": {"lambdaArn": "a"}}), "runs no Lambda function"),
        (TARGET, changed(SERVED, "credentialProviderConfiguration", {"oauth": {}}), "does not read credential"),
    ],
)
def test_what_the_tool_server_cannot_honour_is_refused(
    stand_in: GatewayStandIn, typ: str, inputs: dict[str, Any], said: str
) -> None:
    """A declared setting that held on AWS only would make this machine's stack another one."""
    with pytest.raises(DeployError) as refusal:
        create(stand_in, typ, inputs)

    assert said in str(refusal.value)


def test_one_tool_server_stands_for_one_gateway(stand_in: GatewayStandIn) -> None:
    """Two would share one check of tokens."""
    create(stand_in, GATEWAY, DECLARED)
    with pytest.raises(DeployError, match="there is one already"):
        create(stand_in, GATEWAY, DECLARED)


@pytest.mark.parametrize("typ, inputs", [(GATEWAY, DECLARED), (TARGET, SERVED)])
def test_without_a_tool_server_nothing_stands_for_a_gateway(typ: str, inputs: dict[str, Any]) -> None:
    """An URL that nobody serves would fail every call, much later."""
    with pytest.raises(DeployError, match="the emulator has no AgentCore gateway"):
        create(None, typ, inputs)


def test_a_program_that_declares_no_gateway_admits_nobody(stand_in: GatewayStandIn) -> None:
    """The server is not started with a check that was never declared."""
    with pytest.raises(DeployError, match="declared no gateway"):
        _ = stand_in.admission
