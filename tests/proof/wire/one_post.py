"""Row ``one-post``: every wire fault, on real sockets, through a whole action: one POST a send, nothing else.

The faults that break what is assumed of a gateway (it answers 401, 403, 429 and some JSON-RPC errors before it calls
a tool) are played too and told apart: there the product cannot know better, and a tool that dedupes still acts once.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Final

from adapters.mcp.wire import SUPPORTED_PROTOCOL_VERSIONS
from tests.proof.pool import each, tidy
from tests.proof.rows import NO_ENDINGS, SHOWN_VIOLATIONS, Endings, Measured, Options, Row, Violation
from tests.proof.simulation.flows import Safety
from tests.proof.simulation.functions import in_haste
from tests.proof.wire.cases import Case, case_of, every_case, quick_cases
from tests.proof.wire.gateway import http_client
from tests.proof.wire.play import Played, play
from tests.support.fault_server.catalogue import FAULTS

ID: Final = "one-post"
_BATCH: Final = 60
_THREADS: Final = 6
"""Plays at once in one process: below the HTTP client's ten connections, so that none waits for another's."""


@dataclass(frozen=True)
class Found:
    """What a batch came to."""

    plays: int = 0
    sends: int = 0
    posts: int = 0
    gets: int = 0
    elsewhere: int = 0
    broken: int = 0
    against: int = 0
    """Plays that break the assumption about gateways."""
    misled: int = 0
    """Those of them that end otherwise than the truth."""
    violations: tuple[Violation, ...] = ()
    endings: Endings = NO_ENDINGS

    def __add__(self, other: "Found") -> "Found":
        """Return both, counted together."""
        return Found(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})


def play_batch(cases: Sequence[Case]) -> Found:
    """Play a few cases at a time; the waiting of one is the working time of another."""
    http_client()
    with ThreadPoolExecutor(_THREADS) as threads:
        found = sum((found_in(played) for played in threads.map(play, cases)), Found())
    tidy()
    return found


def found_in(played: Played) -> Found:
    """Return what one play adds to the row."""
    against = played.case.breaks_the_assumption
    broken = bool(played.sentences)
    return Found(
        1,
        played.sends,
        played.posts,
        played.gets,
        played.elsewhere,
        int(broken),
        int(against),
        int(against and played.false_end),
        (Violation(f"{played.case}: {'; '.join(played.sentences)}", f"{ID}:{played.case}"),) if broken else (),
        played.endings,
    )


def _play(options: Options) -> Measured:
    cases = list(quick_cases() if options.quick else every_case())
    batches = [cases[at :: -(-len(cases) // _BATCH)] for at in range(-(-len(cases) // _BATCH))]
    found = sum(each(play_batch, batches, options), Found())
    safeties = 1 if options.quick else len(Safety)
    versions = 1 if options.quick else len(SUPPORTED_PROTOCOL_VERSIONS)
    return Measured(
        value=f"{found.sends:,} sends under {len(FAULTS)} faults x {safeties} effect safeties x {versions} versions: "
        f"{found.posts:,} POSTs, never two for one send, {found.gets} GETs, {found.elsewhere} redirects or links "
        f"followed, {found.broken} of {found.plays:,} plays broken; "
        f"{found.against} plays break the assumption about gateways: {found.misled} of them end untruly, and a "
        "tool that dedupes acted once in each",
        ok=found.broken == found.gets == found.elsewhere == 0 and found.plays == len(cases),
        endings=found.endings,
        violations=found.violations[:SHOWN_VIOLATIONS],
    )


def replay(rest: str) -> str:
    """Play one case again and tell its story; ``rest`` is its token. Raises ``ValueError`` where it names none."""
    case = case_of(rest)
    fault = FAULTS[case.fault]
    with in_haste():
        played = play(case, fresh=True)
    judged = [f"VIOLATION: {sentence}" for sentence in played.sentences] or ["nothing is broken"]
    return "\n".join((f"{fault.name}: {fault.done}; {fault.why}", *played.story, *judged))


ROW: Final = Row(
    id=ID,
    figure="every wire fault through a whole action, on real sockets, by the log of the server",
    target="≥ 40 faults; exactly 1 POST a send, 0 GETs, 0 redirects followed, no false end, in 100 %",
    play=_play,
    replay=replay,
    example="silence/acted/unsafe/2026-07-28/1/call",
)
