"""The backlog port."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.signal import Signal


class Backlog(Protocol):
    """Finds what is not finished, over all tenants, for the reconciler and for people.

    What it yields is a hint: it may lag behind the journal by moments, so a reader looks the record up before acting
    on it. Nothing is ever missing for good. Pages are fetched as they are consumed. Both methods raise
    ``TransientError`` when the store cannot be reached and ``ConfigurationError`` when access is denied.
    """

    def open_attempts(
        self, status: AttemptStatus, *, updated_before: datetime, newest_first: bool = False
    ) -> Iterator[Attempt]:
        """Yield the attempts of this status (CLAIMED, DISPATCHED or UNKNOWN) last written before a moment.

        Those written longest ago come early, or with ``newest_first`` those written last, though not in strict order.
        A settled status yields nothing.
        """
        ...

    def unpublished_signals(self, *, created_before: datetime) -> Iterator[Signal]:
        """Yield the signals of the outbox that were created before a moment and are not marked as published."""
        ...
