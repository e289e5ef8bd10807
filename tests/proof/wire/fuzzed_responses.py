"""Row ``fuzzed-responses``: generated answers, honest and mutated, and what is concluded from each.

Nothing may be raised, nothing may be concluded that a second reader of the same bytes does not find proved, memory
stays within a multiple of the largest answer that is read, and no text of a tool changes a log line or the next call.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from adapters.mcp.answer_reader import MAX_RESPONSE_BYTES
from tests.proof.pool import each, tidy
from tests.proof.rows import SHOWN_VIOLATIONS, Measured, Options, Row, Violation
from tests.proof.simulation.functions import in_haste
from tests.proof.wire.fuzz.injections import EVERY, QUICK, Injection, play_injections
from tests.proof.wire.fuzz.session import FuzzSession

ID: Final = "fuzzed-responses"
ANSWERS: Final = 50_000
QUICK_ANSWERS: Final = 1_500
_BATCH: Final = 500
MOST_CAPS: Final = 128
"""The most memory that one answer may take, in sizes of the largest that is read (1 MiB): a megabyte of empty JSON
objects becomes about forty as Python objects, and its description in the archive as many again (94 measured). It fits
the functions' 512 MB several times over."""
_MEGABYTE: Final = 1_048_576


class Batch(NamedTuple):
    """Seeds, from the first to before the last, or injections over sockets."""

    first: int = 0
    last: int = 0
    injections: tuple[Injection, ...] = ()


@dataclass
class Found:
    """What a batch came to."""

    answers: int = 0
    honest: int = 0
    raised: int = 0
    believed: int = 0
    """Answers from which SUCCEEDED was concluded."""
    injections: int = 0
    broken: int = 0
    peak_bytes: int = 0
    violations: list[Violation] = field(default_factory=list)


def play_batch(batch: Batch) -> Found:
    """Play every answer of a batch."""
    if batch.injections:
        return _inject(batch.injections)
    session, found = FuzzSession(), Found()
    for seed in range(batch.first, batch.last):
        told = session.play(seed)
        found.answers += 1
        found.honest += told.honest
        found.believed += told.evidence == "SUCCEEDED"
        found.raised += any("it raised" in sentence for sentence in told.sentences)
        found.peak_bytes = max(found.peak_bytes, told.peak_bytes)
        if told.sentences:
            found.broken += 1
            found.violations.append(Violation("; ".join(told.sentences), f"{ID}:{seed}"))
    del found.violations[SHOWN_VIOLATIONS:]
    tidy()
    return found


def _inject(chosen: tuple[Injection, ...]) -> Found:
    found = Found()
    for injection, sentences in play_injections(chosen):
        found.injections += 1
        if sentences:
            found.broken += 1
            found.violations.append(Violation(f"{injection}: {'; '.join(sentences)}", f"{ID}:{injection}"))
    return found


def _play(options: Options) -> Measured:
    count = QUICK_ANSWERS if options.quick else ANSWERS
    first = options.seed * ANSWERS
    injections = QUICK if options.quick else EVERY
    batches = [
        Batch(injections=injections),
        *(Batch(at, min(at + _BATCH, first + count)) for at in range(first, first + count, _BATCH)),
    ]
    parts = each(play_batch, batches, options)
    answers, broken = sum(one.answers for one in parts), sum(one.broken for one in parts)
    peak, injected = max(one.peak_bytes for one in parts), sum(one.injections for one in parts)
    caps = -(-peak // MAX_RESPONSE_BYTES)
    return Measured(
        value=f"{answers:,} answers ({sum(one.honest for one in parts):,} untouched, all understood): "
        f"{sum(one.raised for one in parts)} unhandled, {broken} false conclusions in "
        f"{sum(one.believed for one in parts):,} SUCCEEDED and the rest; {injected} injections changed nothing else; "
        f"peak {peak / _MEGABYTE:.0f} MiB for one answer, {caps} times the largest that is read",
        ok=broken == 0 and answers == count and injected == len(injections) and 0 < caps <= MOST_CAPS,
        violations=tuple(one for part in parts for one in part.violations),
    )


def replay(rest: str) -> str:
    """Play one answer again and tell its story; ``rest`` is its seed, or an injection's name. Raises ``ValueError``."""
    with in_haste():
        if not rest.isdecimal():
            named = Injection.of(rest)
            [(_, sentences)] = play_injections([named])
            return "\n".join((str(named), *(sentences or ["nothing is broken"])))
        told = FuzzSession().play(int(rest))
    judged = [f"VIOLATION: {sentence}" for sentence in told.sentences] or ["nothing is broken"]
    return "\n".join((*told.story, *judged))


ROW: Final = Row(
    id=ID,
    figure="generated answers through the shipped client, read again by a second reader",
    target=f"≥ {ANSWERS:,} answers, 0 unhandled, 0 false SUCCEEDED, ≤ {MOST_CAPS} times the largest answer in memory",
    play=_play,
    replay=replay,
    example="7",
)
