"""Run ids that are counted, so that two runs of a test tell the same story."""

from itertools import count

from adapters.memory import warn_that_nothing_is_kept


class MemoryRunIds:
    """Unique within this object alone."""

    def __init__(self) -> None:
        warn_that_nothing_is_kept(self)
        self._numbers = count(1)

    def new(self) -> str:
        return f"run-{next(self._numbers)}"
