"""The backlog in memory, read from the memory journal."""

from collections.abc import Iterator
from datetime import datetime

from adapters.memory import warn_that_nothing_is_kept
from adapters.memory.execution_journal import MemoryExecutionJournal
from domain.model.attempt import TERMINAL, Attempt, AttemptStatus
from domain.model.signal import Signal

_SETTLED = TERMINAL - {AttemptStatus.UNKNOWN}


class MemoryBacklog:
    """Looks at the journal when the first item is asked for; what is written after that comes with the next look."""

    def __init__(self, journal: MemoryExecutionJournal) -> None:
        warn_that_nothing_is_kept(self)
        self._journal = journal

    def open_attempts(
        self, status: AttemptStatus, *, updated_before: datetime, newest_first: bool = False
    ) -> Iterator[Attempt]:
        if status in _SETTLED:
            return
        found = (attempt for attempt in self._journal.attempts() if attempt.status is status)
        yield from sorted(
            (attempt for attempt in found if attempt.updated_at < updated_before),
            key=lambda attempt: attempt.updated_at,
            reverse=newest_first,
        )

    def unpublished_signals(self, *, created_before: datetime) -> Iterator[Signal]:
        found = (signal for signal in self._journal.signals() if signal.published_at is None)
        yield from sorted(
            (signal for signal in found if signal.created_at < created_before),
            key=lambda signal: signal.created_at,
        )
