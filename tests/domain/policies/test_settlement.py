"""Settlement: SUCCEEDED and FAILED need proof, CANCELLED needs that nothing was sent, all else is UNKNOWN."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model.attempt import LEGAL_TRANSITIONS, Attempt, AttemptStatus
from domain.model.errors import CROSSING_ERRORS, ErrorClass, ErrorCode, FailureReport, report_from_wire
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.outcome import Compensation, CompensationStatus, OutcomeStatus
from domain.policies.settlement import answer_of, settle
from tests.builders import a_claim, a_dispatch, an_object_ref, later
from tests.strategies import any_text, plain_text

CLAIMED: Final = a_claim()[0]
DISPATCHED: Final = a_dispatch(CLAIMED)[0]
TAKEN_BACK: Final = DISPATCHED.not_done(code="RATE_LIMIT", detail="429", now=later(2))[0]
ERROR_NAMES: Final = [*CROSSING_ERRORS, "States.Timeout", "Sandbox.Timedout", "Lambda.Unknown", "Runtime.ExitError"]


def told(status: InvocationStatus, **changes: object) -> Invocation:
    """What the invocation came to."""
    failed = {"error_code": "VALIDATION_ERROR", "error_class": "VALIDATION", "error_message": "no such contact"}
    return Invocation.model_validate(
        {
            "status": status,
            **({} if status is InvocationStatus.SUCCEEDED else failed),
            "attempt_count": 1,
            "completed_at": later(2),
            **changes,
        }
    )


def undone(status: CompensationStatus) -> Compensation:
    """What undoing came to."""
    return Compensation(status=status, reason="as it went")


def failure(name: str) -> FailureReport:
    """The error that ended the execution."""
    return report_from_wire(name, "what went wrong")


def replied(status: InvocationStatus, **changes: object) -> Attempt:
    """An attempt that keeps the tool's answer."""
    return DISPATCHED.replied(told(status, **changes), now=later(2))[0]


@pytest.mark.parametrize("name", ERROR_NAMES)
def test_whatever_stopped_it_a_call_without_an_answer_is_unknown(name: str) -> None:
    """The name of an error says nothing about the effect, cancelling ones included (D25, D21)."""
    settlement = settle(DISPATCHED, invocation=None, compensation=None, failure=failure(name))
    assert settlement.status is OutcomeStatus.UNKNOWN
    assert settlement.compensation.status is CompensationStatus.UNKNOWN
    assert settlement.error_code == failure(name).error_code


@pytest.mark.parametrize("name", ERROR_NAMES)
@pytest.mark.parametrize("attempt", [CLAIMED, TAKEN_BACK], ids=["never sent", "taken back"])
def test_before_a_send_an_error_fails_or_cancels(attempt: Attempt, name: str) -> None:
    """A kill switch or a late approval cancels; any other error fails; nothing needs undoing (D62)."""
    settlement = settle(attempt, invocation=None, compensation=None, failure=failure(name))
    cancels = name in {"ExecutionHalted", "IntentExpired"}
    assert settlement.status is (OutcomeStatus.CANCELLED if cancels else OutcomeStatus.FAILED)
    assert settlement.compensation.status is CompensationStatus.NOT_NEEDED


@pytest.mark.parametrize("late", [None, "TransientError", "ExecutionHalted", "States.Timeout"])
def test_a_success_stays_a_success_whatever_happened_after_it(late: str | None) -> None:
    """The tool's own word decides; a step that fails later cannot undo the effect (D10)."""
    error = failure(late) if late else None
    by_state = settle(DISPATCHED, invocation=told(InvocationStatus.SUCCEEDED), compensation=None, failure=error)
    by_attempt = settle(replied(InvocationStatus.SUCCEEDED), invocation=None, compensation=None, failure=error)
    assert by_state.status is by_attempt.status is OutcomeStatus.SUCCEEDED
    assert (by_state.error_code, by_state.compensation.status) == (None, CompensationStatus.NOT_NEEDED)


@pytest.mark.parametrize("status", [InvocationStatus.FAILED, InvocationStatus.PARTIAL])
@pytest.mark.parametrize("compensation", CompensationStatus)
def test_a_failed_action_is_failed_only_if_nothing_is_left(
    status: InvocationStatus, compensation: CompensationStatus
) -> None:
    """What compensation came to is part of the outcome; anything left behind makes it UNKNOWN (D58, D62)."""
    settlement = settle(DISPATCHED, invocation=told(status), compensation=undone(compensation), failure=None)
    clean = compensation in {CompensationStatus.NOT_NEEDED, CompensationStatus.COMPLETED}
    assert settlement.status is (OutcomeStatus.FAILED if clean else OutcomeStatus.UNKNOWN)
    assert settlement.compensation == undone(compensation)
    assert (settlement.error_code, settlement.error_class) == ("VALIDATION_ERROR", ErrorClass.VALIDATION)


def test_a_partial_write_that_nobody_undid_is_unknown_and_says_why() -> None:
    """Compensation broke down: its error is the reason (D61)."""
    partial = replied(InvocationStatus.PARTIAL, external_object_refs=(an_object_ref(),))
    settlement = settle(partial, invocation=None, compensation=None, failure=failure("TransientError"))
    assert settlement.status is OutcomeStatus.UNKNOWN
    assert settlement.compensation.status is CompensationStatus.FAILED
    assert "what went wrong" in settlement.compensation.reason


def test_a_refusal_that_named_nothing_needs_no_compensation() -> None:
    """The typed answer is the proof, though the compensation step never ran (D62)."""
    settlement = settle(replied(InvocationStatus.FAILED), invocation=None, compensation=None, failure=None)
    assert settlement.status is OutcomeStatus.FAILED
    assert settlement.compensation.status is CompensationStatus.NOT_NEEDED


def test_a_refused_resend_does_not_prove_that_the_first_send_did_nothing() -> None:
    """The first call may still land; that the second was refused is no word about it (D25)."""
    twice, _ = a_dispatch(DISPATCHED)
    refused, _ = twice.replied(told(InvocationStatus.FAILED, attempt_count=2), now=later(3))
    assert refused.in_doubt
    settlement = settle(
        refused,
        invocation=told(InvocationStatus.FAILED, attempt_count=2),
        compensation=undone(CompensationStatus.NOT_NEEDED),
        failure=None,
    )
    assert settlement.status is OutcomeStatus.UNKNOWN


def test_an_undone_partial_resend_does_not_prove_that_the_first_send_did_nothing() -> None:
    """What the second call left is undone; what the first may still bring is not known (D25)."""
    twice, _ = a_dispatch(DISPATCHED)
    partial = told(InvocationStatus.PARTIAL, attempt_count=2, external_object_refs=(an_object_ref(),))
    after, _ = twice.replied(partial, now=later(3))
    settlement = settle(after, invocation=partial, compensation=undone(CompensationStatus.COMPLETED), failure=None)
    assert settlement.status is OutcomeStatus.UNKNOWN


def test_an_answer_in_doubt_is_unknown() -> None:
    """Whatever compensation or the error say."""
    settlement = settle(DISPATCHED, invocation=told(InvocationStatus.UNKNOWN), compensation=None, failure=None)
    assert (settlement.status, settlement.compensation.status) == (OutcomeStatus.UNKNOWN, CompensationStatus.UNKNOWN)


@pytest.mark.parametrize("attempt", [CLAIMED, DISPATCHED], ids=["claimed", "dispatched"])
def test_a_wait_is_no_answer(attempt: Attempt) -> None:
    """An execution that ends while deferred is settled by what the attempt knows (D38)."""
    settlement = settle(attempt, invocation=told(InvocationStatus.DEFERRED), compensation=None, failure=None)
    assert settlement.status is (OutcomeStatus.UNKNOWN if attempt is DISPATCHED else OutcomeStatus.FAILED)


def test_a_wait_does_not_hide_the_answer_that_came_after_it() -> None:
    """The answer kept on the attempt is newer than the wait in the state (D10)."""
    settlement = settle(
        replied(InvocationStatus.SUCCEEDED),
        invocation=told(InvocationStatus.DEFERRED),
        compensation=None,
        failure=failure("ConfigurationError"),
    )
    assert settlement.status is OutcomeStatus.SUCCEEDED


@pytest.mark.parametrize("attempt", [CLAIMED, TAKEN_BACK], ids=["absent", "taken back"])
def test_proof_that_came_after_the_step_had_given_up_is_believed(attempt: Attempt) -> None:
    """Another run of the step was still at work, and recorded that its call did nothing: that is no UNKNOWN."""
    settlement = settle(attempt, invocation=told(InvocationStatus.UNKNOWN), compensation=None, failure=None)
    assert (settlement.status, settlement.compensation.status) == (OutcomeStatus.FAILED, CompensationStatus.NOT_NEEDED)
    assert settlement.error_code == (attempt.last_failure_code or ErrorCode.UNKNOWN_ERROR)
    assert "nothing was done" in (settlement.error_message or "")


@pytest.mark.parametrize("status", [InvocationStatus.SUCCEEDED, InvocationStatus.FAILED])
def test_an_answer_that_came_after_the_step_had_given_up_is_believed(status: InvocationStatus) -> None:
    """The answer kept on the attempt is newer than the doubt in the state."""
    doubt = told(InvocationStatus.UNKNOWN)
    assert answer_of(replied(status), doubt) == replied(status).reply
    settlement = settle(replied(status), invocation=doubt, compensation=None, failure=None)
    assert settlement.status.value == status.value


def test_an_execution_that_ends_without_a_word_is_explained() -> None:
    """No error, no answer: the outcome still says what is known."""
    settlement = settle(CLAIMED, invocation=None, compensation=None, failure=None)
    assert settlement.status is OutcomeStatus.FAILED
    assert settlement.error_code == ErrorCode.UNKNOWN_ERROR
    assert settlement.error_message


_attempts = st.sampled_from(
    [
        (CLAIMED, None),
        (CLAIMED, InvocationStatus.DEFERRED),
        (CLAIMED, InvocationStatus.UNKNOWN),
        (TAKEN_BACK, None),
        (TAKEN_BACK, InvocationStatus.UNKNOWN),
        (DISPATCHED, None),
        *((DISPATCHED, status) for status in InvocationStatus),
        *(
            (replied(status), word)
            for status in (InvocationStatus.SUCCEEDED, InvocationStatus.FAILED)
            for word in (None, InvocationStatus.DEFERRED, InvocationStatus.UNKNOWN)
        ),
    ]
)


@given(
    _attempts,
    st.none() | st.sampled_from(CompensationStatus),
    st.none() | st.builds(report_from_wire, st.sampled_from(ERROR_NAMES) | plain_text, any_text),
)
def test_every_end_has_a_settlement_that_the_attempt_may_make(
    end: tuple[Attempt, InvocationStatus | None],
    compensation: CompensationStatus | None,
    error: FailureReport | None,
) -> None:
    """Total; the status is a legal transition, and success and failure only ever rest on the tool's own word."""
    attempt, status = end
    settlement = settle(
        attempt,
        invocation=told(status) if status else None,
        compensation=undone(compensation) if compensation else None,
        failure=error,
    )
    assert settlement.status.attempt_status in LEGAL_TRANSITIONS[attempt.status]
    no_word = {None, InvocationStatus.DEFERRED, InvocationStatus.UNKNOWN}
    word = status if status not in no_word else attempt.reply and attempt.reply.status
    if settlement.status is OutcomeStatus.SUCCEEDED:
        assert word is InvocationStatus.SUCCEEDED
        assert settlement.error_code is None
    else:
        assert settlement.error_code is not None
    if settlement.status is OutcomeStatus.FAILED and attempt.status is AttemptStatus.DISPATCHED:
        assert word in {InvocationStatus.FAILED, InvocationStatus.PARTIAL}
    if settlement.status is OutcomeStatus.CANCELLED:
        assert attempt.status is AttemptStatus.CLAIMED
