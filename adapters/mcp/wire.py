"""What is said to the gateway: requests and headers of each protocol version, and nothing that opens a connection.

Version 2026-07-28 is stateless: no ``initialize``, no session, the client describes itself in ``_meta`` of each
request and in ``Mcp-Method`` and ``Mcp-Name`` (Model Context Protocol specification 2026-07-28, "Base Protocol" and
"Transports: Streamable HTTP"). The 2025 versions begin with a handshake (specification 2025-11-25, "Lifecycle") and
name their version in a header from 2025-06-18 on (specification 2025-06-18, "Key Changes").
"""

import base64
import re
from typing import Final

from pydantic import JsonValue

from domain.model.errors import ConfigurationError
from domain.model.tool_call import ToolCall
from ports.steps.resources import MCP_PROTOCOL_VERSIONS

SUPPORTED_PROTOCOL_VERSIONS: Final = MCP_PROTOCOL_VERSIONS
CALL, LIST, INITIALIZE, INITIALIZED = "tools/call", "tools/list", "initialize", "notifications/initialized"
CLIENT: Final[dict[str, JsonValue]] = {"name": "cc-native-execution", "version": "0.1.0"}
EXECUTION_META: Final = "cc-native/execution"
"""Where the execution context travels for every tool, whether or not its schema declares the reserved argument."""

SESSION_HEADER: Final = "Mcp-Session-Id"

VERSION: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
"""What a protocol version looks like; anything else that a server names is not repeated."""

_STATELESS: Final = frozenset({"2026-07-28"})
_WITHOUT_VERSION_HEADER: Final = frozenset({"2025-03-26"})
_META_PREFIX: Final = "io.modelcontextprotocol"
_HEADER_SAFE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_ENCODED: Final = re.compile(r"=\?base64\?.*\?=")


def checked_version(protocol_version: str) -> str:
    """Return the version; raises ``ConfigurationError`` for one whose rules this client does not know."""
    if protocol_version not in SUPPORTED_PROTOCOL_VERSIONS:
        raise ConfigurationError(
            f"MCP protocol version {protocol_version!r} is not supported. "
            f"Configure {' or '.join(SUPPORTED_PROTOCOL_VERSIONS)}, and enable it on the gateway."
        )
    return protocol_version


def begins_with_handshake(protocol_version: str) -> bool:
    """Whether a call of this version must be preceded by ``initialize``."""
    return protocol_version not in _STATELESS


def request_id(call: ToolCall) -> str:
    """Return the JSON-RPC id of one send (R31): deterministic, so that both sides' logs join."""
    return f"invoke-{call.tool_run_ref}"


def call_request(call: ToolCall, *, protocol_version: str) -> dict[str, JsonValue]:
    """Return the JSON-RPC request of one call."""
    execution: JsonValue = {**call.execution_context, "trace_id": call.trace_id, "tool_run_ref": call.tool_run_ref}
    return _request(
        request_id(call),
        CALL,
        {
            "name": call.tool_name,
            "arguments": call.wire_arguments,
            "_meta": {**_self_description(protocol_version), EXECUTION_META: execution},
        },
    )


def list_request(identifier: str, *, cursor: str | None, protocol_version: str) -> dict[str, JsonValue]:
    """Return the JSON-RPC request for one page of the tools."""
    meta = _self_description(protocol_version)
    params: dict[str, JsonValue] = {"_meta": meta} if meta else {}
    return _request(identifier, LIST, params if cursor is None else {**params, "cursor": cursor})


def initialize_request(identifier: str, *, protocol_version: str) -> dict[str, JsonValue]:
    """Return the first half of the handshake; no capability is offered, so the server may ask nothing back."""
    params: dict[str, JsonValue] = {"protocolVersion": protocol_version, "capabilities": {}, "clientInfo": CLIENT}
    return _request(identifier, INITIALIZE, params)


def initialized_notification() -> dict[str, JsonValue]:
    """Return the second half of the handshake, which has no answer."""
    return {"jsonrpc": "2.0", "method": INITIALIZED}


def _request(identifier: str, method: str, params: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}


def _self_description(protocol_version: str) -> dict[str, JsonValue]:
    if begins_with_handshake(protocol_version):
        return {}
    return {
        f"{_META_PREFIX}/protocolVersion": protocol_version,
        f"{_META_PREFIX}/clientInfo": CLIENT,
        f"{_META_PREFIX}/clientCapabilities": {},
    }


def request_headers(
    method: str, *, protocol_version: str, tool_name: str | None = None, session_id: str | None = None
) -> dict[str, str]:
    """Return the headers of one POST, all but ``Authorization``."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        # A compressed answer could be a thousand times what its size cap allows.
        "Accept-Encoding": "identity",
    }
    if method != INITIALIZE:
        headers |= _version_header(protocol_version)
    if not begins_with_handshake(protocol_version):
        headers["Mcp-Method"] = method
        if tool_name is not None:
            headers["Mcp-Name"] = header_value(tool_name)
    if session_id is not None:
        headers[SESSION_HEADER] = session_id
    return headers


def session_headers(session_id: str, *, protocol_version: str) -> dict[str, str]:
    """Return the headers of the request that ends a session, all but ``Authorization``."""
    return {SESSION_HEADER: session_id, "Accept-Encoding": "identity"} | _version_header(protocol_version)


def _version_header(protocol_version: str) -> dict[str, str]:
    return {} if protocol_version in _WITHOUT_VERSION_HEADER else {"MCP-Protocol-Version": protocol_version}


def header_value(text: str) -> str:
    """Return ``text`` as a header value that cannot end the header, wrapped in base64 where it has to be.

    The wrapping is the protocol's own: ``=?base64?...?=`` (specification, "Transports", "Value encoding").
    """
    if _HEADER_SAFE.fullmatch(text) and not _ENCODED.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="
