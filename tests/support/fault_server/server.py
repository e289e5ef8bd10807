"""A gateway on 127.0.0.1 that does wrong what it is told to do wrong, and keeps a log of everything that reached it.

It speaks HTTP over raw sockets, because most faults are what a proper HTTP server refuses to do. Apart from its fault
it is a plain MCP server for one set of tools: 2026-07-28 without, the older versions with the handshake
(Model Context Protocol, "Lifecycle" and "Transports: Streamable HTTP"). Whoever starts it stops it; its log is the
judge's, and no code under test reads it.
"""

import json
import secrets
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from tests.support.fault_server.exchange import LONGEST_WAIT_SECONDS, Exchange, Seen, http, response
from tests.support.fault_server.fault import Fault, Stage

Json = Any

Tool = Callable[[Seen], dict[str, Json]]
"""Carries out a ``tools/call`` and returns its result."""

PATH: Final = "/mcp"
SESSION_HEADER: Final = "Mcp-Session-Id"
_HANDSHAKE: Final = ("initialize", "notifications/initialized")


@dataclass(frozen=True)
class Strike:
    """One fault, how often it strikes, and whom."""

    fault: Fault
    commits: bool
    """Whether the tool acts before the fault."""
    times: int = 1
    tool: str | None = None
    """Only calls of this tool; ``None``: every call."""
    at: str = "tools/call"
    """The JSON-RPC method that it strikes."""


@dataclass
class FaultServer:
    """Listens on a free port between ``__enter__`` and ``__exit__``."""

    tool: Tool
    strike: Strike | None = None
    tls: ssl.SSLContext | None = None
    bad_tls: ssl.SSLContext | None = None
    """What is presented instead where the certificate is the fault."""
    elsewhere: str = "http://127.0.0.1:9/"
    handshakes: bool = False
    """Whether the client begins with ``initialize``, as it does in 2025-11-25 and before."""
    sessions: bool = False
    """Whether calls need a session, as they do of a stateful server of these versions."""
    log: list[Seen] = field(default_factory=list)
    """Every request whose head was read, oldest first."""
    connections: int = 0
    """How many were accepted, those without a request included."""
    struck: int = 0
    """How often the fault struck."""
    broken: list[str] = field(default_factory=list)
    """What went wrong with the server itself: then its log says nothing."""

    def __enter__(self) -> Self:
        """Start listening, unless the fault is that nobody does."""
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._session_ids: set[str] = set()
        self._ready = not self.handshakes
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        if self._refuses:
            # Bound and not listening, so that nobody else can have the port meanwhile.
            return self
        self._listen()
        return self

    def _listen(self) -> None:
        self._listener.listen(16)
        thread = threading.Thread(target=self._accept, daemon=True)
        self._threads.append(thread)
        thread.start()

    @property
    def _refuses(self) -> bool:
        return self.strike is not None and self.strike.fault.stage is Stage.LISTEN

    def refused_once(self) -> None:
        """Note that somebody came while nobody listened; the fault is over when it has struck often enough."""
        if self.strike is not None and self._refuses and not self._threads:
            self.struck += 1
            if self.struck >= self.strike.times:
                self._listen()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop, and wait until nothing of it is left."""
        self._stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LONGEST_WAIT_SECONDS)

    @property
    def url(self) -> str:
        """Where the gateway is."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}{PATH}"

    @property
    def committed(self) -> int:
        """How many requests made the tool act."""
        return sum(one.committed for one in self.log)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            connection.settimeout(LONGEST_WAIT_SECONDS)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        exchange = Exchange(connection, self._stopping, self.elsewhere)
        try:
            if self._strikes_at(Stage.ACCEPT):
                self._act(exchange)
            elif self._in_tls(exchange):
                while not exchange.over and exchange.read_head():
                    self._answer(exchange)
        except Exception as error:  # noqa: BLE001  whoever reads the log must know, whatever it is
            self.broken.append(f"the server broke: {type(error).__name__}: {error}")
        finally:
            with suppress(OSError):
                exchange.socket.close()
            with self._lock:
                self._open.discard(connection)

    def _in_tls(self, exchange: Exchange) -> bool:
        if self.tls is None:
            return True
        plain, presented = exchange.socket, self.tls
        if self.bad_tls is not None and self._strikes_at(Stage.CERTIFICATE):
            presented = self.bad_tls
            with self._lock:
                self.struck += 1
        try:
            exchange.socket = presented.wrap_socket(plain, server_side=True)
        except (OSError, ValueError):
            plain.close()
            return False
        with self._lock:
            self._open.discard(plain)
            self._open.add(exchange.socket)
        return True

    def _answer(self, exchange: Exchange) -> None:
        seen = exchange.seen
        with self._lock:
            self.log.append(seen)
        if self._strikes_at(Stage.HEAD, seen):
            self._act(exchange)
            return
        if not exchange.read_body():
            exchange.over = True
            return
        if seen.method != "POST":
            exchange.send(http(b"", status="200 OK" if seen.method == "DELETE" else "405 Method Not Allowed"))
        elif self._strikes_at(Stage.BODY, seen):
            self._struck_call(exchange)
        elif seen.rpc_method in _HANDSHAKE:
            self._handshake(exchange)
        elif self.sessions and seen.headers.get(SESSION_HEADER.lower()) not in self._session_ids:
            exchange.send(
                http(
                    '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Missing session ID"}}', status="400 Bad Request"
                )
            )
        else:
            document = response({"id": exchange.request_id, "result": self._carry_out(seen)})
            self._expect_handshake()
            exchange.send(http(json.dumps(document)))

    def _struck_call(self, exchange: Exchange) -> None:
        strike = self.strike
        if strike is None:  # pragma: no cover  asked before
            return
        if exchange.seen.rpc_method in _HANDSHAKE:
            exchange.result = self._agreed(exchange.seen)
        else:
            exchange.result = self._carry_out(exchange.seen) if strike.commits else dict(PHANTOM)
        self._act(exchange)

    def _carry_out(self, seen: Seen) -> dict[str, Json]:
        with self._lock:
            seen.committed = True
            return self.tool(seen)

    def _handshake(self, exchange: Exchange) -> None:
        if exchange.seen.rpc_method == _HANDSHAKE[1]:
            self._ready = True
            exchange.send(http(b"", status="202 Accepted", content_type=None))
            return
        session = secrets.token_hex(16)
        self._session_ids.add(session)
        document = response({"id": exchange.request_id, "result": self._agreed(exchange.seen)})
        exchange.send(http(json.dumps(document), headers={SESSION_HEADER: session} if self.sessions else {}))

    def _agreed(self, seen: Seen) -> dict[str, Json]:
        asked = seen.document.get("params", {}).get("protocolVersion", "")
        information = {"name": "fault-server", "version": "1"}
        return {"protocolVersion": asked, "capabilities": {"tools": {}}, "serverInfo": information}

    def _expect_handshake(self) -> None:
        """After a call, a client of a stateful server begins again; of another it has learned that it need not."""
        if self.sessions:
            self._ready = False

    def _strikes_at(self, stage: Stage, seen: Seen | None = None) -> bool:
        strike = self.strike
        if strike is None or strike.fault.stage is not stage or self.struck >= strike.times:
            return False
        if seen is None or stage is Stage.HEAD:
            # Not read yet: a call is what follows the handshake, where there is one.
            return self._ready if strike.at == "tools/call" else not self._ready
        if seen.rpc_method != strike.at:
            return False
        return strike.tool is None or seen.tool in {"", strike.tool}

    def _act(self, exchange: Exchange) -> None:
        with self._lock:
            self.struck += 1
            self._expect_handshake()
        if self.strike is not None:
            self.strike.fault.act(exchange)


PHANTOM: Final[dict[str, Json]] = {
    "content": [{"type": "text", "text": '{"success": true, "external_object_id": "phantom"}'}],
    "structuredContent": {"success": True, "external_object_id": "phantom", "object_type": "Task"},
    "isError": False,
    "resultType": "complete",
}
"""A perfect answer to a call that was never carried out: whoever believes the fault around it tells a lie."""
