"""``two-tenants``: two tenants with the same account and intent ids, and look-alike names, never meet in any store.

Each case plays two tenants in turn on one set of stores, and each of them alone on another. What a tenant sees beside
the other must be, word for word, what it sees alone: whatever crossed over, a read, a write, a refusal, would show.
In between, illegal ids are offered at every door. A case is made of its seed alone and can be played again.
"""

import random
import secrets
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pydantic import JsonValue

from adapters.memory import DevelopmentAdapterWarning
from local.aws_clients import Credentials
from local.emulator import Emulator
from tests.ports.stores import Stores, dynamodb_stores, memory_stores
from tests.ports.tables import create_tables
from tests.proof.rows import SHOWN_VIOLATIONS, Measured, Options, Row, Violation
from tests.proof.stack.ground import ground_of
from tests.proof.stack.hostile_ids import (
    ILLEGAL,
    INTENTS,
    LOOK_ALIKES,
    NO_STRINGS,
    NotRefused,
    refuse_event,
    refuse_keys,
    refuse_ref,
    refuse_switch,
)
from tests.proof.stack.tenant_play import ACCOUNT, Act, Player, last_looks, prepare, some_acts

ID: Final = "two-tenants"
OPERATIONS: Final = 20_000
QUICK_OPERATIONS: Final = 1_000
MEMORY, EMULATOR = "memory", "emulator"
EMULATED_SHARE: Final = {False: 2_000, True: 200}
"""How many of the operations are on the emulator's DynamoDB, by whether the row is quick."""

ACTS_EACH: Final = 60
"""Random acts of each tenant in a case; reading everything at the end, and illegal ids, come on top."""
INTENTS_OF_A_CASE: Final = 2
"""Few enough that most of them are carried to an end."""
HOSTILE_EVERY: Final = 4


@dataclass(frozen=True)
class Step:
    """One operation of a case, what came of it beside the other tenant, and what comes of it alone."""

    tenant_id: str
    what: str
    beside: str
    alone: str

    @property
    def crossed(self) -> bool:
        """Whether the other tenant made a difference."""
        return self.beside != self.alone


def play(options: Options) -> Measured:
    """Play cases until there were enough operations on either engine."""
    total = QUICK_OPERATIONS if options.quick else OPERATIONS
    client = ground_of(options).info.client_as("dynamodb", _new_account())
    options.until_the_end.callback(client.close)
    create_tables(client)
    on_dynamodb = dynamodb_stores(client)
    shares: dict[str, tuple[int, Callable[[], Stores]]] = {
        EMULATOR: (EMULATED_SHARE[options.quick], lambda: on_dynamodb),
        MEMORY: (total - EMULATED_SHARE[options.quick], _memory),
    }
    played: dict[str, int] = {}
    violations: list[Violation] = []
    for engine, (wanted, stores) in shares.items():
        played[engine], seed = 0, options.seed * 1_000_000
        while played[engine] < wanted:
            steps = list(play_case(seed, engine, stores()))
            crossed = [step for step in steps if step.crossed]
            violations += [Violation(story_of(step), f"{ID}:{engine}-{seed}") for step in crossed]
            played[engine] += len(steps)
            seed += 1
            options.progress(sum(played.values()), total)
    return verdict(played, violations)


def verdict(played: dict[str, int], violations: list[Violation]) -> Measured:
    """Say how many operations there were, and how many crossed."""
    value = f"{sum(played.values()):,} operations ({played[EMULATOR]:,} on the emulator), {len(violations)} crossings"
    return Measured(value, not violations, violations=tuple(violations[:SHOWN_VIOLATIONS]))


def replay(token: str) -> str:
    """Play the case of a token again, on an emulator of its own if it was played on one, and return its story."""
    engine, _, seed = token.partition("-")
    if engine not in {MEMORY, EMULATOR} or not seed.isdecimal():
        raise ValueError(f"{token!r} is not written like {MEMORY}-seed or {EMULATOR}-seed")
    if engine == MEMORY:
        return _story(play_case(int(seed), engine, _memory()))
    with TemporaryDirectory(prefix="proof-tenants-") as folder, Emulator(Path(folder)) as emulator:
        client = emulator.client("dynamodb")
        create_tables(client)
        return _story(play_case(int(seed), engine, dynamodb_stores(client)))


def play_case(seed: int, engine: str, stores: Stores) -> Iterator[Step]:
    """Play one case on ``stores``, which other cases may have used before: its tenants are its own."""
    chance = random.Random(seed)  # noqa: S311  a choice, not a secret
    pair = LOOK_ALIKES[seed % len(LOOK_ALIKES)]
    tenants = [name.format(n=f"{seed:09d}") for name in pair]  # padded, so that no case has another one's names
    intents = chance.sample(INTENTS, INTENTS_OF_A_CASE)
    acts = [[*some_acts(ACTS_EACH, intents, chance), *last_looks(intents)] for _ in tenants]
    alone = [_alone(tenant, own) for tenant, own in zip(tenants, acts, strict=True)]
    prepare(stores)
    players = [Player(stores, tenant) for tenant in tenants]
    done = [0, 0]
    while open_ends := [who for who in (0, 1) if done[who] < len(acts[who])]:
        who = chance.choice(open_ends)
        act = acts[who][done[who]]
        yield Step(tenants[who], _words(act), players[who].play(act), alone[who][done[who]])
        done[who] += 1
        if chance.randrange(HOSTILE_EVERY) == 0:
            yield _hostile(stores, engine, tenants[who], tenants[1 - who], chance)


def story_of(step: Step) -> str:
    """Return what a tenant saw and what it should have seen."""
    return (
        f"{step.tenant_id} does {step.what}\n  beside the other it sees: {step.beside}\n  alone it sees: {step.alone}"
    )


def _alone(tenant: str, acts: list[Act]) -> list[str]:
    stores = _memory()
    prepare(stores)
    player = Player(stores, tenant)
    return [player.play(act) for act in acts]


def _hostile(stores: Stores, engine: str, own: str, other: str, chance: random.Random) -> Step:
    """Offer an illegal id at one door."""
    field = chance.choice(("tenant_id", "account_id", "action_intent_id"))
    legal: dict[str, JsonValue] = {"tenant_id": own, "account_id": ACCOUNT, "action_intent_id": INTENTS[0]}
    illegal = chance.choice(ILLEGAL).format(own=own, other=other)
    doors: dict[str, Callable[[], str]] = {
        "an event": lambda: refuse_event({**legal, field: chance.choice((illegal, *NO_STRINGS))}),
        "the model": lambda: refuse_ref({**legal, field: illegal}),
    }
    if engine == EMULATOR:  # the memory stores make no keys, so there is nothing behind the model to ask
        doors["the keys"] = lambda: refuse_keys(stores, {**legal, field: illegal}, illegal)
        doors["a switch"] = lambda: refuse_switch(stores, illegal or "#")
    door = chance.choice(list(doors))
    try:
        came_of_it = f"refused by {doors[door]()}"
    except NotRefused:
        came_of_it = "let in"
    refused = {"an event": "InvalidEvent", "the model": "ValidationError"}.get(door, "ValueError")
    return Step(own, f"{field} {illegal[:40]!r} at {door}", came_of_it, f"refused by {refused}")


def _story(steps: Iterator[Step]) -> str:
    lines = [f"{'CROSSED ' if step.crossed else ''}{step.tenant_id}: {step.what}: {step.beside}" for step in steps]
    return "\n".join(lines)


def _words(act: Act) -> str:
    return f"{act.name} of {act.intent} (variant {act.choice})"


def _memory() -> Stores:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DevelopmentAdapterWarning)
        return memory_stores()


def _new_account() -> Credentials:
    """Return the key of an account that nobody has used: a twelve-digit key is one to the emulator."""
    return Credentials(f"3{secrets.randbelow(10**11):011d}", "test")


ROW: Final = Row(
    id=ID,
    figure="operations of two tenants with the same ids, and with ids made to cross",
    target=f"{OPERATIONS:,} operations, 0 crossings",
    play=play,
    replay=replay,
    example="memory-7",
)
