"""A clock that stands still until it is told to move."""

from datetime import UTC, datetime, timedelta
from threading import Lock

from adapters.memory import warn_that_nothing_is_kept


class MemoryClock:
    """Starts at ``start`` (aware) and moves only by ``advance``, the monotonic reading with it."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("start has no time zone; pass an aware datetime")
        warn_that_nothing_is_kept(self)
        self._start = start.astimezone(UTC)
        self._elapsed = timedelta()
        self._lock = Lock()

    def now(self) -> datetime:
        moment = self._start + self._elapsed
        return moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)

    def monotonic_seconds(self) -> float:
        return self._elapsed.total_seconds()

    def advance(self, seconds: float) -> None:
        """Move forward by ``seconds``; backwards raises ``ValueError``, because real clocks we rely on do not."""
        if seconds < 0:
            raise ValueError(f"seconds is {seconds}; a clock only moves forward")
        with self._lock:
            self._elapsed += timedelta(seconds=seconds)
