"""The building blocks of faults: short ways to say what a server answers.

Each returns an act, which is given the exchange when the fault strikes.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from domain.policies.classification import Evidence
from tests.support.fault_server.exchange import Exchange, event, http, response

Json = Any
Act = Callable[[Exchange], None]
Make = Callable[[Exchange], Json]
Headers = Mapping[str, str] | Callable[[Exchange], Mapping[str, str]]
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

DONE: Final = (Evidence.SUCCEEDED,)
REFUSED: Final = (Evidence.REFUSED,)
PARTIAL: Final = (Evidence.PARTIAL,)
NOT_DONE: Final = (Evidence.NOT_DONE,)
DOUBT: Final = (Evidence.IN_DOUBT,)
UNLESS_IT_LEFT: Final = (Evidence.NOT_DONE, Evidence.IN_DOUBT)
"""The peer may notice before or after it has sent the call; both are true as far as it knows."""


def right(exchange: Exchange) -> dict[str, Json]:
    """Return the answer that says that it is done."""
    return response({"id": exchange.request_id, "result": exchange.result})


def with_result(**changes: Json) -> Make:
    """Return the same with members of the result changed."""
    return lambda exchange: response({"id": exchange.request_id, "result": {**exchange.result, **changes}})


def with_content(structured: Json, *texts: str, is_error: Json = False) -> Make:
    """Return a result that holds exactly this."""
    content = [{"type": "text", "text": text} for text in texts]
    result = {"content": content, "structuredContent": structured, "isError": is_error, "resultType": "complete"}
    kept = {name: value for name, value in result.items() if value is not None}
    return lambda exchange: response({"id": exchange.request_id, "result": kept})


def rpc_error(code: Json, message: Json = "it cannot be", **changes: Json) -> Make:
    """Return a JSON-RPC error."""
    return lambda exchange: response(
        {"id": exchange.request_id, "error": {"code": code, "message": message}}, **changes
    )


def as_text(exchange: Exchange) -> str:
    """Return the right answer as JSON text."""
    return json.dumps(right(exchange))


def says(make: Make = right, **how: Json) -> Act:
    """Answer with this document."""
    return lambda exchange: _sent(exchange, http(json.dumps(make(exchange)), **how))


def says_text(make: Callable[[Exchange], str | bytes] = as_text, **how: Json) -> Act:
    """Answer with this body."""
    return lambda exchange: _sent(exchange, http(make(exchange), **how))


def sends(make: Callable[[Exchange], bytes], *, then: Act | None = None) -> Act:
    """Send these bytes, the head included, and end the connection so; in order unless told otherwise."""

    def act(exchange: Exchange) -> None:
        exchange.send(make(exchange))
        (then or closes)(exchange)

    return act


def _sent(exchange: Exchange, data: bytes) -> None:
    exchange.send(data)


def closes(exchange: Exchange) -> None:
    """End the connection in order."""
    exchange.close()


def resets(exchange: Exchange) -> None:
    """End the connection with RST."""
    exchange.reset()


def stays_silent(exchange: Exchange) -> None:
    """Say nothing until the peer has gone."""
    exchange.stay_silent()


def status(line: str, *, headers: Headers = _NO_HEADERS, make: Make | None = None) -> Act:
    """Answer with this status: by default with a body that says that all is done, which a lenient reader believes."""

    def act(exchange: Exchange) -> None:
        given = headers(exchange) if callable(headers) else headers
        exchange.send(http(json.dumps((make or right)(exchange)), status=line, headers=given))

    return act


def bare(line: str, *, headers: Headers = _NO_HEADERS) -> Act:
    """Answer with this status and an empty body."""

    def act(exchange: Exchange) -> None:
        given = headers(exchange) if callable(headers) else headers
        exchange.send(http(b"", status=line, content_type=None, headers=given))

    return act


STREAM_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n"
"""Close-delimited: the stream ends with its connection."""


def streams(*pieces: bytes | Make, then: Act = closes, head: bytes = STREAM_HEAD) -> Act:
    """Answer with an event stream: a piece is bytes, or a document that becomes one event."""

    def act(exchange: Exchange) -> None:
        exchange.send(head)
        for piece in pieces:
            exchange.send(piece if isinstance(piece, bytes) else event(piece(exchange)))
        then(exchange)

    return act


def chunked(pieces: Iterable[bytes]) -> bytes:
    """Return a chunked body with its end."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


PROGRESS: Final = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}}
"""A notification that an honest server sends before its answer."""
