"""Retry: what may follow a reply, or a step entered again, for each effect safety. Total, and the only place.

The dispositions rest on evidence: what is proved not done may be tried again in every class; what is in doubt may be
sent again only where the tool dedupes on our key, asked about only where a verify tool exists, and otherwise stays
UNKNOWN. Waiting is done by Step Functions, never here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.model.errors import ErrorCode
from domain.model.tool_mapping import LONGEST_CALL_SECONDS, EffectSafety, Idempotent, Unsafe, Verifiable
from domain.policies.classification import Evidence, Verdict

MIN_WAIT_SECONDS: Final = 1
MAX_WAIT_SECONDS: Final = 900
"""A gateway that asks for more than 15 minutes is asked again then; longer waits hide a stuck action."""

SHORTEST_HOLD_SECONDS: Final = 5
LONGEST_HOLD_SECONDS: Final = 600
"""Between these, in seconds, lies the time in which a held action notices its release; a guess."""


LATEST_LANDING_SECONDS: Final = 900
"""How long after a call has left our side it may still take effect: a gateway ends an invocation after 15 minutes
(Amazon Bedrock AgentCore Developer Guide, "Quotas"). A tool that can be asked states its own bound instead."""


class Move(StrEnum):
    """What to do next."""

    CONCLUDE = "CONCLUDE"
    """The tool has answered; record it."""
    RETRY = "RETRY"
    """Raise ``TransientError``: Step Functions enters the step again."""
    DEFER = "DEFER"
    """Return DEFERRED: Step Functions waits ``wait_seconds`` and enters the step again."""
    GIVE_UP = "GIVE_UP"
    """Raise ``PermanentError``: nothing was done and trying again cannot help."""
    SEND = "SEND"
    VERIFY = "VERIFY"
    UNKNOWN = "UNKNOWN"
    """Return UNKNOWN: nothing may be sent and nobody can be asked."""


@dataclass(frozen=True)
class Disposition:
    """A move, with the wait that DEFER asks for."""

    move: Move
    wait_seconds: int = 0


def after_reply(
    verdict: Verdict,
    effect: EffectSafety,
    *,
    seconds_since_first_send: float,
    seconds_to_expiry: float,
    seconds_to_end: float,
    sends: int,
    token_refused_before: bool,
) -> Disposition:
    """Decide what follows the reply to a send.

    Nothing is sent after ``seconds_to_expiry``, the approval's; a tool may be asked until ``seconds_to_end``, the
    execution's. ``sends`` counts this send too.
    """
    match verdict.evidence:
        case Evidence.SUCCEEDED | Evidence.REFUSED | Evidence.PARTIAL:
            return Disposition(Move.CONCLUDE)
        case Evidence.NOT_DONE:
            left = min(seconds_to_expiry, seconds_to_end)
            return _after_not_done(verdict, left, sends, token_refused_before=token_refused_before)
        case Evidence.IN_DOUBT:
            return _after_doubt(effect, seconds_since_first_send, seconds_to_end, sends)


def _after_not_done(verdict: Verdict, seconds_left: float, sends: int, *, token_refused_before: bool) -> Disposition:
    if not verdict.transient or (verdict.token_refused and token_refused_before):
        return Disposition(Move.GIVE_UP)
    if verdict.retry_after_seconds is None:
        return Disposition(Move.RETRY)
    wait = clamp_wait(max(verdict.retry_after_seconds, _shortest_wait(sends)))
    return Disposition(Move.GIVE_UP) if wait >= seconds_left else Disposition(Move.DEFER, wait)


def _shortest_wait(sends: int) -> int:
    """Return the least wait before another send, doubling with each: a gateway that always asks for one second would
    otherwise fill the execution's history (25,000 events; AWS Step Functions Developer Guide, "Service quotas").
    """
    return int(2 ** min(max(sends - 1, 0), 10))


def _after_doubt(
    effect: EffectSafety, seconds_since_first_send: float, seconds_to_end: float, sends: int
) -> Disposition:
    match effect:
        case Idempotent():
            return Disposition(Move.RETRY if key_lives(effect, seconds_since_first_send) else Move.UNKNOWN)
        case Verifiable():
            # What is proved absent is sent again, so a tool that never answers must be asked ever more seldom.
            return _wait_to_ask(max(effect.server_bound_seconds, _shortest_wait(sends)), seconds_to_end)
        case Unsafe():
            return Disposition(Move.UNKNOWN)


def on_entry(
    effect: EffectSafety,
    *,
    in_flight: bool,
    seconds_since_first_send: float,
    seconds_since_last_send: float,
    seconds_since_call_ended: float | None,
    seconds_to_end: float,
) -> Disposition:
    """Decide what a step may do when it is entered.

    ``in_flight`` means that a send has no proof yet; ``seconds_since_call_ended`` is ``None`` if nobody saw it end.
    """
    if not in_flight:
        return Disposition(Move.SEND)
    match effect:
        case Idempotent():
            return Disposition(Move.SEND if key_lives(effect, seconds_since_first_send) else Move.UNKNOWN)
        case Verifiable():
            quiet = seconds_since_call_ended
            if quiet is None:
                # Whoever sent it may be sending still: this run was entered because that one was not heard of.
                quiet = seconds_since_last_send - LONGEST_CALL_SECONDS
            left = effect.server_bound_seconds - quiet
            return Disposition(Move.VERIFY) if left <= 0 else _wait_to_ask(left, seconds_to_end)
        case Unsafe():
            return Disposition(Move.UNKNOWN)


def answer_ends_doubt(effect: EffectSafety, *, seconds_of_quiet: float | None) -> bool:
    """Whether the answer to a resend speaks for the sends before it, ``seconds_of_quiet`` after the last of those.

    A tool that dedupes answers for the key and not for the send, as soon as no earlier send can land any more.
    """
    return (
        isinstance(effect, Idempotent) and seconds_of_quiet is not None and seconds_of_quiet >= LATEST_LANDING_SECONDS
    )


def key_lives(effect: Idempotent, seconds_since_first_send: float) -> bool:
    """Whether a call sent now arrives, at the latest, while the tool still remembers the key."""
    return seconds_since_first_send + LONGEST_CALL_SECONDS < effect.key_ttl_seconds


def held_wait(seconds_held: float, *, seconds_to_expiry: float) -> int:
    """Return how long a held action waits before it asks again: a quarter of what it has waited so far.

    So a release is noticed soon, and a hold of days stays well inside an execution's history of 25,000 events
    (AWS Step Functions Developer Guide, "Service quotas").
    """
    return clamp_wait(min(max(seconds_held / 4, SHORTEST_HOLD_SECONDS), LONGEST_HOLD_SECONDS, seconds_to_expiry))


def _wait_to_ask(seconds: float, seconds_to_end: float) -> Disposition:
    wait = clamp_wait(seconds)
    return Disposition(Move.UNKNOWN) if wait >= seconds_to_end else Disposition(Move.DEFER, wait)


def clamp_wait(seconds: float) -> int:
    """Return a wait in whole seconds, rounded up, within what is worth waiting for."""
    return min(MAX_WAIT_SECONDS, max(MIN_WAIT_SECONDS, -int(-seconds // 1)))


def token_was_refused(last_failure_code: str | None) -> bool:
    """Whether the send before this one already failed for its token: one refresh is tried, not more."""
    return last_failure_code == ErrorCode.AUTH_FAILED
