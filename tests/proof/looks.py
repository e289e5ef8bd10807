"""Looks: small parts of the other rows, each asked for one counter-example.

A row is played to the end and counts; a look stops at the first thing that must not be. It is how the planted defects
are searched for, and how it is shown that the same search finds nothing where none is planted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from tests.proof import compensation, crash_matrix, fairness, kill_switch, random_schedules, stuck_executions
from tests.proof.rows import Violation
from tests.proof.simulation.flows import PAIRS, Safety


class Look(Protocol):
    """Somewhere to look; equal looks look at the same."""

    def find(self) -> Violation | None:
        """Return a counter-example with the token of its row, or ``None``."""
        ...

    def __hash__(self) -> int:
        """Equal looks need to be taken once."""
        ...


@dataclass(frozen=True)
class Plans:
    """One flow undisturbed, then with every single fault."""

    flow: str
    safety: Safety

    def find(self) -> Violation | None:
        """Look at the shorter plans first."""
        for most_faults in (0, 1):
            part = crash_matrix.Part(self.flow, self.safety, most_faults)
            tally, _ = crash_matrix.explore(part)
            if tally.examples:
                return crash_matrix.violations(part, tally)[0]
        return None


@dataclass(frozen=True)
class Flips:
    """Every switch, set before every site of one flow."""

    flow: str
    safety: Safety

    def find(self) -> Violation | None:
        """Look at every flip."""
        return _first(kill_switch.flip_everywhere(kill_switch.Part(self.flow, self.safety)).violations)


@dataclass(frozen=True)
class Stops:
    """One flow, stopped at every site, with only sweeps left unless the stop is ``heard`` of."""

    flow: str
    safety: Safety
    heard: bool = False

    def find(self) -> Violation | None:
        """Look at every stop."""
        part = stuck_executions.Part(self.flow, self.safety, self.heard)
        return _first(stuck_executions.stop_everywhere(part).violations)


@dataclass(frozen=True)
class Undoings:
    """One way in which objects are undone, or not."""

    part: compensation.Part

    def find(self) -> Violation | None:
        """Look at every plan of at most one fault."""
        return _first(compensation.violations(self.part, compensation.explore(self.part)))


@dataclass(frozen=True)
class Schedules:
    """Random schedules, from the first seed to before the last."""

    first: int = 0
    last: int = 500

    def find(self) -> Violation | None:
        """Look a few at a time."""
        for at in range(self.first, self.last, _A_FEW):
            batch = random_schedules.Batch(at, min(at + _A_FEW, self.last))
            found = _first(random_schedules.play_batch(batch).violations)
            if found:
                return found
        return None


@dataclass(frozen=True)
class Crowds:
    """One crowd, in the short form."""

    seed: int = 0

    def find(self) -> Violation | None:
        """Look at every promise."""
        story = fairness.Story(self.seed, quick=True)
        return _first(fairness.violations([story], [fairness.tell(story)]))


_A_FEW: Final = 50


def everywhere(schedules: int) -> Iterator[Look]:
    """Yield where to look for a defect that nobody expects anywhere, the cheapest first."""
    yield from (Plans(*pair) for pair in PAIRS)
    for safety in Safety:
        yield from (Flips(flow, safety) for flow in kill_switch.QUICK_FLOWS)
        yield from (Stops(flow, safety) for flow in stuck_executions.QUICK_FLOWS)
    yield from (Undoings(part) for part in compensation.parts(compensation.QUICK_OBJECTS))
    yield from (Schedules(at, at + 250) for at in range(0, schedules, 250))


def _first(violations: tuple[Violation, ...] | list[Violation]) -> Violation | None:
    return violations[0] if violations else None
