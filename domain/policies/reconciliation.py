"""Reconciliation: what can still be done for an action whose execution is over, or whose outcome is UNKNOWN.

Total functions over what is on record. Nothing here starts an action: what was never sent is not sent any more, and a
call is sent again only where a send before it is in doubt and the tool answers for the key.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.errors import PermanentError
from domain.model.execution_status import ExecutionStatus
from domain.model.ledger import LedgerEntry, LedgerEventType
from domain.model.notice import NoticeKind
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.model.tool_mapping import (
    LONGEST_CALL_SECONDS,
    CompensationStrategy,
    Idempotent,
    ToolMapping,
    Unsafe,
    Verifiable,
)
from domain.policies.decision import Allowed, Decision, Refused
from domain.policies.retry import LATEST_LANDING_SECONDS, key_lives

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


TELL_AGAIN_SECONDS: Final = 7 * 24 * 3_600
"""After how long a person is told again, in seconds: half of what a queue keeps a notice for (Amazon SQS API Reference,
"SetQueueAttributes", MessageRetentionPeriod: 14 days at most), so that none vanishes while its action is UNKNOWN."""


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
    """A person must settle it, and is told, at long intervals."""


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
    if not is_due(attempt, now):
        return Remedy.WAIT
    if mapping is None or attempt.operator_notified_at is not None or attempt.resolution_tries >= MOST_TRIES:
        return Remedy.TELL
    if attempt.effect_in_doubt:
        return _of_doubt(attempt, mapping, now)
    undoable = mapping.compensation.strategy is CompensationStrategy.AUTOMATIC
    return Remedy.UNDO if undoable else Remedy.TELL


def is_due(attempt: Attempt, now: datetime) -> bool:
    """Whether an UNKNOWN outcome is to be looked into now; one that a person has been told of is theirs."""
    told = attempt.operator_notified_at
    if told is not None:
        return (now - told).total_seconds() >= TELL_AGAIN_SECONDS
    return attempt.next_try_at is None or attempt.next_try_at <= now


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


def statement_can_stand(
    attempt: Attempt, entries: Sequence[LedgerEntry], status: OutcomeStatus, now: datetime
) -> Decision:
    """Whether what a person says of an UNKNOWN action can still turn false: by a call that lands after they looked."""
    until = attempt.on_its_way_until
    if attempt.open_send and until is not None and now < until:
        return _too_early("a call", attempt, until)
    if status is OutcomeStatus.SUCCEEDED:
        if attempt.undone:
            return Refused(
                PermanentError,
                f"{len(attempt.undone)} object(s) of intent {attempt.ref} are on record as undone, so it did not "
                "succeed; undo the rest and say FAILED",
            )
        lands = _undo_lands(entries)
        return _too_early("an undo", attempt, lands) if lands is not None and now < lands else Allowed()
    last = until if attempt.open_send else attempt.doubtful_until
    lands = last + _LANDING if attempt.effect_in_doubt and last is not None else None
    return _too_early("a call", attempt, lands) if lands is not None and now < lands else Allowed()


_LANDING: Final = timedelta(seconds=LATEST_LANDING_SECONDS)


def _too_early(what: str, attempt: Attempt, until: datetime) -> Refused:
    return Refused(
        PermanentError,
        f"{what} for intent {attempt.ref} may still be on its way until {until.isoformat()}; look again after that, "
        "because what you see now may not be the end of it",
    )


def _undo_lands(entries: Sequence[LedgerEntry]) -> datetime | None:
    """Return when the last undo without proof has taken effect at the latest; ``None`` if all have theirs.

    The answer to one undo says nothing of an earlier one of the same object, unless it is that the object is undone.
    """
    on_its_way: dict[object, datetime] = {}
    unproved: list[datetime] = []
    for entry in entries:
        key = entry.data.get("idempotency_key")
        if entry.event_type is LedgerEventType.COMPENSATION_DISPATCHED:
            unproved += [on_its_way[key]] if key in on_its_way else []
            on_its_way[key] = entry.occurred_at + timedelta(seconds=LONGEST_CALL_SECONDS)
        elif entry.event_type is LedgerEventType.COMPENSATION_REPLIED:
            on_its_way.pop(key, None)
            unproved += [entry.occurred_at] if entry.data.get("status") == CompensationStatus.UNKNOWN else []
    left = (*unproved, *on_its_way.values())
    return max(left) + _LANDING if left else None
