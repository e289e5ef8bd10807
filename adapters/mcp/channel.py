"""One gateway and one way to ask it: a request, one POST with a token, and the answer or how it failed.

Shared by the tool gateway and the tool catalogue, so that both are equally strict. It does not retry, does not follow
redirects, does not decide what an answer means, and lets the token go to the configured gateway only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import httpx
from pydantic import JsonValue

from adapters.http.exchange import Deadline, Received, send_once
from adapters.mcp import wire
from adapters.mcp.answer_reader import DEFAULT_LIMITS, HTTP_OK, AnswerReader, GatewayLimits
from adapters.mcp.endpoint import checked_client, checked_gateway_url
from adapters.mcp.http_errors import describe_status
from adapters.mcp.retry_after import retry_after_seconds
from domain.model.canonical_json import canonical_json
from domain.model.redaction import redact
from domain.model.tool_call import TransportFailure, TransportPhase
from ports.clock import Clock
from ports.token_provider import TokenProvider, TokenUnavailable

_HTTP_UNAUTHORIZED: Final = 401
_HTTP_STATUSES_WITH_RPC_ERRORS: Final = frozenset({400, 404})
"""Where MCP carries JSON-RPC errors besides 200 (2026-07-28, "Transports: Streamable HTTP"; measured)."""

_TOKEN_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")
"""RFC 6750, section 2.1 (``b64token``): nothing that could end a header."""

_HINTS: Final = {
    TransportPhase.RESOLVE: " Check the host of the gateway URL.",
    TransportPhase.CONNECT: " Check the gateway URL, and that this function may reach it.",
    TransportPhase.TLS: " Check that the gateway speaks TLS at its URL, and the CA bundle.",
}

T = TypeVar("T")


@dataclass(frozen=True)
class Asked(Generic[T]):
    """What came of one request."""

    outcome: T | TransportFailure
    response_text: str = ""
    status: int | None = None
    headers: httpx.Headers = field(default_factory=httpx.Headers)


@dataclass(frozen=True)
class Channel:
    """The gateway behind ``gateway_url``, spoken to in one protocol version over ``http``."""

    http: httpx.Client
    gateway_url: str
    protocol_version: str
    tokens: TokenProvider
    clock: Clock
    limits: GatewayLimits = DEFAULT_LIMITS

    def open(self, *, scopes: Sequence[str], deadline_seconds: float) -> "Line | TransportFailure":
        """Return a line with a token; raises ``ConfigurationError`` where the gateway may not be asked at all."""
        version = wire.checked_version(self.protocol_version)
        url = checked_gateway_url(self.gateway_url)
        checked_client(self.http)
        deadline = Deadline(self.clock, deadline_seconds)
        try:
            token = self.tokens.token(scopes)
        except TokenUnavailable as error:
            return TransportFailure(phase=TransportPhase.TOKEN, detail=redact(f"No token: {error}"))
        if not token or not _TOKEN_CHARACTERS.issuperset(token):
            return TransportFailure(phase=TransportPhase.TOKEN, detail="The token is not one that a header may carry.")
        return Line(self, url, version, deadline, token)


@dataclass(frozen=True)
class Line:
    """Requests under one token and one deadline."""

    channel: Channel
    url: httpx.URL
    version: str
    deadline: Deadline
    token: str = field(repr=False)

    def ask(
        self,
        request: Mapping[str, JsonValue],
        *,
        parse: Callable[[JsonValue], T],
        tool_name: str | None = None,
        session_id: str | None = None,
    ) -> Asked[T]:
        """Send one request in one POST and read its answer."""
        reader = AnswerReader(str(request["id"]), parse=parse, token=self.token, limits=self.channel.limits)
        received = self._post(
            request,
            tool_name=tool_name,
            session_id=session_id,
            max_response_bytes=self.channel.limits.max_response_bytes,
            is_complete=reader.has_answer,
        )
        outcome: T | TransportFailure = self._outcome(received, reader)
        return Asked(outcome, reader.text_of(received), received.status, received.headers)

    def notify(self, notification: Mapping[str, JsonValue], *, session_id: str | None) -> TransportFailure | None:
        """Send one notification in one POST; returns how it failed, or ``None`` if it was taken."""
        received = self._post(notification, session_id=session_id)
        if received.status is not None:
            return None if httpx.codes.is_success(received.status) else self._status(received, received.status)
        return _interrupted(received)

    def end_session(self, session_id: str, *, seconds: float) -> None:
        """Ask the server to forget the session, within ``seconds``; whether it does is its own affair."""
        headers = wire.session_headers(session_id, protocol_version=self.version)
        send_once(
            self.channel.http,
            self.url,
            method="DELETE",
            headers={**headers, "Authorization": f"Bearer {self.token}"},
            body=b"",
            deadline=Deadline(self.channel.clock, min(seconds, self.deadline.left_seconds)),
        )

    def _post(
        self,
        message: Mapping[str, JsonValue],
        *,
        session_id: str | None,
        tool_name: str | None = None,
        max_response_bytes: int = 0,
        is_complete: Callable[[Received], bool] | None = None,
    ) -> Received:
        headers = wire.request_headers(
            str(message["method"]), protocol_version=self.version, tool_name=tool_name, session_id=session_id
        )
        received = send_once(
            self.channel.http,
            self.url,
            headers={**headers, "Authorization": f"Bearer {self.token}"},
            body=canonical_json(message).encode(),
            deadline=self.deadline,
            max_response_bytes=max_response_bytes,
            is_complete=is_complete,
        )
        if received.status == _HTTP_UNAUTHORIZED:
            self.channel.tokens.forget()
        return received

    def _outcome(self, received: Received, reader: AnswerReader[T]) -> T | TransportFailure:
        if received.status is not None and received.status != HTTP_OK:
            return self._http_error(received, received.status, reader)
        return _interrupted(received) or reader.answer(received)

    def _http_error(self, received: Received, status: int, reader: AnswerReader[T]) -> TransportFailure:
        failure = self._status(received, status)
        found = reader.rpc_error(received) if status in _HTTP_STATUSES_WITH_RPC_ERRORS else None
        if found is None:
            return failure
        return found.model_copy(update={"http_status": status, "retry_after_seconds": failure.retry_after_seconds})

    def _status(self, received: Received, status: int) -> TransportFailure:
        return TransportFailure(
            phase=TransportPhase.HTTP_STATUS,
            detail=describe_status(status, received.headers),
            http_status=status,
            retry_after_seconds=retry_after_seconds(received.headers.get("retry-after"), now=self.channel.clock.now()),
        )


def _interrupted(received: Received) -> TransportFailure | None:
    if received.interruption is None:
        return None
    return TransportFailure(
        phase=received.interruption.phase,
        detail=redact(
            f"No complete answer: {received.interruption.reason}.{_HINTS.get(received.interruption.phase, '')}"
        ),
        http_status=received.status,
        timed_out=received.interruption.timed_out,
    )
