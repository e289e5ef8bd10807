"""``load``: many intents of several tenants at once, with tools that fail for one in ten, and nobody is left behind.

Every sender sends an approval and waits for its end before it sends the next one, so as many executions are under way
as there are senders. Each tenant has the same number of intents, of each effect safety, and of faults; what differs
between tenants is what the stack makes of them.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Final

from domain.model.idempotency import signal_id
from domain.model.intent import ActionIntent
from domain.model.signal import SignalType
from domain.model.tool_mapping import EffectSafety, Idempotent, Unsafe, Verifiable
from local.tool_server.faults import Fault, FaultKind
from tests.proof.rows import SHOWN_VIOLATIONS, Endings, Measured, Options, Row, Violation
from tests.proof.stack.agreement import ACTED_UPON, Judgement, judge
from tests.proof.stack.ground import Ground, a_proof_intent, a_proof_mapping, ground_of, new_run

ID: Final = "load"
INTENTS: Final = 500
QUICK_INTENTS: Final = 40
TENANTS: Final = 5
SENDERS: Final = 8
QUICK_SENDERS: Final = 4
MOST_RATIO: Final = 3.0
"""How much longer the slowest tenant's median intent may take than the fastest's."""

RAMP_SECONDS: Final = 0.25
"""How far apart the senders begin: all at once, each would start workers of its own in every function, and what is
measured would be how this machine starts processes."""

END_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.15

EFFECTS: Final[Mapping[str, EffectSafety]] = {
    "PROOF_IDEMPOTENT": Idempotent(key_ttl_seconds=86_400),
    "PROOF_VERIFIABLE": Verifiable(verify_tool="crm___find_task", server_bound_seconds=1),
    "PROOF_UNSAFE": Unsafe(),
}
"""What is played, by action type."""

FAULTS: Final = (
    Fault(kind=FaultKind.DROP_AFTER_WRITE, tool=ACTED_UPON),
    Fault(kind=FaultKind.UNAVAILABLE, tool=ACTED_UPON),
    Fault(kind=FaultKind.FAIL_AFTER_WRITE, tool=ACTED_UPON),
    Fault(kind=FaultKind.RATE_LIMITED, tool=ACTED_UPON, retry_after=1),
    Fault(kind=FaultKind.DROP_BEFORE_WRITE, tool=ACTED_UPON),
    Fault(kind=FaultKind.UNAVAILABLE_AFTER_WRITE, tool=ACTED_UPON),
    Fault(kind=FaultKind.NOT_JSON, tool=ACTED_UPON),
    Fault(kind=FaultKind.REFUSE, tool=ACTED_UPON),
    Fault(kind=FaultKind.UNTYPED_ERROR, tool=ACTED_UPON),
    Fault(kind=FaultKind.SLOW, tool=ACTED_UPON, seconds=1.0),
)
"""One of these strikes one intent in ten; every one is drawn before any is drawn again."""


@dataclass(frozen=True)
class Journey:
    """One intent of the load."""

    intent: ActionIntent
    fault: Fault | None

    @property
    def effect(self) -> EffectSafety:
        """What an ambiguous result means for its tool."""
        return EFFECTS[self.intent.action_type]


@dataclass(frozen=True)
class Arrived:
    """One intent of the load at its end."""

    journey: Journey
    seconds: float
    """From its approval's sending to its published outcome."""
    judgement: Judgement


def play(options: Options) -> Measured:
    """Send everything, wait until nothing moves any more, and judge every intent."""
    ground, run = ground_of(options), new_run()
    intents, senders = (QUICK_INTENTS, QUICK_SENDERS) if options.quick else (INTENTS, SENDERS)
    journeys = list(plan(intents, random.Random(options.seed), run))  # noqa: S311  a choice, not a secret
    mappings = [a_proof_mapping(kind, effect_safety=of) for kind, of in EFFECTS.items()]
    nobodys = [Journey(a_proof_intent(f"load-{run}-{number}", next(iter(EFFECTS))), None) for number in range(senders)]
    ground.seed([one.intent for one in (*nobodys, *journeys)], mappings)
    for one in journeys:
        if one.fault is not None:
            ground.faults.add(one.fault.model_copy(update={"action_intent_id": one.intent.action_intent_id}))
    times: list[float] = []
    with ThreadPoolExecutor(senders, initializer=_begin_in_turn, initargs=(count(),)) as pool:
        # The first intents wait for every function to start, which is no tenant's own time; they are nobody's.
        list(pool.map(lambda one: _send(ground, one), nobodys))
        begun = time.monotonic()
        for seconds in pool.map(lambda one: _send(ground, one), journeys):
            times.append(seconds)
            options.progress(len(times), intents)
        lasted = time.monotonic() - begun
        judgements = pool.map(lambda one: _judged(ground, one), journeys)
        arrived = [Arrived(*each) for each in zip(journeys, times, judgements, strict=True)]
    return verdict(arrived, lasted)


def plan(intents: int, chance: random.Random, run: str) -> Iterator[Journey]:
    """Yield the intents in the order in which they are sent: tenants take turns, and each has its share of faults."""
    each = intents // TENANTS
    faults = _endlessly(FAULTS, chance)
    struck = {
        (tenant, number): next(faults)
        for tenant in range(TENANTS)
        for number in chance.sample(range(each), max(1, each // 10))
    }
    kinds = list(EFFECTS)
    for number in range(each):
        for tenant in range(TENANTS):
            name = f"load-{run}-{tenant}-{number}"
            intent = a_proof_intent(name, kinds[number % len(kinds)], tenant_id=f"tenant-load-{tenant}")
            yield Journey(intent, struck.get((tenant, number)))


def verdict(arrived: Sequence[Arrived], lasted_seconds: float) -> Measured:
    """Hold what came of the intents against: all ended, none acted twice, no tenant far behind another."""
    found = [
        Violation(f"{one.journey.intent.ref}, {_words(one.journey.fault)}: {sentence}", ID)
        for one in arrived
        for sentence in one.judgement.found
    ]
    ended = sum(one.judgement.status is not None for one in arrived)
    double = sum(one.judgement.is_double for one in arrived)
    by_tenant: dict[str, list[float]] = {}
    for one in arrived:
        by_tenant.setdefault(one.journey.intent.tenant_id, []).append(one.seconds)
    medians = {tenant: median(seconds) for tenant, seconds in by_tenant.items()}
    ratio = max(medians.values()) / min(medians.values())
    if ratio >= MOST_RATIO:
        slowest = max(medians, key=lambda tenant: medians[tenant])
        found.append(Violation(f"{slowest} took {ratio:.1f} times as long as the fastest tenant", ID))
    endings = sum((one.judgement.endings for one in arrived), Endings())
    ok = not found and ended == len(arrived) and endings.unknown_imprecise == 0
    value = (
        f"{ended:,} of {len(arrived):,} ended, {double} double, {len(arrived) / lasted_seconds:.1f} a second, "
        f"slowest tenant {ratio:.1f} times the fastest"
    )
    return Measured(value, ok, endings, tuple(found[:SHOWN_VIOLATIONS]))


def _send(ground: Ground, one: Journey) -> float:
    """Send an approval, wait until its outcome is published, and return how long that took, in seconds."""
    ref, begun = one.intent.ref, time.monotonic()
    ground.operations.send_approvals(ref.model_dump())
    while time.monotonic() - begun < END_SECONDS:
        time.sleep(_POLL_SECONDS)
        outcome = ground.journal.find_outcome(ref)
        if outcome is not None:
            signal = ground.journal.find_signal(ref, signal_id(ref, SignalType.of(outcome.status)))
            if signal is not None and signal.published_at is not None:
                break
    return time.monotonic() - begun


def _begin_in_turn(turn: "count[int]") -> None:
    time.sleep(RAMP_SECONDS * next(turn))


def _judged(ground: Ground, one: Journey) -> Judgement:
    return judge(ground.wait_until_final(one.intent.ref, one.effect, most_seconds=END_SECONDS), one.effect)


def _endlessly(faults: Sequence[Fault], chance: random.Random) -> Iterator[Fault]:
    while True:
        yield from chance.sample(faults, len(faults))


def _words(fault: Fault | None) -> str:
    return f"its tool told to {fault.kind}" if fault else "nothing planted"


ROW: Final = Row(
    id=ID,
    figure=f"distinct intents of {TENANTS} tenants from {SENDERS} senders, one tool call in ten at fault",
    target=f"{INTENTS} of {INTENTS} ended, 0 double, slowest tenant < {MOST_RATIO:.0f} times the fastest",
    play=play,
)
