"""One call of a tool, and everything that can come back, in the domain's words.

The gateway port speaks these types: a call goes out, and either the tool's answer or a transport failure with the
phase it happened in comes back. What an answer *means* is decided by ``domain.policies.classification`` alone.
"""

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue

from domain.model.canonical_json import JsonObject
from domain.model.identifiers import IntentRef, Sha256Hex
from domain.model.tool_mapping import RESERVED_ARGUMENT, ToolName


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CallPurpose(StrEnum):
    """Why a tool is called; it decides what the answer may be used for."""

    INVOKE = "INVOKE"
    VERIFY = "VERIFY"
    COMPENSATE = "COMPENSATE"


def execution_context_of(ref: IntentRef, idempotency_key: str) -> dict[str, JsonValue]:
    """Return the reserved namespace of a call: who acts, for which intent, under which key."""
    return {
        "idempotency_key": idempotency_key,
        "action_intent_id": ref.action_intent_id,
        "tenant_id": ref.tenant_id,
        "account_id": ref.account_id,
    }


class ToolCall(_Frozen):
    """Exactly one ``tools/call``: the same for every send but its ``tool_run_ref``."""

    purpose: CallPurpose
    ref: IntentRef
    tool_name: ToolName
    arguments: JsonObject
    idempotency_key: Sha256Hex
    tool_run_ref: str
    trace_id: str
    passes_execution_context: bool = True

    @property
    def execution_context(self) -> dict[str, JsonValue]:
        """The reserved namespace of this call."""
        return execution_context_of(self.ref, self.idempotency_key)

    @property
    def wire_arguments(self) -> dict[str, JsonValue]:
        """The arguments as they are sent, the reserved namespace included where the tool's schema declares it."""
        if not self.passes_execution_context:
            return dict(self.arguments)
        return {**self.arguments, RESERVED_ARGUMENT: self.execution_context}


class TransportPhase(StrEnum):
    """How far a call got before it failed; it decides what the failure proves."""

    TOKEN = "TOKEN"  # noqa: S105  a phase, not a secret
    """No token could be had; nothing was sent to the gateway."""
    SESSION = "SESSION"
    """The handshake that a call needs first did not come about; the call itself was not sent."""
    RESOLVE = "RESOLVE"
    """The gateway's name could not be resolved."""
    CONNECT = "CONNECT"
    """No TCP connection came about."""
    TLS = "TLS"
    """The TLS handshake failed, so that not even a header was sent."""
    SENT_NOTHING = "SENT_NOTHING"
    """No byte of the body left: the headers failed, or the time was over before the body was begun."""
    SENT_SOMETHING = "SENT_SOMETHING"
    """The body was begun and may have left in part or whole; no answer began."""
    RESPONSE_HEAD = "RESPONSE_HEAD"
    """The body was sent whole, and the head of an answer never came, or not whole."""
    RESPONSE_BODY = "RESPONSE_BODY"
    """The head of an answer came, and its body is cut off, too large or without an answer."""
    HTTP_STATUS = "HTTP_STATUS"
    """The gateway answered with an HTTP status other than 200."""
    RPC_ERROR = "RPC_ERROR"
    """The gateway answered with a JSON-RPC error."""
    MALFORMED = "MALFORMED"
    """An answer came back that is not a well-formed JSON-RPC response to our request."""


NEVER_SENT: Final = frozenset(
    {
        TransportPhase.TOKEN,
        TransportPhase.SESSION,
        TransportPhase.RESOLVE,
        TransportPhase.CONNECT,
        TransportPhase.TLS,
        TransportPhase.SENT_NOTHING,
    }
)
"""The phases in which no byte of the call's body has left, so that no tool can have heard of it."""


class TransportFailure(_Frozen):
    """No answer of the tool, and how far the call got."""

    phase: TransportPhase
    detail: str
    http_status: int | None = None
    rpc_code: int | None = None
    retry_after_seconds: int | None = None
    timed_out: bool = False


class ToolAnswer(_Frozen):
    """A well-formed ``tools/call`` result, as data: nothing in it is believed before it is classified."""

    is_error: bool
    structured: dict[str, JsonValue] | None = None
    texts: tuple[str, ...] = ()


class GatewayReply(_Frozen):
    """What came back from one send, with the exchange as it may be archived (no headers, no token)."""

    outcome: ToolAnswer | TransportFailure
    request: dict[str, JsonValue]
    response_text: str = ""
    """The body as received, capped by the gateway adapter; empty when none came."""
