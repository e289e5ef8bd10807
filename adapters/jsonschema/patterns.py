"""Regular expressions of a schema, applied only where that is sure to end soon.

A schema's patterns are written by whoever owns the tool, for ECMA-262, and Python's ``re`` backtracks: a nested
repetition over thirty characters can take longer than any function lives. So a pattern that repeats what already
repeats or chooses is never applied, and the others are applied to texts short enough for them. What is not applied
here is left to the tool, which checks its own arguments.
"""

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from adapters.jsonschema.effort import STEPS_PER_WORK

MAX_PATTERN_CHARACTERS: Final = 1_000
"""Longest pattern that is applied; a guess far above any that a person wrote."""

MAX_STEPS: Final = 10**8
"""Most backtracking that is risked for one text, in steps: about a second (estimated)."""


@lru_cache(maxsize=256)
def why_unchecked(pattern: str) -> str | None:
    """Return why a pattern is left to the tool, or ``None`` where it can be applied."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        return f"it has {len(pattern)} characters, and at most {MAX_PATTERN_CHARACTERS} are applied"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python reads with a warning, it may read otherwise than ECMA-262
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning):
        return "it is no regular expression of Python"
    if _FLAGS.search(pattern):
        return "it has flags of Python, by which it could mean something else than it says"
    return None if _shape(pattern).is_plain else "it repeats what itself repeats or chooses, which may take for ever"


def mismatches(pattern: str, text: str) -> bool:
    """Whether a text surely does not match a pattern; a pattern that is not applied refuses nothing."""
    if why_unchecked(pattern) is not None or _shape(pattern).steps(len(text)) > MAX_STEPS:
        return False
    return re.search(pattern, text) is None


def work_of(pattern: str, text: str) -> int:
    """Return how much work it may be to hold a pattern against a text."""
    return _shape(pattern).steps(len(text)) // STEPS_PER_WORK


_FLAGS: Final = re.compile(r"\(\?[a-zA-Z-]+[:)]")
"""Python's own among them ignore white space, so that what a repetition repeats is not what stands before it."""


@dataclass(frozen=True)
class _Shape:
    """What decides how long a pattern can take."""

    is_plain: bool
    """Whether nothing is repeated that itself repeats or chooses."""
    repetitions: int
    """Each may end at any place of the text."""
    choices: int

    def steps(self, characters: int) -> int:
        """Return the most steps over a text of that length."""
        return int(max(characters, 2) ** self.repetitions * 2**self.choices)


@lru_cache(maxsize=256)
def _shape(pattern: str) -> _Shape:
    # One repetition more where the pattern is not anchored: `re.search` begins at every place of the text.
    plain, repetitions, choices = True, 0 if pattern.startswith("^") else 1, 0
    open_groups: list[bool] = [False]  # whether something in the group repeats or chooses
    closed = False  # the same of the group that ended just before
    for kind in _kinds(pattern):
        ended, closed = closed, False
        match kind:
            case "(":
                open_groups.append(False)
            case ")":
                closed = open_groups.pop() if len(open_groups) > 1 else False
                open_groups[-1] |= closed
            case "|" | "optional":
                choices += 1
                open_groups[-1] = True
            case "repeat":
                plain = plain and not ended
                repetitions += 1
                open_groups[-1] = True
            case "exact":
                plain = plain and not ended
            case "backreference":
                plain = False
    return _Shape(plain, repetitions, choices)


_PARTS: Final = (
    ("backreference", r"\\[1-9]|\(\?P=[^)]*\)|\(\?\([^)]*\)"),
    ("other", r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]"),
    ("(", r"\((?:\?(?:[:=!>]|<[=!]|P?<[^>]*>|[a-zA-Z-]+:?))?"),
    (")", r"\)"),
    ("|", r"\|"),
    ("repeat", r"(?:[*+]|\{\d*,\d*\})[?+]?"),
    ("exact", r"\{\d+\}[?+]?"),
    ("optional", r"\?[?+]?"),
    ("other", r"."),
)
_PART: Final = re.compile("|".join(f"({text})" for _, text in _PARTS), re.DOTALL)


def _kinds(pattern: str) -> list[str]:
    """Return what a pattern is made of, in order."""
    return [_PARTS[(found.lastindex or 1) - 1][0] for found in _PART.finditer(pattern)]
