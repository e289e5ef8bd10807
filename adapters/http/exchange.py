"""One HTTP request, its deadline, and the proof of how far it got.

This owns the phase discipline: what came back, and where nothing came, how far the request got. The proof is the
transport's own trace (httpx documentation, "Extensions: trace"; httpcore documentation, "Extensions"): until
``send_request_body.started`` no byte of the body was written, and a server cannot act on a call it has not read.
Without such proof the body counts as sent.

It knows nothing of what is said, and it never sends twice.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from domain.model.tool_call import TransportPhase
from ports.clock import Clock

_NEVER_CONNECTED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""httpx raises these before a connection exists ("Exceptions": the request was not sent)."""


CONNECT_SECONDS: Final = 5.0
"""Longest that connecting to one address, and then the TLS handshake, may take, in seconds. A name has several
addresses, which are tried one after the other with this time each (Python documentation,
"socket.create_connection"), and nothing cuts that short: eight, the most that Amazon Route 53 answers with, must fit
into a function, or what proves that nothing was sent would be lost with it. A SYN is sent three times in it (RFC 6298:
after 1 s and 2 s more)."""


class Deadline:
    """A moment on the monotonic clock by which the whole answer must be here."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._at = clock.monotonic_seconds() + seconds

    @property
    def left_seconds(self) -> float:
        """What is left; zero or less when it is over."""
        return self._at - self._clock.monotonic_seconds()


@dataclass(frozen=True)
class Interruption:
    """Why no complete answer came, and how far the POST had got."""

    reason: str
    timed_out: bool
    phase: TransportPhase


@dataclass
class Received:
    """What came back of one POST: all of it, or as much as there was when it was interrupted."""

    status: int | None = None
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytearray = field(default_factory=bytearray)
    interruption: Interruption | None = None


class _TooLateToSend(Exception):
    """The deadline passed while connecting; the body is withheld."""


class _TooLarge(Exception):
    """The answer exceeds its cap."""


class _Progress:
    """Follows one POST: what was sent, and the socket to cut when time is up.

    httpx bounds each read, not their sum, so a peer that drips one byte at a time would never time out. A timer shuts
    the socket down at the deadline instead, which wakes the blocked read.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._reached: TransportPhase | None = None
        self.cut = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note one event of the transport, named ``<connection or protocol>.<operation>.<started|complete|failed>``."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._hold(info["return_value"].get_extra_info("socket"))
        elif event.endswith("send_request_body.started") and (self.cut or self._deadline.left_seconds <= 0):
            raise _TooLateToSend
        self._reached = _REACHED_AT.get(event.partition(".")[2], self._reached)

    def phase_of(self, error: Exception) -> TransportPhase:
        """Return how far the POST got, given the error that ended it before the head of an answer came."""
        match self._reached:
            case None | TransportPhase.CONNECT if isinstance(error, _NEVER_CONNECTED):
                return _phase_of_connecting(error)
            case None:
                return TransportPhase.SENT_SOMETHING
            case reached:
                return reached

    @contextmanager
    def cut_at_deadline(self) -> Iterator[None]:
        """Shut the connection down if the block outlasts the deadline."""
        timer = threading.Timer(max(self._deadline.left_seconds, 0), self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _hold(self, connected: socket.socket | None) -> None:
        with self._lock:
            self._socket = connected
            cut = self.cut
        if cut:
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            self.cut = True
            if self._socket is not None:
                with suppress(OSError):
                    # Not SSLSocket.shutdown, which would take the TLS state away under the blocked read.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_REACHED_AT: Final = {
    "connect_tcp.started": TransportPhase.CONNECT,
    "connect_tcp.complete": TransportPhase.SENT_NOTHING,
    "start_tls.started": TransportPhase.TLS,
    "start_tls.complete": TransportPhase.SENT_NOTHING,
    "send_request_headers.started": TransportPhase.SENT_NOTHING,
    "send_request_body.started": TransportPhase.SENT_SOMETHING,
    "send_request_body.complete": TransportPhase.RESPONSE_HEAD,
}
"""The phase that a POST is in from an event of the transport on. A body that failed half-way stays begun: httpcore
goes on to read an answer then, because a server may refuse a request before it has read all of it."""


def _phase_of_connecting(error: BaseException) -> TransportPhase:
    """Return what failed while connecting: the transport names it only in the errors behind its own."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, socket.gaierror):
            return TransportPhase.RESOLVE
        if isinstance(seen, ssl.SSLError):
            return TransportPhase.TLS
        seen = seen.__cause__ or seen.__context__
    return TransportPhase.CONNECT


def send_once(
    http: httpx.Client,
    url: httpx.URL,
    *,
    method: str = "POST",
    headers: Mapping[str, str],
    body: bytes,
    deadline: Deadline,
    max_response_bytes: int = 0,
    is_complete: Callable[[Received], bool] | None = None,
) -> Received:
    """Send one request and return what came back; raises nothing that the network can cause.

    ``is_complete`` is asked after each chunk, so that a stream may end with its answer instead of with its
    connection. Without it the head alone is read, and the body left.
    """
    received = Received()
    left = deadline.left_seconds
    if left <= 0:
        received.interruption = Interruption(
            "the deadline was over before the request was sent", timed_out=True, phase=TransportPhase.SENT_NOTHING
        )
        return received
    progress = _Progress(deadline)
    try:
        timeout = httpx.Timeout(left, connect=min(left, CONNECT_SECONDS))
        request = http.build_request(
            method, url, headers=dict(headers), content=body, timeout=timeout, extensions={"trace": progress.trace}
        )
        with progress.cut_at_deadline():
            _exchange(http, request, received, deadline, max_response_bytes, is_complete)
    except Exception as error:  # noqa: BLE001  an error after a possible send must come back as data, whatever it is
        received.interruption = _interruption(error, progress, deadline, received)
    return received


def _exchange(
    http: httpx.Client,
    request: httpx.Request,
    received: Received,
    deadline: Deadline,
    max_response_bytes: int,
    is_complete: Callable[[Received], bool] | None,
) -> None:
    response = http.send(request, stream=True, auth=None, follow_redirects=False)
    try:
        if not response.http_version.startswith("HTTP/1."):
            # h11 reads any digit there as if it were 1.
            raise httpx.RemoteProtocolError("an answer of another version of HTTP than is spoken here")
        received.status, received.headers = response.status_code, response.headers
        if is_complete is None or response.headers.get("content-encoding", "identity") != "identity":
            # Compression was never asked for, and unpacking it has no bound.
            return
        for chunk in response.iter_bytes():
            room = max_response_bytes - len(received.body)
            received.body += chunk[:room]
            if len(chunk) > room:
                raise _TooLarge
            if is_complete(received):
                return
            if deadline.left_seconds <= 0:
                raise httpx.ReadTimeout("the deadline passed while the answer was read")
    finally:
        response.close()


def _interruption(error: Exception, progress: _Progress, deadline: Deadline, received: Received) -> Interruption:
    timed_out = isinstance(error, httpx.TimeoutException | _TooLateToSend) or progress.cut or deadline.left_seconds <= 0
    if isinstance(error, _TooLarge):
        return Interruption("the answer is larger than is read", timed_out=False, phase=TransportPhase.RESPONSE_BODY)
    if isinstance(error, _TooLateToSend):
        return Interruption("the deadline passed while connecting", timed_out=True, phase=TransportPhase.SENT_NOTHING)
    phase = TransportPhase.RESPONSE_BODY if received.status is not None else progress.phase_of(error)
    where = _WHERE[phase]
    # Only the kind of error: its text may quote what was sent.
    reason = f"the deadline passed {where}" if timed_out else f"{type(error).__name__} {where}"
    return Interruption(reason, timed_out=timed_out, phase=phase)


_WHERE: Final = {
    TransportPhase.RESOLVE: "while the name was resolved",
    TransportPhase.CONNECT: "while connecting",
    TransportPhase.TLS: "in the TLS handshake",
    TransportPhase.SENT_NOTHING: "before the request was sent",
    TransportPhase.SENT_SOMETHING: "while the request was sent",
    TransportPhase.RESPONSE_HEAD: "while the answer was awaited",
    TransportPhase.RESPONSE_BODY: "while the answer was read",
}
