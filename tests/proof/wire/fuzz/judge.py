"""A second reader of whole answers: what they prove, read from the standards and the tools' contract alone.

It shares no line with the product. Whatever the product concludes beyond doubt must be concluded here, too; where the
two differ, one of them is wrong. It reads the bytes that were sent: HTTP/1.1 (RFC 9112), server-sent events (WHATWG
HTML, section 9.2), JSON (RFC 8259), JSON-RPC 2.0, and MCP's ``tools/call`` result.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from domain.policies.classification import Evidence
from tests.proof.wire.fuzz.strict_reader import Unreadable, read_json

Json = Any

_HEAD: Final = re.compile(rb"HTTP/1\.([0-9]) ([0-9]{3})(?: [^\r\n]*)?\r?\n((?:[^\r\n]+\r?\n)*)\r?\n")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_CHUNK: Final = re.compile(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
_NOT_EXECUTED: Final = frozenset({-32700, -32600, -32601, -32602, -32020, -32022})
_UNREAD: Final = frozenset({-32700, -32600})
_ERROR_WORDS: Final = ("error", "exception", "fault", "statuscode")
_MOST_OBJECTS: Final = 16


@dataclass(frozen=True)
class Proof:
    """What an answer proves, and the ids of the objects that it names."""

    evidence: Evidence
    object_ids: tuple[str, ...] = ()
    is_plainly_done: bool = False
    """Whether it is a whole result without any word of an error: enough for a tool that has no contract with us."""


_DOUBT: Final = Proof(Evidence.IN_DOUBT)
_NOT_DONE: Final = Proof(Evidence.NOT_DONE)


def judge(raw: bytes, request_id: str, *, ended_in_order: bool) -> Proof:
    """Return what the bytes prove about the request of this id."""
    status, headers, rest = _response(raw)
    if status in {401, 403, 429}:
        return _NOT_DONE
    if status not in {200, 400, 404}:
        return _DOUBT
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    body, complete = _body(headers, rest, ended_in_order=ended_in_order)
    if headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
        return _DOUBT
    if status != 200:
        proof = _message(body, request_id) if complete else None
        return _NOT_DONE if proof is not None and proof.evidence is Evidence.NOT_DONE else _DOUBT
    if kind == "text/event-stream":
        return _stream(body, request_id)
    if kind != "application/json" or not complete:
        return _DOUBT
    return _message(body, request_id) or _DOUBT


def _stream(body: bytes, request_id: str) -> Proof:
    for number, data in enumerate(_events(body)):
        proof = _message(data, request_id)
        if proof is not None:
            # What is refused is refused before anything is told of it.
            return _DOUBT if number and proof.evidence is Evidence.NOT_DONE else proof
    return _DOUBT


def _response(raw: bytes) -> tuple[int, dict[str, str], bytes]:
    while found := _HEAD.match(raw):
        status, raw = int(found.group(2)), raw[found.end() :]
        if status >= 200:
            lines = re.sub(rb"\r?\n[ \t]+", b" ", found.group(3)).decode("latin-1").split("\n")
            pairs = [line.split(":", 1) for line in lines if ":" in line]
            headers: dict[str, str] = {}
            for name, value in pairs:
                key = name.strip().lower()
                headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
            return status, headers, raw
    return 0, {}, b""


def _body(headers: dict[str, str], rest: bytes, *, ended_in_order: bool) -> tuple[bytes, bool]:
    """Return the body as far as it came, and whether it came whole."""
    if "transfer-encoding" in headers:
        return _chunks(rest) if headers["transfer-encoding"].lower() == "chunked" else (b"", False)
    if "content-length" in headers:
        lengths = {part.strip() for part in headers["content-length"].split(",")}
        if len(lengths) != 1 or not (digits := lengths.pop()).isdecimal():
            return b"", False
        return rest[: int(digits)], len(rest) >= int(digits)
    return rest, ended_in_order


def _chunks(rest: bytes) -> tuple[bytes, bool]:
    body = b""
    while found := _CHUNK.match(rest):
        size, rest = int(found.group(1), 16), rest[found.end() :]
        if size == 0:
            return body, bool(re.match(rb"(?:[^\r\n]+\r?\n)*\r?\n", rest))
        body, rest = body + rest[:size], rest[size:]
        if not (end := re.match(rb"\r?\n", rest)):
            return body, False
        rest = rest[end.end() :]
    return body, False


def _events(body: bytes) -> Iterator[bytes]:
    lines = _LINE_END.split(body.removeprefix(b"\xef\xbb\xbf"))
    data: list[bytes] = []
    kind = b""
    for line in lines[:-1]:  # the last one has no end
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            joined = b"\n".join(data)
            if joined and kind in {b"", b"message"}:
                yield joined
            data, kind = [], b""
        elif name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value


def _message(data: bytes, request_id: str) -> Proof | None:
    """Return what one message proves; ``None`` of a notification, which is no answer."""
    try:
        message = read_json(data.decode())
    except (UnicodeDecodeError, Unreadable):
        return _DOUBT
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return _DOUBT
    if "method" in message:
        return _DOUBT if {"id", "result", "error"} & message.keys() else None
    if ("result" in message) == ("error" in message):
        return _DOUBT
    if "error" in message:
        return _error(message, request_id)
    if message.get("id") != request_id:
        return _DOUBT
    return _result(message["result"])


def _error(message: dict[str, Json], request_id: str) -> Proof:
    error, given = message["error"], message.get("id")
    code = error.get("code") if isinstance(error, dict) else None
    if type(code) is not int or not isinstance(error.get("message"), str):
        return _DOUBT
    ours = given == request_id or (given is None and code in _UNREAD)
    return _NOT_DONE if ours and code in _NOT_EXECUTED else _DOUBT


def _result(result: Json) -> Proof:
    if not isinstance(result, dict) or result.get("resultType", "complete") != "complete":
        return _DOUBT
    failed, structured, content = result.get("isError", False), result.get("structuredContent"), result.get("content")
    if not isinstance(failed, bool) or not isinstance(structured, dict | None) or not isinstance(content, list):
        return _DOUBT
    texts: list[Json] = []
    for block in content:
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            return _DOUBT
        if block["type"] == "text":
            texts.append(block.get("text"))
    if not all(isinstance(text, str) for text in texts):
        return _DOUBT
    spoken = [said for text in texts if isinstance(said := _try_json(text), dict)]
    contract = structured
    if contract is None:
        contract = next((said for said in spoken if "success" in said), spoken[0] if spoken else None)
    parts = [*([] if structured is None else [structured]), *spoken]
    verdicts = [said["success"] for said in parts if "success" in said]
    warned = failed or any(_speaks_of_error(said) for said in parts)
    done = not warned and all(verdict is True for verdict in verdicts)
    if contract is None:
        return replace(_DOUBT, is_plainly_done=done)
    return replace(_contract(contract, parts, verdicts, failed=failed, warned=warned), is_plainly_done=done)


def _try_json(text: str) -> Json:
    try:
        return read_json(text)
    except Unreadable:
        return None


def _contract(
    contract: dict[str, Json], parts: list[dict[str, Json]], verdicts: list[Json], *, failed: bool, warned: bool
) -> Proof:
    ids = _object_ids(contract)
    if ids is None:
        return _DOUBT
    if "success" not in contract:
        # Then no other part says so either, or it would have been read instead, unless the content is structured.
        agreed = bool(ids) and not warned and all(verdict is True for verdict in verdicts)
        return Proof(Evidence.SUCCEEDED, ids) if agreed else _DOUBT
    if not failed and all(verdict is True for verdict in verdicts):
        return Proof(Evidence.SUCCEEDED, ids)
    if all(verdict is False for verdict in verdicts):
        named = [_object_ids(part) for part in parts]
        if all(others is not None and set(others) <= set(ids) for others in named):
            return Proof(Evidence.PARTIAL if ids else Evidence.REFUSED, ids)
    return _DOUBT


def _speaks_of_error(contract: dict[str, Json]) -> bool:
    return any(name.lower().startswith(_ERROR_WORDS) and value for name, value in contract.items())


def _object_ids(contract: dict[str, Json]) -> tuple[str, ...] | None:
    listed, single = contract.get("external_objects"), contract.get("external_object_id")
    listed = [] if listed is None else listed
    if not isinstance(listed, list) or len(listed) > _MOST_OBJECTS:
        return None
    ids: list[str] = []
    for item in listed:
        if not isinstance(item, dict) or not _is_object(item, item.get("object_id")):
            return None
        ids.append(item["object_id"])
    if single is not None:
        if not _is_object(contract, single):
            return None
        ids.append(single)
    return tuple(dict.fromkeys(ids))


_ID: Final = re.compile(r"[\x20-\x7e]{1,256}")
_URL: Final = re.compile(r"https?://[\x21-\x7e]{1,1016}")


def _is_object(named: dict[str, Json], object_id: Json) -> bool:
    kind, url = named.get("object_type"), named.get("object_url")
    return (
        isinstance(object_id, str)
        and bool(_ID.fullmatch(object_id))
        and isinstance(kind, str | None)
        and (url is None or (isinstance(url, str) and bool(_URL.fullmatch(url))))
    )
