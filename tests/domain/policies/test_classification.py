"""What each reply proves, row by row: nothing counts as undone, done or refused without the evidence for it."""

import pytest
from hypothesis import given

from domain.model.errors import CLASS_OF_CODE, ErrorCode
from domain.model.redaction import MAX_TEXT_CHARACTERS
from domain.model.tool_call import ToolAnswer, TransportFailure, TransportPhase
from domain.policies.classification import (
    Evidence,
    classify,
)
from tests.strategies import transport_failures

TOOL = "crm___create_task"


def failed(phase: TransportPhase, **facts: object) -> TransportFailure:
    """A call that got as far as ``phase``."""
    return TransportFailure.model_validate({"phase": phase, "detail": "what the transport said", **facts})


def answered(is_error: bool = False, **contract: object) -> ToolAnswer:  # noqa: FBT001, FBT002  the answer's own flag
    """A tool's answer with structured content."""
    return ToolAnswer.model_validate({"is_error": is_error, "structured": contract})


def http(status: int, **facts: object) -> TransportFailure:
    """The gateway's answer with another HTTP status than 200."""
    return failed(TransportPhase.HTTP_STATUS, http_status=status, **facts)


def rpc(code: int) -> TransportFailure:
    """The gateway's JSON-RPC error."""
    return failed(TransportPhase.RPC_ERROR, rpc_code=code)


UNSENT = [
    TransportPhase.SESSION,
    TransportPhase.RESOLVE,
    TransportPhase.CONNECT,
    TransportPhase.TLS,
    TransportPhase.SENT_NOTHING,
]
LOST = [TransportPhase.SENT_SOMETHING, TransportPhase.RESPONSE_HEAD, TransportPhase.RESPONSE_BODY]
NOT_DONE_ROWS = [
    (failed(TransportPhase.TOKEN), ErrorCode.DOWNSTREAM_ERROR, True),
    (failed(TransportPhase.TOKEN, timed_out=True), ErrorCode.TIMEOUT, True),
    *((failed(phase), ErrorCode.DOWNSTREAM_ERROR, True) for phase in UNSENT),
    *((failed(phase, timed_out=True), ErrorCode.TIMEOUT, True) for phase in UNSENT),
    (http(401), ErrorCode.AUTH_FAILED, True),
    (http(403), ErrorCode.AUTH_FAILED, False),
    (http(429), ErrorCode.RATE_LIMIT, True),
    (rpc(-32700), ErrorCode.VALIDATION_ERROR, False),
    (rpc(-32600), ErrorCode.VALIDATION_ERROR, False),
    (rpc(-32601), ErrorCode.VALIDATION_ERROR, False),
    (rpc(-32602), ErrorCode.VALIDATION_ERROR, False),
    (rpc(-32020), ErrorCode.VALIDATION_ERROR, False),
    (rpc(-32022), ErrorCode.VALIDATION_ERROR, False),
]
"""What never left, and what a gateway answers before it calls a tool."""


@pytest.mark.parametrize("failure, code, transient", NOT_DONE_ROWS)
def test_these_failures_and_no_others_prove_that_nothing_was_done(
    failure: TransportFailure, code: ErrorCode, *, transient: bool
) -> None:
    """Each row of the failure model, with its code and whether trying again may help (R35, R36, D32, D35)."""
    verdict = classify(failure, TOOL)
    assert (verdict.evidence, verdict.error_code, verdict.transient) == (Evidence.NOT_DONE, code, transient)
    assert verdict.error_class is CLASS_OF_CODE[code]


IN_DOUBT_ROWS = [
    *((failed(phase), ErrorCode.DOWNSTREAM_ERROR) for phase in LOST),
    *((failed(phase, timed_out=True), ErrorCode.TIMEOUT) for phase in LOST),
    (failed(TransportPhase.MALFORMED), ErrorCode.MALFORMED_RESPONSE),
    (failed(TransportPhase.HTTP_STATUS), ErrorCode.DOWNSTREAM_ERROR),
    (http(408), ErrorCode.TIMEOUT),
    (http(504), ErrorCode.TIMEOUT),
    (http(500), ErrorCode.DOWNSTREAM_ERROR),
    (http(502), ErrorCode.DOWNSTREAM_ERROR),
    (http(503), ErrorCode.DOWNSTREAM_ERROR),
    (http(503, retry_after_seconds=5), ErrorCode.DOWNSTREAM_ERROR),
    (http(400), ErrorCode.DOWNSTREAM_ERROR),
    (http(404), ErrorCode.DOWNSTREAM_ERROR),
    (http(409), ErrorCode.DOWNSTREAM_ERROR),
    (http(425), ErrorCode.DOWNSTREAM_ERROR),
    (http(302), ErrorCode.DOWNSTREAM_ERROR),
    (http(202), ErrorCode.DOWNSTREAM_ERROR),
    (rpc(-32603), ErrorCode.DOWNSTREAM_ERROR),
    (rpc(-32000), ErrorCode.DOWNSTREAM_ERROR),
    (failed(TransportPhase.RPC_ERROR), ErrorCode.DOWNSTREAM_ERROR),
]


@pytest.mark.parametrize("failure, code", IN_DOUBT_ROWS)
def test_everything_else_after_the_first_byte_is_in_doubt(failure: TransportFailure, code: ErrorCode) -> None:
    """Timeouts, resets, 5xx, malformed answers and unlisted statuses prove nothing either way (D25, D32, D35)."""
    verdict = classify(failure, TOOL)
    assert (verdict.evidence, verdict.error_code) == (Evidence.IN_DOUBT, code)
    assert (verdict.transient, verdict.token_refused) == (False, False)


@given(transport_failures)
def test_every_failure_is_not_done_or_in_doubt(failure: TransportFailure) -> None:
    """Total over failures: no failure is ever a success or a refusal, and its text is bounded and clean (D84)."""
    verdict = classify(failure, TOOL)
    assert verdict.evidence in {Evidence.NOT_DONE, Evidence.IN_DOUBT}
    assert verdict.error_code is not None
    assert verdict.error_class is CLASS_OF_CODE[verdict.error_code]
    assert verdict.error_message is not None
    assert len(verdict.error_message) <= MAX_TEXT_CHARACTERS


def test_a_rate_limit_keeps_the_gateways_wish() -> None:
    """Retry-After travels with the verdict, for Step Functions to wait by (D38)."""
    assert classify(http(429, retry_after_seconds=17), TOOL).retry_after_seconds == 17
    assert classify(http(429), TOOL).retry_after_seconds is None


def test_only_a_401_says_that_the_token_was_refused() -> None:
    """A 403 is a decision, not a stale token."""
    assert classify(http(401), TOOL).token_refused
    assert not classify(http(403), TOOL).token_refused
    assert not classify(failed(TransportPhase.TOKEN), TOOL).token_refused
