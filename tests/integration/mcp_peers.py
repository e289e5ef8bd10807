"""Servers of the official MCP SDK on this machine, for the tests that talk to them over real sockets.

Owns starting and stopping one, a server with a page for each tool, the check of its tokens, and a note of every
request it was sent.
"""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import uvicorn
from mcp import types
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.lowlevel import Server
from pydantic import AnyHttpUrl
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.builders import NOW

SCOPE = "tools/invoke"
GOOD_TOKEN, OTHER_SCOPE_TOKEN = "token-of-an-allowed-client-0001", "token-of-a-narrower-client-0002"
PAGES: tuple[tuple[str, ...], ...] = (("crm___create_task",), ("crm___find_task", "crm___delete_task"), ())


class MachineClock:
    """The machine's monotonic clock; the date stands still."""

    def now(self) -> datetime:
        """Return the tests' date."""
        return NOW

    def monotonic_seconds(self) -> float:
        """Return the machine's reading."""
        return time.monotonic()


@dataclass(frozen=True)
class Seen:
    """One request that reached the server."""

    http_method: str
    rpc_method: str | None
    version: str | None
    session_id: str | None


class Witness:
    """Notes every request before the server behind it sees it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.seen: list[Seen] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the request and pass it on unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        said = json.loads(body) if body else {}
        self.seen.append(
            Seen(
                scope["method"],
                said.get("method"),
                headers.get("mcp-protocol-version"),
                headers.get("mcp-session-id"),
            )
        )
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, again, send)

    def methods(self) -> list[str]:
        """What was asked, in order: the JSON-RPC method, or the HTTP method of a request without a body."""
        return [each.rpc_method or each.http_method for each in self.seen]


class Tokens:
    """Accepts two tokens, one of which lacks the scope."""

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what the token grants, or ``None`` for another."""
        scopes = {GOOD_TOKEN: [SCOPE], OTHER_SCOPE_TOKEN: ["tools/read"]}.get(token)
        return None if scopes is None else AccessToken(token=token, client_id="client", scopes=scopes)


def a_paged_server(*, json_response: bool, stateless: bool, auth: bool) -> Witness:
    """A server of the official SDK with one tool that answers, and its tools on three pages, the last of them empty."""

    async def list_tools(_: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:  # noqa: ANN401  the SDK's context has a type for each server
        page = int(params.cursor) if params is not None and params.cursor else 0
        return types.ListToolsResult(
            tools=[_tool(name) for name in PAGES[page]],
            next_cursor=str(page + 1) if page + 1 < len(PAGES) else None,
        )

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:  # noqa: ANN401  same
        meta = dict(params.meta or {})
        said = {"success": True, "external_object_id": (params.arguments or {}).get("title"), "meta": sorted(meta)}
        return types.CallToolResult(
            content=[
                types.TextContent(type="text", text=json.dumps(said)),
                types.EmbeddedResource(
                    type="resource",
                    resource=types.TextResourceContents(uri="memo://1", text='{"success": false}'),
                ),
            ],
            structured_content=said,
        )

    server = Server("paged", on_list_tools=list_tools, on_call_tool=call_tool)
    issuer = AnyHttpUrl("http://127.0.0.1:9/issuer")
    return Witness(
        server.streamable_http_app(
            json_response=json_response,
            stateless_http=stateless,
            auth=AuthSettings(
                issuer_url=issuer,
                resource_server_url=AnyHttpUrl("http://127.0.0.1:9/mcp"),
                required_scopes=[SCOPE],
                validate_token_resource=False,
            )
            if auth
            else None,
            token_verifier=Tokens() if auth else None,
        )
    )


def _tool(name: str) -> types.Tool:
    return types.Tool(
        name=name,
        input_schema={"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]},
        annotations=types.ToolAnnotations(read_only_hint=False, idempotent_hint=True),
    )


@contextlib.contextmanager
def served(app: object, listener: socket.socket) -> Iterator[int]:
    """Serve an ASGI app on this socket and give its port."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))  # type: ignore[arg-type]  # the SDK's app is an ASGI app all the same
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        end = time.monotonic() + 10
        while not server.started and time.monotonic() < end:
            time.sleep(0.01)
        assert server.started
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


@contextlib.contextmanager
def on_a_free_port(app: object) -> Iterator[int]:
    """Serve an ASGI app and give its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener, served(app, listener) as port:
        yield port


class NamedTokens:
    """Hands out one token after the other, and the last for ever; being told to forget moves on."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = list(tokens)

    def token(self, scopes: Sequence[str] = ()) -> str:
        """Return the token in use."""
        del scopes
        return self._tokens[0]

    def forget(self) -> None:
        """Move on to the next token."""
        if len(self._tokens) > 1:
            del self._tokens[0]
