"""What a row of the scoreboard is: a claim about this product, how it is measured, and what was measured.

A row is a module that exposes ``ROW``. It plays what it claims, reports progress, and answers with a value a person
can compare with the target. What contradicts the claim comes back as violations, each with a token that plays exactly
that case again. Rows whose intents came to an end also say how those ends were judged; the ``agreement`` and
``unknown-precision`` rows only add these up.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from typing import Final

Progress = Callable[[int, int], None]
"""Takes how much is done and how much there is."""


def silent(done: int, total: int, /) -> None:
    """Report progress to nobody."""


SHOWN_VIOLATIONS: Final = 5
"""More counter-examples than these do not help a reader; the value counts them all."""


@dataclass(frozen=True)
class Endings:
    """How the ends of a row's intents were judged by somebody who sees every store and the tools' own effects."""

    judged: int = 0
    disagreeing: int = 0
    """Outcome, attempt, ledger and signal do not say the same."""
    unknown_imprecise: int = 0
    """UNKNOWN although the tool could still be asked, or no byte of a call had left and its sender lived."""
    unknown_sent: int = 0
    """UNSAFE, and a byte of the call had left."""
    unknown_died: int = 0
    """UNSAFE, and the sender died between the record of the dispatch and the first byte: it cannot be told."""

    def __add__(self, other: "Endings") -> "Endings":
        """Return both, counted together."""
        return Endings(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})


NO_ENDINGS: Final = Endings()


@dataclass(frozen=True)
class Violation:
    """One counter-example."""

    story: str
    """What was done and what came of it, in lines a person reads."""
    token: str
    """Plays it again: ``python -m tests.proof --replay TOKEN``."""


@dataclass(frozen=True)
class Measured:
    """What a row found."""

    value: str
    ok: bool
    endings: Endings = NO_ENDINGS
    violations: tuple[Violation, ...] = ()
    """The first few counter-examples; ``value`` counts them all."""


class NothingMoves(Exception):
    """What a row plays has not come to rest in the time it is given; the message says what is still open."""


@dataclass(frozen=True)
class Options:
    """How a row is to be played."""

    seed: int
    quick: bool = False
    """The short form that runs inside ``make test``: the same rules over fewer cases."""
    workers: int = 2
    """Processes that a row of pure computation may use."""
    progress: Progress = silent
    until_the_end: ExitStack = field(default_factory=ExitStack)
    """Closes, after the last row, what one row started and later rows use again (the embedded stack)."""
    shared: dict[str, object] = field(default_factory=dict)
    """What one row started and later rows use again, by name."""


@dataclass(frozen=True)
class Row:
    """A claim of the scoreboard."""

    id: str
    figure: str
    """What is counted."""
    target: str
    play: Callable[[Options], Measured]
    replay: Callable[[str], str] | None = None
    """Takes the part of a token after ``ID:`` and returns the story again; ``None``: its cases are real processes."""
    example: str = ""
    """Such a part of a token, for whoever does not know how one is written."""


def token_parts(text: str, separator: str, form: str) -> list[str]:
    """Return the parts of a token that is written like ``form``; raises ``ValueError`` where it has more or fewer."""
    found = text.split(separator)
    if len(found) != len(form.split(separator)):
        raise ValueError(f"{text!r} is not written like {form}")
    return found
