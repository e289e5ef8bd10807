"""Random schedules: executions, a duplicate, the reconciler and people at once, on one thread and one virtual clock.

Every call of a port is a moment at which somebody else may go on, time may pass, or a fault may strike. All chance
comes from one seed, so a schedule is its seed and nothing else, and plays the same way again, byte by byte. Functions
are ended when their time is up, executions may be stopped from outside, and a function whose execution was told that
it is lost goes on beside its successor, as it does on Lambda.
"""

import hashlib
import json
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from unittest import mock

from domain.model.execution_status import ExecutionStatus
from ports.steps.contract import FUNCTIONS, StepName, Worker
from tests.builders import a_ref
from tests.proof.simulation.driver import RUNNING, SUCCEEDED, Execution
from tests.proof.simulation.explorer import ending_of, judged
from tests.proof.simulation.flows import PAIRS, Safety
from tests.proof.simulation.hub import Hub
from tests.proof.simulation.operator import resolve_as_seen
from tests.proof.simulation.oracles import Verdict
from tests.proof.simulation.play import APPROVAL, SWEEP, Moment, Phase, Play, Position, arn_of, ended_event
from tests.proof.simulation.sites import NO_FAULTS, Kind, Site, go_straight_on
from tests.proof.simulation.world import World
from tests.support.asl_interpreter import StateError
from tests.support.faulty import Killed

Json = Any

MOST_FAULTS: Final = 5
_LONGEST_PAUSE_SECONDS: Final = 45.0
_SITES_OF_A_PLAY: Final = 80
"""About how many sites a schedule passes: faults are spread over so many."""
_MOST_SWEEPS: Final = 6


@dataclass(frozen=True)
class Judged:
    """How a schedule ended."""

    seed: int
    flow: str
    safety: Safety
    verdict: Verdict
    digest: str
    """The SHA-256 of everything that happened, in order: equal digests, equal schedules."""
    faults: int
    story: tuple[str, ...] = ()


_PLAYS: Final[dict[tuple[str, Safety], tuple[Play, Moment]]] = {}
"""Plays that were set up once and are put back to their beginning for each schedule."""


@contextmanager
def plays_of_their_own() -> Iterator[None]:
    """Set every play up anew inside, and forget it afterwards: its ports remember the methods that they were given."""
    with mock.patch.dict(_PLAYS, clear=True):
        yield


def _a_play(name: str, safety: Safety) -> Play:
    known = _PLAYS.get((name, safety))
    if known is None:
        play = Play.of(name, safety)
        known = _PLAYS[name, safety] = (play, play.moment())
    play, begin = known
    play.go_back(begin)
    play.functions.invocations.clear()
    return play


class Schedule:
    """One schedule."""

    def __init__(self, seed: int, *, tells: bool = False) -> None:
        self.seed, self._tells = seed, tells
        self._chance = random.Random(seed)  # noqa: S311  a seed that is printed, no secret
        self._flow, self._safety = self._chance.choice(PAIRS)
        self._play = _a_play(self._flow, self._safety)
        self._world = self._play.world
        self._hub = Hub(self._world, self._chance)
        self._strikes = set(self._chance.sample(range(_SITES_OF_A_PLAY), self._chance.randint(0, MOST_FAULTS)))
        self._sites = 0
        self._struck = 0
        self._heard = hashlib.sha256()
        self._story: list[str] = []
        self._executions: dict[str, Execution] = {}

    def play(self) -> Judged:
        """Play it to its end and judge it."""
        self._play.functions.sites.pause = self._at_a_site
        self._play.functions.faults = self._strike
        try:
            self._begin()
            self._hub.run()
        finally:
            self._play.functions.sites.pause = go_straight_on
            self._play.functions.faults = None
        self._close()
        for entry in self._world.journal.ledger(a_ref()):
            self._heard.update(entry.entry_hash.encode())
        story = (*self._story, *ending_of(self._play)) if self._tells else ()
        return Judged(
            self.seed,
            self._flow,
            self._safety,
            judged(self._play),
            self._heard.hexdigest(),
            self._struck,
            story,
        )

    def _begin(self) -> None:
        self._hub.start("execution 1", lambda: self._execute(1))
        if self._chance.random() < 0.7:
            delay = self._chance.choice((0.0, 0.0, 1.0, 30.0, 200.0))
            self._hub.start("execution 2", lambda: self._execute(2), delay)
        self._hub.start("schedule", self._sweep, self._chance.uniform(0, 150))
        if self._chance.random() < 0.15:
            self._hub.start("stop", self._stop, self._chance.choice((0.0, 1.0, 5.0, 60.0)))
        if self._chance.random() < 0.3:
            self._hub.start("operator", self._resolve, self._chance.uniform(0, 300))

    def _note(self, text: str) -> None:
        line = f"{self._hub.seconds:12.3f} s  {self._hub.mine.name}: {text}"
        self._heard.update(line.encode())
        if self._tells:
            self._story.append(line)

    def _at_a_site(self, site: Site) -> None:
        """Let somebody else go on, and let time pass now and then; end a function whose time is up."""
        self._note(str(site))
        task = self._hub.mine
        roll = self._chance.random()
        if roll < 0.5:
            self._hub.sleep(0.0 if roll < 0.47 else self._chance.uniform(0, _LONGEST_PAUSE_SECONDS))
        if task.function_ends_at is not None and self._hub.seconds > task.function_ends_at:
            self._note("the function's time is up")
            raise Killed
        self._world.gateway.caller_ends_at = task.function_ends_at or math.inf

    def _strike(self, site: Site) -> Kind | None:
        number, self._sites = self._sites, self._sites + 1
        if number not in self._strikes:
            return None
        self._struck += 1
        kind = self._chance.choice(site.kinds)
        self._note(f"{kind} strikes {site}")
        return kind

    def _call(self, function: StepName | Worker, event: Json) -> Json:
        """Run a function on a thread of its own, and wait for it, though not always to its end."""
        results: list[Json | StateError] = []

        def work() -> None:
            task.function_ends_at = self._hub.seconds + FUNCTIONS[function].function_timeout_seconds
            try:
                results.append(self._play.functions.call(function, event, NO_FAULTS))
            except StateError as failed:
                results.append(failed)

        caller = self._hub.mine
        task = self._hub.start(f"{caller.name}/{function.value}", work)
        if self._chance.random() < 0.04:
            self._hub.sleep(self._chance.uniform(0, 20))
            if not results:
                self._note("lost, and still running")
                raise StateError("Lambda.Unknown", "the service lost sight of it")
        else:
            self._hub.wait_for(task)
        found = results[0]
        if isinstance(found, StateError):
            raise found
        return found

    def _execute(self, number: int) -> None:
        arn = arn_of(number)
        self._world.executions.set_status(arn, ExecutionStatus.RUNNING)
        platform = _Platform(self._world, self._hub.sleep, self._call)
        execution = Execution(arn, self._world.clock.now(), APPROVAL)
        while execution.status == RUNNING:
            self._executions[arn] = execution
            following = execution.advance(platform)
            if self._executions[arn].status != RUNNING:
                return  # stopped meanwhile: whatever its function came to is heard by nobody
            execution = following
        self._ended(execution)

    def _ended(self, execution: Execution) -> None:
        self._executions[execution.arn] = execution
        self._world.executions.set_status(execution.arn, ExecutionStatus(execution.status))
        self._note(f"{execution.arn.rsplit(':', 1)[-1]} ends as {execution.status} {execution.error}")
        if execution.status != SUCCEEDED and self._chance.random() < 0.7:
            event = ended_event(execution.arn, execution.status)
            self._hub.start("status event", lambda: self._reconcile(event), self._chance.uniform(0, 5))

    def _stop(self) -> None:
        running = [one for one in self._executions.values() if one.status == RUNNING]
        if running:
            stopped = self._chance.choice(running)
            status = self._chance.choice((ExecutionStatus.ABORTED, ExecutionStatus.TIMED_OUT, ExecutionStatus.FAILED))
            self._ended(replace(stopped, status=status.value))

    def _reconcile(self, event: Json) -> bool:
        try:
            self._call(Worker.RECONCILER, event)
        except StateError as failed:
            self._note(f"failed: {failed.error}")
            return False
        return True

    def _sweep(self) -> None:
        for _ in range(self._chance.randint(1, _MOST_SWEEPS)):
            self._reconcile(SWEEP)
            if self._world.spooled and self._chance.random() < 0.5:
                body = self._world.spooled[0]
                if self._reconcile({"spooled": json.dumps(body)}) and body in self._world.spooled:
                    self._world.spooled.remove(body)
            self._hub.sleep(self._chance.choice((1.0, 20.0, 70.0, 130.0, 400.0)))

    def _resolve(self) -> None:
        """Look at the tools' side, too early as often as not, and say what is there; look again when refused."""
        for _ in range(4):
            self._hub.sleep(self._chance.uniform(60, 600))
            said = resolve_as_seen(self._world)
            if said:
                self._note(said)
            if said and not said.startswith("refused"):
                return

    def _close(self) -> None:
        """Let no fault strike any more, and play what is left in order."""
        play = self._play
        play.world.down = frozenset()
        play.world.gateway.caller_ends_at = math.inf
        play.position = Position(Phase.SWEEPING, tuple(self._executions.values()), disturbed=True)
        while not play.over:
            play.step()


@dataclass(frozen=True)
class _Platform:
    """What AWS does for one execution of a schedule."""

    world: World
    sleep: Callable[[float], None]
    call: Callable[[StepName, Json], Json]

    def now(self) -> datetime:
        return self.world.clock.now()

    def wait(self, seconds: float) -> None:
        self.sleep(seconds)

    def invoke(self, step: StepName, payload: Json) -> Json:
        return self.call(step, payload)

    def spool(self, body: Json) -> None:
        self.world.spooled.append(body)
