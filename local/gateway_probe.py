"""One look at somebody else's MCP server before a stack is started against it.

Owns the difference between a wrong address and a right one, which would otherwise be found only when the first
approved action is held up. It exists for ``--gateway-url`` and sends no token and no tool call: a GET, which an MCP
endpoint answers with a stream or refuses (Model Context Protocol specification 2025-11-25, "Transports": "Listening for
Messages from the Server").
"""

from http import HTTPStatus
from typing import Final

import httpx

from local.stack_info import StackError

_TIMEOUT_SECONDS: Final = 5.0
_STREAM: Final = "text/event-stream"


def check_gateway(url: str, transport: httpx.BaseTransport | None = None) -> None:
    """Return if an MCP server may be at ``url``; raises ``StackError`` with the fix if there can be none."""
    place = f"--gateway-url {url}"
    try:
        with (
            httpx.Client(transport=transport, timeout=_TIMEOUT_SECONDS, trust_env=False) as http,
            http.stream("GET", url, headers={"Accept": _STREAM}) as answer,
        ):
            status, content_type = answer.status_code, answer.headers.get("Content-Type", "")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise StackError(
            f"{place}: nothing there can be talked to ({error.__class__.__name__}). Start the MCP server first, or "
            "correct host, port and scheme."
        ) from error
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        raise StackError(f"{place}: a server answers, but has nothing at this path. MCP servers are often at /mcp.")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise StackError(f"{place}: the server sends callers elsewhere, and a call follows nobody. Name the final URL.")
    if status == HTTPStatus.OK and not content_type.startswith(_STREAM):
        raise StackError(f"{place}: what answers is a web page, no MCP server. Correct the port or the path.")
