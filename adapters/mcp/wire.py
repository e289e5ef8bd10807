"""The wire of MCP 2026-07-28: one ``tools/call`` as JSON-RPC, and what may count as its answer.

This owns names, shapes and ids of the protocol; it opens no connection. The version is stateless: no ``initialize``,
no session, the client describes itself in ``_meta`` of each request (Model Context Protocol specification
2026-07-28, "Base Protocol" and "Transports: Streamable HTTP").

An answer is believed only if every part of it is what the protocol says. Anything else is MALFORMED, which proves
nothing about whether the tool ran.
"""

import base64
import re
from typing import Final

from pydantic import JsonValue

from adapters.mcp.strict_json import NotStrictJson, read_strict_json
from domain.model.errors import ConfigurationError
from domain.model.redaction import redact
from domain.model.tool_call import ToolAnswer, ToolCall, TransportFailure, TransportPhase
from ports.steps.resources import MCP_PROTOCOL_VERSIONS

SUPPORTED_PROTOCOL_VERSIONS: Final = MCP_PROTOCOL_VERSIONS
METHOD: Final = "tools/call"
CLIENT: Final[dict[str, JsonValue]] = {"name": "cc-native-execution", "version": "0.1.0"}
EXECUTION_META: Final = "cc-native/execution"
"""Where the execution context travels for every tool, whether or not its schema declares the reserved argument."""

_META_PREFIX: Final = "io.modelcontextprotocol"
_HEADER_SAFE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_ENCODED: Final = re.compile(r"=\?base64\?.*\?=")


class MalformedAnswer(ValueError):
    """What came back is no answer to our request; the message says why and quotes nothing of it."""


def checked_version(protocol_version: str) -> str:
    """Return the version; raises ``ConfigurationError`` for one whose rules this client does not know."""
    if protocol_version not in SUPPORTED_PROTOCOL_VERSIONS:
        raise ConfigurationError(
            f"MCP protocol version {protocol_version!r} is not supported. "
            f"Configure {' or '.join(SUPPORTED_PROTOCOL_VERSIONS)}, and enable it on the gateway."
        )
    return protocol_version


def request_id(call: ToolCall) -> str:
    """Return the JSON-RPC id of one send (R31): deterministic, so that both sides' logs join."""
    return f"invoke-{call.tool_run_ref}"


def build_request(call: ToolCall, *, protocol_version: str) -> dict[str, JsonValue]:
    """Return the JSON-RPC request of one call."""
    return {
        "jsonrpc": "2.0",
        "id": request_id(call),
        "method": METHOD,
        "params": {
            "name": call.tool_name,
            "arguments": call.wire_arguments,
            "_meta": {
                f"{_META_PREFIX}/protocolVersion": protocol_version,
                f"{_META_PREFIX}/clientInfo": CLIENT,
                f"{_META_PREFIX}/clientCapabilities": {},
                EXECUTION_META: {
                    **call.execution_context,
                    "trace_id": call.trace_id,
                    "tool_run_ref": call.tool_run_ref,
                },
            },
        },
    }


def request_headers(call: ToolCall, *, protocol_version: str) -> dict[str, str]:
    """Return the headers of one call, all but ``Authorization``."""
    return {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        # A compressed answer could be a thousand times what its size cap allows.
        "Accept-Encoding": "identity",
        "MCP-Protocol-Version": protocol_version,
        "Mcp-Method": METHOD,
        "Mcp-Name": header_value(call.tool_name),
    }


def header_value(text: str) -> str:
    """Return ``text`` as a header value that cannot end the header, wrapped in base64 where it has to be.

    The wrapping is the protocol's own: ``=?base64?...?=`` (specification, "Transports", "Value encoding").
    """
    if _HEADER_SAFE.fullmatch(text) and not _ENCODED.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def read_answer(body: bytes, *, expected_id: str) -> ToolAnswer | TransportFailure:
    """Return what one JSON body says about our request; raises ``MalformedAnswer`` where it is no answer to it."""
    answer = read_message(body, expected_id=expected_id)
    if answer is None:
        raise MalformedAnswer("it is a notification, not a response")
    return answer


def read_message(body: bytes, *, expected_id: str) -> ToolAnswer | TransportFailure | None:
    """Return what one message says about our request, None for a notification; raises ``MalformedAnswer``.

    A request *of* the server (sampling, elicitation) is refused: it is never answered, and waiting behind it would
    only end in a timeout.
    """
    try:
        message = read_strict_json(body.decode())
    except UnicodeDecodeError:
        raise MalformedAnswer("it is not UTF-8") from None
    except NotStrictJson as error:
        raise MalformedAnswer(str(error)) from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise MalformedAnswer("it is not one JSON-RPC 2.0 message")
    if "method" in message:
        if "id" in message or "result" in message or "error" in message:
            raise MalformedAnswer("it is a request of the server, which is never answered")
        return None
    if ("result" in message) == ("error" in message):
        raise MalformedAnswer("it has not exactly one of result and error")
    if "error" in message:
        return _rpc_error(message, expected_id)
    if message.get("id") != expected_id:
        raise MalformedAnswer("it answers another request")
    return _result(message["result"])


def read_rpc_error(body: bytes, *, expected_id: str) -> TransportFailure | None:
    """Return the JSON-RPC error in the body of an HTTP error, or None where there is none for our request."""
    try:
        answer = read_message(body, expected_id=expected_id)
    except MalformedAnswer:
        return None
    return answer if isinstance(answer, TransportFailure) else None


_UNREADABLE_REQUEST: Final = frozenset({-32700, -32600})
"""Parse error and invalid request: the only errors that may come without the request's id (JSON-RPC 2.0, section 5)."""


def _rpc_error(message: dict[str, JsonValue], expected_id: str) -> TransportFailure:
    # Without an id, or with null, the server could not read ours (JSON-RPC 2.0, section 5).
    if message.get("id") not in (None, expected_id):
        raise MalformedAnswer("it answers another request")
    error = message["error"]
    if not isinstance(error, dict):
        raise MalformedAnswer("its error is no object")
    code, text = error.get("code"), error.get("message")
    if message.get("id") is None and code not in _UNREADABLE_REQUEST:
        raise MalformedAnswer("its error has no id, though the request could be read")
    if not isinstance(code, int) or isinstance(code, bool) or not isinstance(text, str):
        raise MalformedAnswer("its error has no code or no message")
    return TransportFailure(
        phase=TransportPhase.RPC_ERROR, rpc_code=code, detail=redact(f"The gateway answered error {code}: {text}")
    )


def _result(result: JsonValue) -> ToolAnswer:
    if not isinstance(result, dict):
        raise MalformedAnswer("its result is no object")
    # Absent means complete; anything else (input_required, a task) is a result still to come.
    if result.get("resultType", "complete") != "complete":
        raise MalformedAnswer("its result is not complete")
    is_error = result.get("isError", False)
    if not isinstance(is_error, bool):
        raise MalformedAnswer("its isError is no boolean")
    structured = result.get("structuredContent")
    if structured is not None and not isinstance(structured, dict):
        raise MalformedAnswer("its structuredContent is no object")
    return ToolAnswer(is_error=is_error, structured=structured, texts=_texts(result.get("content")))


def _texts(content: JsonValue) -> tuple[str, ...]:
    if not isinstance(content, list):
        raise MalformedAnswer("its content is no list")
    texts = []
    for block in content:
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise MalformedAnswer("a content block has no type")
        if block["type"] == "text":
            text = block.get("text")
            if not isinstance(text, str):
                raise MalformedAnswer("a text block has no text")
            texts.append(text)
    return tuple(texts)
