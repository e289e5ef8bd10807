"""The shipped HTTP client over bytes instead of sockets: everything above the socket is what is deployed.

httpcore's own HTTP/1.1 parser reads what a generator wrote, so that tens of thousands of answers take seconds
(httpcore documentation, "Network Backends").
"""

import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import httpcore
import httpx

from adapters.mcp.endpoint import build_http_client

URL: Final = "http://127.0.0.1:9/mcp"
"""Never connected to: the backend stands in for it."""

Respond = Callable[[bytes], Sequence[bytes | Exception]]
"""Takes a whole request and returns what arrives, piece by piece; an exception is the connection's end."""


class FedBackend(httpcore.NetworkBackend):
    """Connects to nobody, notes what is written, and hands out what it is told to."""

    def __init__(self) -> None:
        self.respond: Respond = lambda _: ()
        self.requests: list[bytes] = []
        """Every request since somebody last emptied this list."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Return a connection to nobody."""
        del host, port, timeout, local_address, socket_options
        return _FedStream(self)


class _FedStream(httpcore.NetworkStream):
    def __init__(self, backend: FedBackend) -> None:
        self._backend = backend
        self._written = bytearray()
        self._left: list[bytes | Exception] | None = None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._written += buffer

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        if self._left is None:
            request = bytes(self._written)
            self._backend.requests.append(request)
            self._left = list(reversed(self._backend.respond(request)))
        if not self._left:
            return b""
        piece = self._left.pop()
        if isinstance(piece, Exception):
            raise piece
        if len(piece) > max_bytes:
            self._left.append(piece[max_bytes:])
            piece = piece[:max_bytes]
        return piece

    def close(self) -> None:
        self._left = []

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        del ssl_context, server_hostname, timeout
        return self

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  the interface's own type
        return False if info == "is_readable" else None


def fed_client() -> tuple[httpx.Client, FedBackend]:
    """Return the shipped client with a backend in the place of its sockets."""
    client, backend = build_http_client(), FedBackend()
    pool = vars(vars(client)["_transport"])["_pool"]
    vars(pool)["_network_backend"] = backend
    return client, backend
