"""What a person should look at: everything that is not finished, in one list.

Owns the reading of it: outcomes that stand as UNKNOWN, attempts and signals that nobody has moved on, and the depth of
every queue. It exists because alarms say that there is something, and not what.

It changes nothing, and it hides nothing: what cannot be read is a line of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.errors import ActionError
from domain.model.outcome import Outcome
from domain.model.signal import Signal
from domain.policies.reconciliation import MOST_TRIES, STALE_SECONDS
from local.stack_info import StackInfo
from ports.backlog import Backlog
from ports.execution_journal import ExecutionJournal

_Found = TypeVar("_Found")

_WAITING: Final = "ApproximateNumberOfMessages"
_BEING_READ: Final = "ApproximateNumberOfMessagesNotVisible"


@dataclass(frozen=True)
class UnknownOutcome:
    """One outcome that stands as UNKNOWN, and who is at it."""

    intent: str
    error: str
    compensation: str
    since: str
    tries: int
    next_try_at: str | None
    """When the reconciler looks again; ``None`` for its next turn."""
    told_at: str | None
    """When a person was told that only they can settle it; the reconciler leaves it to them from then on."""

    def as_text(self) -> str:
        """Return the outcome as two lines."""
        if self.told_at:
            who = f"yours since {self.told_at}: python -m local resolve"
        else:
            who = f"looked into {self.tries} of {MOST_TRIES} times, next {self.next_try_at or 'at the next sweep'}"
        return f"{self.intent}  {self.error}  (compensation {self.compensation})\n    {who}"


@dataclass(frozen=True)
class StaleAttempt:
    """One attempt without an outcome that nobody has written for too long."""

    intent: str
    status: str
    since: str
    owner: str

    def as_text(self) -> str:
        """Return the attempt as one line."""
        return f"{self.intent}  {self.status} since {self.since}, owned by {self.owner}"


@dataclass(frozen=True)
class UnpublishedSignal:
    """One piece of news that the bus has not taken."""

    intent: str
    signal_type: str
    since: str

    def as_text(self) -> str:
        """Return the signal as one line."""
        return f"{self.intent}  {self.signal_type} since {self.since}"


@dataclass(frozen=True)
class QueueDepth:
    """How many messages a queue holds; SQS counts approximately."""

    queue: str
    waiting: int
    being_read: int

    def as_text(self) -> str:
        """Return the queue as one line."""
        return f"{self.queue:<36} {self.waiting} waiting, {self.being_read} being read"


@dataclass(frozen=True)
class Attention:
    """Everything that is not finished, at one moment."""

    unknown: tuple[UnknownOutcome, ...] = ()
    stale: tuple[StaleAttempt, ...] = ()
    unpublished: tuple[UnpublishedSignal, ...] = ()
    queues: tuple[QueueDepth, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to look at."""
        filled = any(queue.waiting or queue.being_read for queue in self.queues)
        return bool(self.unknown or self.stale or self.unpublished or self.unreadable or filled)

    def as_json(self) -> dict[str, Any]:
        """Return the list as plain data."""
        return {"attention_needed": self.is_needed, **asdict(self)}

    def as_text(self) -> str:
        """Return the list for a terminal: what there is, and every queue."""
        parts: list[tuple[str, Iterable[str]]] = [
            ("UNKNOWN outcomes", [one.as_text() for one in self.unknown]),
            ("attempts that nobody moves on", [one.as_text() for one in self.stale]),
            ("signals that are not published", [one.as_text() for one in self.unpublished]),
            ("could not be read", self.unreadable),
        ]
        lines = [] if self.is_needed else ["nothing is waiting for anybody"]
        for title, entries in parts:
            if entries:
                lines += [title, *(f"  {entry}" for entry in entries)]
        return "\n".join([*lines, "queues", *(f"  {queue.as_text()}" for queue in self.queues)])


@dataclass(frozen=True)
class Watch:
    """Looks at a stack's stores and queues."""

    info: StackInfo
    backlog: Backlog
    journal: ExecutionJournal

    def look(self, now: datetime) -> Attention:
        """Return what is not finished now; only failing to reach the queues raises."""
        unreadable: list[str] = []
        stale = now - timedelta(seconds=STALE_SECONDS)
        open_attempts = self.backlog.open_attempts
        unknown = self._standing(open_attempts(AttemptStatus.UNKNOWN, updated_before=now), unreadable)
        claimed = self._standing(open_attempts(AttemptStatus.CLAIMED, updated_before=stale), unreadable)
        dispatched = self._standing(open_attempts(AttemptStatus.DISPATCHED, updated_before=stale), unreadable)
        signals = _readable(self.backlog.unpublished_signals(created_before=stale), unreadable)
        return Attention(
            unknown=tuple(self._unknown(attempt, unreadable) for attempt in unknown),
            stale=tuple(_stale(attempt) for attempt in (*dispatched, *claimed)),
            unpublished=tuple(_unpublished(signal) for signal in signals),
            queues=tuple(self._depth(queue, url) for queue, url in sorted(self.info.queues.items())),
            unreadable=tuple(dict.fromkeys(unreadable)),
        )

    def _standing(self, hints: Iterator[Attempt], unreadable: list[str]) -> list[Attempt]:
        """Return the attempts that still stand as the index says, which may lag behind."""
        found = []
        for hint in _readable(hints, unreadable):
            try:
                attempt = self.journal.find_attempt(hint.ref)
            except ActionError as error:
                unreadable.append(str(error))
                attempt = hint
            if attempt is not None and attempt.status is hint.status:
                found.append(attempt)
        return found

    def _unknown(self, attempt: Attempt, unreadable: list[str]) -> UnknownOutcome:
        outcome: Outcome | None = None
        try:
            outcome = self.journal.find_outcome(attempt.ref)
        except ActionError as error:
            unreadable.append(str(error))
        return UnknownOutcome(
            intent=str(attempt.ref),
            error=f"{outcome.error_code}: {outcome.error_message}" if outcome else "its outcome cannot be read",
            compensation=outcome.compensation_status.value if outcome else "unknown",
            since=_moment(outcome.recorded_at if outcome else attempt.updated_at),
            tries=attempt.resolution_tries,
            next_try_at=_moment(attempt.next_try_at) if attempt.next_try_at else None,
            told_at=_moment(attempt.operator_notified_at) if attempt.operator_notified_at else None,
        )

    def _depth(self, queue: str, url: str) -> QueueDepth:
        answer = self.info.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[_WAITING, _BEING_READ])
        counted = answer["Attributes"]
        return QueueDepth(queue, int(counted[_WAITING]), int(counted[_BEING_READ]))


def _readable(found: Iterator[_Found], unreadable: list[str]) -> Iterator[_Found]:
    """Yield what a source gives, and keep the error that ends it."""
    try:
        yield from found
    except ActionError as error:
        unreadable.append(str(error))


def _stale(attempt: Attempt) -> StaleAttempt:
    return StaleAttempt(str(attempt.ref), attempt.status.value, _moment(attempt.updated_at), attempt.owner)


def _unpublished(signal: Signal) -> UnpublishedSignal:
    return UnpublishedSignal(str(signal.ref), signal.signal_type.value, _moment(signal.created_at))


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
