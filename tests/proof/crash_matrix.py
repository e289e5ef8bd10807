"""Row ``crash-matrix``: every single and double fault at every site of every flow, for each effect safety."""

from collections import Counter
from typing import Final, NamedTuple

from tests.proof.pool import each, tidy
from tests.proof.rows import Measured, Options, Row, Violation
from tests.proof.simulation.explorer import Explorer, Tally, plan_of, play_plan
from tests.proof.simulation.flows import FLOWS, PAIRS, Safety
from tests.proof.simulation.functions import in_haste
from tests.proof.simulation.play import Play
from tests.proof.simulation.sites import Site

ID: Final = "crash-matrix"
_LONGEST_FIRST: Final = ("cut-then-half-done", "half-done-twofold", "half-done-undo-refused", "half-done-undo-silent")


class Part(NamedTuple):
    """One flow under one effect safety, with at most so many faults."""

    flow: str
    safety: Safety
    most_faults: int


def explore(part: Part) -> tuple[Tally, Counter[Site]]:
    """Judge every plan of one part."""
    explorer = Explorer(Play.of(part.flow, part.safety))
    tally = explorer.explore(part.most_faults)
    tidy()
    return tally, explorer.sites


def parts(most_faults: int) -> list[Part]:
    """Return every pair of flow and effect safety, those that take longest first."""
    ordered = sorted(PAIRS, key=lambda pair: (pair[0] not in _LONGEST_FIRST, pair[0]))
    return [Part(flow, safety, most_faults) for flow, safety in ordered]


def violations(part: Part, tally: Tally, row: str = ID) -> list[Violation]:
    """Return a part's counter-examples with their tokens."""
    return [
        Violation("; ".join(said), f"{row}:{part.flow}/{part.safety}/{'+'.join(map(str, plan))}")
        for plan, said in tally.examples
    ]


def _play(options: Options) -> Measured:
    todo = parts(1 if options.quick else 2)
    total, sites = Tally(), Counter[Site]()
    found: list[Violation] = []
    for part, (tally, passed) in zip(todo, each(explore, todo, options), strict=True):
        total += tally
        sites += passed
        found += violations(part, tally)
    return Measured(
        value=f"{total.plans:,} plans over {len(FLOWS)} flows and {len(sites)} sites: {total.broken} broken",
        ok=total.broken == 0,
        endings=total.endings,
        violations=tuple(found),
    )


def replay(rest: str) -> str:
    """Play one plan again; ``rest`` is ``flow/safety/plan``. Raises ``ValueError`` where it names nothing."""
    flow, _, after = rest.partition("/")
    safety, _, plan = after.partition("/")
    if flow not in FLOWS:
        raise ValueError(f"{flow!r} is no flow; choose one of {', '.join(FLOWS)}")
    with in_haste():
        _, story = play_plan(FLOWS[flow], Safety(safety), plan_of(plan))
    return "\n".join(story)


ROW: Final = Row(
    id=ID,
    figure="all single and double faults: every port-call site, fault kind, flow and effect safety",
    target="0 double effects, 0 false outcomes, 100 % terminal and visible",
    play=_play,
    replay=replay,
    example="accepted/unsafe/3.7.late",
)
