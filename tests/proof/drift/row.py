"""Row ``drift``: published mappings, a gateway whose tools move away in every way there is, and the check that tells.

What must be told is worked out from what was done to the tools, never from the code under test; and what was not done
must not be told.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from adapters.memory.mapping_registry import MemoryMappingRegistry
from adapters.memory.tool_catalogue import MemoryToolCatalogue
from domain.use_cases.check_mappings import CheckMappings
from tests.proof.drift.kinds import KINDS, Drifted, Told
from tests.proof.drift.quiet import QUIET
from tests.proof.drift.subjects import Subject, names, subject
from tests.proof.pool import each
from tests.proof.rows import SHOWN_VIOLATIONS, Measured, Options, Row, Violation
from tests.support.gateway_tools import SCHEMAS

ID: Final = "drift"
MADE_UP: Final = 120
QUICK_MADE_UP: Final = 5
_EVERYTHING: Final = {**KINDS, **QUIET}
_NOT_HONOURED: Final = "NOT_HONOURED"


@dataclass
class Tally:
    """What the kinds came to over some subjects."""

    drifts: int = 0
    quiet: int = 0
    missed: int = 0
    invented: int = 0
    kinds: set[str] = field(default_factory=set)
    violations: list[Violation] = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """What was told about one drift, against what had to be."""

    missed: frozenset[Told]
    invented: frozenset[Told]

    @property
    def is_right(self) -> bool:
        """Whether everything was told and nothing else."""
        return not self.missed and not self.invented


def judged(published: Subject, drifted: Drifted) -> Verdict:
    """Run the check on a gateway that has drifted, and hold what it tells against what was done."""
    registry = MemoryMappingRegistry()
    registry.publish(published.mapping)
    (checked,) = CheckMappings(registry, MemoryToolCatalogue(list(drifted.tools.values())), SCHEMAS)()
    moved = {(one.kind.value, one.role.value, one.part) for one in checked.drifts if one.kind.value != _NOT_HONOURED}
    broken = {one.role.value for one in checked.drifts if one.kind.value == _NOT_HONOURED}
    return Verdict(
        missed=frozenset(drifted.told - moved) | {(_NOT_HONOURED, role, "") for role in drifted.broken - broken},
        invented=frozenset(moved - drifted.told) | {(_NOT_HONOURED, role, "") for role in broken - drifted.broken},
    )


def explore(name: str) -> Tally:
    """Play every kind on one subject."""
    tally, published = Tally(), subject(name)
    for kind, drifted in _played(published):
        verdict = judged(published, drifted)
        tally.drifts += kind in KINDS
        tally.quiet += kind in QUIET
        tally.missed += len(verdict.missed)
        tally.invented += len(verdict.invented)
        tally.kinds.add(kind)
        if not verdict.is_right:
            tally.violations.append(Violation(_story(kind, verdict), f"{ID}:{name}/{kind}"))
    return tally


def _played(published: Subject) -> Iterator[tuple[str, Drifted]]:
    for kind, drift in _EVERYTHING.items():
        drifted = drift(published, Random(f"{published.name}/{kind}"))  # noqa: S311  a choice, not a secret
        if drifted is not None:
            yield kind, drifted


def _story(kind: str, verdict: Verdict) -> str:
    missed = ", ".join(" ".join(told) for told in sorted(verdict.missed)) or "nothing"
    invented = ", ".join(" ".join(told) for told in sorted(verdict.invented)) or "nothing"
    return f"{kind}: missed {missed}; invented {invented}"


def play(options: Options) -> Measured:
    """Play every kind on every subject."""
    subjects = list(names(options.seed, QUICK_MADE_UP if options.quick else MADE_UP))
    total = Tally()
    for tally in each(explore, subjects, options):
        total.drifts += tally.drifts
        total.quiet += tally.quiet
        total.missed += tally.missed
        total.invented += tally.invented
        total.kinds |= tally.kinds
        total.violations += tally.violations
    kinds = len(total.kinds & KINDS.keys())
    said = "all reported" if not total.missed else f"{total.missed} missed"
    return Measured(
        value=f"{total.drifts:,} drifts of {kinds} kinds over {len(subjects)} mappings: {said}, {total.invented} "
        f"invented ({total.quiet:,} times nothing had drifted)",
        ok=not total.violations and kinds == len(KINDS),
        violations=tuple(total.violations[:SHOWN_VIOLATIONS]),
    )


def replay(rest: str) -> str:
    """Play one kind again; ``rest`` is ``subject/kind``. Raises ``ValueError`` where it names nothing."""
    name, _, kind = rest.partition("/")
    published = subject(name)
    for played, drifted in _played(published):
        if played == kind:
            told = sorted(" ".join(one) for one in drifted.told) or ["nothing"]
            broken = ", ".join(sorted(drifted.broken)) or "no role"
            verdict = judged(published, drifted)
            story = (f"{name}: {kind}", f"to be told: {'; '.join(told)}", f"not honoured in: {broken}")
            return "\n".join((*story, _story(kind, verdict)))
    raise ValueError(f"{kind!r} is no drift of {name}")


ROW: Final = Row(
    id=ID,
    figure=f"{len(KINDS)} ways in which tools move away from published mappings, and {len(QUIET)} in which they do not",
    target="every drift reported, none invented",
    play=play,
    replay=replay,
    example="crm___create_task.verifiable/verify-gone",
)
