"""``canaries``: eight secrets go through a real stack in every way they can, and none of them stays anywhere.

The stack calls a tool server that says too much: it repeats the token and the sensitive parameter, and puts secrets of
its own into every part of its answers. When all executions have ended, everything that the stack keeps is read. A
secret in clear, or in the base64 of its header, is a hit. The search proves that it looks: the parameter must be found
where it belongs, in the intent that was approved with it, and each kind of place must have held something.
"""

import base64
import json
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Final

from domain.model.intent import ActionIntent
from domain.model.tool_mapping import EffectSafety, Idempotent, Unsafe, Verifiable
from local.demo.observations import subscribe
from local.documents import IntentDocument
from local.operations import Operations
from local.stack import LocalStack
from local.stack_info import StackInfo
from ports.steps.resources import Resource
from tests.builders import a_mapping
from tests.proof.rows import SHOWN_VIOLATIONS, Measured, NothingMoves, Options, Row, Violation
from tests.proof.stack.ground import (
    POLL_SECONDS,
    WAIT_SCALE,
    a_proof_intent,
    new_run,
    quietly,
    start_stack,
)
from tests.proof.stack.store_scan import PLACES, Kept, everything
from tests.proof.stack.talkative_tools import WAYS, Secrets, TalkativeTools

ID: Final = "canaries"
TOKEN, CLIENT_SECRET, PARAMETER = "access token", "client secret", "sensitive parameter"
PATIENCE_SECONDS: Final = 120.0
_AT_ONCE: Final = 3
"""Executions beside each other; more only make more cold starts."""

_EFFECTS: Final[Mapping[str, EffectSafety]] = {
    "idempotent": Idempotent(key_ttl_seconds=121),
    "verifiable": Verifiable(verify_tool="crm___find_task", server_bound_seconds=0),
    "unsafe": Unsafe(),
}
"""The key of the idempotent tool dies soon, so that doubt about it ends as UNKNOWN, too; the verify tool talks
as much as the others."""
_ASKED_ABOUT: Final = ("told-error", "cut")
"""After which a verify tool is asked; one that only words come from is asked for a long time, so these are enough."""


@dataclass(frozen=True)
class Canary:
    """One secret, by what it is, and every spelling of it that would give it away."""

    name: str
    spellings: tuple[str, ...]


@dataclass(frozen=True)
class Hit:
    """A secret where nobody may find it."""

    canary: str
    place: str
    which: str


@dataclass(frozen=True)
class Search:
    """What a search through everything found."""

    hits: tuple[Hit, ...]
    read: Mapping[str, int]
    """How many things were read, by kind of place."""
    at_home: int
    """How often the parameter was found in the intents that were approved with it."""


def play(options: Options) -> Measured:
    """Let every way of saying too much happen for each effect safety, then read all that was kept."""
    ways = [(way, effect) for way in WAYS for effect in _EFFECTS if effect != "verifiable" or way in _ASKED_ABOUT]
    if options.quick:
        ways = [(way, effect) for way, effect in ways if effect == "unsafe" or way == "told-error"]
    said = Secrets(**{one.name: _a_secret() for one in fields(Secrets)})
    server = options.until_the_end.enter_context(TalkativeTools(said))
    stack = start_stack(
        options,
        lambda folder: LocalStack(folder, gateway_url=server.url, wait_scale=WAIT_SCALE, progress=quietly),
    )
    subscribe(stack.info)
    intents = _seed(stack.info, ways, said)
    operations = Operations(stack.info)
    for sent, intent in enumerate(intents, start=1):
        operations.send_approvals(intent.ref.model_dump())
        _wait(stack.info, started=sent, running=_AT_ONCE if sent < len(intents) else 0)
        options.progress(sent, len(intents))
    operations.sweep()
    search = search_for(canaries(stack, server), everything(stack), home=stack.info.tables[Resource.ACTION_INTENTS])
    return verdict(search, intents=len(intents), tokens=len(server.tokens), ways=set(server.answered))


def canaries(stack: LocalStack, server: TalkativeTools) -> list[Canary]:
    """Return the eight: what the stack itself must keep secret, and what the tools said."""
    manager = stack.info.client("secretsmanager")
    texts = [
        manager.get_secret_value(SecretId=one["ARN"])["SecretString"] for one in manager.list_secrets()["SecretList"]
    ]
    (client,) = [json.loads(text) for text in texts if "client_secret" in text]
    basic = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    said = server.secrets
    return [
        Canary(TOKEN, tuple(sorted(server.tokens))),
        Canary(CLIENT_SECRET, (client["client_secret"], basic)),
        Canary(PARAMETER, (said.parameter,)),
        Canary("tool output", (said.field_value, said.field_name)),
        Canary("tool text", (said.text,)),
        Canary("tool's error message", (said.error_message,)),
        Canary("gateway's error", (said.gateway_error,)),
        Canary("progress message", (said.progress,)),
    ]


def search_for(wanted: Iterable[Canary], kept: Iterable[Kept], *, home: str) -> Search:
    """Look for each canary in everything that was kept; ``home`` is the table of the approved intents."""
    canaries_, hits, read, at_home = list(wanted), [], Counter[str](), 0
    for place, which, text in kept:
        read[place] += 1
        for canary in canaries_:
            if not any(spelling in text for spelling in canary.spellings):
                continue
            if canary.name == PARAMETER and which == home:
                at_home += 1
            else:
                hits.append(Hit(canary.name, place, which))
    return Search(tuple(hits), read, at_home)


def verdict(search: Search, *, intents: int, tokens: int, ways: set[str]) -> Measured:
    """Say how often a secret was found, and whether the search looked everywhere."""
    found = [f"{hit.canary} is in {hit.place}: {hit.which}" for hit in search.hits]
    found += [f"nothing was read in {place}: the search looked past it" for place in PLACES if not search.read[place]]
    if search.at_home != intents:
        found.append(f"the parameter was found in {search.at_home} of {intents} approved intents: the search is blind")
    if not tokens:
        found.append("the tool server was shown no token, so none could be looked for")
    if missing := set(WAYS) - ways:
        found.append(f"the tools were never asked for {', '.join(sorted(missing))}")
    value = (
        f"8 secrets ({tokens} tokens), {intents} executions, {sum(search.read.values()):,} things in {len(PLACES)} "
        f"kinds of place: {len(search.hits)} hits"
    )
    return Measured(value, not found, violations=tuple(Violation(one, ID) for one in found[:SHOWN_VIOLATIONS]))


def _seed(info: StackInfo, ways: Iterable[tuple[str, str]], said: Secrets) -> list[ActionIntent]:
    operations, run, intents = Operations(info), new_run(), []
    rules = [
        {"parameter": "title", "argument": "title", "required": True},
        {"parameter": "pay", "argument": "salary", "sensitive": True},
    ]
    for name, effect in _EFFECTS.items():
        operations.registry.publish(a_mapping(action_type=f"CANARY_{name}", parameters=rules, effect_safety=effect))
    for way, name in ways:
        named = f"canary-{run}-{way}-{name}"
        # A tenant for each: one tenant's connector is given up on after five calls without an answer.
        own: dict[str, object] = {
            "tenant_id": f"tenant-{way}-{name}",
            "parameters": {"title": way, "pay": said.parameter},
        }
        intent = a_proof_intent(named, f"CANARY_{name}", **own)
        operations.seed([IntentDocument(intent, "approver-1")])
        intents.append(intent)
    return intents


def _wait(info: StackInfo, *, started: int, running: int) -> None:
    """Wait until that many executions have begun and no more than ``running`` of them have not ended."""
    deadline, client = time.monotonic() + PATIENCE_SECONDS, info.client("stepfunctions")
    while True:
        pages = client.get_paginator("list_executions").paginate(stateMachineArn=info.state_machine_arn)
        states = Counter(one["status"] for page in pages for one in page["executions"])
        if states.total() >= started and states["RUNNING"] <= running:
            return
        if time.monotonic() > deadline:
            raise NothingMoves(f"{states['RUNNING']} executions have not ended after {PATIENCE_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def _a_secret() -> str:
    """Return a secret that no pattern of a filter knows: letters, so that only withholding can keep it out."""
    return "canary" + "".join(chr(ord("a") + byte % 26) for byte in secrets.token_bytes(24))


ROW: Final = Row(
    id=ID,
    figure="secrets found in what a stack keeps after tools said too much",
    target="8 secrets, all stores, 0 hits",
    play=play,
)
