"""Faults of the head, and of what stands around a whole answer: too many headers, forged ones, and a second answer."""

from typing import Final

from tests.support.fault_server.acts import DONE, DOUBT, as_text, closes, says, sends
from tests.support.fault_server.exchange import http
from tests.support.fault_server.fault import Commits, Fault

_ALWAYS: Final = Commits.ALWAYS

HEAD_FAULTS: Final = (
    Fault(
        "headers-10k",
        "10,000 headers",
        DOUBT,
        "a head larger than is read",
        says(headers=[(f"X-{number}", "y" * 10) for number in range(10_000)]),
    ),
    Fault(
        "header-1mb",
        "one header of a megabyte",
        DOUBT,
        "a head larger than is read",
        says(headers={"X-Long": "y" * 1_000_000}),
    ),
    Fault(
        "header-bare-line-feed",
        "a header that ends another one with a bare line feed",
        DONE,
        "read as two headers or as none, it changes nothing that is believed",
        says(headers={"X-A": "b\nX-Injected: yes"}),
        _ALWAYS,
    ),
    Fault("header-nul", "a NUL in a header", DOUBT, "no head", says(headers={"X-A": "b\x00c"})),
    Fault(
        "header-folded-type",
        "a content type folded over two lines",
        DONE,
        "obsolete, and read as one line (RFC 9112, section 5.2)",
        says(content_type=None, headers=[("Content-Type", "application/json;\r\n charset=utf-8")]),
        _ALWAYS,
    ),
    Fault(
        "header-injection",
        "CRLF in a header value, and a second answer after it",
        DOUBT,
        "what was injected ends the head, and the body is something else",
        sends(lambda exchange: http(as_text(exchange), headers={"X-A": "b\r\nContent-Length: 2\r\n\r\n{}"})),
    ),
    Fault(
        "set-cookie",
        "Set-Cookie with the answer",
        DONE,
        "no cookie is kept or sent back",
        says(headers={"Set-Cookie": "session=canary; Path=/; Max-Age=9999"}),
        _ALWAYS,
    ),
    Fault(
        "alt-svc",
        "Alt-Svc and Location to another host",
        DONE,
        "nothing of an answer moves the gateway",
        says(headers={"Alt-Svc": 'h2="127.0.0.1:9"; ma=9999', "Location": "http://127.0.0.1:9/"}),
        _ALWAYS,
    ),
    Fault(
        "second-response",
        "a second answer pushed behind the first",
        DONE,
        "the first answers the call",
        sends(
            lambda exchange: (
                http(as_text(exchange), headers={"Connection": "keep-alive"})
                + http(b"{}", status="500 Internal Server Error")
            )
        ),
        _ALWAYS,
    ),
    Fault(
        "second-response-says-done",
        "an error, and behind it a second answer that says done",
        DOUBT,
        "the first answers the call",
        sends(lambda exchange: http(b"{}", status="500 Internal Server Error") + http(as_text(exchange))),
    ),
    Fault(
        "garbage-behind",
        "garbage behind the answer",
        DONE,
        "the frame ends the answer",
        sends(lambda exchange: http(as_text(exchange)) + b"\x00\xff garbage", then=closes),
        _ALWAYS,
    ),
)
