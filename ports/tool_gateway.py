"""The tool gateway port."""

from collections.abc import Sequence
from typing import Protocol

from domain.model.tool_call import GatewayReply, ToolCall


class ToolGateway(Protocol):
    """Sends tool calls to the gateway.

    One ``send`` is at most one call of the tool: no retry, no redirect, no second guess at a name. Whatever happens
    comes back as data, either the tool's answer or a failure with the phase it happened in; what it *means* is not
    decided here. Raises ``ConfigurationError`` only where the gateway may not be called at all (no URL, a host that
    is not allowed, an unsupported protocol version): then nothing was sent.
    """

    def send(self, call: ToolCall, *, deadline_seconds: float, scopes: Sequence[str] = ()) -> GatewayReply:
        """Send the call and wait at most ``deadline_seconds`` for the whole answer."""
        ...
