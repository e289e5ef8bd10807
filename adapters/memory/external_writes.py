"""External write records in memory."""

from threading import Lock

from adapters.memory import warn_that_nothing_is_kept
from domain.model.external_write import ExternalWrite


class MemoryExternalWrites:
    """Keeps the first record of each key."""

    def __init__(self) -> None:
        warn_that_nothing_is_kept(self)
        self._writes: dict[str, ExternalWrite] = {}
        self._lock = Lock()

    def find(self, idempotency_key: str) -> ExternalWrite | None:
        with self._lock:
            return self._writes.get(idempotency_key)

    def record(self, write: ExternalWrite) -> ExternalWrite:
        with self._lock:
            return self._writes.setdefault(write.idempotency_key, write)
