"""Faults of the status: every HTTP status that is not 200, most with a body that says that all is done."""

from datetime import timedelta
from email.utils import format_datetime
from typing import Final

from tests.builders import NOW
from tests.support.fault_server.acts import (
    DONE,
    DOUBT,
    NOT_DONE,
    Act,
    as_text,
    bare,
    rpc_error,
    says_text,
    sends,
    status,
)
from tests.support.fault_server.exchange import Exchange, http
from tests.support.fault_server.fault import Commits, Fault

_AGAINST: Final = Commits.AGAINST_THE_ASSUMPTION
_METADATA: Final = "/.well-known/oauth-protected-resource"


def _challenge(exchange: Exchange) -> dict[str, str]:
    link = exchange.elsewhere + _METADATA
    return {"WWW-Authenticate": f'Bearer error="invalid_token", resource_metadata="{link}", authorization_uri="{link}"'}


def _insufficient(exchange: Exchange) -> dict[str, str]:
    link = exchange.elsewhere + _METADATA
    return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="more", resource_metadata="{link}"'}


def _continues(*lines: str) -> Act:
    def make(exchange: Exchange) -> bytes:
        first = "".join(f"HTTP/1.1 {line}\r\nLink: <{exchange.elsewhere}>; rel=preload\r\n\r\n" for line in lines)
        return first.encode() + http(as_text(exchange))

    return sends(make)


def _in_seconds(text: str) -> Act:
    return bare("429 Too Many Requests", headers={"Retry-After": text})


def _dated(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


_REDIRECTS: Final = tuple(
    Fault(
        f"redirect-{line[:3]}",
        f"HTTP {line} to another host",
        DOUBT,
        "a gateway does not move; the call was read, and the token belongs to no other host",
        status(line, headers=lambda exchange: {"Location": exchange.elsewhere}),
    )
    for line in (
        "300 Multiple Choices",
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    )
)

_UNEXPECTED: Final = tuple(
    Fault(
        f"status-{line[:3]}",
        f"HTTP {line} with a body that says that all is done",
        DOUBT,
        "not among the answers that precede a tool call",
        status(line),
    )
    for line in (
        "201 Created",
        "202 Accepted",
        "203 Non-Authoritative Information",
        "206 Partial Content",
        "226 IM Used",
        "400 Bad Request",
        "402 Payment Required",
        "404 Not Found",
        "405 Method Not Allowed",
        "406 Not Acceptable",
        "408 Request Timeout",
        "409 Conflict",
        "410 Gone",
        "413 Content Too Large",
        "415 Unsupported Media Type",
        "421 Misdirected Request",
        "422 Unprocessable Content",
        "425 Too Early",
        "451 Unavailable For Legal Reasons",
        "499 Client Closed Request",
        "500 Internal Server Error",
        "501 Not Implemented",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
        "507 Insufficient Storage",
        "599 Network Connect Timeout",
        "999 Request Denied",
    )
)

_BARE: Final = tuple(
    Fault(f"bare-{line[:3]}", f"HTTP {line} without a body", DOUBT, "nothing is said of the tool", bare(line))
    for line in ("200 OK", "204 No Content", "205 Reset Content", "304 Not Modified")
)

_BUSY: Final = tuple(
    Fault(
        f"busy-{name}",
        f"429, and Retry-After is {said}",
        NOT_DONE,
        "a gateway that throttles does not call the tool; what it asks for is bounded before anybody waits",
        act,
        _AGAINST,
    )
    for name, said, act in (
        ("seconds", "7", _in_seconds("7")),
        ("date", "a date in half a minute", _in_seconds(_dated(30))),
        ("absurd", "a trillion seconds", _in_seconds("1000000000000")),
        ("huge", "300 digits", _in_seconds("9" * 300)),
        ("negative", "-5", _in_seconds("-5")),
        ("past", "a date of last year", _in_seconds(_dated(-31_536_000))),
        ("words", "no number", _in_seconds("soon")),
        ("absent", "absent", bare("429 Too Many Requests")),
    )
)

STATUS_FAULTS: Final = (
    *_REDIRECTS,
    *_UNEXPECTED,
    *_BARE,
    *_BUSY,
    Fault(
        "redirect-body",
        "308 whose body is a page that refreshes itself",
        DOUBT,
        "as every redirect",
        says_text(
            lambda exchange: f'<meta http-equiv="refresh" content="0;url={exchange.elsewhere}">',
            status="308 Permanent Redirect",
            content_type="text/html",
        ),
    ),
    Fault(
        "unauthorized",
        "401 with a challenge that links to another host",
        NOT_DONE,
        "the gateway checks the token before it calls a tool; one refresh, and no link is fetched",
        bare("401 Unauthorized", headers=_challenge),
        _AGAINST,
    ),
    Fault(
        "forbidden",
        "403 with a challenge that links to another host",
        NOT_DONE,
        "the gateway checks scopes before it calls a tool",
        bare("403 Forbidden", headers=_insufficient),
        _AGAINST,
        permanent=True,
    ),
    Fault(
        "unauthorized-says-done",
        "401 with a body that says that all is done",
        NOT_DONE,
        "the status decides; no body can turn it into a success",
        status("401 Unauthorized"),
        _AGAINST,
    ),
    Fault(
        "unavailable-retry-after",
        "503 with Retry-After",
        DOUBT,
        "the wish to be asked again does not say that nothing was done",
        status("503 Service Unavailable", headers={"Retry-After": "3"}),
    ),
    Fault(
        "bad-request-rpc-error",
        "400 with JSON-RPC error -32602",
        NOT_DONE,
        "MCP 2026-07-28 refuses a bad request so, before any tool is called",
        status("400 Bad Request", make=rpc_error(-32602)),
        _AGAINST,
        permanent=True,
    ),
    Fault(
        "not-found-rpc-error",
        "404 with JSON-RPC error -32601",
        NOT_DONE,
        "MCP 2026-07-28 refuses an unknown method so",
        status("404 Not Found", make=rpc_error(-32601)),
        _AGAINST,
        permanent=True,
    ),
    Fault(
        "server-error-rpc-error",
        "500 with JSON-RPC error -32602",
        DOUBT,
        "a broken server may say anything",
        status("500 Internal Server Error", make=rpc_error(-32602)),
    ),
    Fault(
        "continue",
        "100 Continue twice, then the answer",
        DONE,
        "interim answers end nothing",
        _continues("100 Continue", "100 Continue"),
        Commits.ALWAYS,
    ),
    Fault(
        "early-hints",
        "103 with a link to another host, then the answer",
        DONE,
        "hints are not fetched",
        _continues("103 Early Hints"),
        Commits.ALWAYS,
    ),
    Fault(
        "switching-protocols",
        "101 to another protocol, then the answer",
        DOUBT,
        "nobody asked to switch",
        _continues("101 Switching Protocols"),
    ),
    Fault(
        "endless-continue",
        "thousands of 100 Continue and no answer",
        DOUBT,
        "no answer",
        sends(lambda _: b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000),
    ),
)
