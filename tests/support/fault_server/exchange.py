"""One connection of the fault server, seen from the server: what was read of a request, and how to answer it wrongly.

It owns bytes and sockets. What a fault does is written in terms of it, and it decides nothing.
"""

import json
import socket
import struct
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

Json = Any

LONGEST_WAIT_SECONDS: Final = 30.0
"""The longest that a connection is held, in seconds: a test that forgets to stop its server does not hang for ever."""
_HEAD_END: Final = b"\r\n\r\n"
_MOST_HEAD_BYTES: Final = 65_536
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time left: closing sends RST instead of FIN (socket(7))."""


@dataclass
class Seen:
    """One request as the server saw it: one entry of its log."""

    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    """By lower-case name; the last of several."""
    body: bytes = b""
    document: Json = None
    """The body as JSON, ``None`` while it is not complete."""
    committed: bool = False
    """Whether the tool acted because of it."""

    @property
    def authorized(self) -> bool:
        """Whether it carried a token."""
        return "authorization" in self.headers

    @property
    def rpc_method(self) -> str:
        """The JSON-RPC method; empty where the body was not read."""
        return str(self.document.get("method", "")) if isinstance(self.document, dict) else ""

    @property
    def tool(self) -> str:
        """The tool that is called, if any."""
        params = self.document.get("params") if isinstance(self.document, dict) else None
        return str(params.get("name", "")) if isinstance(params, dict) else ""


class Exchange:
    """What a fault has in hand: the request, the answer that would be right, and the socket."""

    def __init__(self, connection: socket.socket, stopping: threading.Event, elsewhere: str) -> None:
        self.socket = connection
        self.elsewhere = elsewhere
        """The URL of another host, which nothing of this exchange may ever reach."""
        self.seen = Seen()
        self.result: dict[str, Json] = {}
        """The ``tools/call`` result that says that the tool has done it: what a lenient reader would fall for."""
        self.over = False
        """Whether nothing more may be read from the connection."""
        self._stopping = stopping
        self._buffer = b""

    @property
    def request_id(self) -> Json:
        """The JSON-RPC id of the request; ``None`` of a notification."""
        return self.seen.document.get("id")

    def read_head(self) -> bool:
        """Read one request's head; whether one came."""
        while _HEAD_END not in self._buffer:
            if not self._read_more() or len(self._buffer) > _MOST_HEAD_BYTES:
                return False
        head, self._buffer = self._buffer.split(_HEAD_END, 1)
        request_line, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = request_line.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.seen = Seen(method, path, headers)
        return True

    def read_body(self) -> bool:
        """Read the whole body; whether it came."""
        length = int(self.seen.headers.get("content-length", "0"))
        while len(self._buffer) < length:
            if not self._read_more():
                self.seen.body = self._buffer
                return False
        self.seen.body, self._buffer = self._buffer[:length], self._buffer[length:]
        with suppress(ValueError):
            self.seen.document = json.loads(self.seen.body)
        return True

    def _read_more(self) -> bool:
        try:
            piece = self.socket.recv(65_536)
        except OSError:
            return False
        self._buffer += piece
        return bool(piece)

    def send(self, data: bytes) -> bool:
        """Send bytes; whether the peer still took them."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return not self._stopping.is_set()

    def drip(self, pieces: Iterable[bytes], *, pause_seconds: float) -> None:
        """Send piece after piece until the peer has gone."""
        for piece in pieces:
            if not self.send(piece) or self.pause(pause_seconds):
                return

    def pause(self, seconds: float) -> bool:
        """Do nothing for a while; whether the server was stopped meanwhile."""
        return self._stopping.wait(seconds)

    def stay_silent(self) -> None:
        """Say nothing until the peer has gone."""
        self.socket.settimeout(LONGEST_WAIT_SECONDS)
        while self._read_more():
            pass
        self.over = True

    def close(self) -> None:
        """End the connection in order."""
        self.over = True
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection with RST, so that the peer's next read or write fails."""
        self.over = True
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        with suppress(OSError):
            self.socket.close()


def response(document: Json, **changes: Json) -> dict[str, Json]:
    """Return a JSON-RPC response, with members changed, or left out where they are ``None``."""
    members = {"jsonrpc": "2.0", **document, **changes}
    return {name: value for name, value in members.items() if value is not None}


def http(
    body: bytes | str,
    *,
    status: str = "200 OK",
    content_type: str | None = "application/json",
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    length: int | None = -1,
) -> bytes:
    """Return a whole HTTP/1.1 answer; ``length`` is what ``Content-Length`` says, ``None`` leaves it out."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if length is not None:
        lines.append(f"Content-Length: {len(data) if length < 0 else length}")
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    lines += [f"{name}: {value}" for name, value in pairs]
    return "\r\n".join(lines).encode("latin-1") + _HEAD_END + data


def event(document: Json, *, extra: str = "", line_end: str = "\r\n") -> bytes:
    """Return one server-sent event as the MCP SDK's server writes it; ``extra`` are more lines of it."""
    text = document if isinstance(document, str) else json.dumps(document)
    return f"event: message{line_end}{extra}data: {text}{line_end}{line_end}".encode()
