"""An operator inbox in memory."""

from threading import Lock

from adapters.memory import warn_that_nothing_is_kept
from domain.model.notice import Notice


class MemoryOperatorInbox:
    """Keeps every notice in order, repeats included: deduping is the readers' part."""

    def __init__(self) -> None:
        warn_that_nothing_is_kept(self)
        self._notices: list[Notice] = []
        self._lock = Lock()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Everything that was put, oldest first."""
        with self._lock:
            return tuple(self._notices)

    def put(self, notice: Notice) -> None:
        with self._lock:
            self._notices.append(notice)
