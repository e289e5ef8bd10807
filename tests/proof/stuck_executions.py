"""Row ``stuck-executions``: executions that are stopped anywhere, and nobody hears of it but the sweep."""

from typing import Final, NamedTuple

from domain.model.execution_status import ExecutionStatus
from tests.proof.pool import each, tidy
from tests.proof.rows import NO_ENDINGS, SHOWN_VIOLATIONS, Endings, Measured, Options, Row, Violation
from tests.proof.simulation.explorer import ending_of, judged
from tests.proof.simulation.flows import FLOWS, PAIRS, Safety
from tests.proof.simulation.functions import in_haste
from tests.proof.simulation.play import Phase, Play
from tests.proof.simulation.sites import Kind

ID: Final = "stuck-executions"
WITHIN_SWEEPS: Final = 2
STATUSES: Final = (ExecutionStatus.ABORTED, ExecutionStatus.TIMED_OUT, ExecutionStatus.FAILED)
QUICK_FLOWS: Final = ("accepted", "half-done", "done-and-lost", "busy")


class Part(NamedTuple):
    """One flow under one effect safety."""

    flow: str
    safety: Safety
    heard: bool = False
    """Whether the status change of a stopped execution arrives; the row plays without."""


class Stop(NamedTuple):
    """Where an execution is stopped, and how."""

    step: int
    """After this many invocations."""
    site: int | None
    """The function dies before this call of the next invocation; ``None``: it finishes, and nobody hears of it."""
    status: ExecutionStatus
    heard: bool = False

    def __str__(self) -> str:
        """Return the stop as a token has it."""
        return f"{self.step}.{'end' if self.site is None else self.site}.{self.status}{'.heard' if self.heard else ''}"


class Found(NamedTuple):
    """What a part came to."""

    stops: int
    endings: Endings
    broken: int
    violations: tuple[Violation, ...]


def stop_everywhere(part: Part) -> Found:
    """Stop the execution at every site of every invocation, in every way, and judge what sweeps make of it."""
    play = Play.of(part.flow, part.safety)
    play.loses_events = not part.heard
    stops = broken = step = 0
    endings, violations = NO_ENDINGS, []
    while play.position.phase is Phase.EXECUTING:
        before = play.moment()
        called = play.step()
        after = play.moment()
        sites = [None, *range(len(called))] if called else []
        for stop in (Stop(step, site, status, part.heard) for site in sites for status in STATUSES):
            play.go_back(before)
            said = _stopped(play, stop)
            if said is None:
                continue
            stops += 1
            endings += judged(play).endings
            if said:
                broken += 1
                violations.append(Violation("; ".join(said), f"{ID}:{part.flow}/{part.safety}/{stop}"))
        play.go_back(after)
        step += 1
    tidy()
    return Found(stops, endings, broken, tuple(violations[:SHOWN_VIOLATIONS]))


def _stopped(play: Play, stop: Stop) -> tuple[str, ...] | None:
    """Stop here and play on to the end; return what was broken, ``None`` if it had ended before it was stopped."""
    play.step({} if stop.site is None else {stop.site: Kind.BEFORE})
    if play.position.phase is not Phase.EXECUTING:
        return None
    play.stop(stop.status)
    late: tuple[str, ...] = ()
    while not play.over:
        play.step()
        if play.position.phase is not Phase.EXECUTING and play.position.sweeps == WITHIN_SWEEPS and not _settled(play):
            late = (f"not terminal after {WITHIN_SWEEPS} sweeps",)
    return (*late, *judged(play).violations)


def _settled(play: Play) -> bool:
    attempt = play.world.attempt
    return attempt is None or (attempt.is_terminal and play.is_published)


def _play(options: Options) -> Measured:
    todo = [Part(*pair) for pair in PAIRS if not options.quick or pair[0] in QUICK_FLOWS]
    results = list(each(stop_everywhere, todo, options))
    stops, broken = sum(found.stops for found in results), sum(found.broken for found in results)
    return Measured(
        value=f"{stops:,} stops: {stops - broken:,} terminal within {WITHIN_SWEEPS} sweeps and true",
        ok=broken == 0 and stops > 0,
        endings=sum((found.endings for found in results), NO_ENDINGS),
        violations=tuple(one for found in results for one in found.violations),
    )


def replay(rest: str) -> str:
    """Stop one execution again; ``rest`` is ``flow/safety/stop``. Raises ``ValueError`` where it names nothing."""
    flow, safety, named = rest.split("/")
    step, site, status, *heard = named.split(".")
    if flow not in FLOWS:
        raise ValueError(f"{flow!r} is no flow; choose one of {', '.join(FLOWS)}")
    with in_haste():
        play = Play.of(flow, Safety(safety))
        play.loses_events = not heard
        for _ in range(int(step)):
            play.step()
        said = _stopped(play, Stop(int(step), None if site == "end" else int(site), ExecutionStatus(status)))
    return "\n".join((*ending_of(play), *(said or ("it had ended before it could be stopped",))))


ROW: Final = Row(
    id=ID,
    figure="executions stopped at every site, timed out or crashed, with every status event lost",
    target=f"100 % terminal within {WITHIN_SWEEPS} sweeps",
    play=_play,
    replay=replay,
)
