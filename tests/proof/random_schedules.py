"""Row ``random-schedules``: execution, duplicate execution, reconciler and operator interleaved by chance."""

from typing import Final, NamedTuple

from tests.proof.pool import each, tidy
from tests.proof.rows import NO_ENDINGS, SHOWN_VIOLATIONS, Endings, Measured, Options, Row, Violation
from tests.proof.simulation.functions import in_haste
from tests.proof.simulation.schedule import MOST_FAULTS, Schedule

ID: Final = "random-schedules"
SCHEDULES: Final = 250_000
QUICK_SCHEDULES: Final = 1_500
_BATCH: Final = 500
_REPLAYED_EACH: Final = 100
"""One of so many schedules is played a second time, to be compared byte by byte."""


class Batch(NamedTuple):
    """Seeds, from the first to before the last."""

    first: int
    last: int


class Found(NamedTuple):
    """What a batch came to."""

    schedules: int
    faults: int
    endings: Endings
    broken: int
    violations: tuple[Violation, ...]
    replayed: int
    different: int
    """Schedules that went another way when they were played again."""


def play_batch(batch: Batch) -> Found:
    """Play and judge every schedule of a batch."""
    faults = broken = replayed = different = 0
    endings, violations = NO_ENDINGS, []
    for seed in range(*batch):
        judged = Schedule(seed).play()
        faults += judged.faults
        endings += judged.verdict.endings
        if judged.verdict.violations:
            broken += 1
            story = f"{judged.flow}, {judged.safety}: {'; '.join(judged.verdict.violations)}"
            violations.append(Violation(story, f"{ID}:{seed}"))
        if seed % _REPLAYED_EACH == 0:
            replayed += 1
            if Schedule(seed).play().digest != judged.digest:
                different += 1
                violations.append(Violation("it goes another way when it is played again", f"{ID}:{seed}"))
    tidy()
    shown = tuple(violations[:SHOWN_VIOLATIONS])
    return Found(batch.last - batch.first, faults, endings, broken, shown, replayed, different)


def _play(options: Options) -> Measured:
    count = QUICK_SCHEDULES if options.quick else SCHEDULES
    first = options.seed * SCHEDULES
    batches = [Batch(at, min(at + _BATCH, first + count)) for at in range(first, first + count, _BATCH)]
    results = each(play_batch, batches, options)
    broken, different = sum(found.broken for found in results), sum(found.different for found in results)
    played, replayed = sum(found.schedules for found in results), sum(found.replayed for found in results)
    faults = sum(found.faults for found in results)
    return Measured(
        value=f"{played:,} schedules with {faults:,} faults: {broken} violations; "
        f"{replayed:,} played again, {different} different",
        ok=broken == different == 0 and played == count,
        endings=sum((found.endings for found in results), NO_ENDINGS),
        violations=tuple(one for found in results for one in found.violations),
    )


def replay(rest: str) -> str:
    """Play one schedule again and tell all that happened; ``rest`` is its seed. Raises ``ValueError``."""
    if not rest.isdecimal():
        raise ValueError(f"{rest!r} is no seed")
    with in_haste():
        judged = Schedule(int(rest), tells=True).play()
    return "\n".join((f"flow {judged.flow}, {judged.safety}, {judged.faults} faults", *judged.story, judged.digest))


ROW: Final = Row(
    id=ID,
    figure=f"random schedules, up to {MOST_FAULTS} faults, 3 concurrent actors and an operator, virtual clock",
    target=f"≥ {SCHEDULES:,} schedules, 0 violations, replay byte-identical",
    play=_play,
    replay=replay,
    example="12",
)
