"""Finds the answer to one request in a body, whole or in a stream, with our own token blotted out of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from pydantic import JsonValue

from adapters.http.exchange import Received
from adapters.mcp.event_stream import EventStream
from adapters.mcp.messages import MalformedAnswer, read_message, read_response, read_rpc_error
from domain.model.tool_call import TransportFailure, TransportPhase

MAX_RESPONSE_BYTES: Final = 1_048_576
"""Largest answer that is read, in bytes (1 MiB): tools answer with references, and a Lambda function must hold the
answer several times over while it is parsed. AgentCore's own limit is 6 MB ("Quotas")."""

MAX_MESSAGES: Final = 1_000
"""Most messages of a stream that are read before its answer; more is a flood, not progress."""

HTTP_OK: Final = 200

_SHORTEST_SECRET_BYTES: Final = 16
"""A shorter token is no secret, and blotting it out could change what an answer says."""

T = TypeVar("T")


@dataclass(frozen=True)
class GatewayLimits:
    """What is read of one answer at most."""

    max_response_bytes: int = MAX_RESPONSE_BYTES
    max_messages: int = MAX_MESSAGES


DEFAULT_LIMITS: Final = GatewayLimits()


class AnswerReader(Generic[T]):
    """Reads one exchange; ``parse`` reads the result of a well-formed response."""

    def __init__(
        self, expected_id: str, *, parse: Callable[[JsonValue], T], token: str, limits: GatewayLimits = DEFAULT_LIMITS
    ) -> None:
        self._expected_id = expected_id
        self._parse = parse
        self._token = token.encode()
        self._limits = limits
        self._stream = EventStream()
        self._streamed_bytes = 0
        self._messages = 0
        self._found: T | TransportFailure | None = None

    def has_answer(self, received: Received) -> bool:
        """Read what is new of a stream; whether its answer is here. The first answer counts, what follows is unread."""
        if received.status != HTTP_OK or _media_type(received) != "text/event-stream":
            return False
        new = bytes(received.body[self._streamed_bytes :])
        self._streamed_bytes = len(received.body)
        for data in self._stream.feed(new):
            self._messages += 1
            self._found = self._message(data)
            if self._found is not None:
                return True
        return False

    def _message(self, data: bytes) -> T | TransportFailure | None:
        if self._messages > self._limits.max_messages:
            return _malformed(f"more than {self._limits.max_messages} messages came before the answer")
        try:
            found = read_message(self._blotted(data), expected_id=self._expected_id, parse=self._parse)
        except MalformedAnswer as error:
            return _malformed(str(error))
        return _late(found) if isinstance(found, TransportFailure) and self._messages > 1 else found

    def answer(self, received: Received) -> T | TransportFailure:
        """What a body that was received without interruption says."""
        if received.headers.get("content-encoding", "identity") != "identity":
            return _malformed("it is compressed, which was not asked for")
        match _media_type(received):
            case "text/event-stream":
                if self._found is not None:
                    return self._found
                return TransportFailure(
                    phase=TransportPhase.RESPONSE_BODY,
                    detail="No complete answer: the stream ended without one.",
                    http_status=received.status,
                )
            case "application/json":
                body = self._blotted(bytes(received.body))
                try:
                    return read_response(body, expected_id=self._expected_id, parse=self._parse)
                except MalformedAnswer as error:
                    return _malformed(str(error))
            case _:
                return _malformed("it is neither JSON nor an event stream")

    def rpc_error(self, received: Received) -> TransportFailure | None:
        """The JSON-RPC error in a body of another status, if it is one for our request."""
        if received.interruption is not None:
            return None
        return read_rpc_error(self._blotted(bytes(received.body)), expected_id=self._expected_id)

    def text_of(self, received: Received) -> str:
        """The body as text, for the archive."""
        return self._blotted(bytes(received.body)).decode(errors="replace")

    def _blotted(self, body: bytes) -> bytes:
        return body.replace(self._token, b"[token]") if len(self._token) >= _SHORTEST_SECRET_BYTES else body


def _late(error: TransportFailure) -> TransportFailure:
    """Return an error that followed other messages without its code: a refusal comes before all work, and is alone."""
    said = f"{error.detail} It followed other messages about this request, so that work had begun."
    return error.model_copy(update={"rpc_code": None, "detail": said})


def _media_type(received: Received) -> str:
    content_type: str = received.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower()


def _malformed(why: str) -> TransportFailure:
    return TransportFailure(
        phase=TransportPhase.MALFORMED, detail=f"The gateway's answer cannot be used: {why}.", http_status=HTTP_OK
    )
