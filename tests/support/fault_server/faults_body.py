"""Faults of the body: how it is framed, encoded and written, before anybody asks what it says."""

import gzip
import json
import zlib
from functools import cache
from typing import Any, Final

from tests.support.fault_server.acts import (
    DONE,
    DOUBT,
    Act,
    as_text,
    chunked,
    resets,
    right,
    says,
    says_text,
    sends,
    with_result,
)
from tests.support.fault_server.exchange import Exchange, http
from tests.support.fault_server.fault import Commits, Fault

Json = Any

_CHUNKED_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
_PLAIN_HEAD: Final = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
_ALWAYS: Final = Commits.ALWAYS


def _encoded(name: str, pack: Any) -> Act:  # noqa: ANN401  a compressor
    return says_text(lambda exchange: pack(as_text(exchange).encode()), headers={"Content-Encoding": name})


@cache
def _fifty_megabytes() -> bytes:
    return gzip.compress(b" " * 50_000_000, compresslevel=9)


def _bomb(_: bytes) -> bytes:
    return _fifty_megabytes()


def _with(text: str) -> Act:
    """Answer rightly, with one more member that is written so."""
    return says_text(lambda exchange: as_text(exchange)[:-1] + f', "more": {text}}}')


def _ten_megabytes(exchange: Exchange) -> None:
    exchange.send(http(b"", length=10_000_000))
    for _ in range(100):
        if not exchange.send(b" " * 100_000):
            break
    exchange.close()


def _many_blocks(exchange: Exchange) -> str:
    blocks = ", ".join(['{"type": "text", "text": "x"}'] * 100_000)
    return json.dumps(with_result(content=[])(exchange)).replace("[]", f"[{blocks}]", 1)


def _deep(exchange: Exchange) -> str:
    return as_text(exchange)[:-1] + ', "more": ' + "[" * 5_000 + "]" * 5_000 + "}"


def _success_twice(exchange: Exchange) -> str:
    return as_text(exchange).replace('"isError": ', '"isError": true, "isError": ', 1)


def _bytes_of(exchange: Exchange) -> bytes:
    return as_text(exchange).encode()


BODY_FAULTS: Final = (
    Fault(
        "truncated-json",
        "the right answer without its last bytes, in a correct frame",
        DOUBT,
        "it is not complete",
        says_text(lambda exchange: as_text(exchange)[:-7]),
    ),
    Fault(
        "short-body",
        "fewer bytes than Content-Length says",
        DOUBT,
        "it is not complete",
        sends(lambda exchange: http(as_text(exchange), length=100_000)),
    ),
    Fault(
        "short-content-length",
        "more bytes than Content-Length says",
        DOUBT,
        "what is within the frame is no JSON",
        sends(lambda exchange: http(as_text(exchange), length=40)),
    ),
    Fault("empty-body", "an empty JSON body", DOUBT, "no answer", says_text(lambda _: "")),
    Fault(
        "two-content-lengths",
        "two lengths that contradict each other",
        DOUBT,
        "no frame that two readers share",
        sends(lambda exchange: http(as_text(exchange), headers=[("Content-Length", "12")])),
    ),
    Fault(
        "negative-content-length",
        "Content-Length is -1",
        DOUBT,
        "no frame",
        sends(lambda exchange: http(as_text(exchange), length=None, headers=[("Content-Length", "-1")])),
    ),
    Fault(
        "chunked-right",
        "the right answer in chunks of one byte",
        DONE,
        "a frame like any other",
        sends(lambda exchange: _CHUNKED_HEAD + chunked(b"%c" % byte for byte in _bytes_of(exchange))),
        _ALWAYS,
    ),
    Fault(
        "chunked-broken",
        "a chunk whose size is no number",
        DOUBT,
        "the frame is broken",
        sends(lambda exchange: _CHUNKED_HEAD + b"zz\r\n" + _bytes_of(exchange)),
    ),
    Fault(
        "chunked-unfinished",
        "the whole answer in chunks, without the last one",
        DOUBT,
        "nobody can know that this was all",
        sends(lambda exchange: _CHUNKED_HEAD + chunked([_bytes_of(exchange)])[:-5]),
    ),
    Fault(
        "chunked-huge-size",
        "a chunk that claims to hold an exabyte",
        DOUBT,
        "it is not complete",
        sends(lambda exchange: _CHUNKED_HEAD + b"fffffffffffffff\r\n" + _bytes_of(exchange)),
    ),
    Fault(
        "chunked-and-length",
        "both frames at once, which contradict each other",
        DOUBT,
        "the stuff of request smuggling (RFC 9112, section 6.3)",
        sends(
            lambda exchange: (
                _CHUNKED_HEAD.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n")
                + chunked([_bytes_of(exchange)[:-9]])
            )
        ),
    ),
    Fault(
        "transfer-gzip",
        "Transfer-Encoding: gzip, chunked",
        DOUBT,
        "not asked for",
        sends(
            lambda exchange: (
                _CHUNKED_HEAD.replace(b"chunked", b"gzip, chunked") + chunked([gzip.compress(_bytes_of(exchange))])
            )
        ),
    ),
    Fault(
        "http-1.0",
        "HTTP/1.0, and the body ends with the connection",
        DONE,
        "complete by its own grammar",
        sends(lambda exchange: _PLAIN_HEAD + _bytes_of(exchange)),
        _ALWAYS,
    ),
    Fault(
        "http-1.0-cut",
        "HTTP/1.0, and the connection ends too early",
        DOUBT,
        "it is not complete",
        sends(lambda exchange: _PLAIN_HEAD + _bytes_of(exchange)[:-30]),
    ),
    Fault(
        "http-1.0-reset",
        "HTTP/1.0, and the connection is reset after half of it",
        DOUBT,
        "it is not complete",
        sends(lambda exchange: _PLAIN_HEAD + _bytes_of(exchange)[:-30], then=resets),
    ),
    Fault(
        "gzip",
        "the right answer, packed",
        DOUBT,
        "not asked for, and unpacking has no bound",
        _encoded("gzip", gzip.compress),
    ),
    Fault("gzip-bomb", "50 MB of spaces in 50 kB", DOUBT, "as above", _encoded("gzip", _bomb)),
    Fault("deflate", "the right answer, deflated", DOUBT, "not asked for", _encoded("deflate", zlib.compress)),
    Fault("unknown-encoding", "an encoding that nobody knows", DOUBT, "not asked for", _encoded("aws-chunked", bytes)),
    Fault(
        "identity-encoding",
        "Content-Encoding: identity",
        DONE,
        "that is no encoding",
        says(headers={"Content-Encoding": "identity"}),
        _ALWAYS,
    ),
    Fault(
        "content-type-html",
        "the right document as text/html",
        DOUBT,
        "an error page of a proxy, perhaps",
        says(content_type="text/html"),
    ),
    Fault(
        "content-type-text",
        "the right document as text/plain",
        DOUBT,
        "not what the protocol says",
        says(content_type="text/plain"),
    ),
    Fault(
        "content-type-absent",
        "the right document without a type",
        DOUBT,
        "not what the protocol says",
        says(content_type=None),
    ),
    Fault(
        "content-type-near",
        "the right document as application/json-rpc",
        DOUBT,
        "not what the protocol says",
        says(content_type="application/json-rpc"),
    ),
    Fault(
        "content-type-charset",
        "application/json; charset=utf-8",
        DONE,
        "a parameter changes nothing",
        says(content_type='Application/JSON; charset="utf-8"'),
        _ALWAYS,
    ),
    Fault(
        "bom",
        "a byte order mark before the JSON",
        DOUBT,
        "RFC 8259, section 8.1: none may be there",
        says_text(lambda exchange: b"\xef\xbb\xbf" + _bytes_of(exchange)),
    ),
    Fault(
        "utf-16",
        "the right answer in UTF-16",
        DOUBT,
        "JSON is UTF-8 (RFC 8259, section 8.1)",
        says_text(lambda exchange: as_text(exchange).encode("utf-16")),
    ),
    Fault(
        "bad-utf-8",
        "a byte that is no UTF-8",
        DOUBT,
        "no text",
        says_text(lambda exchange: _bytes_of(exchange).replace(b"task", b"t\xffsk").replace(b"phantom", b"ph\xff")),
    ),
    Fault("lone-surrogate", "half of a surrogate pair", DOUBT, "text that cannot be written down", _with(r'"\ud800"')),
    Fault("nan", "NaN somewhere", DOUBT, "no JSON", _with("NaN")),
    Fault("infinity", "-Infinity somewhere", DOUBT, "no JSON", _with("-Infinity")),
    Fault("overflow", "1e999 somewhere", DOUBT, "two readers read two numbers", _with("1e999")),
    Fault("huge-integer", "an integer of 10,000 digits", DOUBT, "longer than readers convert", _with("9" * 10_000)),
    Fault(
        "duplicate-keys",
        "isError twice, with two meanings",
        DOUBT,
        "two readers read two answers",
        says_text(_success_twice),
    ),
    Fault(
        "comments", "JSON with a comment", DOUBT, "no JSON", says_text(lambda exchange: as_text(exchange) + " // ok")
    ),
    Fault(
        "single-quotes", "Python instead of JSON", DOUBT, "no JSON", says_text(lambda exchange: str(right(exchange)))
    ),
    Fault(
        "two-documents",
        "the right answer twice in one body",
        DOUBT,
        "not one message",
        says_text(lambda exchange: as_text(exchange) + "\n" + as_text(exchange)),
    ),
    Fault("deep-nesting", "5,000 lists in each other", DOUBT, "deeper than is read", says_text(_deep)),
    Fault("ten-megabytes", "10 MB of spaces", DOUBT, "larger than is read", _ten_megabytes),
    Fault("many-blocks", "100,000 content blocks", DOUBT, "larger than is read", says_text(_many_blocks)),
    Fault(
        "string-body",
        "the right answer as a JSON string",
        DOUBT,
        "no object",
        says_text(lambda exchange: json.dumps(as_text(exchange))),
    ),
)
