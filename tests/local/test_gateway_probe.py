"""The look before a start: a wrong address is named with its fix, and everything that may be an MCP server passes."""

import httpx
import pytest

from local.gateway_probe import check_gateway
from local.stack_info import StackError

URL = "http://127.0.0.1:9000/mcp"


def answering(
    response: httpx.Response | httpx.HTTPError, seen: list[httpx.Request] | None = None
) -> httpx.MockTransport:
    """Return a world in which every request gets this."""

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        if isinstance(response, httpx.HTTPError):
            raise response
        return response

    return httpx.MockTransport(answer)


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(405),
        httpx.Response(401),
        httpx.Response(400),
        httpx.Response(406),
        httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=b""),
    ],
    ids=lambda response: str(response.status_code),
)
def test_what_an_mcp_server_may_say_to_a_stranger_passes(response: httpx.Response) -> None:
    """It may have no stream, want a token or a session, or open one."""
    seen: list[httpx.Request] = []
    check_gateway(URL, answering(response, seen))
    (asked,) = seen
    assert (asked.method, str(asked.url)) == ("GET", URL)
    assert "Authorization" not in asked.headers


@pytest.mark.parametrize(
    "response, said",
    [
        (httpx.ConnectError("refused"), "(ConnectError). Start the MCP server first"),
        (httpx.ConnectTimeout("slow"), "(ConnectTimeout). Start the MCP server first"),
        (httpx.RemoteProtocolError("TLS?"), "correct host, port and scheme"),
        (httpx.Response(404), "nothing at this path. MCP servers are often at /mcp"),
        (httpx.Response(307, headers={"Location": "http://elsewhere/"}), "Name the final URL"),
        (httpx.Response(200, html="<html></html>"), "what answers is a web page"),
    ],
)
def test_what_can_be_no_mcp_server_is_named_with_its_fix(response: httpx.Response | httpx.HTTPError, said: str) -> None:
    """The first approved action would otherwise be held up by it, much later."""
    with pytest.raises(StackError) as refused:
        check_gateway(URL, answering(response))
    assert str(refused.value).startswith(f"--gateway-url {URL}: ")
    assert said in str(refused.value)
