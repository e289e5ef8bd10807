"""One generated answer for each seed: an honest one, or one with mutations of known kinds, in pieces as they arrive."""

import json
import random
from dataclasses import dataclass
from typing import Any, Final

import httpcore

from domain.policies.classification import Evidence
from tests.proof.wire.fuzz import mutations
from tests.proof.wire.fuzz.grammar import Said, an_answer

Json = Any

_MOST_PIECES: Final = 24
_LEVELS: Final = ("tree", "text", "events", "head", "bytes", "end")
_BIG_EACH: Final = 2_500
"""One of so many answers is made as large and as costly as an answer can be."""
_FIRST_BIG: Final = 999
_BIG_BYTES: Final = 1_000_000


@dataclass(frozen=True)
class Answer:
    """What arrives for one request."""

    pieces: tuple[bytes | Exception, ...]
    levels: tuple[str, ...]
    """Where it was mutated; empty: nowhere."""
    evidence: Evidence | None
    """What it proves, where nothing was mutated."""

    @property
    def raw(self) -> bytes:
        """All bytes of it."""
        return b"".join(piece for piece in self.pieces if isinstance(piece, bytes))

    @property
    def ended_in_order(self) -> bool:
        """Whether the connection ends as it should."""
        return not any(isinstance(piece, Exception) for piece in self.pieces)


def an_answer_for(seed: int, request_id: str) -> Answer:
    """Return the answer of a seed to a call, always the same."""
    rng = random.Random(seed)  # noqa: S311  chance that can be repeated
    if is_big(seed):
        wrong = not is_measured(seed) and rng.random() < _WRONG
        return _big(rng, _FILLS[seed // _BIG_EACH % len(_FILLS)], request_id, wrong=wrong)
    return _mutated(rng, an_answer(rng, request_id))


def is_big(seed: int) -> bool:
    """Whether the answer of a seed is about as large as is read."""
    return seed % _BIG_EACH == _FIRST_BIG


def is_measured(seed: int) -> bool:
    """Whether the memory that the answer takes is measured, which takes several times as long as the answer."""
    if is_big(seed):
        return seed // _BIG_EACH % _MEASURED_BIG == 1
    return seed % _MEASURED_EACH == 0


_MEASURED_EACH: Final = 250
_MEASURED_BIG: Final = 5
"""One of so many large ones: over twenty of them, half of the kinds of what fills them, the worst among these."""
_FILLS: Final = (
    '{"a":{"b":[]}},',
    "{},",
    '"",',
    "0,",
    '"\\u00e9\\ud83e\\udd84",',
    '{"type":"text","text":"x"},',
    '"a-a-a-a-",',
    "[],",
)


def a_greeting_for(seed: int, request_id: str, version: str) -> Answer:
    """Return the answer of a seed to a handshake."""
    rng = random.Random(seed)  # noqa: S311  chance that can be repeated
    result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}
    said = Said({"jsonrpc": "2.0", "id": request_id, "result": result}, Evidence.SUCCEEDED)
    said.as_events = rng.random() < 0.4
    return _mutated(rng, said)


def _mutated(rng: random.Random, said: Said) -> Answer:
    levels = _chosen(rng)
    raw = _bytes_of(rng, said, levels)
    pieces: list[bytes | Exception] = list(_cut(rng, raw))
    if "end" in levels:
        pieces = pieces[: rng.randrange(len(pieces) + 1)]
        pieces.append(rng.choice((httpcore.ReadError("reset"), httpcore.ReadTimeout("late"), OSError("broken"))))
    return Answer(tuple(pieces), levels, None if levels else said.evidence)


def _chosen(rng: random.Random) -> tuple[str, ...]:
    count = rng.choice((0, 1, 1, 1, 1, 2, 2, 3))
    return tuple(rng.choices(_LEVELS, (10, 5, 3, 3, 3, 1), k=count))


def _bytes_of(rng: random.Random, said: Said, levels: tuple[str, ...]) -> bytes:
    document = said.document
    for _ in range(levels.count("tree")):
        document = mutations.mutate_tree(rng, document)
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, None, 1)))
    for _ in range(levels.count("text")):
        text = mutations.mutate_text(rng, text)
    body = text.encode("utf-8", "surrogatepass")
    kind = "application/json"
    if said.as_events:
        kind = "text/event-stream"
        body = _stream(rng, said, body, levels.count("events"))
    status, headers = said.status, [("Content-Type", kind)]
    body, frame = _framed(rng, body)
    headers += frame
    for _ in range(levels.count("head")):
        status, headers = mutations.mutate_head(rng, status, headers)
    lines = [f"HTTP/1.1 {status} {rng.choice(('OK', '', 'Fine', 'success: true'))}"]
    lines += [f"{name}: {value}" for name, value in headers]
    raw = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body
    for _ in range(levels.count("bytes")):
        raw = mutations.mutate_bytes(rng, raw)
    return raw


def _stream(rng: random.Random, said: Said, body: bytes, changes: int) -> bytes:
    end = rng.choice((b"\r\n", b"\n", b"\r"))
    events = [_event(json.dumps(one).encode(), end) for one in said.notifications] + [_event(body, end)]
    for _ in range(changes):
        events = mutations.mutate_events(rng, events)
    return b"".join(events)


def _event(data: bytes, end: bytes) -> bytes:
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    return b"event: message" + end + b"".join(b"data: " + line + end for line in lines) + end


def _framed(rng: random.Random, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    match rng.randrange(3):
        case 0:
            return body, [("Content-Length", str(len(body)))]
        case 1:
            pieces = _cut(rng, body)
            chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
            return chunks + b"0\r\n\r\n", [("Transfer-Encoding", "chunked")]
        case _:
            return body, []


def _cut(rng: random.Random, data: bytes) -> list[bytes]:
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(_MOST_PIECES)))
    found = [data[low:high] for low, high in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return [piece for piece in found if piece]  # nothing read is the end of a connection


_WRONG: Final = 0.3


def _big(rng: random.Random, fill: str, request_id: str, *, wrong: bool) -> Answer:
    """Return an answer about as large as is read, made of what costs a reader most."""
    items = (fill * (_BIG_BYTES // len(fill)))[:-1]
    head = json.dumps({"jsonrpc": "2.0", "id": request_id})[:-1]
    text = f'{head}, "result": {{"content": [], "structuredContent": {{"success": true, "items": [{items}]}}}}}}'
    if wrong:
        text = text[:-1]
    kind = rng.choice(("application/json", "text/event-stream"))
    body = text.encode() if kind == "application/json" else _event(text.encode(), b"\n")
    raw = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    pieces = tuple(raw[at : at + 65_536] for at in range(0, len(raw), 65_536))
    return Answer(pieces, ("big", "text") if wrong else ("big",), None)
