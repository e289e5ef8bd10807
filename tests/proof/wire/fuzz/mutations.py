"""Mutations: how an honest answer goes wrong in its tree, its text, its events, its head and its bytes."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any, Final

from tests.proof.wire.fuzz.grammar import PROGRESS, an_object, words

Json = Any

_JUNK: Final[tuple[Json, ...]] = (
    None, True, False, 0, 1, -1, 1.0, 1e308, 2**63, 10**40, "", "true", "false", "null", "0", "complete",
    "input_required", "2.0", [], {}, [[]], [None], {"success": True}, {"": ""}, [{"type": "text", "text": "{}"}],
    '{"success": true}', '{"success": false}', "invoke-somebody-else",
)  # fmt: skip
_NAMES: Final = (
    "success", "isError", "content", "structuredContent", "result", "error", "id", "jsonrpc", "method", "resultType",
    "external_objects", "external_object_id", "object_id", "object_type", "object_url", "system", "error_code", "code",
    "message", "type", "text", "statusCode", "body", "Success", "success ", "_meta", "params", "found", "status",
    "__proto__", "tool_run_ref", "idempotency_key",
)  # fmt: skip


def _places(tree: Json) -> list[tuple[Json, Json]]:
    """Return every container with each of its keys."""
    found: list[tuple[Json, Json]] = []
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else list(range(len(one))) if isinstance(one, list) else []
        found += [(one, key) for key in keys]
        waiting += [one[key] for key in keys]
    return found


def _junk(rng: random.Random) -> Json:
    chosen = rng.choice(_JUNK) if rng.random() < 0.8 else words(rng)
    return copy.deepcopy(chosen)


def mutate_tree(rng: random.Random, document: Json) -> Json:  # noqa: C901, PLR0912  one case for each mutation
    """Return the document with one thing changed."""
    places = _places(document)
    if not places:
        return _junk(rng)
    holder, key = rng.choice(places)
    match rng.randrange(11):
        case 0:
            holder[key] = _junk(rng)
        case 1:
            del holder[key]
        case 2 if isinstance(holder, dict):
            holder[rng.choice(_NAMES)] = holder.pop(key)
        case 3 if isinstance(holder, dict):
            holder[rng.choice(_NAMES)] = _junk(rng)
        case 4:
            holder[key] = [holder[key]]
        case 5:
            holder[key] = {rng.choice(_NAMES): holder[key]}
        case 6:
            holder[key] = json.dumps(holder[key])
        case 7:
            other, name = rng.choice(places)
            if name in other if isinstance(other, dict) else name < len(other):
                holder[key] = copy.deepcopy(other[name])
        case 8:
            holder[key] = _swapped(holder[key])
        case 9:
            return {rng.choice(("result", "body", "data", "response")): document, "statusCode": rng.choice((200, 500))}
        case _:
            if isinstance(holder, list):
                holder.append(rng.choice((an_object(rng), _junk(rng))))
            else:
                holder[key] = _deep(rng.choice((3, 40, 70)), holder[key])
    return document


def _swapped(value: Json) -> Json:
    match value:
        case bool():
            return _SLOPPY[value]
        case str():
            return [value]
        case int() | float():
            return str(value)
        case list():
            return {str(number): item for number, item in enumerate(value)}
        case dict():
            return list(value.values())
        case _:
            return False


_SLOPPY: Final = {True: "true", False: 0}
"""What sloppy writers make of a boolean."""


def _deep(levels: int, value: Json) -> Json:
    for _ in range(levels):
        value = [value]
    return value


def mutate_text(rng: random.Random, text: str) -> str:  # noqa: C901, PLR0911, PLR0912  one case for each mutation
    """Return JSON text that is written a little wrongly."""
    at = rng.randrange(len(text) + 1)
    match rng.randrange(13):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + text[at + rng.randrange(1, 9) :]
        case 2:
            return text[:at] + rng.choice(('"', "{", "}", "[", "]", ",", ":", "\\", "0", " ", "\x00", "é")) + text[at:]
        case 3:
            return text.replace("true", rng.choice(("True", "NaN", "tru", "1", '"true"', "false")), 1)
        case 4:
            return text.replace("false", rng.choice(("False", "null", "true")), 1)
        case 5:
            return text.replace('"success"', '"success": false, "success"', 1)
        case 6:
            return text.replace('"isError"', '"isError": true, "isError"', 1)
        case 7:
            return text.replace('"id"', '"id": "x", "id"', 1)
        case 8:
            return text + rng.choice(("}", "null", text, " // ok", "\n\n", "\ufeff"))
        case 9:
            return "\ufeff" + text
        case 10:
            return text.replace("{", rng.choice(('{"n": NaN, ', '{"n": 1e999, ', '{"n": 01, ', '{"s": "\\ud800", ')), 1)
        case 11:
            return text.replace(", ", rng.choice((",, ", "; ", ",\x0b")), 1)
        case _:
            other = rng.randrange(len(text) + 1)
            low, high = min(at, other), max(at, other)
            return text[:high] + text[low:high] + text[high:]


def mutate_bytes(rng: random.Random, data: bytes) -> bytes:
    """Return bytes with a few of them changed."""
    if not data:
        return b"\x00"
    at = rng.randrange(len(data))
    match rng.randrange(5):
        case 0:
            return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
        case 1:
            return data[:at]
        case 2:
            return data[:at] + rng.randbytes(rng.randrange(1, 4)) + data[at:]
        case 3:
            return data[:at] + data[at + 1 :]
        case _:
            return data[:at] + data[at:].replace(b"\r\n", rng.choice((b"\n", b"\r", b"\r\n\r\n")), 1)


Events = list[bytes]


def mutate_events(rng: random.Random, events: Events) -> Events:
    """Return a stream of other events, or the same ones in another order."""
    at = rng.randrange(len(events) + 1)
    progress = b"data: " + json.dumps(PROGRESS).encode() + b"\r\n\r\n"
    changes: tuple[Callable[[], Events], ...] = (
        lambda: events[:at],
        lambda: events[:at] + events[at:] * 2,
        lambda: [*events[:at], b"id: 1\r\nretry: 1\r\ndata:\r\n\r\n", *events[at:]],
        lambda: [*events[:at], b": ping\r\n\r\n" * rng.randrange(1, 30), *events[at:]],
        lambda: [*events[:at], b"data: [DONE]\r\n\r\n", *events[at:]],
        lambda: [*events[:at], b'data: {"jsonrpc":"2.0","id":1,"method":"ping"}\r\n\r\n', *events[at:]],
        lambda: [one.replace(b"event: message", rng.choice((b"event: done", b"event", b"Event: x"))) for one in events],
        lambda: [one.replace(b"data: ", rng.choice((b"data:", b"data:  ", b"Data: ", b"data"))) for one in events],
        lambda: [*events[:-1], events[-1][: -rng.randrange(1, 5)]] if events else events,
        lambda: list(reversed(events)),
        lambda: [*events[:at], *[progress] * rng.choice((1, 5, 1_100)), *events[at:]],
        lambda: [b"\xef\xbb\xbf", *events],
    )
    return rng.choice(changes)()


Headers = list[tuple[str, str]]
_STATUS: Final = (100, 101, 199, 201, 202, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 408, 429, 500, 503, 999)
_EXTRA: Final[Headers] = [
    ("Content-Type", "text/html"), ("Content-Type", "application/json"), ("Content-Encoding", "gzip"),
    ("Content-Encoding", "identity"), ("Content-Encoding", ""), ("Content-Length", "0"), ("Content-Length", "12"),
    ("Content-Length", "-1"), ("Content-Length", "1e3"), ("Transfer-Encoding", "chunked"),
    ("Transfer-Encoding", "gzip"), ("Transfer-Encoding", "identity"), ("Location", "http://127.0.0.1:9/elsewhere"),
    ("Set-Cookie", "a=b"), ("Retry-After", "999999999999"), ("Retry-After", "-1"), ("Retry-After", "\x0c"),
    ("WWW-Authenticate", 'Bearer resource_metadata="http://127.0.0.1:9/elsewhere"'), ("Connection", "upgrade"),
    ("Upgrade", "h2c"), ("Mcp-Session-Id", "x" * 5_000), ("X", "y\r\nContent-Length: 3"), ("X y", "z"),
    ("Alt-Svc", 'h3=":1"'), ("Trailer", "Content-Type"), ("X", "\x00"), ("X", "é"), ("", "z"), ("X", "y" * 120_000),
]  # fmt: skip


def mutate_head(rng: random.Random, status: int, headers: Headers) -> tuple[int, Headers]:
    """Return another head."""
    match rng.randrange(5):
        case 0:
            return rng.choice(_STATUS), headers
        case 1:
            at = rng.randrange(len(headers) + 1)
            return status, [*headers[:at], rng.choice(_EXTRA), *headers[at:]]
        case 2:
            return status, headers[:-1]
        case 3:
            return status, headers[1:]
        case _:
            return status, [(name.upper(), value.replace(";", " ;").upper()) for name, value in headers]
