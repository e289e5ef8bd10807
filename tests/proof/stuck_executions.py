"""Row ``stuck-executions``: executions that are stopped anywhere, and nobody hears of it but the sweep.

A function may outlive its execution: so each one also begins its work in the middle of the reconciler's.
"""

from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, NamedTuple

from domain.model.execution_status import ExecutionStatus
from ports.steps.contract import FUNCTIONS, StepName, Worker
from tests.proof.pool import each, tidy
from tests.proof.rows import NO_ENDINGS, SHOWN_VIOLATIONS, Endings, Measured, Options, Row, Violation, token_parts
from tests.proof.simulation.explorer import ending_of, judged
from tests.proof.simulation.flows import FLOWS, PAIRS, Safety
from tests.proof.simulation.functions import in_haste
from tests.proof.simulation.play import Phase, Play
from tests.proof.simulation.sites import Kind, Site, go_straight_on
from tests.support.asl_interpreter import StateError

Json = Any

ID: Final = "stuck-executions"
_LATE: Final = "late"
_HEARD: Final = ".heard"
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
        return f"{self.step}.{'end' if self.site is None else self.site}.{self.status}{_HEARD if self.heard else ''}"


class Latecomer(NamedTuple):
    """A function that had been invoked when its execution was stopped, and outlives it."""

    step: int
    """The execution is stopped after this many invocations."""
    call: int
    """The function begins its work before this call of the reconciler, counted from 0."""

    def __str__(self) -> str:
        """Return it as a token has it."""
        return f"{self.step}.{_LATE}.{self.call}"


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
        for call in count():
            play.go_back(before)
            late = Latecomer(step, call)
            said = _outlived(play, late)
            if said is None:
                break
            stops += 1
            endings += judged(play).endings
            if said:
                broken += 1
                violations.append(Violation("; ".join(said), f"{ID}:{part.flow}/{part.safety}/{late}"))
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


@dataclass
class _Late:
    """Lets the function of a stopped execution begin in the middle of the reconciler's work."""

    play: Play
    step: StepName
    payload: Json
    latest_seconds: float
    """When Lambda has ended it."""
    calls_to_wait: int
    came: bool = False

    def at_a_site(self, site: Site) -> None:
        if self.came or site.function != Worker.RECONCILER:
            return
        if self.calls_to_wait == 0 and self.play.world.clock.monotonic_seconds() < self.latest_seconds:
            self.came = True
            with suppress(StateError):  # nobody hears what becomes of it
                self.play.functions.call(self.step, self.payload)
        self.calls_to_wait -= 1


def _outlived(play: Play, late: Latecomer) -> tuple[str, ...] | None:
    """Stop the execution here, let the reconciler hear of it, and let the next function run in its middle.

    Returns ``None`` where no function follows, or the reconciler makes no such call while it lives.
    """
    step = play.execution.state
    if not isinstance(step, StepName):
        return None
    dies_at = play.world.clock.monotonic_seconds() + FUNCTIONS[step].function_timeout_seconds
    hand = _Late(play, step, play.execution.payload(step), dies_at, late.call)
    loses_events, play.loses_events = play.loses_events, False
    play.stop(ExecutionStatus.ABORTED)
    play.functions.sites.pause = hand.at_a_site
    try:
        while not play.over:
            play.step()
    finally:
        play.functions.sites.pause = go_straight_on
        play.loses_events = loses_events
    return judged(play).violations if hand.came else None


def _settled(play: Play) -> bool:
    attempt = play.world.attempt
    return attempt is None or (attempt.is_terminal and play.is_published)


def _play(options: Options) -> Measured:
    todo = [Part(*pair) for pair in PAIRS if not options.quick or pair[0] in QUICK_FLOWS]
    results = each(stop_everywhere, todo, options)
    stops, broken = sum(found.stops for found in results), sum(found.broken for found in results)
    return Measured(
        value=f"{stops:,} stops: {stops - broken:,} terminal within {WITHIN_SWEEPS} sweeps and true",
        ok=broken == 0 and stops > 0,
        endings=sum((found.endings for found in results), NO_ENDINGS),
        violations=tuple(one for found in results for one in found.violations),
    )


def replay(rest: str) -> str:
    """Stop one execution again; ``rest`` is ``flow/safety/stop``. Raises ``ValueError`` where it names nothing."""
    flow, safety, named = token_parts(rest, "/", "flow/safety/step.site.status")
    heard = named.endswith(_HEARD)
    step, site, status = token_parts(named.removesuffix(_HEARD), ".", "step.site.status")
    if flow not in FLOWS:
        raise ValueError(f"{flow!r} is no flow; choose one of {', '.join(FLOWS)}")
    with in_haste():
        play = Play.of(flow, Safety(safety))
        play.loses_events = not heard
        for _ in range(int(step)):
            play.step()
        if site == _LATE:
            said = _outlived(play, Latecomer(int(step), int(status)))
        else:
            how = ExecutionStatus(status)
            said = _stopped(play, Stop(int(step), None if site == "end" else int(site), how, heard))
    return "\n".join((*ending_of(play), *(said or ("it had ended before it could be stopped",))))


ROW: Final = Row(
    id=ID,
    figure="executions stopped, timed out or crashed at every site, every status event lost, or a function still alive",
    target=f"100 % terminal within {WITHIN_SWEEPS} sweeps",
    play=_play,
    replay=replay,
    example="busy/verifiable/3.4.ABORTED",
)
