"""AgentCore: the gateway and its targets, for which the reference tool server stands.

The emulator has no AgentCore gateway, so this is the deployer's other substitution: a declared gateway's URL is that of
a tool server on this machine. What the declaration says of who is let in is read here once and is what the server
enforces; what the server cannot honour is refused.
"""

import json
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NoReturn

from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

from local.deployer.frame import Clients, Created, Creator, DeployError, Inputs, creates, unsupported

GATEWAY: Final = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
TARGET: Final = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"

_DISCOVERY_PATH: Final = "/.well-known/openid-configuration"
_ID_END: Final = "standsin00"
"""Ten characters, as the service puts to a name (AgentCore Control Plane API Reference, CreateGateway)."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Who a declared gateway lets in: tokens of this issuer, for one of these clients, with these scopes."""

    issuer: str
    client_ids: tuple[str, ...]
    scopes: tuple[str, ...]


class GatewayStandIn:
    """Creates the declared gateway as the tool server at `url`, which offers the tools of `targets`.

    `admission` is what was declared of who is let in. One stand-in serves one run of the program.
    """

    def __init__(self, url: str, targets: Collection[str]) -> None:
        self._url = url
        self._targets = frozenset(targets)
        self._admission: Admission | None = None
        self._lock = threading.Lock()

    @property
    def creators(self) -> Mapping[str, Creator]:
        """The creators of both types, for a deployer."""
        return MappingProxyType({GATEWAY: self._gateway, TARGET: self._target})

    @property
    def declaration(self) -> str:
        """The setting `gateway` that declares what the tool server can stand for, as Pulumi holds it."""
        return json.dumps({"targets": [{"name": name, "endpoint": self._url} for name in sorted(self._targets)]})

    @property
    def admission(self) -> Admission:
        """Who is let in; raises `DeployError` when no gateway was declared."""
        if self._admission is None:
            raise DeployError("the program declared no gateway that a tool server could stand for")
        return self._admission

    def _gateway(self, inputs: Inputs, aws: Clients) -> Created:
        name = inputs.required("name")
        # The server carries its tools out itself, so it assumes no role; and nobody reads its description.
        inputs.not_modelled("roleArn", "description")
        unsupported(
            inputs.required("protocolType") != "MCP", "protocolType must be MCP: the tool server speaks no other"
        )
        versions = _inner(inputs, "protocolConfiguration", "mcp").required("supportedVersions")
        unknown = [version for version in versions if version not in KNOWN_PROTOCOL_VERSIONS]
        unsupported(unknown, f"supportedVersions names {', '.join(unknown)}, which the tool server does not speak")
        authorizer = inputs.required("authorizerType")
        unsupported(authorizer != "CUSTOM_JWT", f"authorizerType is {authorizer}, and the tool server checks tokens")
        jwt = _inner(inputs, "authorizerConfiguration", "customJwtAuthorizer")
        issuer = jwt.required("discoveryUrl").removesuffix(_DISCOVERY_PATH)
        admission = Admission(issuer, tuple(jwt.required("allowedClients")), tuple(jwt.required("allowedScopes")))
        with self._lock:
            unsupported(self._admission, "there is one already, and one tool server stands for one gateway")
            self._admission = admission
        identifier = f"{name}-{_ID_END}"
        account = aws.client("sts").get_caller_identity()["Account"]
        arn = f"arn:aws:bedrock-agentcore:{aws.region}:{account}:gateway/{identifier}"
        return Created(identifier, {"gatewayId": identifier, "gatewayArn": arn, "gatewayUrl": self._url})

    def _target(self, inputs: Inputs, _aws: Clients) -> Created:
        name, gateway = inputs.required("name"), inputs.required("gatewayIdentifier")
        mcp = _inner(inputs, "targetConfiguration", "mcp")
        unsupported("lambda" in mcp, "the tool server runs no Lambda function; give the target an endpoint")
        endpoint = (mcp.block("mcpServer") or Inputs({})).required("endpoint")
        unsupported(endpoint != self._url, f"endpoint is {endpoint}, and the tool server is at {self._url}")
        unsupported(
            name not in self._targets,
            f"name is {name}, and the tool server offers tools of {', '.join(sorted(self._targets))} only",
        )
        return Created(f"{gateway},{name}", {"targetId": name})


@creates(GATEWAY)
def gateway(_inputs: Inputs, _aws: Clients) -> Created:
    """Refuse: without a tool server there is nothing that could stand for it."""
    _refuse()


@creates(TARGET)
def target(_inputs: Inputs, _aws: Clients) -> Created:
    """Refuse, as for the gateway."""
    _refuse()


def _refuse() -> NoReturn:
    raise DeployError(
        "the emulator has no AgentCore gateway; give the deployer a GatewayStandIn, or name a gateway by gatewayUrl"
    )


def _inner(inputs: Inputs, key: str, inner: str) -> Inputs:
    block = inputs.block(key)
    found = None if block is None else block.block(inner)
    if found is None:
        raise DeployError(f"{key}.{inner} is missing")
    return found
