"""The proof of how far a POST got, from the transport's own trace."""

import socket
import ssl
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from adapters.http.exchange import CONNECT_SECONDS
from domain.model.tool_call import NEVER_SENT, TransportPhase
from domain.model.tool_mapping import LONGEST_CALL_SECONDS
from ports.steps.contract import SETTLING_MARGIN_SECONDS
from tests.adapters.mcp.stand_in import Handler, Harness, failing, replying

CONNECT, CONNECTED = "connection.connect_tcp.started", "connection.connect_tcp.complete"
TLS, SECURED = "connection.start_tls.started", "connection.start_tls.complete"
HEADERS, BODY = "http11.send_request_headers.started", "http11.send_request_body.started"
BODY_FAILED, BODY_SENT = "http11.send_request_body.failed", "http11.send_request_body.complete"
AWAITED = "http11.receive_response_headers.started"


class _Stream:
    def get_extra_info(self, _: str) -> None:
        """There is no socket."""


def tracing(*events: str, then: Exception, meanwhile: Callable[[], None] = lambda: None) -> Handler:
    """Report these events as the real transport does, then fail."""

    def handle(request: httpx.Request) -> httpx.Response:
        meanwhile()
        for event in events:
            info: dict[str, Any] = {"return_value": _Stream()} if event in {CONNECTED, SECURED} else {}
            request.extensions["trace"](event, info)
        raise then

    return handle


def because(error: Exception, cause: BaseException) -> Exception:
    """The transport's error, with the one that it wraps."""
    error.__cause__ = cause
    return error


REFUSED = httpx.ConnectError("refused")
HOW_FAR: dict[str, tuple[tuple[str, ...], Exception, TransportPhase]] = {
    "no such name": ((CONNECT,), because(httpx.ConnectError(""), socket.gaierror(-2)), TransportPhase.RESOLVE),
    "refused": ((CONNECT,), because(REFUSED, ConnectionRefusedError()), TransportPhase.CONNECT),
    "no connection in time": ((CONNECT,), httpx.ConnectTimeout("late"), TransportPhase.CONNECT),
    "certificate": ((CONNECT, CONNECTED, TLS), because(httpx.ConnectError(""), ssl.SSLError()), TransportPhase.TLS),
    "reset in the handshake": ((CONNECT, CONNECTED, TLS), httpx.ConnectError("reset"), TransportPhase.TLS),
    "handshake too slow": ((CONNECT, CONNECTED, TLS), httpx.ConnectTimeout("late"), TransportPhase.TLS),
    "connected": ((CONNECT, CONNECTED), httpx.WriteError("reset"), TransportPhase.SENT_NOTHING),
    "secured": ((CONNECT, CONNECTED, TLS, SECURED), httpx.WriteError("reset"), TransportPhase.SENT_NOTHING),
    "headers begun": ((CONNECT, CONNECTED, HEADERS), httpx.WriteError("reset"), TransportPhase.SENT_NOTHING),
    "headers failed, answer awaited": ((HEADERS, AWAITED), httpx.ReadError("reset"), TransportPhase.SENT_NOTHING),
    "body begun": ((HEADERS, BODY), httpx.WriteError("reset"), TransportPhase.SENT_SOMETHING),
    "body failed, answer awaited": (
        (HEADERS, BODY, BODY_FAILED, AWAITED),
        httpx.ReadError("reset"),
        TransportPhase.SENT_SOMETHING,
    ),
    "body sent": ((HEADERS, BODY, BODY_SENT), httpx.ReadError("reset"), TransportPhase.RESPONSE_HEAD),
    "answer awaited": ((HEADERS, BODY, BODY_SENT, AWAITED), httpx.ReadTimeout("late"), TransportPhase.RESPONSE_HEAD),
}


@pytest.mark.parametrize("events, error, phase", HOW_FAR.values(), ids=HOW_FAR.keys())
def test_the_phase_is_where_the_transport_was_when_it_failed(
    events: tuple[str, ...], error: Exception, phase: TransportPhase
) -> None:
    """Each event that the transport reports is one step on the way, and the errors behind its own name the rest."""
    failure = Harness(tracing(*events, then=error)).failure()
    assert (failure.phase, failure.timed_out) == (phase, isinstance(error, httpx.TimeoutException))


@pytest.mark.parametrize("error", [httpx.WriteError("reset"), httpx.ReadError("reset"), httpx.LocalProtocolError("no")])
def test_headers_without_a_body_are_no_call(error: httpx.TransportError) -> None:
    """The transport began the headers and never the body, so the gateway cannot have read the call."""
    assert Harness(tracing(HEADERS, then=error)).failure().phase is TransportPhase.SENT_NOTHING


@pytest.mark.parametrize("body", [BODY, "http2.send_request_body.started"])
@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.WriteError("reset"), httpx.ReadError("reset")])
def test_once_the_body_is_begun_no_error_proves_anything(error: httpx.TransportError, body: str) -> None:
    """Not even one that sounds as if there had been no connection."""
    assert Harness(tracing(HEADERS, body, then=error)).failure().phase not in NEVER_SENT


@pytest.mark.parametrize(
    "cause, phase",
    [
        (socket.gaierror(-2), TransportPhase.RESOLVE),
        (ssl.SSLCertVerificationError(), TransportPhase.TLS),
        (ConnectionRefusedError(), TransportPhase.CONNECT),
    ],
)
def test_a_transport_without_a_trace_is_judged_by_the_errors_behind_its_own(
    cause: Exception, phase: TransportPhase
) -> None:
    """Only an error that httpx raises before a connection exists is read so; the message says what to check."""
    failure = Harness(failing(because(httpx.ConnectError("no"), cause))).failure()
    assert failure.phase is phase
    assert "Check" in failure.detail


def test_a_body_is_withheld_when_connecting_took_all_the_time() -> None:
    """Sending a call that nobody will wait for could only create doubt."""
    harness = Harness()
    slow = tracing(HEADERS, BODY, then=AssertionError("the body was sent"), meanwhile=lambda: harness.clock.advance(30))
    harness = Harness(slow)
    failure = harness.failure(deadline_seconds=20)
    assert (failure.phase, failure.timed_out) == (TransportPhase.SENT_NOTHING, True)


@pytest.mark.parametrize("left, connect", [(7, CONNECT_SECONDS), (3, 3)])
def test_the_transport_is_given_what_is_left_of_the_deadline(left: float, connect: float) -> None:
    """Writing and reading may each take the rest; connecting less, for it is tried anew for each address of a name."""
    harness = Harness(replying(b""))
    harness.outcome(deadline_seconds=left)
    assert harness.requests[0].extensions["timeout"] == {"connect": connect, "read": left, "write": left, "pool": left}


def test_every_address_of_a_name_may_be_silent_before_a_function_must_end() -> None:
    """Else the function dies while connecting, and nobody learns that the call was never sent."""
    assert 8 * CONNECT_SECONDS + CONNECT_SECONDS <= LONGEST_CALL_SECONDS - SETTLING_MARGIN_SECONDS
