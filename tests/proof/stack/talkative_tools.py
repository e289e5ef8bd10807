"""A tool server that says too much: whatever it is asked, every part of its answer holds something secret.

It speaks just enough MCP to be believed, on 127.0.0.1, and remembers every token that it was shown. What an intent's
``title`` names is how it answers; each way is a place from which a secret could find its way into a store.
"""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

Json = dict[str, Any]

_TASK: Final = "task-1"


@dataclass(frozen=True)
class Secrets:
    """What must be found nowhere: one value per place from which it is said."""

    parameter: str
    field_value: str
    field_name: str
    text: str
    error_message: str
    gateway_error: str
    progress: str


@dataclass
class Said:
    """One answer: its status, headers and body, and whether the connection is cut in the middle of it."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: bool = False


class TalkativeTools:
    """The server, for a `with` block."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets
        self.tokens: set[str] = set()
        self.answered: list[str] = []
        """The way of each call that was answered, in order."""
        self._lock = threading.Lock()
        self._refused: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, name="talkative-tools", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/mcp"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        tools = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                said = tools.answer(self.headers.get("Authorization", ""), json.loads(body))
                self.send_response(said.status, tools.secrets.gateway_error)
                for name, value in ({"Content-Type": "application/json"} | said.headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said.body) * (2 if said.cut else 1)))
                self.end_headers()
                self.wfile.write(said.body)
                if said.cut:
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
                """Say nothing."""

        return Handler

    def answer(self, authorization: str, request: Json) -> Said:
        """Return what is said to one call, and remember the token that came with it."""
        token = authorization.removeprefix("Bearer ")
        params, way = request["params"], request["params"]["arguments"].get("title", "undo")
        with self._lock:
            self.tokens.add(token)
            self.answered.append(way)
            first = way not in self._refused
            self._refused.add(way)
        if way == "token-refused" and first:
            return Said(401, {"WWW-Authenticate": f'Bearer error="{self.secrets.gateway_error}"'}, self.words(token))
        spoken = _WAYS[way](self, f"{token} {params['arguments'].get('salary', '')}")
        return self._framed(request["id"], spoken) if isinstance(spoken, Mapping) else spoken

    def words(self, echo: str) -> bytes:
        """Return a body that is no JSON-RPC at all."""
        return json.dumps({"error": self.secrets.gateway_error, "message": echo}).encode()

    def result(self, echo: str, *, is_error: bool = False, **contract: object) -> Json:
        """Return a tool's answer whose text, values and field names all hold something secret."""
        said = self.secrets
        text = {"type": "text", "text": f"{said.text} {echo}"}
        typed = {**contract, "note": f"{said.field_value} {echo}", said.field_name: [said.field_value]}
        return {"result": {"content": [text], "structuredContent": typed, "isError": is_error}}

    def _framed(self, request_id: object, spoken: Mapping[str, Any]) -> Said:
        message = {"jsonrpc": "2.0", "id": request_id, **spoken}
        progress = {"progress": 1, "progressToken": 1, "message": self.secrets.progress}
        notice = {"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}
        events = "".join(f"event: message\r\ndata: {json.dumps(one)}\r\n\r\n" for one in (notice, message))
        return Said(headers={"Content-Type": "text/event-stream"}, body=events.encode())


def _done(tools: TalkativeTools, echo: str) -> Json:
    return tools.result(echo, success=True, external_object_id=_TASK, object_type="Task")


def _refused(tools: TalkativeTools, echo: str) -> Json:
    said = tools.secrets.error_message
    return tools.result(
        echo, is_error=True, success=False, error_code=said, error_class=said, error_message=f"{said} {echo}"
    )


def _partial(tools: TalkativeTools, echo: str) -> Json:
    made = [{"object_id": _TASK, "object_type": "Task", "name": tools.secrets.field_value}]
    return tools.result(echo, success=False, external_objects=made, error_message=tools.secrets.error_message)


def _told_error(tools: TalkativeTools, echo: str) -> Json:
    said = f"{tools.secrets.error_message}: {tools.secrets.text} {echo}"
    return {"result": {"content": [{"type": "text", "text": said}], "isError": True}}


def _rpc_error(code: int) -> Callable[[TalkativeTools, str], Json]:
    def said(tools: TalkativeTools, echo: str) -> Json:
        words = f"{tools.secrets.gateway_error} {echo}"
        return {"error": {"code": code, "message": words, "data": {"detail": words}}}

    return said


def _http(status: int) -> Callable[[TalkativeTools, str], Said]:
    def said(tools: TalkativeTools, echo: str) -> Said:
        return Said(status, {"X-Debug": tools.secrets.gateway_error}, tools.words(echo))

    return said


def _cut(tools: TalkativeTools, echo: str) -> Said:
    return Said(body=tools.words(echo), cut=True)


def _no_json(tools: TalkativeTools, echo: str) -> Said:
    return Said(body=f"<html>{tools.secrets.gateway_error} {echo}</html>".encode())


_WAYS: Final[dict[str, Callable[[TalkativeTools, str], Json | Said]]] = {
    "done": _done,
    "token-refused": _done,
    "refused": _refused,
    "partial": _partial,
    "undo": _refused,
    "told-error": _told_error,
    "rpc-not-done": _rpc_error(-32_602),
    "rpc-in-doubt": _rpc_error(-32_603),
    "http-403": _http(403),
    "http-500": _http(500),
    "cut": _cut,
    "no-json": _no_json,
}

WAYS: Final = tuple(way for way in _WAYS if way != "undo")
"""What an intent's title may ask for."""
