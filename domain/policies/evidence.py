"""Evidence of failures: what each way to get no answer proves, as one table.

``domain.policies.classification`` reads its verdicts here and ``docs/reference/mcp.md`` is printed from here, so that
there is one place to check against a real account. The rows are assumptions about the gateway (Amazon Bedrock
AgentCore Gateway answers these before it calls a target); whatever no row proves undone is in doubt.
"""

from dataclasses import dataclass
from typing import Final

from domain.model.errors import ErrorCode
from domain.model.tool_call import TransportFailure, TransportPhase


@dataclass(frozen=True)
class Row:
    """One case: which failures it takes, and what they prove."""

    case: str
    phase: TransportPhase
    not_done: bool
    """Whether it proves that the tool was not called; otherwise the call is in doubt."""
    error_code: ErrorCode
    reason: str
    source: str
    http_statuses: frozenset[int] = frozenset()
    """Empty for every status, and for none."""
    rpc_codes: frozenset[int] = frozenset()
    """Empty for every code, and for none."""
    code_if_late: ErrorCode | None = None
    """The code where time ran out, if it is another."""
    transient: bool = False
    """Only where it was not done: whether the same call may succeed later."""
    token_refused: bool = False

    def takes(self, failure: TransportFailure) -> bool:
        """Whether the failure is of this case."""
        return (
            failure.phase is self.phase
            and (not self.http_statuses or failure.http_status in self.http_statuses)
            and (not self.rpc_codes or failure.rpc_code in self.rpc_codes)
        )

    def code_of(self, failure: TransportFailure) -> ErrorCode:
        """Return the error code of a failure of this case."""
        return self.code_if_late if failure.timed_out and self.code_if_late else self.error_code


_FAILURE_MODEL: Final = "docs/traceability.md, F9 to F17"
_JSON_RPC: Final = "JSON-RPC 2.0, section 5.1"
_MCP: Final = "MCP 2026-07-28, Transports: Streamable HTTP; measured with mcp 2.3.0"
_MCP_SESSIONS: Final = "MCP 2025-11-25, Lifecycle and Transports: Session Management"
_RFC_9110: Final = "RFC 9110, section 15"
_RFC_6750: Final = "RFC 6750, section 3.1"
_RFC_6585: Final = "RFC 6585, section 4"
_TRACE: Final = "httpcore, Extensions: trace"


def _unsent(phase: TransportPhase, case: str, reason: str, source: str) -> Row:
    return Row(
        case=case,
        phase=phase,
        not_done=True,
        error_code=ErrorCode.DOWNSTREAM_ERROR,
        code_if_late=ErrorCode.TIMEOUT,
        transient=True,
        reason=reason,
        source=source,
    )


def _lost(phase: TransportPhase, case: str, reason: str) -> Row:
    return Row(
        case=case,
        phase=phase,
        not_done=False,
        error_code=ErrorCode.DOWNSTREAM_ERROR,
        code_if_late=ErrorCode.TIMEOUT,
        reason=reason,
        source=_FAILURE_MODEL,
    )


def _refused_by_gateway(code: int, case: str, source: str) -> Row:
    return Row(
        case=case,
        phase=TransportPhase.RPC_ERROR,
        rpc_codes=frozenset({code}),
        not_done=True,
        error_code=ErrorCode.VALIDATION_ERROR,
        reason="the gateway refuses the request before it calls a tool, and would refuse it again",
        source=source,
    )


TABLE: Final = (
    _unsent(TransportPhase.TOKEN, "no access token", "the gateway was not called", _FAILURE_MODEL),
    _unsent(TransportPhase.SESSION, "the handshake failed", "the call is sent only after it", _MCP_SESSIONS),
    _unsent(TransportPhase.RESOLVE, "the name is not resolved", "there is no address to send to", _TRACE),
    _unsent(TransportPhase.CONNECT, "refused, or no connection in time", "there is no connection", _TRACE),
    _unsent(TransportPhase.TLS, "the TLS handshake failed", "nothing is sent before TLS stands", _TRACE),
    _unsent(
        TransportPhase.SENT_NOTHING,
        "the connection ended, or time was over, before the body",
        "a server cannot carry out a call that it has not read",
        _TRACE,
    ),
    _lost(
        TransportPhase.SENT_SOMETHING,
        "the connection ended while the body was sent",
        "the whole body may have arrived",
    ),
    _lost(
        TransportPhase.RESPONSE_HEAD,
        "no head of an answer: silence, reset, close, no HTTP",
        "the tool may have run, and the answer been lost",
    ),
    _lost(
        TransportPhase.RESPONSE_BODY,
        "the answer is cut off, too large, or a stream that ends without one",
        "the part that is missing could have said anything",
    ),
    Row(
        case="HTTP 401",
        phase=TransportPhase.HTTP_STATUS,
        http_statuses=frozenset({401}),
        not_done=True,
        error_code=ErrorCode.AUTH_FAILED,
        transient=True,
        token_refused=True,
        reason="the token is checked before a tool is called; a new one may be accepted",
        source=_RFC_6750,
    ),
    Row(
        case="HTTP 403",
        phase=TransportPhase.HTTP_STATUS,
        http_statuses=frozenset({403}),
        not_done=True,
        error_code=ErrorCode.AUTH_FAILED,
        reason="the scopes are checked before a tool is called; the same token is refused again",
        source=_RFC_6750,
    ),
    Row(
        case="HTTP 429",
        phase=TransportPhase.HTTP_STATUS,
        http_statuses=frozenset({429}),
        not_done=True,
        error_code=ErrorCode.RATE_LIMIT,
        transient=True,
        reason="the gateway turns the call away before it calls a tool",
        source=_RFC_6585,
    ),
    Row(
        case="HTTP 408, 504",
        phase=TransportPhase.HTTP_STATUS,
        http_statuses=frozenset({408, 504}),
        not_done=False,
        error_code=ErrorCode.TIMEOUT,
        reason="somebody behind the gateway took too long, and may have acted",
        source=_RFC_9110,
    ),
    Row(
        case="any other HTTP status but 200 (redirects are not followed)",
        phase=TransportPhase.HTTP_STATUS,
        not_done=False,
        error_code=ErrorCode.DOWNSTREAM_ERROR,
        reason="a status says nothing about what was done before it",
        source=_RFC_9110,
    ),
    _refused_by_gateway(-32700, "JSON-RPC -32700, parse error", _JSON_RPC),
    _refused_by_gateway(-32600, "JSON-RPC -32600, invalid request", _JSON_RPC),
    _refused_by_gateway(-32601, "JSON-RPC -32601, method not found", _JSON_RPC),
    _refused_by_gateway(-32602, "JSON-RPC -32602, invalid params or unknown tool", _JSON_RPC),
    _refused_by_gateway(-32020, "JSON-RPC -32020, headers and body disagree", _MCP),
    _refused_by_gateway(-32022, "JSON-RPC -32022, unsupported protocol version", _MCP),
    Row(
        case="any other JSON-RPC error, and one that follows progress of the call",
        phase=TransportPhase.RPC_ERROR,
        not_done=False,
        error_code=ErrorCode.DOWNSTREAM_ERROR,
        reason="an internal error may follow the tool's own work",
        source=_JSON_RPC,
    ),
    Row(
        case="an answer that is no well-formed response to our request",
        phase=TransportPhase.MALFORMED,
        not_done=False,
        error_code=ErrorCode.MALFORMED_RESPONSE,
        reason="what cannot be read proves nothing",
        source=_FAILURE_MODEL,
    ),
)
"""Read from the top: the first row that takes a failure speaks for it."""

NOT_EXECUTED_RPC_CODES: Final = frozenset[int]().union(*(row.rpc_codes for row in TABLE if row.not_done))
"""The JSON-RPC errors that precede any tool call."""


def row_of(failure: TransportFailure) -> Row:
    """Return the row that speaks for a failure; every phase ends in a row that takes all of it."""
    return next(row for row in TABLE if row.takes(failure))
