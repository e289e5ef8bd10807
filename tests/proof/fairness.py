"""Row ``fairness``: tenants with every kind of trouble, and others who must not notice.

The same quiet tenants are played twice, alone and in the crowd, and their every call is compared to the millisecond.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from domain.model.connector_capacity import CapacityKey
from domain.model.identifiers import IntentRef
from domain.model.outcome import OutcomeStatus
from domain.model.tool_call import ToolAnswer, TransportFailure, TransportPhase
from domain.model.tool_mapping import LONGEST_CALL_SECONDS, CompensationPolicy, Idempotent, Unsafe
from domain.policies.audit import findings
from domain.policies.capacity import LEASE_SECONDS, RETURN_SECONDS, SPREAD_SECONDS
from tests.builders import a_mapping
from tests.proof.pool import each, tidy
from tests.proof.rows import NO_ENDINGS, SHOWN_VIOLATIONS, Endings, Measured, Options, Row, Violation
from tests.proof.simulation.crowd import Action, Behaviour, Crowd, Observed, Reaction
from tests.proof.simulation.functions import in_haste
from tests.support.stage import LIMITS

ID: Final = "fairness"
STORIES: Final = 8

CONCURRENCY: Final = int(LIMITS["CONNECTOR_CONCURRENCY"])
RATE, BURST = int(LIMITS["CONNECTOR_RATE_PER_SECOND"]), int(LIMITS["CONNECTOR_BURST"])

BUSY, STORMY, DYING = "tenant-busy", "tenant-stormy", "tenant-dying"
QUIET: Final = tuple(f"tenant-quiet-{number}" for number in range(4))
BROKEN_FOR_SECONDS: Final = 600
BUSY_ACTIONS, STORMY_ACTIONS, QUIET_ACTIONS = 300, 200, 20
QUICK_SHARE: Final = 4
"""How much less the loud tenants do in the short form."""
DYING_ACTIONS: Final = CONCURRENCY + 5
"""The first of them take every slot and die; the others find none."""

BACK_WITHIN_SECONDS: Final = LEASE_SECONDS + 2 * (RETURN_SECONDS + SPREAD_SECONDS)
"""A slot is free when its lease has ended, and somebody asks for it within two waits."""

CRM: Final = a_mapping(effect_safety=Idempotent(key_ttl_seconds=7 * 86_400))
CALENDAR: Final = a_mapping(
    action_type="CREATE_EVENT",
    tool_name="calendar___create_event",
    effect_safety=Idempotent(key_ttl_seconds=7 * 86_400),
    compensation=CompensationPolicy(),
)
NOTES: Final = a_mapping(
    action_type="WRITE_NOTE",
    tool_name="crm___write_note",
    effect_safety=Unsafe(),
    compensation=CompensationPolicy(),
)

DONE: Final = ToolAnswer(
    is_error=False, structured={"success": True, "external_objects": [{"object_id": "task-1", "object_type": "Task"}]}
)
REFUSED: Final = ToolAnswer(is_error=True, structured={"success": False, "error_message": "no such contact"})


def _status(code: int, retry_after: int | None = None) -> TransportFailure:
    return TransportFailure(
        phase=TransportPhase.HTTP_STATUS, detail=f"{code}", http_status=code, retry_after_seconds=retry_after
    )


_TROUBLES: Final = (
    Reaction(0.01, TransportFailure(phase=TransportPhase.CONNECT, detail="connection refused")),
    Reaction(
        LONGEST_CALL_SECONDS, TransportFailure(phase=TransportPhase.RESPONSE_HEAD, detail="no answer", timed_out=True)
    ),
    Reaction(0.5, _status(503)),
    Reaction(0.2, TransportFailure(phase=TransportPhase.MALFORMED, detail="half an answer")),
)
_STORM: Final = (
    (REFUSED, OutcomeStatus.FAILED),
    (_status(403), OutcomeStatus.FAILED),
    (_status(404), OutcomeStatus.UNKNOWN),
    (_status(422), OutcomeStatus.UNKNOWN),
    (_status(429, retry_after=7), OutcomeStatus.SUCCEEDED),
)
"""What the stormy tenant's calls come to, in turn, and what each action is recorded as; only the last is sent again."""


class Story(NamedTuple):
    """One crowd."""

    seed: int
    quick: bool = False

    def __str__(self) -> str:
        """Return the story as a token has it."""
        return f"{self.seed}{'.quick' if self.quick else ''}"


class Found(NamedTuple):
    """What a story came to."""

    actions: int
    invocations: int
    most_at_once: int
    sent_while_broken: int
    openings: int
    others_openings: int
    back_seconds: float
    endings: Endings
    broken: tuple[str, ...]


def _pace(action: Action) -> float:
    """How long a call takes in seconds, by its action alone."""
    return 0.2 + (action.number * 37 % 18) / 10


def _answers(action: Action, before: int, now: int) -> Reaction:
    del before, now
    return Reaction(_pace(action), DONE)


def _answers_later(action: Action, before: int, now: int) -> Reaction:
    if now < BROKEN_FOR_SECONDS * 1_000:
        return _TROUBLES[(action.number + before) % len(_TROUBLES)]
    return Reaction(_pace(action), DONE)


def _storms(action: Action, before: int, now: int) -> Reaction:
    del now
    said = _STORM[action.number % len(_STORM)][0]
    return Reaction(0.1, said if before == 0 else DONE)


def _kills(action: Action, before: int, now: int) -> Reaction:
    del now
    return Reaction(1.0, None if before == 0 and action.number < CONCURRENCY else DONE)


BEHAVIOURS: Final[dict[CapacityKey, Behaviour]] = {
    **{CapacityKey(tenant_id=tenant, connector="crm"): _answers for tenant in QUIET},
    CapacityKey(tenant_id=BUSY, connector="crm"): _answers_later,
    CapacityKey(tenant_id=BUSY, connector="calendar"): _answers,
    CapacityKey(tenant_id=STORMY, connector="crm"): _storms,
    CapacityKey(tenant_id=DYING, connector="crm"): _kills,
}
_BUSY_CRM, _STORMY_CRM, _DYING_CRM = (CapacityKey(tenant_id=one, connector="crm") for one in (BUSY, STORMY, DYING))


def _quiet(chance: random.Random) -> list[Action]:
    """Return what quiet tenants do all the time, and the busy one at a connector that is in order."""
    at_work = [(tenant, CRM) for tenant in QUIET] + [(BUSY, CALENDAR)]
    return [
        Action(tenant, 1_000 + number, mapping, chance.randrange(BROKEN_FOR_SECONDS * 1_200))
        for tenant, mapping in at_work
        for number in range(QUIET_ACTIONS)
    ]


def _others(chance: random.Random, share: int) -> list[Action]:
    return [
        *(Action(BUSY, number, CRM, chance.randrange(60_000)) for number in range(BUSY_ACTIONS // share)),
        *(Action(STORMY, number, NOTES, chance.randrange(300_000)) for number in range(STORMY_ACTIONS // share)),
        *(Action(DYING, number, CRM, number * 10) for number in range(DYING_ACTIONS)),
    ]


def _played(actions: Sequence[Action]) -> Crowd:
    crowd = Crowd(sorted(actions, key=lambda one: one.approved_at), BEHAVIOURS)
    crowd.play()
    return crowd


def tell(story: Story) -> Found:
    """Play the quiet tenants alone and in the crowd, and judge both."""
    chance = random.Random(story.seed)  # noqa: S311  a seed that is printed, no secret
    quiet, others = _quiet(chance), _others(chance, QUICK_SHARE if story.quick else 1)
    alone, crowd = _played(quiet), _played([*quiet, *others])
    expected = {action.ref: _due(action) for action in crowd.actions}
    agreeing = {ref: not _disagreements(crowd, ref) for ref in expected}
    found = Found(
        actions=len(crowd.actions),
        invocations=sum(crowd.invocations.values()),
        most_at_once=max(max(seen.most_leases, seen.most_under_way) for seen in crowd.observed.values()),
        sent_while_broken=sum(at < BROKEN_FOR_SECONDS * 1_000 for at in crowd.observed[_BUSY_CRM].sent),
        openings=len(crowd.observed[_BUSY_CRM].opened),
        others_openings=sum(len(seen.opened) for key, seen in crowd.observed.items() if key != _BUSY_CRM),
        back_seconds=_back_seconds(crowd),
        endings=Endings(
            judged=len(expected),
            disagreeing=sum(not agrees for agrees in agreeing.values()),
            unknown_sent=sum(status is OutcomeStatus.UNKNOWN for status in expected.values()),
        ),
        broken=tuple(_broken(alone, crowd, quiet, expected)),
    )
    tidy()
    return found


def _due(action: Action) -> OutcomeStatus:
    return _STORM[action.number % len(_STORM)][1] if action.tenant == STORMY else OutcomeStatus.SUCCEEDED


def _disagreements(crowd: Crowd, ref: IntentRef) -> tuple[str, ...]:
    journal = crowd.journal
    return findings(journal.find_attempt(ref), journal.find_outcome(ref), journal.ledger(ref))


def _back_seconds(crowd: Crowd) -> float:
    """Return how long after the first crash the first slot was in use again."""
    first = min(crowd.crashed, default=0)
    again = [at for at in crowd.observed[_DYING_CRM].sent if at > first]
    return (min(again) - first) / 1_000 if again else float("inf")


def _broken(
    alone: Crowd, crowd: Crowd, quiet: Sequence[Action], expected: dict[IntentRef, OutcomeStatus]
) -> Iterator[str]:
    """Yield every promise that was broken, as a sentence."""
    yield from (*alone.broken, *crowd.broken)
    for action in quiet:
        mine, theirs = alone.sent[action.ref], crowd.sent[action.ref]
        if mine != theirs:
            yield f"{action.ref} was sent at {mine} ms alone and at {theirs} ms in the crowd"
    for key, seen in crowd.observed.items():
        yield from _beyond_the_limits(key, seen)
    yield from _of_the_breaker(crowd.observed[_BUSY_CRM])
    for ref, due in expected.items():
        outcome = crowd.journal.find_outcome(ref)
        if not crowd.sent[ref]:
            yield f"{ref} was never sent"
        if outcome is None or outcome.status is not due:
            said = f"{outcome.status} ({outcome.error_message})" if outcome else "nothing"
            yield f"{ref} was to end as {due} and ended as {said}"
    back = _back_seconds(crowd)
    if len(crowd.crashed) != CONCURRENCY or back > BACK_WITHIN_SECONDS:
        yield f"{len(crowd.crashed)} functions died with their slots, and the first was back after {back} s"


def _beyond_the_limits(key: CapacityKey, seen: Observed) -> Iterator[str]:
    if max(seen.most_leases, seen.most_under_way) > CONCURRENCY:
        yield f"{key} had {seen.most_under_way} calls under way and {seen.most_leases} slots at once"
    if _flooded(seen.sent):
        yield f"{key} was called faster than {RATE} a second after {BURST}"
    if seen.opened and key != _BUSY_CRM:
        yield f"the breaker of {key} opened {len(seen.opened)} times"


def _of_the_breaker(seen: Observed) -> Iterator[str]:
    """Yield what is wrong with the busy tenant's breaker: it must open again and again, and try one call in between."""
    if len(seen.opened) < 2:
        yield f"a breaker that should have opened again and again opened {len(seen.opened)} times"
    for opened, again in pairwise(seen.opened):
        tried = sum(opened < at <= again for at in seen.sent)
        if tried != 1:
            yield f"{tried} calls were made between the openings at {opened} ms and {again} ms"


def _flooded(sent: Sequence[int]) -> bool:
    """Whether any window holds more calls than the burst and its share of the rate."""
    level, last = 0.0, 0
    for at in sent:
        level = max(level - (at - last) * RATE / 1_000, 0.0) + 1
        last = at
        if level > BURST + 1e-6:
            return True
    return False


def _play(options: Options) -> Measured:
    seeds = range(options.seed, options.seed + (1 if options.quick else STORIES))
    stories = [Story(seed, options.quick) for seed in seeds]
    results = each(tell, stories, options)
    broken = sum(len(one.broken) for one in results)
    return Measured(
        value=f"{sum(one.actions for one in results):,} actions in {len(stories)} crowds: {broken} broken; at most "
        f"{max(one.most_at_once for one in results)} calls at once, "
        f"{max(one.sent_while_broken for one in results)} calls in {BROKEN_FOR_SECONDS} s without an answer, "
        f"{sum(one.others_openings for one in results)} breakers opened for others, slots of the dead back in "
        f"{max(one.back_seconds for one in results):.0f} s",
        ok=broken == 0,
        endings=sum((one.endings for one in results), NO_ENDINGS),
        violations=tuple(violations(stories, results)[:SHOWN_VIOLATIONS]),
    )


def violations(stories: Sequence[Story], results: Sequence[Found]) -> list[Violation]:
    """Return the stories in which a promise was broken, with its first few."""
    return [
        Violation("; ".join(one.broken[:SHOWN_VIOLATIONS]), f"{ID}:{story}")
        for story, one in zip(stories, results, strict=True)
        if one.broken
    ]


def replay(rest: str) -> str:
    """Tell one story again; ``rest`` is its seed. Raises ``ValueError`` where it is none."""
    seed, _, form = rest.partition(".")
    if not seed.isdecimal() or form not in {"", "quick"}:
        raise ValueError(f"{rest!r} is no story; one is a seed, or a seed and .quick")
    with in_haste():
        found = tell(Story(int(seed), bool(form)))
    lines = [f"{name}: {value}" for name, value in found._asdict().items() if name != "broken"]
    return "\n".join((*lines, *(f"VIOLATION: {one}" for one in found.broken)))


ROW: Final = Row(
    id=ID,
    figure="one tenant's broken connector, another's 4xx storm, a third's dead functions, and quiet ones beside them",
    target="quiet tenants wait as if alone, each action is sent, no limit is exceeded",
    play=_play,
    replay=replay,
    example="3.quick",
)
