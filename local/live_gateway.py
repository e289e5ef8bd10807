"""The gateway of a running stack, asked by a person for its tools.

Owns how the local commands come by a token: with the stack's own client, whose secret they read where its functions
do. It calls no tool, and keeps no connection and no token after it is closed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.cognito.token_provider import CognitoTokenProvider
from adapters.mcp.endpoint import build_http_client
from adapters.mcp.tool_catalogue import McpToolCatalogue
from adapters.system.clock import SystemClock
from local.stack_info import StackInfo
from ports.tool_catalogue import ToolCatalogue


@contextmanager
def live_catalogue(info: StackInfo) -> Iterator[ToolCatalogue]:
    """Yield the catalogue of a stack's gateway."""
    clock = SystemClock()
    with build_http_client(str(info.ca_bundle)) as http:
        tokens = CognitoTokenProvider(
            http,
            info.client("secretsmanager"),
            secret_arn=info.gateway_access.credentials_secret_arn,
            token_endpoint_url=info.gateway_access.token_endpoint_url,
            default_scopes=info.gateway_access.token_scopes,
            clock=clock,
        )
        yield McpToolCatalogue(
            http,
            gateway_url=info.gateway_url,
            protocol_version=info.gateway_access.protocol_version,
            tokens=tokens,
            clock=clock,
        )
