"""A signal bus in memory."""

from threading import Lock

from adapters.memory import warn_that_nothing_is_kept
from domain.model.signal import Signal


class MemorySignalPublisher:
    """Keeps every publication in order, repeats included: deduping is the consumers' part."""

    def __init__(self) -> None:
        warn_that_nothing_is_kept(self)
        self._published: list[Signal] = []
        self._lock = Lock()

    @property
    def published(self) -> tuple[Signal, ...]:
        """Everything that was published, oldest first."""
        with self._lock:
            return tuple(self._published)

    def publish(self, signal: Signal) -> None:
        with self._lock:
            self._published.append(signal.model_copy(deep=True))
