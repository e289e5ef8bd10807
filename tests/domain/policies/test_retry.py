"""What may follow a reply or a re-entry: every combination of effect safety, evidence, window and entry state."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model.errors import ErrorCode
from domain.model.tool_call import ToolAnswer, TransportFailure
from domain.model.tool_mapping import LONGEST_CALL_SECONDS, EffectSafety, Idempotent, Unsafe, Verifiable
from domain.policies.classification import Evidence, Verdict, classify
from domain.policies.retry import (
    MAX_WAIT_SECONDS,
    MIN_WAIT_SECONDS,
    Disposition,
    Move,
    after_reply,
    clamp_wait,
    on_entry,
    token_was_refused,
)
from tests.strategies import any_answers, effect_safeties, transport_failures

KEYED, ASKED, UNSAFE = (
    Idempotent(key_ttl_seconds=160),
    Verifiable(verify_tool="crm___find_task", server_bound_seconds=30),
    Unsafe(),
)

DONE: Final = Verdict(Evidence.SUCCEEDED)
REFUSED: Final = Verdict(Evidence.REFUSED, error_code=ErrorCode.VALIDATION_ERROR)
PARTIAL: Final = Verdict(Evidence.PARTIAL, error_code=ErrorCode.UNKNOWN_ERROR)
DOUBT: Final = Verdict(Evidence.IN_DOUBT, error_code=ErrorCode.TIMEOUT)
PASSING: Final = Verdict(Evidence.NOT_DONE, error_code=ErrorCode.DOWNSTREAM_ERROR, transient=True)
ASKED_TO_WAIT: Final = Verdict(
    Evidence.NOT_DONE, error_code=ErrorCode.RATE_LIMIT, transient=True, retry_after_seconds=20
)
FINAL: Final = Verdict(Evidence.NOT_DONE, error_code=ErrorCode.AUTH_FAILED)
STALE: Final = Verdict(Evidence.NOT_DONE, error_code=ErrorCode.AUTH_FAILED, transient=True, token_refused=True)

CONCLUDE, RETRY, GIVE_UP = Disposition(Move.CONCLUDE), Disposition(Move.RETRY), Disposition(Move.GIVE_UP)
SEND, VERIFY, STUCK = Disposition(Move.SEND), Disposition(Move.VERIFY), Disposition(Move.UNKNOWN)

EVERYWHERE_THE_SAME = [
    ("done", DONE, CONCLUDE),
    ("refused", REFUSED, CONCLUDE),
    ("partial", PARTIAL, CONCLUDE),
    ("passing", PASSING, RETRY),
    ("asked to wait", ASKED_TO_WAIT, Disposition(Move.DEFER, 20)),
    ("final", FINAL, GIVE_UP),
    ("stale token", STALE, RETRY),
]


@pytest.mark.parametrize("effect", [KEYED, ASKED, UNSAFE], ids=lambda effect: effect.kind)
@pytest.mark.parametrize(
    "verdict, expected",
    [pytest.param(verdict, expected, id=name) for name, verdict, expected in EVERYWHERE_THE_SAME],
)
@pytest.mark.parametrize("since", [0, 99, 100, 10_000])
def test_what_is_proved_is_handled_alike_in_every_class(
    effect: EffectSafety, verdict: Verdict, expected: Disposition, since: float
) -> None:
    """An answer is concluded, a call that never reached the tool is tried again: no class and no window matters."""
    found = after_reply(
        verdict,
        effect,
        seconds_since_first_send=since,
        seconds_to_expiry=3_600,
        seconds_to_end=3_600,
        sends=1,
        token_refused_before=False,
    )
    assert found == expected


@pytest.mark.parametrize(
    "effect, since, expected",
    [
        (KEYED, 0, RETRY),
        (KEYED, 99.999, RETRY),
        (KEYED, 100, STUCK),
        (KEYED, 101, STUCK),
        (ASKED, 0, Disposition(Move.DEFER, 30)),
        (ASKED, 10_000, Disposition(Move.DEFER, 30)),
        (Verifiable(verify_tool="t", server_bound_seconds=0), 0, Disposition(Move.DEFER, 1)),
        (Verifiable(verify_tool="t", server_bound_seconds=3_600), 0, Disposition(Move.DEFER, 900)),
        (UNSAFE, 0, STUCK),
        (UNSAFE, 10_000, STUCK),
    ],
    ids=str,
)
@pytest.mark.parametrize("expiry", [-1, 0, 3_600])
def test_doubt_is_handled_by_what_the_tool_can_do(
    effect: EffectSafety, since: float, expected: Disposition, expiry: float
) -> None:
    """Sent again only where the key dedupes and lives, asked about where one can ask, else UNKNOWN (D23, D25)."""
    found = after_reply(
        DOUBT,
        effect,
        seconds_since_first_send=since,
        seconds_to_expiry=expiry,
        seconds_to_end=3_600,
        sends=1,
        token_refused_before=False,
    )
    assert found == expected


@pytest.mark.parametrize(
    "asked, expiry, expected",
    [
        (20, 21, Disposition(Move.DEFER, 20)),
        (20, 20, GIVE_UP),
        (20, 0, GIVE_UP),
        (0, 3_600, Disposition(Move.DEFER, 1)),
        (-5, 3_600, Disposition(Move.DEFER, 1)),
        (10**9, 3_600, Disposition(Move.DEFER, 900)),
        (10**9, 900, GIVE_UP),
    ],
)
def test_a_gateways_wish_to_wait_is_bounded_by_sense_and_by_expiry(
    asked: int, expiry: float, expected: Disposition
) -> None:
    """Between one second and fifteen minutes, and never past the approval's end (D38)."""
    verdict = Verdict(Evidence.NOT_DONE, error_code=ErrorCode.RATE_LIMIT, transient=True, retry_after_seconds=asked)
    found = after_reply(
        verdict,
        UNSAFE,
        seconds_since_first_send=0,
        seconds_to_expiry=expiry,
        seconds_to_end=3_600,
        sends=1,
        token_refused_before=False,
    )
    assert found == expected


@pytest.mark.parametrize("sends, expected", [(1, 1), (2, 2), (5, 16), (10, 512), (11, 900), (1_000, 900)], ids=str)
def test_a_gateway_that_always_asks_for_a_second_is_asked_ever_more_rarely(sends: int, expected: int) -> None:
    """The wait doubles with each send, so that an execution's history cannot be filled by a gateway (D38)."""
    verdict = Verdict(Evidence.NOT_DONE, error_code=ErrorCode.RATE_LIMIT, transient=True, retry_after_seconds=1)
    found = after_reply(
        verdict,
        UNSAFE,
        seconds_since_first_send=0,
        seconds_to_expiry=86_400,
        seconds_to_end=3_600,
        sends=sends,
        token_refused_before=False,
    )
    assert found == Disposition(Move.DEFER, expected)


@pytest.mark.parametrize("end", [20, 0, -1])
def test_no_wait_outlasts_the_execution(end: float) -> None:
    """A machine that times out bypasses every state and records nothing (D17), so waiting ends before it."""
    settled = after_reply(
        ASKED_TO_WAIT,
        KEYED,
        seconds_since_first_send=0,
        seconds_to_expiry=86_400,
        seconds_to_end=end,
        sends=1,
        token_refused_before=False,
    )
    entered = on_entry(
        ASKED,
        in_flight=True,
        seconds_since_first_send=1,
        seconds_since_last_send=1,
        seconds_since_call_ended=1,
        seconds_to_end=end,
    )
    assert (settled, entered) == (GIVE_UP, STUCK)


@pytest.mark.parametrize(
    "verdict, before, expected",
    [(STALE, False, RETRY), (STALE, True, GIVE_UP), (PASSING, True, RETRY), (FINAL, False, GIVE_UP)],
)
def test_a_refused_token_is_refreshed_once(verdict: Verdict, expected: Disposition, *, before: bool) -> None:
    """The second 401 in a row is a decision of the gateway, not a stale token."""
    found = after_reply(
        verdict,
        KEYED,
        seconds_since_first_send=0,
        seconds_to_expiry=3_600,
        seconds_to_end=3_600,
        sends=1,
        token_refused_before=before,
    )
    assert found == expected


@pytest.mark.parametrize("effect", [KEYED, ASKED, UNSAFE], ids=lambda effect: effect.kind)
@pytest.mark.parametrize("seconds", [0, 29, 100, 10_000])
def test_with_nothing_in_flight_the_call_is_sent(effect: EffectSafety, seconds: float) -> None:
    """A free attempt is free in every class, whenever."""
    found = on_entry(
        effect,
        in_flight=False,
        seconds_since_first_send=seconds,
        seconds_since_last_send=seconds,
        seconds_since_call_ended=seconds,
        seconds_to_end=3_600,
    )
    assert found == SEND


@pytest.mark.parametrize(
    "effect, first, last, expected",
    [
        (KEYED, 0, 0, SEND),
        (KEYED, 99.9, 1, SEND),
        (KEYED, 100, 1, STUCK),
        (ASKED, 1, 0, Disposition(Move.DEFER, 30)),
        (ASKED, 50, 10.5, Disposition(Move.DEFER, 20)),
        (ASKED, 50, 29.999, Disposition(Move.DEFER, 1)),
        (ASKED, 50, 30, VERIFY),
        (ASKED, 10_000, 10_000, VERIFY),
        (Verifiable(verify_tool="t", server_bound_seconds=0), 0, 0, VERIFY),
        (Verifiable(verify_tool="t", server_bound_seconds=3_600), 0, 0, Disposition(Move.DEFER, 900)),
        (UNSAFE, 0, 0, STUCK),
        (UNSAFE, 10_000, 10_000, STUCK),
    ],
    ids=str,
)
def test_with_a_call_in_flight_a_reentered_step_never_simply_sends(
    effect: EffectSafety, first: float, last: float, expected: Disposition
) -> None:
    """The key's lifetime counts from the first send, the server's bound from the last (D18, D23)."""
    found = on_entry(
        effect,
        in_flight=True,
        seconds_since_first_send=first,
        seconds_since_last_send=last,
        seconds_since_call_ended=last,
        seconds_to_end=3_600,
    )
    assert found == expected


@pytest.mark.parametrize(
    "last, expected",
    [
        (0, Disposition(Move.DEFER, 30 + LONGEST_CALL_SECONDS)),
        (30, Disposition(Move.DEFER, LONGEST_CALL_SECONDS)),
        (29 + LONGEST_CALL_SECONDS, Disposition(Move.DEFER, 1)),
        (30 + LONGEST_CALL_SECONDS, VERIFY),
    ],
)
def test_a_call_that_nobody_saw_end_may_still_be_on_its_way(last: float, expected: Disposition) -> None:
    """The server's bound begins when the longest call would have ended; asked earlier it could be absent too soon."""
    found = on_entry(
        ASKED,
        in_flight=True,
        seconds_since_first_send=last,
        seconds_since_last_send=last,
        seconds_since_call_ended=None,
        seconds_to_end=3_600,
    )
    assert found == expected


def test_a_resend_must_arrive_while_the_key_is_remembered() -> None:
    """A call sent just inside the key's lifetime could arrive just outside and act a second time."""
    since = 160 - LONGEST_CALL_SECONDS
    found = [
        on_entry(
            KEYED,
            in_flight=True,
            seconds_since_first_send=moment,
            seconds_since_last_send=1,
            seconds_since_call_ended=None,
            seconds_to_end=3_600,
        )
        for moment in (since - 0.001, since)
    ]
    assert found == [SEND, STUCK]


_seconds = st.floats(0, 1e9)


@given(
    outcome=transport_failures | any_answers,
    effect=effect_safeties,
    since=_seconds,
    expiry=st.floats(-1e9, 1e9),
    before=st.booleans(),
)
def test_every_reply_has_a_disposition(
    outcome: TransportFailure | ToolAnswer, effect: EffectSafety, since: float, expiry: float, *, before: bool
) -> None:
    """Total; an UNSAFE tool in doubt is never tried again, and only DEFER waits, within its bounds."""
    verdict = classify(outcome, "crm___create_task")
    found = after_reply(
        verdict,
        effect,
        seconds_since_first_send=since,
        seconds_to_expiry=expiry,
        seconds_to_end=3_600,
        sends=1,
        token_refused_before=before,
    )
    if verdict.evidence is Evidence.IN_DOUBT and isinstance(effect, Unsafe):
        assert found == STUCK
    if found.move is Move.DEFER:
        assert MIN_WAIT_SECONDS <= found.wait_seconds <= MAX_WAIT_SECONDS
    else:
        assert found.wait_seconds == 0
    assert (found.move is Move.CONCLUDE) is (
        verdict.evidence in {Evidence.SUCCEEDED, Evidence.REFUSED, Evidence.PARTIAL}
    )


@given(effect=effect_safeties, in_flight=st.booleans(), first=_seconds, last=_seconds)
def test_every_entry_has_a_disposition(effect: EffectSafety, first: float, last: float, *, in_flight: bool) -> None:
    """Total; only an IDEMPOTENT tool is sent to while a call is in flight, and only a VERIFIABLE one is asked."""
    found = on_entry(
        effect,
        in_flight=in_flight,
        seconds_since_first_send=first,
        seconds_since_last_send=last,
        seconds_since_call_ended=last,
        seconds_to_end=3_600,
    )
    assert found.move in {Move.SEND, Move.VERIFY, Move.DEFER, Move.UNKNOWN}
    if found.move is Move.SEND:
        assert not in_flight or isinstance(effect, Idempotent)
    if found.move in {Move.VERIFY, Move.DEFER}:
        assert isinstance(effect, Verifiable)


@given(st.floats(-1e9, 1e9))
def test_a_wait_is_whole_bounded_and_never_too_short(seconds: float) -> None:
    """Rounded up: a wait that ends too early would ask while the server may still be at work."""
    wait = clamp_wait(seconds)
    assert MIN_WAIT_SECONDS <= wait <= MAX_WAIT_SECONDS
    assert wait >= min(seconds, MAX_WAIT_SECONDS)
    assert wait < max(seconds, 0) + 1.001 or wait == MIN_WAIT_SECONDS


@pytest.mark.parametrize("code", [*ErrorCode, None])
def test_only_a_failed_authentication_counts_as_a_refused_token(code: ErrorCode | None) -> None:
    """Any other failure before leaves the one refresh unspent."""
    assert token_was_refused(code) is (code is ErrorCode.AUTH_FAILED)
