"""The clock port."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time, so that the domain never asks the machine and tests can set it."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC, in whole milliseconds (what the stores keep)."""
        ...

    def monotonic_seconds(self) -> float:
        """Return seconds from an arbitrary start that never go back; for deadlines within one invocation."""
        ...
