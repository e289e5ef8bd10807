"""The proof of how far a POST got, from the transport's own trace."""

from collections.abc import Callable

import httpx
import pytest

from domain.model.tool_call import TransportPhase
from tests.adapters.mcp.stand_in import Handler, Harness, replying

HEADERS, BODY = "http11.send_request_headers.started", "http11.send_request_body.started"


def tracing(*events: str, then: Exception, meanwhile: Callable[[], None] = lambda: None) -> Handler:
    """Report these events as the real transport does, then fail."""

    def handle(request: httpx.Request) -> httpx.Response:
        meanwhile()
        for event in events:
            request.extensions["trace"](event, {})
        raise then

    return handle


@pytest.mark.parametrize("error", [httpx.WriteError("reset"), httpx.ReadError("reset"), httpx.LocalProtocolError("no")])
def test_headers_without_a_body_are_no_call(error: httpx.TransportError) -> None:
    """The transport began the headers and never the body, so the gateway cannot have read the call."""
    assert Harness(tracing(HEADERS, then=error)).failure().phase is TransportPhase.CONNECT


@pytest.mark.parametrize("body", [BODY, "http2.send_request_body.started"])
@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.WriteError("reset"), httpx.ReadError("reset")])
def test_once_the_body_is_begun_no_error_proves_anything(error: httpx.TransportError, body: str) -> None:
    """Not even one that sounds as if there had been no connection."""
    assert Harness(tracing(HEADERS, body, then=error)).failure().phase is TransportPhase.SENT


def test_a_body_is_withheld_when_connecting_took_all_the_time() -> None:
    """Sending a call that nobody will wait for could only create doubt."""
    harness = Harness()
    slow = tracing(HEADERS, BODY, then=AssertionError("the body was sent"), meanwhile=lambda: harness.clock.advance(30))
    harness = Harness(slow)
    failure = harness.failure(deadline_seconds=20)
    assert (failure.phase, failure.timed_out) == (TransportPhase.CONNECT, True)


def test_the_transport_is_given_what_is_left_of_the_deadline() -> None:
    """Connecting, writing and reading may each take the rest and no more."""
    harness = Harness(replying(b""))
    harness.outcome(deadline_seconds=7)
    assert set(harness.requests[0].extensions["timeout"].values()) == {7}
