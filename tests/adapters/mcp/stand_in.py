"""A gateway behind ``httpx.MockTransport``: it speaks the wire as measured, or says exactly what a test makes it say.

This owns what is shared by the gateway's tests: one sample call, a gateway object, and the bodies of answers.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx

from adapters.mcp.answer_reader import GatewayLimits
from adapters.mcp.tool_gateway import McpToolGateway
from adapters.memory.clock import MemoryClock
from domain.model.tool_call import CallPurpose, ToolAnswer, ToolCall, TransportFailure
from tests.builders import NOW, a_key, a_ref

GATEWAY_URL = "https://gateway.example.test/mcp"
VERSION = "2026-07-28"
CANARY = "eyJhbGciOi.CANARY-access-token.c2lnbmF0dXJl"
"""The access token of these tests: it may appear in one header and nowhere else."""

RUN_REF = "gateway_invocation_0123456789abcdef01234567"
REQUEST_ID = f"invoke-{RUN_REF}"

Handler = Callable[[httpx.Request], httpx.Response]


def a_call(**changes: object) -> ToolCall:
    """One call that creates a CRM task."""
    return ToolCall.model_validate(
        {
            "purpose": CallPurpose.INVOKE,
            "ref": a_ref(),
            "tool_name": "crm___create_task",
            "arguments": {"title": "Call the customer back"},
            "idempotency_key": a_key(),
            "tool_run_ref": RUN_REF,
            "trace_id": "execution-trace-1",
            **changes,
        }
    )


class FixedTokens:
    """Hands out one token and notes when it is told to forget it."""

    def __init__(self, token: str = CANARY) -> None:
        self._token = token
        self.forgotten = 0
        self.asked: list[tuple[str, ...]] = []

    def token(self, scopes: Sequence[str] = ()) -> str:
        """Return the token."""
        self.asked.append(tuple(scopes))
        return self._token

    def forget(self) -> None:
        """Count it."""
        self.forgotten += 1


class Chunks(httpx.SyncByteStream):
    """A body that arrives in pieces; a piece may be an error, or something that happens in between."""

    def __init__(self, *pieces: bytes | Exception | Callable[[], None]) -> None:
        self._pieces = pieces
        self.given = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.given += 1
            if isinstance(piece, Exception):
                raise piece
            if callable(piece):
                piece()
            else:
                yield piece


class Harness:
    """A gateway over a transport that a test scripts, and everything that was sent to it."""

    def __init__(
        self,
        handler: Handler | None = None,
        *,
        url: str = GATEWAY_URL,
        version: str = VERSION,
        tokens: FixedTokens | None = None,
        limits: GatewayLimits | None = None,
    ) -> None:
        self.requests: list[httpx.Request] = []
        self.clock = MemoryClock(NOW)
        self.tokens = tokens or FixedTokens()

        def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return (handler or answering(a_result()))(request)

        self.gateway = McpToolGateway(
            httpx.Client(transport=httpx.MockTransport(handle), trust_env=False),
            gateway_url=url,
            protocol_version=version,
            tokens=self.tokens,
            clock=self.clock,
            limits=limits or GatewayLimits(),
        )

    def outcome(self, call: ToolCall | None = None, *, deadline_seconds: float = 20) -> ToolAnswer | TransportFailure:
        """Send one call and return what came of it."""
        return self.gateway.send(call or a_call(), deadline_seconds=deadline_seconds).outcome

    def failure(self, *, deadline_seconds: float = 20) -> TransportFailure:
        """Send one call and return how it failed."""
        outcome = self.outcome(deadline_seconds=deadline_seconds)
        assert isinstance(outcome, TransportFailure), outcome
        return outcome

    def answer(self) -> ToolAnswer:
        """Send one call and return the tool's answer."""
        outcome = self.outcome()
        assert isinstance(outcome, ToolAnswer), outcome
        return outcome


def a_result(**changes: object) -> dict[str, Any]:
    """A ``tools/call`` result as an MCP 2026-07-28 server sends it."""
    content = {"success": True, "external_object_id": "task-1"}
    return {
        "content": [{"type": "text", "text": json.dumps(content)}],
        "structuredContent": content,
        "isError": False,
        "resultType": "complete",
        **changes,
    }


def a_response(result: object = None, *, request_id: object = REQUEST_ID) -> dict[str, Any]:
    """A JSON-RPC response to the sample call."""
    return {"jsonrpc": "2.0", "id": request_id, "result": a_result() if result is None else result}


def an_rpc_error(code: object = -32602, message: object = "Unknown tool", **changes: object) -> dict[str, Any]:
    """A JSON-RPC error for the sample call."""
    return {"jsonrpc": "2.0", "id": REQUEST_ID, "error": {"code": code, "message": message}, **changes}


def replying(
    body: bytes | Chunks, *, status: int = 200, content_type: str = "application/json", headers: Mapping[str, str] = {}
) -> Handler:
    """Answer every request with this body."""
    stream = body if isinstance(body, Chunks) else Chunks(body)
    return lambda _: httpx.Response(status, headers={"Content-Type": content_type, **headers}, stream=stream)


def answering(result: object) -> Handler:
    """Answer every request with this result, under the request's own id."""
    return lambda request: httpx.Response(200, json=a_response(result, request_id=json.loads(request.content)["id"]))


def saying(document: object, *, status: int = 200, headers: Mapping[str, str] = {}) -> Handler:
    """Answer every request with this JSON document."""
    return replying(json.dumps(document).encode(), status=status, headers=headers)


def streaming(*pieces: bytes | Exception | Callable[[], None]) -> Handler:
    """Answer every request with an event stream that arrives in these pieces."""
    return replying(Chunks(*pieces), content_type="text/event-stream")


def an_event(document: object, *, line_end: bytes = b"\r\n") -> bytes:
    """One server-sent event as the SDK's server writes it."""
    return b"event: message" + line_end + b"data: " + json.dumps(document).encode() + line_end * 2


def failing(error: Exception) -> Handler:
    """Fail every request the way httpx does."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return fail
