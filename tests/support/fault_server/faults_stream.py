"""Faults of the event stream: endless, cut, resumable, and with requests of the server in it.

The framing is that of the WHATWG HTML Living Standard, section 9.2 "Server-sent events".
"""

import json
from itertools import repeat
from typing import Any, Final

from tests.support.fault_server.acts import (
    DONE,
    DOUBT,
    NOT_DONE,
    PROGRESS,
    STREAM_HEAD,
    Act,
    as_text,
    chunked,
    resets,
    right,
    rpc_error,
    says,
    stays_silent,
    streams,
)
from tests.support.fault_server.exchange import Exchange, event, response
from tests.support.fault_server.fault import Commits, Fault

Json = Any

_ALWAYS: Final = Commits.ALWAYS
_PRIMING: Final = b"id: event-1\r\nretry: 5\r\ndata: \r\n\r\n"
"""With what a resumable server of 2025-11-25 begins, so that the client may come back with GET and Last-Event-ID."""


def _progress(_: Exchange) -> Json:
    return PROGRESS


def _endless(piece: bytes, pause_seconds: float) -> Act:
    def act(exchange: Exchange) -> None:
        exchange.send(STREAM_HEAD)
        exchange.drip(repeat(piece), pause_seconds=pause_seconds)
        exchange.over = True

    return act


def _request_first(method: str, **params: Json) -> Act:
    """Ask something of the client, then answer all the same: only whoever waits behind the question gets there."""
    return streams(lambda _: response({"id": "of-the-server", "method": method, "params": params}), right)


def _half(exchange: Exchange) -> bytes:
    return event(right(exchange))[:-60]


def _raw(make: Any) -> Act:  # noqa: ANN401  bytes of an exchange
    def act(exchange: Exchange) -> None:
        exchange.send(STREAM_HEAD + make(exchange))
        exchange.close()

    return act


def _in_lines(exchange: Exchange) -> bytes:
    text = json.dumps(right(exchange), indent=1)
    return "".join(f"data: {line}\n" for line in text.splitlines()).encode() + b"\n"


def _in_chunks(exchange: Exchange) -> None:
    head = STREAM_HEAD.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    exchange.send(head + chunked(b"%c" % byte for byte in event(PROGRESS) + event(right(exchange))))


STREAM_FAULTS: Final = (
    Fault("sse", "the right answer as one event", DONE, "one of the two bodies that MCP has", streams(right), _ALWAYS),
    Fault(
        "sse-progress-first",
        "three notifications, then the answer",
        DONE,
        "notifications are no answer",
        streams(_progress, _progress, _progress, right),
        _ALWAYS,
    ),
    Fault("sse-chunked", "the same in chunks of one byte", DONE, "frames do not end at events", _in_chunks, _ALWAYS),
    Fault(
        "sse-line-feeds",
        "line feeds alone",
        DONE,
        "one of three line ends",
        _raw(lambda exchange: event(right(exchange), line_end="\n")),
        _ALWAYS,
    ),
    Fault(
        "sse-carriage-returns",
        "carriage returns alone",
        DONE,
        "one of three line ends",
        _raw(lambda exchange: event(right(exchange), line_end="\r")),
        _ALWAYS,
    ),
    Fault("sse-several-lines", "an answer over several data lines", DONE, "they are joined", _raw(_in_lines), _ALWAYS),
    Fault(
        "sse-bom",
        "a byte order mark at the start",
        DONE,
        "the standard says to skip it",
        _raw(lambda exchange: b"\xef\xbb\xbf" + event(right(exchange))),
        _ALWAYS,
    ),
    Fault(
        "sse-comments",
        "comments and unknown fields between",
        DONE,
        "ignored by the standard",
        _raw(lambda exchange: b": ping\r\n\r\nfoo: bar\r\nx\r\n" + event(right(exchange))),
        _ALWAYS,
    ),
    Fault(
        "sse-id-and-retry",
        "an id and a retry time with the answer",
        DONE,
        "nothing is ever resumed",
        _raw(lambda exchange: event(right(exchange), extra="id: event-1\r\nretry: 5\r\n")),
        _ALWAYS,
    ),
    Fault(
        "sse-primed-and-cut",
        "an id and a retry time, and the stream ends before the answer",
        DOUBT,
        "coming back for the rest would be a second request",
        streams(_PRIMING),
    ),
    Fault(
        "sse-primed",
        "an empty event with an id before the answer",
        DONE,
        'how a resumable server begins (MCP 2025-11-25, "Transports"); it carries no message',
        streams(_PRIMING, right),
        _ALWAYS,
    ),
    Fault("sse-cut-before-event", "the stream ends before any event", DOUBT, "no answer", streams()),
    Fault("sse-cut-in-event", "the stream ends inside the answer", DOUBT, "no answer", _raw(_half)),
    Fault(
        "sse-reset-in-event",
        "the connection is reset inside the answer",
        DOUBT,
        "no answer",
        streams(_progress, b"data: {", then=resets),
    ),
    Fault(
        "sse-no-last-line",
        "the answer without the empty line that ends it",
        DOUBT,
        "an event that is not ended is none",
        _raw(lambda exchange: event(right(exchange))[:-2]),
    ),
    Fault(
        "sse-reset-after-event",
        "the whole answer, then a reset",
        (*DONE, *DOUBT),
        "complete, unless the reset overtakes it",
        streams(right, then=resets),
        _ALWAYS,
    ),
    Fault(
        "sse-open-after-event",
        "the whole answer, and the stream stays open",
        DONE,
        "the answer ends the call",
        streams(right, then=stays_silent),
        _ALWAYS,
    ),
    Fault(
        "sse-two-answers",
        "the answer, then an error for the same id",
        DONE,
        "the first counts",
        streams(right, rpc_error(-32603)),
        _ALWAYS,
    ),
    Fault(
        "sse-error-then-answer",
        "an error, then a success for the same id",
        DOUBT,
        "the first counts",
        streams(rpc_error(-32603), right),
    ),
    Fault(
        "sse-wrong-id-first",
        "somebody else's answer before ours",
        DOUBT,
        "a stream that carries the answers of others",
        streams(lambda exchange: response(right(exchange), id="somebody-else"), right),
    ),
    Fault(
        "sse-rpc-error",
        "an error as event",
        NOT_DONE,
        "as in JSON",
        streams(rpc_error(-32602)),
        Commits.AGAINST_THE_ASSUMPTION,
        permanent=True,
    ),
    Fault(
        "sse-other-event",
        "the answer in an event of another type",
        DOUBT,
        "not a message",
        _raw(lambda exchange: event(right(exchange)).replace(b"event: message", b"event: done")),
    ),
    Fault("sse-not-json", "an event that is no JSON", DOUBT, "no message", streams(b"data: [DONE]\r\n\r\n", right)),
    Fault(
        "sse-flood",
        "5,000 notifications before the answer",
        DOUBT,
        "more than anybody needs",
        _raw(lambda exchange: event(PROGRESS) * 5_000 + event(right(exchange))),
    ),
    Fault(
        "sse-endless",
        "notifications without end, as fast as can be",
        DOUBT,
        "bounded by count and bytes",
        _endless(event(PROGRESS) * 20, 0.0),
    ),
    Fault(
        "sse-endless-pings",
        "a comment every now and then, without end",
        DOUBT,
        "only a total deadline ends it",
        _endless(b": ping\r\n\r\n", 0.03),
        waits=True,
    ),
    Fault(
        "sse-endless-progress",
        "a notification every now and then, without end",
        DOUBT,
        "progress does not move the deadline",
        _endless(event(PROGRESS), 0.03),
        waits=True,
    ),
    Fault(
        "sse-endless-line", "one line without end", DOUBT, "bounded by bytes", _endless(b"data: " + b"x" * 65_536, 0.0)
    ),
    Fault(
        "sse-silence",
        "a stream that begins and says nothing",
        DOUBT,
        "only the deadline ends it",
        streams(then=stays_silent),
        waits=True,
    ),
    Fault(
        "sse-sampling",
        "a request for sampling before the answer",
        DOUBT,
        "never answered",
        _request_first("sampling/createMessage", messages=[], maxTokens=1),
    ),
    Fault(
        "sse-elicitation",
        "a request for elicitation before the answer",
        DOUBT,
        "never answered",
        _request_first("elicitation/create", message="Sure?"),
    ),
    Fault("sse-roots", "a request for roots before the answer", DOUBT, "never answered", _request_first("roots/list")),
    Fault(
        "sse-ping-request",
        "a ping that wants an answer",
        DOUBT,
        "never answered: it would be a second POST",
        _request_first("ping"),
    ),
    Fault(
        "sse-as-json",
        "an event stream that says it is JSON",
        DOUBT,
        "no JSON",
        streams(right, head=STREAM_HEAD.replace(b"text/event-stream", b"application/json")),
    ),
    Fault(
        "json-as-sse", "JSON that says it is an event stream", DOUBT, "no event", says(content_type="text/event-stream")
    ),
    Fault(
        "sse-gzip",
        "a stream that says it is packed",
        DOUBT,
        "not asked for",
        streams(right, head=STREAM_HEAD.replace(b"no-cache", b"no-cache\r\nContent-Encoding: gzip")),
    ),
    Fault(
        "sse-batch",
        "an event that holds a batch",
        DOUBT,
        "not one message",
        streams(lambda exchange: [right(exchange)]),
    ),
    Fault(
        "sse-data-without-colon",
        "the answer in a line without its field name",
        DOUBT,
        "no data",
        _raw(lambda exchange: as_text(exchange).encode() + b"\r\n\r\n"),
    ),
)
