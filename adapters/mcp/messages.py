"""What may count as the gateway's response to one request: the envelope of JSON-RPC, read without mercy.

A response is believed only if every part of it is what the protocol says. Anything else is MALFORMED, which proves
nothing about whether the tool ran. What stands in a result is read by ``adapters.mcp.results``.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from pydantic import JsonValue

from adapters.mcp.strict_json import NotStrictJson, read_strict_json
from adapters.mcp.wire import VERSION
from domain.model.canonical_json import MAX_EXACT_INTEGER
from domain.model.tool_call import TransportFailure, TransportPhase

T = TypeVar("T")
"""What a result is read as."""

UNSUPPORTED_VERSION: Final = -32022
"""MCP 2026-07-28's answer to a version that the gateway does not offer; ``data.supported`` lists those it does."""


class MalformedAnswer(ValueError):
    """What came back is no answer to our request; the message says why and quotes nothing of it."""


def read_response(body: bytes, *, expected_id: str, parse: Callable[[JsonValue], T]) -> T | TransportFailure:
    """Return what one JSON body says about our request; raises ``MalformedAnswer`` where it is no answer to it."""
    answer = read_message(body, expected_id=expected_id, parse=parse)
    if answer is None:
        raise MalformedAnswer("it is a notification, not a response")
    return answer


def read_message(body: bytes, *, expected_id: str, parse: Callable[[JsonValue], T]) -> T | TransportFailure | None:
    """Return what one message says about our request, None for a notification; raises ``MalformedAnswer``.

    A request *of* the server (sampling, elicitation, ping) is refused: it is never answered, and waiting behind it
    would only end in a timeout. So is a batch, which 2025-03-26 alone allows.
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
    return parse(message["result"])


def read_rpc_error(body: bytes, *, expected_id: str) -> TransportFailure | None:
    """Return the JSON-RPC error in the body of an HTTP error, or None where there is none for our request."""
    try:
        answer = read_message(body, expected_id=expected_id, parse=lambda _: None)
    except MalformedAnswer:
        return None
    return answer


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
    if not isinstance(code, int) or isinstance(code, bool) or not isinstance(text, str):
        raise MalformedAnswer("its error has no code or no message")
    if abs(code) > MAX_EXACT_INTEGER:
        raise MalformedAnswer("its error's code is beyond what every reader keeps exact")
    if message.get("id") is None and code not in _UNREADABLE_REQUEST:
        raise MalformedAnswer("its error has no id, though the request could be read")
    # Not the words: a gateway repeats arguments in them, and whatever the target behind it said.
    said = f"The gateway answered error {code}; its words ({len(text)} characters) are withheld."
    hint = _supported(error.get("data")) if code == UNSUPPORTED_VERSION else _HINTS.get(code, "")
    return TransportFailure(phase=TransportPhase.RPC_ERROR, rpc_code=code, detail=f"{said}{hint}")


_HINTS: Final = {
    -32601: " Check that the gateway URL is an MCP endpoint and has tools.",
    -32602: " Compare the mapping's tool and arguments with the gateway's tools.",
}

_MOST_VERSIONS: Final = 10


def _supported(data: JsonValue) -> str:
    listed = data.get("supported") if isinstance(data, dict) else None
    versions = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    named = [each for each in versions if VERSION.fullmatch(each)][:_MOST_VERSIONS]
    enable = "enable the configured version on it"
    if not named:
        return f" It names no version that it supports: {enable}."
    return f" It supports {', '.join(named)}: configure one of these that this client speaks, or {enable}."
