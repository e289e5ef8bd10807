"""The explorer: every plan of at most so many faults, each judged, with shared continuations played once.

Two plans that lead to the same moment have the same future, so a moment's verdicts are kept and added up instead of
being played again. What is counted is plans, not plays. A counter-example is the plan itself: the number of the step,
the number of the site in it, and what strikes there.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.builders import a_ref
from tests.proof.rows import NO_ENDINGS, SHOWN_VIOLATIONS, Endings, token_parts
from tests.proof.simulation.flows import Flow, Safety
from tests.proof.simulation.oracles import Verdict, verdict
from tests.proof.simulation.play import Moment, Play
from tests.proof.simulation.sites import NO_FAULTS, Faults, Kind, Site


class Strike(NamedTuple):
    """One fault of a plan."""

    step: int
    """Which invocation of the play, counted from 0."""
    site: int
    kind: Kind

    def __str__(self) -> str:
        """Return the fault as a token has it."""
        return f"{self.step}.{self.site}.{self.kind}"


Plan = tuple[Strike, ...]


def plan_of(text: str) -> Plan:
    """Return the plan that a token names; raises ``ValueError`` where it names none."""
    strikes = [token_parts(part, ".", "step.site.kind") for part in text.split("+") if part]
    return tuple(Strike(int(step), int(site), Kind(kind)) for step, site, kind in strikes)


@dataclass(frozen=True)
class Tally:
    """What many plans came to."""

    plans: int = 0
    endings: Endings = NO_ENDINGS
    broken: int = 0
    examples: tuple[tuple[Plan, tuple[str, ...]], ...] = ()
    """The first few broken plans, with what was broken."""

    def __add__(self, other: "Tally") -> "Tally":
        """Return both, counted together."""
        return Tally(
            self.plans + other.plans,
            self.endings + other.endings,
            self.broken + other.broken,
            (self.examples + other.examples)[:SHOWN_VIOLATIONS],
        )

    def later(self, steps: int, strikes: Plan = ()) -> "Tally":
        """Return the same seen from ``steps`` earlier, where ``strikes`` came first."""
        if not self.examples:
            return self
        moved = tuple(
            ((*strikes, *(strike._replace(step=strike.step + steps) for strike in plan)), said)
            for plan, said in self.examples
        )
        return Tally(self.plans, self.endings, self.broken, moved)


def judged(play: Play) -> Verdict:
    """Judge a play that is over."""
    return verdict(play.world, play.safety, play.position.executions, may_act=play.flow.may_act, due=play.due)


@dataclass
class Explorer:
    """Explores one play."""

    play: Play
    sites: Counter[Site] = field(default_factory=Counter)
    """Every site that was passed, and how often a fault was planted there."""
    _known: dict[tuple[int, int], Tally] = field(default_factory=dict)

    def explore(self, most_faults: int) -> Tally:
        """Judge every plan of at most ``most_faults`` faults."""
        mark = (self.play.mark(), most_faults)
        known = self._known.get(mark)
        if known is None:
            known = self._known[mark] = self._explore(most_faults)
        return known

    def _explore(self, most_faults: int) -> Tally:
        play = self.play
        if play.over:
            end = judged(play)
            found = end.violations
            return Tally(1, end.endings, int(bool(found)), (((), found),) if found else ())
        moment = play.moment() if most_faults else None
        called = play.step()
        total = self.explore(most_faults).later(1)
        if moment is not None:
            for faults, site in _next_faults(called, NO_FAULTS):
                total += self._branch(moment, faults, most_faults - 1, site)
        return total

    def _branch(self, moment: Moment, faults: Faults, most_faults: int, site: Site) -> Tally:
        """Judge every plan that begins with these faults in the invocation that follows the moment."""
        self.sites[site] += 1
        self.play.go_back(moment)
        called = self.play.step(faults)
        strikes = tuple(Strike(0, number, kind) for number, kind in faults.items())
        total = self.explore(most_faults).later(1, strikes)
        if most_faults:
            for more, another in _next_faults(called, faults):
                total += self._branch(moment, more, most_faults - 1, another)
        return total


def _next_faults(called: list[Site], faults: Faults) -> Iterator[tuple[Faults, Site]]:
    """Yield every way to add one fault after the last one."""
    for number in range(max(faults, default=-1) + 1, len(called)):
        for kind in called[number].kinds:
            yield {**faults, number: kind}, called[number]


def play_plan(flow: Flow, safety: Safety, plan: Plan) -> tuple[Play, list[str]]:
    """Play one plan to its end; return the play and its story, line by line."""
    play = Play(flow, safety)
    story: list[str] = []
    step = struck_in_all = 0
    while not play.over:
        faults = {strike.site: strike.kind for strike in plan if strike.step == step}
        at = play.world.clock.monotonic_seconds()
        play.step(faults)
        for run in play.functions.invocations:
            struck_in_all += len(run.struck)
            struck = "".join(f"; {kind} strikes {site.port}.{site.method}" for site, kind in run.struck)
            story.append(f"{at:10.0f} s  {run.function}, {len(run.called)} calls{struck}")
        step += 1
    if struck_in_all < len(plan):
        story.append(f"  only {struck_in_all} of {len(plan)} faults struck: the others name places that are not passed")
    return play, story + ending_of(play)


def ending_of(play: Play) -> list[str]:
    """Return what stands at the end, and what is wrong with it."""
    world, outcome = play.world, play.world.outcome
    lines = [
        f"  ledger: {entry.seq} {entry.event_type} {_short(entry.data)}" for entry in world.journal.ledger(a_ref())
    ]
    lines += [f"  effect: {act.purpose} {', '.join(act.object_ids)} by {act.run_ref}" for act in world.tools.acts]
    lines.append(f"  exists: {', '.join(world.tools.existing) or 'nothing'}")
    lines.append(f"  outcome: {outcome.status if outcome else 'none'}")
    lines += [f"  VIOLATION: {sentence}" for sentence in judged(play).violations]
    return lines


def _short(data: object) -> str:
    text = str(data)
    return text if len(text) <= 110 else f"{text[:107]}..."
