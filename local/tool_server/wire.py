"""The transport's side of the tool server: every attempt is logged, and some are made to fail.

Owns what happens to a `tools/call` as an HTTP request. It exists because the failures that matter most, a cut
connection or a 503 after the write, happen below MCP, where a tool cannot cause them.

It will not log a token or an argument: only the tool, the intent, the protocol's version, the fault and the status. A
fault is spent only on a call that is authorised, so that a refused token does not use it up.
"""

import asyncio
import json
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.to_thread
from starlette.authentication import AuthCredentials
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from local.tool_server import database
from local.tool_server.catalogue import EXECUTION_CONTEXT
from local.tool_server.faults import Fault, FaultKind, FaultPlan

_CALL = "cc_native.tool_call"
_FAULT = "cc_native.fault"
_DEFAULT_RETRY_AFTER_SECONDS = 1
_VERSION_LENGTH = 10  # as in 2026-07-28

_BEFORE = {FaultKind.DROP_BEFORE_WRITE, FaultKind.RATE_LIMITED, FaultKind.UNAVAILABLE}
_AFTER = {FaultKind.DROP_AFTER_WRITE, FaultKind.UNAVAILABLE_AFTER_WRITE}
_DROPS = {FaultKind.DROP_BEFORE_WRITE, FaultKind.DROP_AFTER_WRITE}


def fault_of(scope: Mapping[str, Any]) -> Fault | None:
    """Return the fault that was chosen for the request, for the tool to carry out."""
    return cast("Fault | None", scope.get(_FAULT))


class OpenConnections:
    """The server's open connections by the client's address, so that one of them can be cut."""

    def __init__(self) -> None:
        self._transports: dict[object, asyncio.Transport] = {}

    def cut(self, client: object) -> None:
        """Close the client's connection at once, sending nothing more."""
        transport = self._transports.get(client)
        if transport is not None:
            transport.abort()

    def protocol(self) -> type[asyncio.Protocol]:
        """Return uvicorn's HTTP/1.1 protocol, entering each of its connections here."""
        transports = self._transports

        class Entered(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # the SDK's stub says BaseTransport
                self.entered_as = tuple(transport.get_extra_info("peername")[:2])
                transports[self.entered_as] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.entered_as, None)
                super().connection_lost(exc)

        return Entered


@dataclass(frozen=True, slots=True)
class _Call:
    seq: int
    tool: str | None
    action_intent_id: str | None


class RequestLog:
    """The outermost layer: writes one row per `tools/call` on arrival and its status when it is answered."""

    def __init__(self, app: ASGIApp, file: Path, path: str) -> None:
        self._app, self._file, self._path = app, file, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its `tools/call` logged and named in the scope."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        named = _named_call(body)
        if named is None:
            await self._app(scope, _replaying(body, receive), send)
            return
        seq = await anyio.to_thread.run_sync(self._arrived, *named, _protocol_version(scope))
        scope[_CALL] = _Call(seq, *named)

        async def noting_the_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                await anyio.to_thread.run_sync(self._answered, seq, message["status"])
            await send(message)

        await self._app(scope, _replaying(body, receive), noting_the_status)

    def _arrived(self, tool: str | None, action_intent_id: str | None, protocol_version: str | None) -> int:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with database.writing(self._file) as db:
            row = db.execute(
                "INSERT INTO request_log (at, tool, action_intent_id, protocol_version) VALUES (?, ?, ?, ?)"
                " RETURNING seq",
                (at, tool, action_intent_id, protocol_version),
            ).fetchone()
            return int(row["seq"])

    def _answered(self, seq: int, status: int) -> None:
        with database.writing(self._file) as db:
            db.execute("UPDATE request_log SET http_status = ? WHERE seq = ?", (status, seq))


class FaultInjection:
    """The layer behind the token check: takes a planned fault and does the part of it that HTTP can see."""

    def __init__(
        self, app: ASGIApp, file: Path, connections: OpenConnections, required_scopes: tuple[str, ...] | None
    ) -> None:
        self._app, self._file, self._connections = app, file, connections
        self._required_scopes = required_scopes
        self._plan = FaultPlan(file)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or make the planned fault happen to it."""
        call = scope.get(_CALL)
        fault = None
        if isinstance(call, _Call) and self._is_authorised(scope):
            fault = await anyio.to_thread.run_sync(self._take, call)
        if fault is None:
            await self._app(scope, receive, send)
            return
        scope[_FAULT] = fault
        if fault.kind is FaultKind.SLOW and fault.seconds is not None:
            await anyio.sleep(fault.seconds)
        if fault.kind in _BEFORE:
            await self._fail(fault, scope, receive, send)
        elif fault.kind in _AFTER:
            await self._app(scope, receive, _nowhere)
            await self._fail(fault, scope, receive, send)
        elif fault.kind is FaultKind.SLOW_AFTER_WRITE and fault.seconds is not None:
            await self._hold(fault.seconds, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_authorised(self, scope: Scope) -> bool:
        if self._required_scopes is None:
            return True
        credentials = scope.get("auth")
        user = scope.get("user")
        return (
            isinstance(credentials, AuthCredentials)
            and user is not None
            and user.is_authenticated
            and set(self._required_scopes) <= set(credentials.scopes)
        )

    def _take(self, call: _Call) -> Fault | None:
        fault = self._plan.take(call.tool, call.action_intent_id)
        if fault is not None:
            with database.writing(self._file) as db:
                db.execute("UPDATE request_log SET fault = ? WHERE seq = ?", (fault.kind.value, call.seq))
        return fault

    async def _hold(self, seconds: float, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the tool answer, and pass the answer on late, unless the caller has gone by then."""
        answer: list[Message] = []

        async def kept(message: Message) -> None:
            answer.append(message)

        await self._app(scope, receive, kept)
        with anyio.move_on_after(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        for message in answer:
            await send(message)

    async def _fail(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind in _DROPS:
            self._connections.cut(tuple(scope["client"]))
            # uvicorn answers 500 for an application that returns while the connection still stands.
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        limited = fault.kind is FaultKind.RATE_LIMITED
        retry_after = fault.retry_after
        if limited and retry_after is None:
            retry_after = _DEFAULT_RETRY_AFTER_SECONDS
        response = JSONResponse(
            {"message": fault.message or ("Too many requests." if limited else "Service unavailable.")},
            status_code=429 if limited else 503,
            headers=None if retry_after is None else {"Retry-After": str(retry_after)},
        )
        await response(scope, receive, send)


async def _nowhere(_message: MutableMapping[str, Any]) -> None:
    """Swallow the answer of a call whose caller is not to see it."""


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _replaying(body: bytes, receive: Receive) -> Receive:
    parts = [body]

    async def replay() -> Message:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": False}
        return await receive()

    return replay


def _protocol_version(scope: Scope) -> str | None:
    """Return the version that the request names, if that is text of a version's length."""
    named = dict(scope["headers"]).get(b"mcp-protocol-version")
    return named.decode("latin-1")[:_VERSION_LENGTH] if named is not None else None


def _named_call(body: bytes) -> tuple[str | None, str | None] | None:
    """Return the tool and the intent of a `tools/call`, each if it is text, or `None` for another request."""
    request: object = None
    with suppress(ValueError, RecursionError):
        request = json.loads(body)
    if not isinstance(request, dict) or request.get("method") != "tools/call":
        return None
    params = request.get("params")
    params = params if isinstance(params, dict) else {}
    arguments = params.get("arguments")
    context = arguments.get(EXECUTION_CONTEXT) if isinstance(arguments, dict) else None
    intent = context.get("action_intent_id") if isinstance(context, dict) else None
    tool = params.get("name")
    return (tool if isinstance(tool, str) else None, intent if isinstance(intent, str) else None)
