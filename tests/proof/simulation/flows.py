"""The flows: every kind of way an action goes when nothing else strikes, for each effect safety.

A flow scripts the other side (tools, gateway, people, outages) and leaves the rest to the shipped code. The faults
come on top.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.model.connector_capacity import Breaker, BreakerState, CapacityKey, ConnectorCapacity
from domain.model.intent import IntentStatus
from domain.model.kill_switch import SwitchKind, SwitchState
from domain.model.tool_mapping import (
    CompensationPolicy,
    CompensationStrategy,
    EffectSafety,
    Idempotent,
    ToolMapping,
    Unsafe,
    Verifiable,
)
from tests.builders import NOW, TENANT, a_mapping, a_ref, a_switch, an_approved_intent
from tests.proof.simulation.gateway import BUSY_SECONDS, Passage
from tests.proof.simulation.tool_side import Doing
from tests.proof.simulation.world import World


class Safety(StrEnum):
    """The three effect safeties."""

    IDEMPOTENT = "idempotent"
    VERIFIABLE = "verifiable"
    UNSAFE = "unsafe"


ALL: Final = tuple(Safety)
SERVER_BOUND_SECONDS: Final = 20
_EFFECTS: Final[dict[Safety, EffectSafety]] = {
    Safety.IDEMPOTENT: Idempotent(key_ttl_seconds=86_400),
    Safety.VERIFIABLE: Verifiable(verify_tool="crm___find_task", server_bound_seconds=SERVER_BOUND_SECONDS),
    Safety.UNSAFE: Unsafe(),
}


def a_mapping_of(safety: Safety, strategy: CompensationStrategy = CompensationStrategy.AUTOMATIC) -> ToolMapping:
    """Return the sample tool, registered with this effect safety and this way to undo it."""
    automatic = strategy is CompensationStrategy.AUTOMATIC
    policy = a_mapping().compensation if automatic else CompensationPolicy(strategy=strategy)
    return a_mapping(effect_safety=_EFFECTS[safety], compensation=policy)


@dataclass(frozen=True)
class Flow:
    """One way an action goes."""

    doings: Sequence[Doing] = ()
    undoings: Sequence[Doing] = ()
    passages: Sequence[Passage] = ()
    undo_passages: Sequence[Passage] = ()
    verify_passages: Sequence[Passage] = ()
    strategy: CompensationStrategy = CompensationStrategy.AUTOMATIC
    objects_each: int = 1
    approvals: int = 1
    """How often the approval is delivered, one execution after the other."""
    down: frozenset[tuple[str, str]] = frozenset()
    """What is out of order until every execution has ended."""
    expires_in_seconds: int = 3 * 86_400
    """Long after every doubt could have been cleared up, except where this is what the flow is about."""
    agenda: Sequence[tuple[float, Callable[[World], None]]] = ()
    may_act: bool = True
    """Whether any effect at all is allowed, whatever strikes."""
    safeties: tuple[Safety, ...] = ALL
    """Those for which this flow differs from the others."""

    def world(self, safety: Safety) -> World:
        """Return the world in which it begins."""
        mapping = a_mapping_of(safety, self.strategy)
        world = World(mapping, objects_each=self.objects_each)
        world.intents.put(an_approved_intent(mapping, expires_at_epoch=int(NOW.timestamp()) + self.expires_in_seconds))
        world.tools.doings.extend(self.doings)
        world.tools.undoings.extend(self.undoings)
        world.gateway.passages.extend(self.passages)
        world.gateway.undo_passages.extend(self.undo_passages)
        world.gateway.verify_passages.extend(self.verify_passages)
        world.down = self.down
        world.agenda.extend(self.agenda)
        world.let_pass(0)
        return world


def set_switch(state: SwitchState, kind: SwitchKind = SwitchKind.GLOBAL, subject: str = "") -> Callable[[World], None]:
    """Return what an operator does who sets this switch."""
    return lambda world: world.switches.flip(a_switch(kind, subject, state))


def revoke(world: World) -> None:
    """Take the approval back."""
    intent = world.intents.find(a_ref())
    if intent is not None:
        world.intents.put(intent.model_copy(update={"status": IntentStatus.PROPOSED}))


def tamper(world: World) -> None:
    """Change what was approved, and leave the approval standing."""
    intent = world.intents.find(a_ref())
    if intent is not None:
        world.intents.put(intent.model_copy(update={"parameters": {"title": "Wire all the money", "priority": "low"}}))


def withdraw(world: World) -> None:
    """Delete the mapping that was approved."""
    vars(world.registry)["_mappings"].clear()


def break_connector(seconds: float) -> Callable[[World], None]:
    """Return what is left by others whom the connector did not answer: a breaker that is open for so long."""

    def opened(world: World) -> None:
        key = CapacityKey(tenant_id=TENANT, connector=world.mapping.connector)
        until = NOW + timedelta(seconds=seconds)
        breaker = Breaker(state=BreakerState.OPEN, openings=1, open_until=until)
        world.capacities.replace(ConnectorCapacity(key=key, version=1, breaker=breaker))

    return opened


_TOOL: Final = (SwitchKind.TOOL, "crm___create_task")
_WHILE_WAITING: Final = BUSY_SECONDS / 2
_K, _L, _N = Safety.IDEMPOTENT, Safety.VERIFIABLE, Safety.UNSAFE
P, D, C = Passage, Doing, CompensationStrategy

FLOWS: Final[dict[str, Flow]] = {
    "accepted": Flow(),
    "refused": Flow([D.REFUSE]),
    "half-done": Flow([D.PARTIAL]),
    "half-done-twofold": Flow([D.PARTIAL], objects_each=2),
    "half-done-undo-refused": Flow([D.PARTIAL], [D.REFUSE]),
    "half-done-undo-silent": Flow([D.PARTIAL], [D.GRUMBLE], safeties=(_K, _N)),
    "half-done-undo-lost": Flow([D.PARTIAL], undo_passages=[P.DONE_LOST], safeties=(_L,)),
    "half-done-undo-dead": Flow([D.PARTIAL], [D.GRUMBLE] * 5, safeties=(_L,)),
    "half-done-by-hand": Flow([D.PARTIAL], strategy=C.MANUAL, safeties=(_K, _N)),
    "half-done-for-good": Flow([D.PARTIAL], strategy=C.NONE, safeties=(_L, _N)),
    "muttered": Flow([D.MUTTER]),
    "grumbled": Flow([D.GRUMBLE]),
    "hedged": Flow([D.HEDGE], safeties=(_N,)),
    "busy": Flow(passages=[P.BUSY]),
    "unreachable": Flow(passages=[P.UNREACHABLE], safeties=(_L, _N)),
    "forbidden": Flow(passages=[P.FORBIDDEN], safeties=(_K, _N)),
    "token-refused": Flow(passages=[P.TOKEN_REFUSED], safeties=(_K, _L)),
    "done-and-lost": Flow(passages=[P.DONE_LOST]),
    "done-503": Flow(passages=[P.DONE_503], safeties=(_K, _N)),
    "cut": Flow(passages=[P.CUT]),
    "late": Flow(passages=[P.LATE]),
    "late-then-refused": Flow([D.ACCEPT, D.REFUSE], passages=[P.LATE], safeties=(_K, _L)),
    "cut-then-half-done": Flow([D.PARTIAL], passages=[P.CUT], safeties=(_K, _L)),
    "lost-and-verifier-down": Flow(passages=[P.DONE_LOST], verify_passages=[P.DONE_503, P.UNREACHABLE], safeties=(_L,)),
    "cancelled": Flow(agenda=[(0, set_switch(SwitchState.CANCEL, *_TOOL))], may_act=False),
    "unmapped": Flow(agenda=[(0, withdraw)], may_act=False, safeties=(_N,)),
    "tampered": Flow(agenda=[(0, tamper)], may_act=False, safeties=(_N,)),
    "tampered-while-waiting": Flow(passages=[P.BUSY], agenda=[(_WHILE_WAITING, tamper)], safeties=(_L,)),
    "held": Flow(agenda=[(0, set_switch(SwitchState.HOLD, *_TOOL)), (60, set_switch(SwitchState.RUNNING, *_TOOL))]),
    "cancelled-while-waiting": Flow(
        passages=[P.BUSY],
        agenda=[(_WHILE_WAITING, set_switch(SwitchState.CANCEL)), (400, set_switch(SwitchState.RUNNING))],
        safeties=(_K, _N),
    ),
    "revoked-while-waiting": Flow(passages=[P.BUSY], agenda=[(_WHILE_WAITING, revoke)], safeties=(_L,)),
    "expired": Flow(expires_in_seconds=-10, may_act=False, safeties=(_N,)),
    "expires-while-waiting": Flow(passages=[P.BUSY], expires_in_seconds=BUSY_SECONDS - 2, safeties=(_L, _N)),
    "expires-while-held": Flow(
        expires_in_seconds=60,
        agenda=[(0, set_switch(SwitchState.HOLD, *_TOOL)), (140, set_switch(SwitchState.RUNNING, *_TOOL))],
        may_act=False,
        safeties=(_N,),
    ),
    "shut-out": Flow(agenda=[(0, break_connector(40))], safeties=(_K, _N)),
    "cancelled-while-shut-out": Flow(
        agenda=[
            (0, break_connector(1_700)),  # longer open, it would count as written by a wrong clock
            (60, set_switch(SwitchState.CANCEL)),
            (1_500, set_switch(SwitchState.RUNNING)),
        ],
        may_act=False,
        safeties=(_N,),
    ),
    "expires-while-shut-out": Flow(
        expires_in_seconds=60, agenda=[(0, break_connector(600))], may_act=False, safeties=(_N,)
    ),
    "approved-twice": Flow(approvals=2),
    "recorder-down": Flow(down=frozenset({("journal", "settle")})),
    "cancelled-and-recorder-down": Flow(
        down=frozenset({("journal", "settle")}),
        agenda=[(0, set_switch(SwitchState.CANCEL))],
        may_act=False,
        safeties=(_N,),
    ),
    "bus-down": Flow(down=frozenset({("publisher", "publish")}), safeties=(_K, _N)),
}

PAIRS: Final = tuple((name, safety) for name, flow in FLOWS.items() for safety in flow.safeties)
