"""The connector capacity port."""

from typing import Protocol

from domain.model.connector_capacity import CapacityKey, ConnectorCapacity


class ConnectorCapacities(Protocol):
    """Keeps what each tenant's calls of each connector leave room for.

    Reads are strongly consistent. All methods raise ``TransientError`` when the store cannot be reached and
    ``ConfigurationError`` when access is denied. What is kept may be forgotten a day after it was last replaced: it
    throttles, and proves nothing.
    """

    def find(self, key: CapacityKey) -> ConnectorCapacity | None:
        """Return the state as it stands, or ``None`` if nobody has called yet."""
        ...

    def replace(self, state: ConnectorCapacity) -> bool:
        """Store the state if the version before its own stands (none, before version 1).

        ``False`` means that somebody else was faster and nothing was stored. The very same state once more is no
        change and ``True``, so that a repeat after a lost reply is harmless.
        """
        ...
