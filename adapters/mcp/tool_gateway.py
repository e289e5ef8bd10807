"""``ToolGateway`` over MCP: one call, one POST of it, and an honest account of what came back.

It joins the channel, the handshake and the wire. It does not retry, and it does not decide what an answer means.
"""

from collections.abc import Sequence

import httpx

from adapters.mcp import wire
from adapters.mcp.answer_reader import DEFAULT_LIMITS, GatewayLimits
from adapters.mcp.channel import Channel
from adapters.mcp.results import tool_answer
from adapters.mcp.session import Sessions
from domain.model.tool_call import GatewayReply, ToolCall, TransportFailure
from ports.clock import Clock
from ports.token_provider import TokenProvider


class McpToolGateway:
    """The gateway behind ``gateway_url``, called over ``http`` (see ``build_http_client``)."""

    def __init__(
        self,
        http: httpx.Client,
        *,
        gateway_url: str,
        protocol_version: str,
        tokens: TokenProvider,
        clock: Clock,
        limits: GatewayLimits = DEFAULT_LIMITS,
    ) -> None:
        self._channel = Channel(http, gateway_url, protocol_version, tokens, clock, limits)
        self._sessions = Sessions()

    def send(self, call: ToolCall, *, deadline_seconds: float, scopes: Sequence[str] = ()) -> GatewayReply:
        line = self._channel.open(scopes=scopes, deadline_seconds=deadline_seconds)
        request = wire.call_request(call, protocol_version=self._channel.protocol_version)
        if isinstance(line, TransportFailure):
            return GatewayReply(outcome=line, request=request)
        session = self._sessions.begin(line, f"initialize-{call.tool_run_ref}")
        if isinstance(session, TransportFailure):
            return GatewayReply(outcome=session, request=request)
        asked = line.ask(request, parse=tool_answer, tool_name=call.tool_name, session_id=session.identifier)
        outcome = self._sessions.end(line, session, asked)
        return GatewayReply(outcome=outcome, request=request, response_text=asked.response_text)
