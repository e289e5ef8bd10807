"""Connector capacity in memory."""

from threading import Lock

from adapters.memory import warn_that_nothing_is_kept
from domain.model.connector_capacity import CapacityKey, ConnectorCapacity


class MemoryConnectorCapacities:
    """Keeps one state per key, replaced by whoever read the last one."""

    def __init__(self) -> None:
        warn_that_nothing_is_kept(self)
        self._states: dict[CapacityKey, ConnectorCapacity] = {}
        self._lock = Lock()

    def find(self, key: CapacityKey) -> ConnectorCapacity | None:
        with self._lock:
            return self._states.get(key)

    def replace(self, state: ConnectorCapacity) -> bool:
        with self._lock:
            standing = self._states.get(state.key)
            if state == standing:
                return True
            if state.version != (standing.version if standing else 0) + 1:
                return False
            self._states[state.key] = state
            return True
