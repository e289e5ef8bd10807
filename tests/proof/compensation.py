"""Row ``compensation``: one to four objects, every prefix of them undone before an undo fails, and every crash."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from domain.model.tool_mapping import CompensationStrategy
from tests.proof.pool import each, tidy
from tests.proof.rows import Measured, Options, Row, Violation, token_parts
from tests.proof.simulation.explorer import Explorer, Tally, plan_of, play_plan
from tests.proof.simulation.flows import Flow, Safety
from tests.proof.simulation.functions import in_haste
from tests.proof.simulation.play import Play
from tests.proof.simulation.tool_side import Doing

ID: Final = "compensation"
MOST_OBJECTS: Final = 4
QUICK_OBJECTS: Final = 2
_FAILURES: Final = (Doing.REFUSE, Doing.GRUMBLE, Doing.MUTTER)
"""The undo is refused; it fails and says nothing; it is done and says nothing."""


class Part(NamedTuple):
    """So many objects, of which so many are undone before one fails in this way; then the rest."""

    safety: Safety
    objects: int
    undone_first: int
    failure: Doing
    """ACCEPT: none fails."""
    strategy: CompensationStrategy = CompensationStrategy.AUTOMATIC

    @property
    def flow(self) -> Flow:
        """The flow that this is."""
        undoings = [*[Doing.ACCEPT] * self.undone_first, self.failure]
        return Flow([Doing.PARTIAL], undoings, objects_each=self.objects, strategy=self.strategy)

    def __str__(self) -> str:
        """Return the part as a token has it."""
        return f"{self.safety}.{self.objects}.{self.undone_first}.{self.failure}.{self.strategy}"


def parts(most_objects: int) -> Iterator[Part]:
    """Yield every part."""
    for safety in Safety:
        for objects in range(most_objects, 0, -1):
            yield Part(safety, objects, 0, Doing.ACCEPT)
            for failure in _FAILURES:
                yield from (Part(safety, objects, prefix, failure) for prefix in range(objects))
            for strategy in (CompensationStrategy.MANUAL, CompensationStrategy.NONE):
                yield Part(safety, objects, 0, Doing.ACCEPT, strategy)


def explore(part: Part) -> Tally:
    """Judge every plan of at most one fault."""
    tally = Explorer(Play(part.flow, part.safety)).explore(1)
    tidy()
    return tally


def violations(part: Part, tally: Tally) -> list[Violation]:
    """Return a part's counter-examples with their tokens."""
    return [Violation("; ".join(said), f"{ID}:{part}/{'+'.join(map(str, plan))}") for plan, said in tally.examples]


def _play(options: Options) -> Measured:
    todo = list(parts(QUICK_OBJECTS if options.quick else MOST_OBJECTS))
    total = Tally()
    found: list[Violation] = []
    for part, tally in zip(todo, each(explore, todo, options), strict=True):
        total += tally
        found += violations(part, tally)
    return Measured(
        value=f"{total.plans:,} plans over {len(todo)} ways to undo: {total.broken} broken",
        ok=total.broken == 0,
        endings=total.endings,
        violations=tuple(found),
    )


def replay(rest: str) -> str:
    """Play one plan again; ``rest`` is ``part/plan``. Raises ``ValueError`` where it names nothing."""
    named, _, plan = rest.partition("/")
    safety, objects, undone_first, failure, strategy = token_parts(named, ".", "safety.objects.undone.failure.strategy")
    part = Part(Safety(safety), int(objects), int(undone_first), Doing(failure), CompensationStrategy(strategy))
    with in_haste():
        return "\n".join(play_plan(part.flow, part.safety, plan_of(plan))[1])


ROW: Final = Row(
    id=ID,
    figure=f"all prefixes of 1 to {MOST_OBJECTS} objects, all ways an undo fails, all crash points",
    target="each object undone once, or listed",
    play=_play,
    replay=replay,
    example="unsafe.2.1.refuse.AUTOMATIC/",
)
