"""``ToolGateway`` over MCP: one call, one POST, and an honest account of what came back.

It joins the token, the wire and the exchange. It does not retry, does not follow redirects, does not decide what an
answer means, and lets the token go to the configured gateway only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from adapters.mcp import wire
from adapters.mcp.endpoint import checked_client, checked_gateway_url
from adapters.mcp.event_stream import EventStream
from adapters.mcp.exchange import Deadline, Received, post_once
from adapters.mcp.retry_after import retry_after_seconds
from domain.model.canonical_json import canonical_json
from domain.model.redaction import redact
from domain.model.tool_call import GatewayReply, ToolAnswer, ToolCall, TransportFailure, TransportPhase
from ports.clock import Clock
from ports.token_provider import TokenProvider, TokenUnavailable

MAX_RESPONSE_BYTES: Final = 1_048_576
"""Largest answer that is read, in bytes (1 MiB): tools answer with references, and a Lambda function must hold the
answer several times over while it is parsed. AgentCore's own limit is 6 MB ("Quotas")."""

MAX_MESSAGES: Final = 1_000
"""Most messages of a stream that are read before its answer; more is a flood, not progress."""

_HTTP_OK: Final = 200
_HTTP_UNAUTHORIZED: Final = 401
_HTTP_STATUSES_WITH_RPC_ERRORS: Final = frozenset({400, 404})
"""Where MCP 2026-07-28 carries JSON-RPC errors besides 200 ("Transports: Streamable HTTP")."""

_TOKEN_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")
"""RFC 6750, section 2.1 (``b64token``): nothing that could end a header."""


_SHORTEST_SECRET_BYTES: Final = 16
"""A shorter token is no secret, and blotting it out could change what an answer says."""


@dataclass(frozen=True)
class GatewayLimits:
    """What is read of one answer at most."""

    max_response_bytes: int = MAX_RESPONSE_BYTES
    max_messages: int = MAX_MESSAGES


_DEFAULT_LIMITS: Final = GatewayLimits()


class McpToolGateway:
    """The gateway behind ``gateway_url``, called over ``http`` (see ``build_http_client``)."""

    def __init__(
        self,
        http: httpx.Client,
        *,
        gateway_url: str,
        protocol_version: str,
        tokens: TokenProvider,
        clock: Clock,
        limits: GatewayLimits = _DEFAULT_LIMITS,
    ) -> None:
        self._http = http
        self._gateway_url = gateway_url
        self._protocol_version = protocol_version
        self._tokens = tokens
        self._clock = clock
        self._limits = limits

    def send(self, call: ToolCall, *, deadline_seconds: float, scopes: Sequence[str] = ()) -> GatewayReply:
        version = wire.checked_version(self._protocol_version)
        url = checked_gateway_url(self._gateway_url)
        http = checked_client(self._http)
        request = wire.build_request(call, protocol_version=version)
        body = canonical_json(request).encode()
        deadline = Deadline(self._clock, deadline_seconds)
        token = self._token(scopes)
        if isinstance(token, TransportFailure):
            return GatewayReply(outcome=token, request=request)
        reader = _AnswerReader(wire.request_id(call), token, self._limits)
        received = post_once(
            http,
            url,
            headers={
                **wire.request_headers(call, protocol_version=version),
                "Authorization": f"Bearer {token}",
            },
            body=body,
            deadline=deadline,
            max_response_bytes=self._limits.max_response_bytes,
            is_complete=reader.has_answer,
        )
        if received.status == _HTTP_UNAUTHORIZED:
            self._tokens.forget()
        return GatewayReply(
            outcome=self._outcome(received, reader), request=request, response_text=reader.text_of(received)
        )

    def _token(self, scopes: Sequence[str]) -> str | TransportFailure:
        try:
            token = self._tokens.token(scopes)
        except TokenUnavailable as error:
            return TransportFailure(phase=TransportPhase.TOKEN, detail=redact(f"No token: {error}"))
        if not token or not _TOKEN_CHARACTERS.issuperset(token):
            return TransportFailure(phase=TransportPhase.TOKEN, detail="The token is not one that a header may carry.")
        return token

    def _outcome(self, received: Received, reader: "_AnswerReader") -> ToolAnswer | TransportFailure:
        if received.status is not None and received.status != _HTTP_OK:
            return self._http_error(received, received.status, reader)
        if received.interruption is not None:
            return TransportFailure(
                phase=received.interruption.phase,
                detail=redact(f"No complete answer: {received.interruption.reason}."),
                http_status=received.status,
                timed_out=received.interruption.timed_out,
            )
        return reader.answer(received)

    def _http_error(self, received: Received, status: int, reader: "_AnswerReader") -> TransportFailure:
        wait = retry_after_seconds(received.headers.get("retry-after"), now=self._clock.now())
        found = reader.rpc_error(received) if status in _HTTP_STATUSES_WITH_RPC_ERRORS else None
        if found is not None:
            return found.model_copy(update={"http_status": status, "retry_after_seconds": wait})
        return TransportFailure(
            phase=TransportPhase.HTTP_STATUS,
            detail=f"The gateway answered HTTP {status}.",
            http_status=status,
            retry_after_seconds=wait,
        )


class _AnswerReader:
    """Finds the answer to one request in a body, whole or in a stream, with our own token blotted out of it."""

    def __init__(self, expected_id: str, token: str, limits: GatewayLimits) -> None:
        self._expected_id = expected_id
        self._token = token.encode()
        self._limits = limits
        self._stream = EventStream()
        self._streamed_bytes = 0
        self._messages = 0
        self._found: ToolAnswer | TransportFailure | None = None

    def has_answer(self, received: Received) -> bool:
        """Read what is new of a stream; whether its answer is here. The first answer counts, what follows is unread."""
        if received.status != _HTTP_OK or _media_type(received) != "text/event-stream":
            return False
        new = bytes(received.body[self._streamed_bytes :])
        self._streamed_bytes = len(received.body)
        for data in self._stream.feed(new):
            self._messages += 1
            self._found = self._message(data)
            if self._found is not None:
                return True
        return False

    def _message(self, data: bytes) -> ToolAnswer | TransportFailure | None:
        if self._messages > self._limits.max_messages:
            return _malformed(f"more than {self._limits.max_messages} messages came before the answer")
        try:
            return wire.read_message(self._blotted(data), expected_id=self._expected_id)
        except wire.MalformedAnswer as error:
            return _malformed(str(error))

    def answer(self, received: Received) -> ToolAnswer | TransportFailure:
        """What a body that was received without interruption says."""
        if received.headers.get("content-encoding", "identity") != "identity":
            return _malformed("it is compressed, which was not asked for")
        match _media_type(received):
            case "text/event-stream":
                return self._found or TransportFailure(
                    phase=TransportPhase.RESPONSE_BODY,
                    detail="No complete answer: the stream ended without one.",
                    http_status=received.status,
                )
            case "application/json":
                try:
                    return wire.read_answer(self._blotted(bytes(received.body)), expected_id=self._expected_id)
                except wire.MalformedAnswer as error:
                    return _malformed(str(error))
            case _:
                return _malformed("it is neither JSON nor an event stream")

    def rpc_error(self, received: Received) -> TransportFailure | None:
        """The JSON-RPC error in a body of another status, if it is one for our request."""
        if received.interruption is not None:
            return None
        return wire.read_rpc_error(self._blotted(bytes(received.body)), expected_id=self._expected_id)

    def text_of(self, received: Received) -> str:
        """The body as text, for the archive."""
        return self._blotted(bytes(received.body)).decode(errors="replace")

    def _blotted(self, body: bytes) -> bytes:
        return body.replace(self._token, b"[token]") if len(self._token) >= _SHORTEST_SECRET_BYTES else body


def _media_type(received: Received) -> str:
    content_type: str = received.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower()


def _malformed(why: str) -> TransportFailure:
    return TransportFailure(
        phase=TransportPhase.MALFORMED, detail=f"The gateway's answer cannot be used: {why}.", http_status=_HTTP_OK
    )
