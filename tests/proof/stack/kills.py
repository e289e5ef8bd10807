"""``process-kills``: processes die at named sites of every function, and what they worked for ends all the same.

The stack of this row starts its functions through ``mortal_runtime``, which kills its own process where it is told to;
nothing shipped is changed. Each case is one intent. Step Functions enters a step again whose function has died; what
it gives up is the reconciler's. A kill counts only with two witnesses: the word that the dying process left, and, for
a step, the failed task in the execution's history.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from domain.model.identifiers import IntentRef
from domain.model.signal import SignalType
from infrastructure.reconciliation import BAD_ENDS
from local.functions import FunctionFailed, execution_ended
from local.stack import LocalStack
from ports.steps.contract import Worker
from tests.proof.rows import SHOWN_VIOLATIONS, Endings, Measured, Options, Row, Violation
from tests.proof.stack import mortal_runtime
from tests.proof.stack.agreement import Evidence, Judgement, is_final, judge
from tests.proof.stack.ground import (
    POLL_SECONDS,
    WAIT_SCALE,
    Ground,
    a_proof_intent,
    a_proof_mapping,
    new_run,
    quietly,
    start_stack,
)
from tests.proof.stack.kill_plan import EFFECTS, Case, Site, every_case, quick_cases
from tests.proof.stack.subscriber import News, Subscriber

ID: Final = "process-kills"
AT_ONCE: Final = 4
QUICK_AT_ONCE: Final = 2
RAMP_CASES, RAMP_SECONDS = 12, 0.4
"""How many begin one after the other: all at once, each would start workers of its own in every function."""

END_SECONDS: Final = 150.0
"""A call of a tool that must be asked counts as on its way for a minute, if nobody saw it end."""
TRY_AGAIN_AFTER_SECONDS: Final = 3.0
"""A reconciler that dies of an event is woken by the same event twice more by Lambda, a minute and more later (AWS
Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation"). The emulator wakes a
rule's target once, so the event is given again by hand."""

KILLED: Final = "Runtime.ExitError"
"""What Step Functions is told of a function whose process has died."""


@dataclass(frozen=True)
class Played:
    """One case at its end."""

    case: Case
    ref: IntentRef
    judgement: Judgement
    kills: int
    """How many of its processes left word that they died."""
    found: tuple[str, ...]
    """What else is wrong: a kill that did not happen, or one that nobody noticed."""

    @property
    def news(self) -> News:
        """What subscribers must have heard of it."""
        status = self.judgement.status
        return self.ref, SignalType.of(status).value if status else "nothing"


class Mortuary:
    """The folder in which deaths are ordered, and in which the dead leave word."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / mortal_runtime.DEAD).mkdir(parents=True)

    def order(self, case: Case, intent_id: str) -> None:
        """Let the processes that work for an intent die at the case's sites, one after the other."""
        for number, site in enumerate(case.sites):
            file = self.folder / f"{intent_id}.{number}.json"
            partial = file.with_suffix(".partial")
            partial.write_text(json.dumps(site.as_instruction()), "utf-8")
            partial.rename(file)

    def dead(self, case: Case, intent_id: str) -> list[tuple[Site, int]]:
        """Return who left word that it dies for an intent: where, and its process id."""
        files = [self.folder / mortal_runtime.DEAD / f"{intent_id}.{number}.json" for number in range(len(case.sites))]
        return [
            (site, int(json.loads(file.read_text("utf-8"))["pid"]))
            for site, file in zip(case.sites, files, strict=True)
            if file.exists()
        ]


def play(options: Options) -> Measured:
    """Play every case on a stack of its own."""
    cases, at_once = (quick_cases(), QUICK_AT_ONCE) if options.quick else (list(every_case()), AT_ONCE)
    player = _Player.on_a_new_stack(options)
    done = count(1)

    def played(case: Case) -> Played:
        result = player.play(case)
        options.progress(next(done), len(cases))
        return result

    waiting = [case for case in cases if case.waits_long]
    # Those that wait a minute wait beside the others, not before them.
    with ThreadPoolExecutor(max(1, len(waiting))) as patient, ThreadPoolExecutor(at_once) as pool:
        slow = [patient.submit(played, case) for case in waiting]
        quick = [pool.submit(played, case) for case in cases if not case.waits_long]
        ended = [one.result() for one in (*quick, *slow)]
    return verdict(ended, player.subscriber.hear([one.news for one in ended]))


def verdict(played: Sequence[Played], heard: AbstractSet[News]) -> Measured:
    """Hold what came of the cases against: every process died, every intent ended, was heard of, and acted once."""
    found = [
        Violation(f"{one.case.name}\n  {sentence}", ID)
        for one in played
        for sentence in (*one.found, *one.judgement.found)
    ]
    found += [
        Violation(f"{one.case.name}\n  no subscriber has heard {one.news}", ID)
        for one in played
        if one.news not in heard
    ]
    kills = sum(one.kills for one in played)
    double = sum(one.judgement.is_double for one in played)
    agreeing = sum(not one.judgement.found for one in played)
    endings = sum((one.judgement.endings for one in played), Endings())
    value = f"{kills} kills, {double} double, {agreeing} of {len(played)} intents ended and agree"
    return Measured(value, not found and endings.unknown_imprecise == 0, endings, tuple(found[:SHOWN_VIOLATIONS]))


@dataclass(frozen=True)
class _Player:
    ground: Ground
    mortuary: Mortuary
    subscriber: Subscriber
    run: str
    numbers: "count[int]"

    @classmethod
    def on_a_new_stack(cls, options: Options) -> "_Player":
        """Start a stack whose functions can be killed."""
        mortuary = Mortuary(Path(options.until_the_end.enter_context(TemporaryDirectory(prefix="proof-deaths-"))))
        command = (sys.executable, "-P", mortal_runtime.__file__, str(mortuary.folder))
        ground = Ground.of(
            start_stack(
                options,
                lambda folder: LocalStack(folder, wait_scale=WAIT_SCALE, runtime_command=command, progress=quietly),
            )
        )
        ground.seed([], [a_proof_mapping(f"KILL_{name}", effect_safety=effect) for name, effect in EFFECTS.items()])
        return cls(ground, mortuary, Subscriber.to(ground.info), new_run(), count())

    def play(self, case: Case) -> Played:
        """Play one case to its end."""
        number = next(self.numbers)
        time.sleep(RAMP_SECONDS * number if number < RAMP_CASES else 0)
        name, expires_at = f"kill-{self.run}-{number}", int(time.time()) + case.lifetime_seconds
        # Each case has a tenant of its own: the dead keep their slots for a minute, and would make the others wait.
        intent = a_proof_intent(
            name, f"KILL_{case.effect_name}", tenant_id=f"tenant-{name}", expires_at_epoch=expires_at
        )
        self.ground.seed([intent])
        self.mortuary.order(case, name)
        for fault in case.faults:
            self.ground.faults.add(fault.model_copy(update={"action_intent_id": name}))
        self.ground.operations.send_approvals(intent.ref.model_dump())
        seen = self._wait(case, intent.ref)
        dead = self.mortuary.dead(case, name)
        judgement = judge(seen, case.effect, died_unsent=case.died_unsent)
        return Played(case, intent.ref, judgement, len(dead), tuple(self._unwitnessed(case, seen, dead)))

    def _wait(self, case: Case, ref: IntentRef) -> Evidence:
        """Wait until nobody works for the intent any more, or the time is up."""
        deadline = time.monotonic() + END_SECONDS
        while True:
            seen = self.ground.wait_until_final(ref, case.effect, most_seconds=TRY_AGAIN_AFTER_SECONDS)
            execution = self.ground.status(seen.attempt.owner) if seen.attempt else "RUNNING"
            final = execution != "RUNNING" and is_final(seen, case.effect)
            died = len(self.mortuary.dead(case, ref.action_intent_id)) == len(case.sites)
            if (final and died) or time.monotonic() > deadline:
                return seen
            # Nobody is woken by an execution that ended well.
            if seen.attempt and not final and execution in BAD_ENDS:
                self._wake_again(seen.attempt.owner, ref)
            time.sleep(POLL_SECONDS)

    def _wake_again(self, execution_arn: str, ref: IntentRef) -> None:
        # It may die of this event too, as it was told to; then there is another one.
        with suppress(FunctionFailed):
            self.ground.functions.invoke(Worker.RECONCILER, execution_ended(execution_arn, ref.model_dump()))

    def _unwitnessed(self, case: Case, seen: Evidence, dead: Sequence[tuple[Site, int]]) -> Iterator[str]:
        """Yield every kill that did not happen, or that Step Functions has not noticed."""
        if len(dead) != len(case.sites):
            yield f"{len(case.sites)} processes should have died and {len(dead)} did"
        for site, pid in dead:
            if pid in self.ground.stack.emulator.workers(self.ground.info.functions[site.function.value]):
                yield f"process {pid} of {site.function} left word that it dies, and lives"
        wanted = sum(site.function is not Worker.RECONCILER for site in case.sites)
        noticed = self.ground.failed_tasks(seen.attempt.owner).count(KILLED) if seen.attempt else 0
        if noticed != wanted:
            yield f"{wanted} steps were killed and their execution knows of {noticed}"


ROW: Final = Row(
    id=ID,
    figure="processes killed at named sites of every function",
    target="at least 60 kills, 0 double, every intent ended and agrees",
    play=play,
)
