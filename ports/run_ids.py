"""The run id port."""

from typing import Protocol


class RunIds(Protocol):
    """Names runs of a worker, so that two of them never write the very same record and both believe it theirs."""

    def new(self) -> str:
        """Return an id that was never returned before, here or elsewhere: letters, digits and hyphens."""
        ...
