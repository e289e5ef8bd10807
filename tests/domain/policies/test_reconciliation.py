"""What the reconciler may do, decided for every status, effect safety and moment from a table written by hand."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.execution_status import ExecutionStatus
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.notice import NoticeKind
from domain.model.tool_mapping import (
    CompensationPolicy,
    CompensationStrategy,
    EffectSafety,
    Idempotent,
    Unsafe,
    Verifiable,
)
from domain.policies.reconciliation import (
    LONGEST_TRY_SECONDS,
    MOST_TRIES,
    TELL_AGAIN_SECONDS,
    Remedy,
    after_its_execution,
    notice_kind,
    of_unknown,
    seconds_to_next_try,
)
from tests.builders import NOW, a_claim, a_dispatch, a_mapping, an_object_ref, later

CLAIMED, DISPATCHED, SUCCEEDED, FAILED, CANCELLED, UNKNOWN = AttemptStatus
IDEMPOTENT = Idempotent(key_ttl_seconds=600)
VERIFIABLE = Verifiable(verify_tool="crm___find_task", server_bound_seconds=30)
REPLY = Invocation(
    status=InvocationStatus.PARTIAL, external_object_refs=(an_object_ref(),), attempt_count=1, completed_at=later(2)
)


def an_attempt(status: AttemptStatus, **changes: Any) -> Attempt:  # noqa: ANN401  fields of any type
    """The sample attempt after one send at ``NOW`` + 1 s, in some status."""
    sent = a_dispatch(a_claim()[0])[0]
    return sent.model_copy(update={"status": status, **changes})


@pytest.mark.parametrize("execution", ExecutionStatus)
@pytest.mark.parametrize("status", AttemptStatus)
def test_only_an_open_attempt_of_an_execution_that_is_over_is_taken_up(
    status: AttemptStatus, execution: ExecutionStatus
) -> None:
    """Everything else is left alone, whatever its age."""
    remedy = after_its_execution(an_attempt(status), execution, later(10_000))
    taken_up = execution is not ExecutionStatus.RUNNING and status in {CLAIMED, DISPATCHED}
    assert (remedy is Remedy.WAIT) is not taken_up


@pytest.mark.parametrize(
    "attempt, seconds, remedy",
    [
        (an_attempt(CLAIMED, open_send=False), 0, Remedy.SETTLE),
        (an_attempt(DISPATCHED), 60, Remedy.WAIT),
        (an_attempt(DISPATCHED), 61, Remedy.SETTLE),
        (an_attempt(DISPATCHED, call_ended_at=later(3)), 4, Remedy.SETTLE),
        (an_attempt(DISPATCHED, reply=REPLY, open_send=False), 4, Remedy.FINISH),
    ],
)
def test_a_call_is_waited_for_as_long_as_its_function_can_live(attempt: Attempt, seconds: int, remedy: Remedy) -> None:
    """A call seen to end, a kept answer or a claim alone need no waiting."""
    assert after_its_execution(attempt, ExecutionStatus.ABORTED, later(seconds)) is remedy


@pytest.mark.parametrize(
    "effect, changes, seconds, remedy",
    [
        (VERIFIABLE, {}, 90, Remedy.WAIT),
        (VERIFIABLE, {}, 91, Remedy.ASK),
        (VERIFIABLE, {"call_ended_at": later(3)}, 32, Remedy.WAIT),
        (VERIFIABLE, {"call_ended_at": later(3)}, 33, Remedy.ASK),
        (IDEMPOTENT, {}, 1, Remedy.RESEND),
        (IDEMPOTENT, {}, 540, Remedy.RESEND),
        (IDEMPOTENT, {}, 541, Remedy.TELL),
        (IDEMPOTENT, {"expires_at_epoch": int(later(5).timestamp())}, 4, Remedy.RESEND),
        (IDEMPOTENT, {"expires_at_epoch": int(later(5).timestamp())}, 5, Remedy.TELL),
        (Unsafe(), {}, 1, Remedy.TELL),
        (VERIFIABLE, {"next_try_at": later(500)}, 499, Remedy.WAIT),
        (VERIFIABLE, {"next_try_at": later(500)}, 500, Remedy.ASK),
        (VERIFIABLE, {"resolution_tries": MOST_TRIES - 1}, 500, Remedy.ASK),
        (VERIFIABLE, {"resolution_tries": MOST_TRIES}, 500, Remedy.TELL),
        (Unsafe(), {"operator_notified_at": later(2)}, 500, Remedy.WAIT),
        (Unsafe(), {"operator_notified_at": later(2)}, TELL_AGAIN_SECONDS + 1, Remedy.WAIT),
        (VERIFIABLE, {"operator_notified_at": later(2)}, TELL_AGAIN_SECONDS + 2, Remedy.TELL),
        (IDEMPOTENT, {"open_send": False, "in_doubt": True, "reply": REPLY}, 10, Remedy.RESEND),
    ],
)
def test_a_doubt_is_resolved_as_the_tool_allows(
    effect: EffectSafety, changes: dict[str, Any], seconds: int, remedy: Remedy
) -> None:
    """Asked only when it must be quiet, sent again only while the tool knows the key and the approval lasts."""
    assert of_unknown(an_attempt(UNKNOWN, **changes), a_mapping(effect_safety=effect), later(seconds)) is remedy


@pytest.mark.parametrize("strategy", CompensationStrategy)
def test_what_is_known_to_exist_is_undone_or_handed_to_a_person(strategy: CompensationStrategy) -> None:
    """Where nothing is in doubt only the undo is open; a machine tries what a machine may."""
    automatic = strategy is CompensationStrategy.AUTOMATIC
    policy = a_mapping().compensation if automatic else CompensationPolicy(strategy=strategy)
    known = an_attempt(UNKNOWN, open_send=False, reply=REPLY)
    remedy = of_unknown(known, a_mapping(compensation=policy), later(10))
    assert remedy is (Remedy.UNDO if automatic else Remedy.TELL)
    assert notice_kind(known) is NoticeKind.COMPENSATION


def test_without_its_mapping_an_unknown_outcome_is_a_persons() -> None:
    """Nobody knows what the tool could be asked."""
    assert of_unknown(an_attempt(UNKNOWN), None, later(10)) is Remedy.TELL
    assert notice_kind(an_attempt(UNKNOWN)) is NoticeKind.ATTENTION


@given(
    st.sampled_from([IDEMPOTENT, VERIFIABLE, Unsafe()]),
    st.sets(st.sampled_from(["in_doubt", "open_send"])),
    st.integers(0, MOST_TRIES + 2),
    st.integers(0, 10**7),
)
def test_an_unsafe_or_forgotten_call_is_never_sent_again(
    effect: EffectSafety, doubts: set[str], tries: int, seconds: int
) -> None:
    """Over every combination: a resend needs a tool that dedupes, a doubt, a living key and a living approval."""
    doubt = {name: name in doubts for name in ("in_doubt", "open_send")}
    attempt = an_attempt(UNKNOWN, **doubt, resolution_tries=tries)
    now = NOW + timedelta(seconds=seconds)
    if of_unknown(attempt, a_mapping(effect_safety=effect), now) is Remedy.RESEND:
        assert effect == IDEMPOTENT
        assert doubts
        assert seconds + 59 < 600
        assert now.timestamp() < attempt.expires_at_epoch


@given(st.integers(1, 200))
def test_the_schedule_grows_and_stays_bounded(tries: int) -> None:
    """Each wait is at least the one before, the first a minute, the longest six hours."""
    assert seconds_to_next_try(1) == 60
    assert seconds_to_next_try(tries) <= seconds_to_next_try(tries + 1) <= LONGEST_TRY_SECONDS
