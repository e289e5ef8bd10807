"""Every wire fault by its name, and the phase in which the client must find itself.

What a phase proves stands in the product (``domain.policies.evidence``) and what a fault proves in the fault's own
row; that the two agree is what the proof plays.
"""

from typing import Final

from domain.model.tool_call import TransportPhase as Phase
from domain.policies.classification import Evidence
from tests.support.fault_server.fault import Fault
from tests.support.fault_server.faults_answer import ANSWER_FAULTS
from tests.support.fault_server.faults_body import BODY_FAULTS
from tests.support.fault_server.faults_connection import CONNECTION_FAULTS
from tests.support.fault_server.faults_contract import CONTRACT_FAULTS
from tests.support.fault_server.faults_head import HEAD_FAULTS
from tests.support.fault_server.faults_status import STATUS_FAULTS
from tests.support.fault_server.faults_stream import STREAM_FAULTS

FAULTS: Final[dict[str, Fault]] = {
    fault.name: fault
    for fault in (
        *CONNECTION_FAULTS,
        *STATUS_FAULTS,
        *HEAD_FAULTS,
        *BODY_FAULTS,
        *ANSWER_FAULTS,
        *CONTRACT_FAULTS,
        *STREAM_FAULTS,
    )
}

ANSWER: Final = "ANSWER"
"""No failure of the transport: the tool's contract decides."""
_LEFT_OR_NOT: Final = (Phase.CONNECT, Phase.SENT_NOTHING, Phase.SENT_SOMETHING, Phase.RESPONSE_HEAD)
_CUT_SHORT: Final = (Phase.RESPONSE_HEAD, Phase.RESPONSE_BODY)
"""A reset may overtake what was sent before it (RFC 9293, section 3.10.7.4)."""

_PHASES: Final[dict[tuple[str, ...], str]] = {
    (Phase.CONNECT,): "refuse",
    (
        Phase.TLS,
    ): "tls-abort-before-handshake tls-hangs-in-handshake tls-plain-answer tls-wrong-authority tls-wrong-name",
    _LEFT_OR_NOT: "reset-on-accept close-on-accept reset-after-head close-after-head tls-reset-after-head",
    (*_LEFT_OR_NOT, Phase.HTTP_STATUS): "refuse-after-head",
    (
        Phase.RESPONSE_HEAD,
    ): "silence-on-accept reset-after-body close-after-body silence drip-head status-line-only not-http http-0.9 "
    "http-2-frames tls-reset-after-body tls-silence switching-protocols endless-continue two-content-lengths "
    "negative-content-length transfer-gzip headers-10k header-1mb header-nul header-injection",
    (
        Phase.RESPONSE_BODY,
    ): "drip-body short-body chunked-broken chunked-unfinished chunked-huge-size ten-megabytes many-blocks "
    "sse-primed-and-cut sse-cut-before-event sse-cut-in-event sse-no-last-line sse-other-event sse-endless-pings "
    "sse-endless-progress sse-endless-line sse-silence json-as-sse sse-data-without-colon",
    _CUT_SHORT: "tls-truncated http-1.0-reset sse-reset-in-event",
    (*_CUT_SHORT, ANSWER): "sse-reset-after-event",
    (
        Phase.RPC_ERROR,
    ): "bad-request-rpc-error not-found-rpc-error rpc-32700 rpc-32600 rpc-32601 rpc-32602 rpc-32020 rpc-32022 "
    "rpc-no-id-parse-error sse-rpc-error rpc-internal rpc-server rpc-timeout rpc-url-elicitation rpc-zero "
    "sse-error-then-answer",
    (ANSWER,): "lambda-envelope-in-text lambda-envelope-with-id only-words success-in-text-of-list success-as-text "
    "success-as-one success-nested success-contradicted success-by-words-of-error duplicate-success-in-text "
    "too-many-objects object-id-hostile is-error-words is-error-and-success injection",
    (Phase.HTTP_STATUS,): "second-response-says-done",
}
_BY_NAME: Final = {name: phases for phases, names in _PHASES.items() for name in names.split()}
_WITHOUT_DOUBT: Final = frozenset({Evidence.SUCCEEDED, Evidence.REFUSED, Evidence.PARTIAL})


def phases_of(fault: Fault) -> tuple[str, ...]:
    """Return the phases that a call may end in under a fault: where no other is named, by what the fault is."""
    if fault.name in _BY_NAME:
        return _BY_NAME[fault.name]
    if _WITHOUT_DOUBT.issuperset(fault.evidence):
        return (ANSWER,)
    by_status = fault in STATUS_FAULTS and fault.name != "bare-200"
    return (Phase.HTTP_STATUS,) if by_status else (Phase.MALFORMED,)
