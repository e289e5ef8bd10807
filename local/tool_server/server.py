"""The tool server as a thing to start and stop: MCP over Streamable HTTP on 127.0.0.1.

Owns the listening socket and the thread that serves it. It exists so that a demo, a test or a command line gets
the same server in the same way.

It will not listen on another address, and it serves no session: each request stands alone.
"""

import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from local.certificates import TlsFiles
from local.tool_server.database import prepare
from local.tool_server.system_of_record import SystemOfRecord
from local.tool_server.tokens import IssuerTokenVerifier, TokenPolicy
from local.tool_server.tools import build_mcp_server
from local.tool_server.wire import FaultInjection, OpenConnections, RequestLog

_HOST = "127.0.0.1"
_PATH = "/mcp"
_START_TIMEOUT_SECONDS = 10.0
_GRACEFUL_STOP_SECONDS = 1
_STOP_TIMEOUT_SECONDS = 10.0


class ToolServerError(Exception):
    """The tool server cannot start, or is not running; the message says what to do."""


class ToolServer:
    """The reference tools on a free or given port: `with ToolServer(file) as tools: tools.url`.

    `tokens=None` lets everybody in and is for tests. With `tls` it serves https. The database survives a stop.
    """

    def __init__(
        self,
        database: Path,
        *,
        port: int = 0,
        tokens: TokenPolicy | None = None,
        tls: TlsFiles | None = None,
    ) -> None:
        self.database = database.absolute()
        self._requested_port = port
        self._tokens = tokens
        self._tls = tls
        self._url: str | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The URL of the MCP endpoint."""
        if self._url is None:
            raise ToolServerError("The tool server is not running; call start() or use it in a `with` block.")
        return self._url

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start serving in a background thread, and return when a request would be answered."""
        if self._thread is not None:
            raise ToolServerError("This tool server is already running; call stop() before starting it again.")
        prepare(self.database)
        listener = _listening_socket(self._requested_port)
        try:
            scheme = "http" if self._tls is None else "https"
            url = f"{scheme}://{_HOST}:{listener.getsockname()[1]}{_PATH}"
            server = uvicorn.Server(self._configuration(url))
        except BaseException:
            listener.close()
            raise
        self._server = server
        self._thread = threading.Thread(target=_serve, args=(server, listener), name="tool-server", daemon=True)
        self._thread.start()
        try:
            _wait_until_started(server, self._thread)
        except BaseException:
            self.stop()
            raise
        self._url = url

    def stop(self) -> None:
        """Stop serving and close the port; harmless when it is not running."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT_SECONDS)
        self._server = self._thread = self._url = None

    def _configuration(self, url: str) -> uvicorn.Config:
        connections = OpenConnections()
        return uvicorn.Config(
            self._application(url, connections),
            http=connections.protocol(),
            loop="asyncio",
            ws="none",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_GRACEFUL_STOP_SECONDS,
            ssl_certfile=self._tls.certificate if self._tls else None,
            ssl_keyfile=self._tls.private_key if self._tls else None,
        )

    def _application(self, url: str, connections: OpenConnections) -> ASGIApp:
        server = build_mcp_server(SystemOfRecord(self.database))
        policy = self._tokens
        app = server.streamable_http_app(
            streamable_http_path=_PATH,
            json_response=True,
            stateless_http=True,
            host=_HOST,
            auth=None
            if policy is None
            else AuthSettings(
                issuer_url=AnyHttpUrl(policy.issuer),
                resource_server_url=AnyHttpUrl(url),
                required_scopes=list(policy.required_scopes),
                validate_token_resource=False,  # Cognito's client tokens name no resource; the client is checked
            ),
            token_verifier=None if policy is None else IssuerTokenVerifier(policy),
        )
        # Appended, so that it runs after the SDK's token check and knows who is asking.
        app.user_middleware.append(
            Middleware(
                FaultInjection,
                file=self.database,
                connections=connections,
                required_scopes=None if policy is None else policy.required_scopes,
            )
        )
        return RequestLog(app, self.database, _PATH)


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise ToolServerError(
                f"The tool server did not start within {_START_TIMEOUT_SECONDS:g} s. Its log says why."
            )
        time.sleep(0.005)


def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    with listener:
        server.run(sockets=[listener])


def _listening_socket(port: int) -> socket.socket:
    # The protocol is named because asyncio turns Nagle's delay (40 ms an answer) off only where it is.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError as error:
        listener.close()
        raise ToolServerError(
            f"Port {port} on {_HOST} cannot be used ({error.strerror}). Stop what listens there, or give port 0."
        ) from error
    return listener
