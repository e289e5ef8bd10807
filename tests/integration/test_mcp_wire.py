"""The MCP gateway on real sockets: against a server of the official SDK, and against peers that break off.

The mock transport of the adapter's own tests has no connection, so what only a connection can prove is proved here:
how far a request got, that a dripping answer ends at the deadline, and that the SDK's server understands us.
"""

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

import anyio
import httpx
import pytest
from mcp.server import MCPServer
from pydantic import BaseModel

from adapters.mcp.endpoint import build_http_client
from adapters.mcp.tool_gateway import McpToolGateway
from domain.model.tool_call import ToolAnswer, ToolCall, TransportFailure, TransportPhase
from tests.adapters.mcp.stand_in import VERSION, FixedTokens, a_call
from tests.integration.mcp_peers import MachineClock, on_a_free_port

DEADLINE_SECONDS = 5.0
SHORT_SECONDS = 0.6
END_OF_BODY = b'"name":"crm___create_task"}}'
"""How the sample call ends on the wire, its keys being sorted."""


class Created(BaseModel):
    """What the test's tool answers."""

    success: bool
    external_object_id: str
    key: str


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """The client as it is deployed."""
    with build_http_client() as client:
        yield client


def a_gateway(http: httpx.Client, port: int) -> McpToolGateway:
    """The gateway before a server on this machine."""
    return McpToolGateway(
        http,
        gateway_url=f"http://127.0.0.1:{port}/mcp",
        protocol_version=VERSION,
        tokens=FixedTokens(),
        clock=MachineClock(),
    )


def an_sdk_server(*, json_response: bool) -> object:
    """A server of the official SDK with one tool for each way to answer."""
    server = MCPServer("wire-test")

    @server.tool(name="crm___create_task")
    def create_task(title: str, execution_context: dict[str, str]) -> Created:
        """Create nothing and say so convincingly."""
        return Created(success=True, external_object_id=title, key=execution_context["idempotency_key"])

    @server.tool(name="crm___raising")
    def raising() -> str:
        """Fail."""
        raise ValueError("the tool broke")

    @server.tool(name="crm___slow")
    async def slow() -> str:
        """Answer after the stream had to be opened."""
        await anyio.sleep(0.3)
        return "late but here"

    return server.streamable_http_app(stateless_http=True, json_response=json_response)


@pytest.fixture(params=[True, False], ids=["json", "sse"])
def sdk_gateway(
    request: pytest.FixtureRequest, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> Iterator[McpToolGateway]:
    """The gateway before an SDK server in each of its two modes; in the second a slow answer becomes a stream."""
    monkeypatch.setattr("mcp.server._streamable_http_modern._SSE_PING_INTERVAL", 0.05)
    with on_a_free_port(an_sdk_server(json_response=request.param)) as port:
        yield a_gateway(http, port)


def test_the_sdk_server_understands_the_call_and_is_understood(sdk_gateway: McpToolGateway) -> None:
    """Structured content comes back, and the key arrived in the reserved argument."""
    reply = sdk_gateway.send(a_call(), deadline_seconds=DEADLINE_SECONDS)
    assert isinstance(reply.outcome, ToolAnswer), reply
    assert reply.outcome.is_error is False
    assert reply.outcome.structured == {
        "success": True,
        "external_object_id": "Call the customer back",
        "key": a_call().idempotency_key,
    }
    assert json.loads(reply.outcome.texts[0])["success"] is True


def test_an_answer_that_the_sdk_server_streams_is_understood(
    sdk_gateway: McpToolGateway, request: pytest.FixtureRequest
) -> None:
    """Pings come first, then the answer; in JSON mode the same answer comes whole."""
    reply = sdk_gateway.send(_a_plain_call("crm___slow"), deadline_seconds=DEADLINE_SECONDS)
    assert isinstance(reply.outcome, ToolAnswer), reply
    assert reply.outcome.texts == ("late but here",)
    assert ("data: {" in reply.response_text) is ("sse" in request.node.name)


@pytest.mark.parametrize(
    "tool, said", [("crm___nope", "Unknown tool: crm___nope"), ("crm___raising", "Error executing tool crm___raising")]
)
def test_an_error_of_the_sdk_server_is_an_answer_without_a_contract(
    sdk_gateway: McpToolGateway, tool: str, said: str
) -> None:
    """Both are ``isError`` with a sentence, so neither proves anything by itself."""
    reply = sdk_gateway.send(_a_plain_call(tool), deadline_seconds=DEADLINE_SECONDS)
    assert isinstance(reply.outcome, ToolAnswer), reply
    assert (reply.outcome.is_error, reply.outcome.structured) == (True, None)
    assert reply.outcome.texts[0].startswith(said)


def _a_plain_call(tool: str) -> ToolCall:
    return a_call(tool_name=tool, arguments={}, passes_execution_context=False)


class Peer:
    """A listener that treats each connection as a test says, and notes the bytes it was sent."""

    def __init__(self, behave: Callable[[socket.socket, bytes], None], *, read_until: bytes = END_OF_BODY) -> None:
        self.heard: list[bytes] = []
        self._behave = behave
        self._read_until = read_until
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        """Start listening."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening and wait for the thread."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    heard = self._read(connection)
                    self.heard.append(heard)
                    self._behave(connection, heard)

    def _read(self, connection: socket.socket) -> bytes:
        heard = b""
        while self._read_until not in heard:
            chunk = connection.recv(65_536)
            if not chunk:
                break
            heard += chunk
        return heard


def _reset(connection: socket.socket, _: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _close(_connection: socket.socket, _: bytes) -> None:
    return


def _sending(*pieces: bytes, pause: float = 0.0) -> Callable[[socket.socket, bytes], None]:
    def send(connection: socket.socket, _: bytes) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)

    return send


def _failure(http: httpx.Client, port: int, *, seconds: float = DEADLINE_SECONDS) -> TransportFailure:
    outcome = a_gateway(http, port).send(a_call(), deadline_seconds=seconds).outcome
    assert isinstance(outcome, TransportFailure), outcome
    return outcome


def test_a_port_that_nobody_listens_on_proves_that_nothing_was_sent(http: httpx.Client) -> None:
    """Connection refused is CONNECT."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    failure = _failure(http, port)
    assert (failure.phase, failure.timed_out) == (TransportPhase.CONNECT, False)


def test_a_name_that_nobody_knows_proves_that_nothing_was_sent(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the resolver says reaches us only behind the transport's own error."""

    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    gateway = McpToolGateway(
        http,
        gateway_url="https://gateway.example.test/mcp",
        protocol_version=VERSION,
        tokens=FixedTokens(),
        clock=MachineClock(),
    )
    outcome = gateway.send(a_call(), deadline_seconds=DEADLINE_SECONDS).outcome
    assert isinstance(outcome, TransportFailure)
    assert outcome.phase is TransportPhase.RESOLVE
    assert "Check the host" in outcome.detail


def test_a_body_that_breaks_off_half_way_leaves_the_call_in_doubt(http: httpx.Client) -> None:
    """More was to be written than the peer ever took; how much it read nobody here can know."""
    large = a_call(arguments={"title": "x" * 8_000_000})
    with Peer(_reset, read_until=b"xxx") as peer:
        outcome = a_gateway(http, peer.port).send(large, deadline_seconds=DEADLINE_SECONDS).outcome
    assert isinstance(outcome, TransportFailure)
    assert (outcome.phase, outcome.timed_out) == (TransportPhase.SENT_SOMETHING, False)
    assert END_OF_BODY not in b"".join(peer.heard)


@pytest.mark.parametrize("behave", [_reset, _close], ids=["reset", "closed"])
def test_a_connection_that_ends_after_the_body_leaves_the_call_in_doubt(
    http: httpx.Client, behave: Callable[[socket.socket, bytes], None]
) -> None:
    """The peer has read the call, and it is not sent again."""
    with Peer(behave) as peer:
        failure = _failure(http, peer.port)
    assert (failure.phase, failure.timed_out) == (TransportPhase.RESPONSE_HEAD, False)
    assert len(peer.heard) == 1
    assert peer.heard[0].count(b'"tools/call"') == 1


def test_a_tls_handshake_that_fails_proves_that_nothing_was_sent(http: httpx.Client) -> None:
    """The peer speaks no TLS; neither headers nor body were written."""
    with Peer(_sending(b"HTTP/1.1 400 Bad Request\r\n\r\n"), read_until=b"\x16\x03\x01") as peer:
        gateway = McpToolGateway(
            http,
            gateway_url=f"https://127.0.0.1:{peer.port}/mcp",
            protocol_version=VERSION,
            tokens=FixedTokens(),
            clock=MachineClock(),
        )
        outcome = gateway.send(a_call(), deadline_seconds=DEADLINE_SECONDS).outcome
    assert isinstance(outcome, TransportFailure)
    assert outcome.phase is TransportPhase.TLS
    assert b"tools/call" not in b"".join(peer.heard)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [(b"HTTP/1.1 200",), (HEAD, b'{"jsonrpc":'), (STREAM, b"8\r\n: ping\n\n\r\n"), (b"not http at all\r\n\r\n",)],
    ids=["headers cut", "body cut", "stream cut", "no http"],
)
def test_an_answer_that_is_cut_off_leaves_the_call_in_doubt(http: httpx.Client, pieces: tuple[bytes, ...]) -> None:
    """Less came than was announced."""
    with Peer(_sending(*pieces)) as peer:
        failure = _failure(http, peer.port)
    began = HEAD in pieces or STREAM in pieces
    assert failure.phase is (TransportPhase.RESPONSE_BODY if began else TransportPhase.RESPONSE_HEAD)


@pytest.mark.parametrize(
    "pieces",
    [
        (b"",),
        tuple(bytes([byte]) for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 100),
        (HEAD, *[b" "] * 100),
        (STREAM, *[b"2\r\n:\n\r\n"] * 100),
    ],
    ids=["silence", "dripping headers", "dripping body", "endless pings"],
)
def test_nobody_waits_longer_than_the_deadline(http: httpx.Client, pieces: tuple[bytes, ...]) -> None:
    """However regularly a byte comes, the whole answer did not come in time."""
    with Peer(_sending(*pieces, pause=0.05 if len(pieces) > 1 else 2)) as peer:
        started = time.monotonic()
        failure = _failure(http, peer.port, seconds=SHORT_SECONDS)
        took = time.monotonic() - started
    began = HEAD in pieces or STREAM in pieces
    assert failure.phase is (TransportPhase.RESPONSE_BODY if began else TransportPhase.RESPONSE_HEAD)
    assert failure.timed_out
    assert SHORT_SECONDS - 0.1 <= took < SHORT_SECONDS + 1


def test_a_redirect_brings_the_token_nowhere(http: httpx.Client) -> None:
    """The second server is never asked."""
    with Peer(_close) as elsewhere:
        location = f"Location: http://127.0.0.1:{elsewhere.port}/mcp".encode()
        answer = b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n" + location + b"\r\n\r\n"
        with Peer(_sending(answer)) as peer:
            failure = _failure(http, peer.port)
    assert (failure.phase, failure.http_status) == (TransportPhase.HTTP_STATUS, 307)
    assert elsewhere.heard == []
