"""Faults of the connection: it is refused, cut, silent, slow, or not what it says it is."""

import json
from typing import Final

from tests.support.fault_server.acts import (
    DOUBT,
    NOT_DONE,
    UNLESS_IT_LEFT,
    as_text,
    closes,
    resets,
    right,
    sends,
    stays_silent,
)
from tests.support.fault_server.exchange import Exchange, http
from tests.support.fault_server.fault import Commits, Fault, Stage

_DRIP_SECONDS: Final = 0.02
_DRIPPED: Final = 400
"""Bytes that drip: eight seconds of them, many times a deadline, and an end all the same."""


def _drips_head(exchange: Exchange) -> None:
    exchange.drip(
        (b"%c" % byte for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * _DRIPPED), pause_seconds=_DRIP_SECONDS
    )
    exchange.over = True


def _drips_body(exchange: Exchange) -> None:
    exchange.send(http(b"", length=_DRIPPED))
    exchange.drip((b"%c" % byte for byte in b" " * _DRIPPED), pause_seconds=_DRIP_SECONDS)
    exchange.over = True


def _aborts_handshake(exchange: Exchange) -> None:
    exchange.socket.recv(16)
    exchange.reset()


def _speaks_plainly(exchange: Exchange) -> None:
    exchange.socket.recv(16)
    exchange.send(http(b"{}", status="400 Bad Request"))
    exchange.close()


def _answers_unasked(exchange: Exchange) -> None:
    exchange.send(http(json.dumps({"jsonrpc": "2.0", "id": None, "result": {"content": []}})))
    exchange.stay_silent()


def _hangs_in_handshake(exchange: Exchange) -> None:
    exchange.stay_silent()


CONNECTION_FAULTS: Final = (
    Fault(
        "refuse",
        "nobody listens on the port",
        NOT_DONE,
        "no connection, so no byte was sent",
        resets,
        Commits.NEVER,
        Stage.LISTEN,
        bytes_left=False,
    ),
    Fault(
        "reset-on-accept",
        "accept, and reset at once",
        UNLESS_IT_LEFT,
        "whether the call left before the reset is the caller's to know",
        resets,
        Commits.NEVER,
        Stage.ACCEPT,
    ),
    Fault(
        "close-on-accept",
        "accept, and close in order",
        UNLESS_IT_LEFT,
        "as above: it is mostly sent before the end of the stream is noticed",
        closes,
        Commits.NEVER,
        Stage.ACCEPT,
    ),
    Fault(
        "silence-on-accept",
        "accept, and never read or say anything",
        DOUBT,
        "the kernel takes the call, and a server may still read it",
        stays_silent,
        Commits.NEVER,
        Stage.ACCEPT,
        waits=True,
    ),
    Fault(
        "answer-unasked",
        "answer before anything was read",
        DOUBT,
        "an answer to no id of ours, and the call is on its way",
        _answers_unasked,
        Commits.NEVER,
        Stage.ACCEPT,
    ),
    Fault(
        "reset-after-head",
        "read the head, then reset",
        UNLESS_IT_LEFT,
        "the body may be on its way",
        resets,
        Commits.NEVER,
        Stage.HEAD,
    ),
    Fault(
        "close-after-head",
        "read the head, then close in order",
        UNLESS_IT_LEFT,
        "the body may be on its way",
        closes,
        Commits.NEVER,
        Stage.HEAD,
    ),
    Fault(
        "refuse-after-head",
        "answer 413 on the head alone and reset",
        UNLESS_IT_LEFT,
        "a proxy that refuses by length; the body may be on its way",
        sends(lambda _: http(b"", status="413 Content Too Large"), then=closes),
        Commits.NEVER,
        Stage.HEAD,
    ),
    Fault("reset-after-body", "read everything, then reset", DOUBT, "the tool may have run", resets),
    Fault("close-after-body", "read everything, then close in order", DOUBT, "the tool may have run", closes),
    Fault("silence", "read everything, then say nothing", DOUBT, "the tool may have run", stays_silent, waits=True),
    Fault(
        "drip-head",
        "an answer's head at fifty bytes a second",
        DOUBT,
        "every read succeeds, so only a total deadline ends it",
        _drips_head,
        waits=True,
    ),
    Fault(
        "drip-body",
        "an answer's body at fifty bytes a second",
        DOUBT,
        "every read succeeds, so only a total deadline ends it",
        _drips_body,
        waits=True,
    ),
    Fault("status-line-only", "a status line, then close", DOUBT, "no head", sends(lambda _: b"HTTP/1.1 200 OK\r\n")),
    Fault(
        "not-http",
        "a banner of another protocol",
        DOUBT,
        "whoever that is has read the call",
        sends(lambda _: b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
    ),
    Fault(
        "http-0.9",
        "the right document without any head",
        DOUBT,
        "no HTTP answer of a version that is spoken here",
        sends(lambda exchange: as_text(exchange).encode()),
    ),
    Fault(
        "http-2-frames",
        "an HTTP/2 settings frame",
        DOUBT,
        "nothing else was negotiated than HTTP/1.1",
        sends(lambda _: b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    ),
    Fault(
        "tls-abort-before-handshake",
        "reset on the first byte of the handshake",
        NOT_DONE,
        "without TLS nothing is sent",
        _aborts_handshake,
        Commits.NEVER,
        Stage.ACCEPT,
        tls="right",
        bytes_left=False,
    ),
    Fault(
        "tls-hangs-in-handshake",
        "never answer the handshake",
        NOT_DONE,
        "without TLS nothing is sent",
        _hangs_in_handshake,
        Commits.NEVER,
        Stage.ACCEPT,
        waits=True,
        tls="right",
        bytes_left=False,
    ),
    Fault(
        "tls-plain-answer",
        "answer the handshake in plain HTTP",
        NOT_DONE,
        "without TLS nothing is sent",
        _speaks_plainly,
        Commits.NEVER,
        Stage.ACCEPT,
        tls="right",
        bytes_left=False,
    ),
    Fault(
        "tls-wrong-authority",
        "a certificate of an authority that is not trusted",
        NOT_DONE,
        "the handshake fails, so nothing is sent",
        resets,
        Commits.NEVER,
        Stage.CERTIFICATE,
        tls="wrong-authority",
        bytes_left=False,
    ),
    Fault(
        "tls-wrong-name",
        "a trusted certificate for another host",
        NOT_DONE,
        "the handshake fails, so nothing is sent",
        resets,
        Commits.NEVER,
        Stage.CERTIFICATE,
        tls="wrong-name",
        bytes_left=False,
    ),
    Fault(
        "tls-reset-after-head",
        "reset inside TLS when the head was read",
        UNLESS_IT_LEFT,
        "the body may be on its way",
        resets,
        Commits.NEVER,
        Stage.HEAD,
        tls="right",
    ),
    Fault("tls-reset-after-body", "reset inside TLS", DOUBT, "the tool may have run", resets, tls="right"),
    Fault(
        "tls-truncated",
        "half of the answer inside TLS, then the connection ends without close_notify",
        DOUBT,
        "the answer is not complete",
        sends(lambda exchange: http(json.dumps(right(exchange)))[:-40], then=resets),
        tls="right",
    ),
    Fault(
        "tls-silence",
        "read everything inside TLS, then say nothing",
        DOUBT,
        "the tool may have run",
        stays_silent,
        waits=True,
        tls="right",
    ),
)
