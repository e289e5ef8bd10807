"""Reconciliation: what can still be done for an action whose execution is over, or whose outcome is UNKNOWN.

Total functions over what is on record. Nothing here starts an action: what was never sent is not sent any more, and a
call is sent again only where a send before it is in doubt and the tool answers for the key.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.execution_status import ExecutionStatus
from domain.model.notice import NoticeKind
from domain.model.tool_mapping import CompensationStrategy, Idempotent, ToolMapping, Unsafe, Verifiable
from domain.policies.retry import key_lives

STALE_SECONDS: Final = 120
"""How long an open attempt may stand unwritten before somebody asks whether its execution still runs, in seconds: the
longest function's timeout twice over, because a step writes when it begins and when it ends. A guess about load only;
that the execution is over is asked, not guessed."""

KNOWN_BY_SECONDS: Final = 300
"""How long after its claim an execution may still be unknown to whoever asks for it, in seconds: the service's answer
is eventually consistent (AWS Step Functions API Reference, "DescribeExecution"); the five minutes are a guess."""

FIRST_TRY_SECONDS: Final = 60
LONGEST_TRY_SECONDS: Final = 6 * 3_600
MOST_TRIES: Final = 16
"""An UNKNOWN outcome is looked into at once, then after 1, 2, 4 … minutes and at most 6 hours, for about two and a
half days; then it is a person's. A guess: an outage that outlasts a weekend needs people anyway."""


class Remedy(StrEnum):
    """What the reconciler does next."""

    WAIT = "WAIT"
    """Nothing now: it is at work, not due, or with a person."""
    SETTLE = "SETTLE"
    """All that can be known is on the attempt."""
    FINISH = "FINISH"
    """The tool has answered: undo what must be undone, then settle."""
    ASK = "ASK"
    RESEND = "RESEND"
    UNDO = "UNDO"
    TELL = "TELL"
    """A person must settle it, and is told once."""


def after_its_execution(attempt: Attempt, execution: ExecutionStatus, now: datetime) -> Remedy:
    """Decide what follows for an attempt without an outcome, given how its execution stands.

    A function that sent a call may outlive its execution by its own timeout; its answer is worth waiting for.
    """
    if attempt.is_terminal or not execution.is_over:
        return Remedy.WAIT
    if execution is ExecutionStatus.GONE and (now - attempt.started_at).total_seconds() < KNOWN_BY_SECONDS:
        return Remedy.WAIT
    if attempt.status is AttemptStatus.CLAIMED:
        return Remedy.SETTLE
    if attempt.reply is not None:
        return Remedy.FINISH
    until = attempt.on_its_way_until
    return Remedy.WAIT if until is not None and now < until else Remedy.SETTLE


def of_unknown(attempt: Attempt, mapping: ToolMapping | None, now: datetime) -> Remedy:
    """Decide how an outcome that stands as UNKNOWN can become known."""
    if attempt.operator_notified_at is not None or (attempt.next_try_at is not None and now < attempt.next_try_at):
        return Remedy.WAIT
    if mapping is None or attempt.resolution_tries >= MOST_TRIES:
        return Remedy.TELL
    if attempt.effect_in_doubt:
        return _of_doubt(attempt, mapping, now)
    undoable = mapping.compensation.strategy is CompensationStrategy.AUTOMATIC
    return Remedy.UNDO if undoable else Remedy.TELL


def _of_doubt(attempt: Attempt, mapping: ToolMapping, now: datetime) -> Remedy:
    match mapping.effect_safety:
        case Verifiable(server_bound_seconds=bound):
            until = attempt.on_its_way_until
            quiet_seconds = bound if until is None else (now - until).total_seconds()
            return Remedy.ASK if quiet_seconds >= bound else Remedy.WAIT
        case Idempotent() as effect:
            first = attempt.first_dispatched_at or now
            alive = key_lives(effect, (now - first).total_seconds()) and now.timestamp() < attempt.expires_at_epoch
            return Remedy.RESEND if alive else Remedy.TELL
        case Unsafe():
            return Remedy.TELL


def seconds_to_next_try(tries: int) -> int:
    """Return how long to wait after the ``tries``-th look that found nothing out, in seconds."""
    return min(FIRST_TRY_SECONDS << max(tries - 1, 0), LONGEST_TRY_SECONDS)


def notice_kind(attempt: Attempt) -> NoticeKind:
    """Return what a person has to do about an UNKNOWN outcome: find out what exists, or undo what is known to."""
    return NoticeKind.ATTENTION if attempt.effect_in_doubt or attempt.reply is None else NoticeKind.COMPENSATION
