"""How much work one application of a schema may be: counted, so that none of it can take for ever.

Schemas that refer to themselves multiply with the depth of the arguments, and a few short rules over many values add
up; neither shows in the schema alone. So what is done is counted while it is done.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

MOST_WORK: Final = 300_000
"""Keywords that may be held against values in one application. They take one to two seconds (measured on one core), of
the 30 that a mapping's function has; a list of a hundred thousand numbers, each with a type and a bound, still fits."""

STEPS_PER_WORK: Final = 1_000
"""Steps of a regular expression that count as one keyword; estimated, as the steps are."""


class TooMuchWork(Exception):
    """One application of a schema would take longer than it may."""


_left: ContextVar[int] = ContextVar("_left", default=MOST_WORK)


@contextmanager
def limited() -> Iterator[None]:
    """Allow one application of a schema its work, counted anew."""
    token = _left.set(MOST_WORK)
    try:
        yield
    finally:
        _left.reset(token)


def afford(work: int) -> bool:
    """Count work if there is enough left for it, and say whether there was."""
    left = _left.get() - work
    if left >= 0:
        _left.set(left)
    return left >= 0


def spend(work: int) -> None:
    """Count work that is about to be done; raises ``TooMuchWork``."""
    if not afford(work):
        raise TooMuchWork
