"""Row ``kill-switch``: every switch flipped before every site, and what is dispatched after that."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from domain.model.kill_switch import SwitchKind, SwitchScope, SwitchState
from domain.model.ledger import LedgerEventType
from tests.builders import INTENT, TENANT, a_ref, a_switch
from tests.proof.pool import each, tidy
from tests.proof.rows import NO_ENDINGS, SHOWN_VIOLATIONS, Endings, Measured, Options, Row, Violation, token_parts
from tests.proof.simulation.explorer import ending_of, judged
from tests.proof.simulation.flows import FLOWS, Safety
from tests.proof.simulation.functions import in_haste
from tests.proof.simulation.play import Play
from tests.proof.simulation.sites import Site
from tests.proof.simulation.world import World

ID: Final = "kill-switch"
_FLOWS: Final = ("accepted", "half-done", "busy", "grumbled", "done-and-lost", "cut", "late", "recorder-down")
QUICK_FLOWS: Final = ("accepted", "done-and-lost")
RELEASED_AFTER_SECONDS: Final = 400.0

SCOPES: Final = (
    SwitchScope(kind=SwitchKind.GLOBAL),
    SwitchScope(kind=SwitchKind.TENANT, subject=TENANT),
    SwitchScope(kind=SwitchKind.ACTION_TYPE, subject="CREATE_CRM_TASK"),
    SwitchScope(kind=SwitchKind.TOOL, subject="crm___create_task"),
    SwitchScope(kind=SwitchKind.CONNECTOR, subject="crm"),
    SwitchScope(kind=SwitchKind.INTENT, subject=f"{TENANT}#{INTENT}"),
)
MISSING: Final = "missing"
"""The global switch's row is deleted, which must count as stopped."""


class Flip(NamedTuple):
    """Which switch is set to what, before which site of the play."""

    scope: int
    state: str
    site: int

    def __str__(self) -> str:
        """Return the flip as a token has it."""
        return f"{SCOPES[self.scope].kind}.{self.state}.{self.site}"


class Part(NamedTuple):
    """One flow under one effect safety."""

    flow: str
    safety: Safety


class Found(NamedTuple):
    """What a part came to."""

    flips: int
    dispatched_after: int
    endings: Endings
    broken: int
    violations: tuple[Violation, ...]


FLIPS: Final = (
    *((number, state.value) for number in range(len(SCOPES)) for state in (SwitchState.CANCEL, SwitchState.HOLD)),
    (0, MISSING),
)


@dataclass
class Hand:
    """Somebody who flips a switch before one site and puts it back later."""

    world: World
    flip: Flip
    passed: int = 0
    before: int | None = None
    """Dispatches on record when the switch was flipped."""
    after: int | None = None
    """Dispatches on record when it was put back, or at the end."""

    def at_a_site(self, site: Site) -> None:
        """Count the site; flip before the chosen one."""
        del site
        if self.passed == self.flip.site:
            self.before = dispatches(self.world)
            _set(self.world, self.flip)
            self.world.agenda.append((self.world.clock.monotonic_seconds() + RELEASED_AFTER_SECONDS, self.put_back))
        self.passed += 1

    def put_back(self, world: World) -> None:
        """Count what was dispatched meanwhile, and let everything pass again."""
        self.after = dispatches(world)
        scope = SCOPES[self.flip.scope]
        world.switches.flip(a_switch(scope.kind, scope.subject))


def dispatches(world: World) -> int:
    """Return how many sends are on record."""
    return sum(entry.event_type is LedgerEventType.TOOL_DISPATCHED for entry in world.journal.ledger(a_ref()))


def _set(world: World, flip: Flip) -> None:
    scope = SCOPES[flip.scope]
    if flip.state == MISSING:
        vars(world.switches)["_switches"].pop(scope)
    else:
        world.switches.flip(a_switch(scope.kind, scope.subject, SwitchState(flip.state)))


def _flipped(play: Play, flip: Flip) -> tuple[Hand, tuple[str, ...]]:
    """Play to the end with one flip; return the hand and what was broken."""
    hand = Hand(play.world, flip)
    play.disturb()
    play.functions.sites.pause = hand.at_a_site
    while not play.over:
        play.step()
    if hand.before is None:
        return hand, ()
    after = dispatches(play.world) if hand.after is None else hand.after
    late = after - hand.before
    said = (f"{late} dispatch(es) after the flip",) if late else ()
    return hand, (*said, *judged(play).violations)


def flip_everywhere(part: Part) -> Found:
    """Flip every switch before every site."""
    play = Play.of(part.flow, part.safety)
    begin = play.moment()
    flips = dispatched = broken = 0
    endings, violations = NO_ENDINGS, []
    for scope, state in FLIPS:
        site = 0
        while True:
            play.go_back(begin)
            flip = Flip(scope, state, site)
            hand, said = _flipped(play, flip)
            if hand.before is None:
                break  # the play has no such site any more
            flips, site = flips + 1, site + 1
            endings += judged(play).endings
            dispatched += any("after the flip" in one for one in said)
            if said:
                broken += 1
                violations.append(Violation("; ".join(said), f"{ID}:{part.flow}/{part.safety}/{flip}"))
    tidy()
    return Found(flips, dispatched, endings, broken, tuple(violations[:SHOWN_VIOLATIONS]))


def _play(options: Options) -> Measured:
    todo = [Part(flow, safety) for flow in (QUICK_FLOWS if options.quick else _FLOWS) for safety in Safety]
    results = each(flip_everywhere, todo, options)
    flips, broken = sum(found.flips for found in results), sum(found.broken for found in results)
    dispatched = sum(found.dispatched_after for found in results)
    return Measured(
        value=f"{flips:,} flips: {dispatched} dispatches after the flip, {broken} untrue ends",
        ok=broken == dispatched == 0 and flips > 0,
        endings=sum((found.endings for found in results), NO_ENDINGS),
        violations=tuple(one for found in results for one in found.violations),
    )


def replay(rest: str) -> str:
    """Flip one switch again; ``rest`` is ``flow/safety/flip``. Raises ``ValueError`` where it names nothing."""
    flow, safety, named = token_parts(rest, "/", "flow/safety/scope.state.site")
    kind, state, site = token_parts(named, ".", "scope.state.site")
    if flow not in FLOWS:
        raise ValueError(f"{flow!r} is no flow; choose one of {', '.join(FLOWS)}")
    scope = [one.kind for one in SCOPES].index(SwitchKind(kind))
    with in_haste():
        play = Play.of(flow, Safety(safety))
        hand, said = _flipped(play, Flip(scope, state, int(site)))
    counted = f"{hand.before} dispatch(es) before the flip, {hand.after} when it was put back"
    return "\n".join((*ending_of(play), counted, *said))


ROW: Final = Row(
    id=ID,
    figure=f"each of {len(SCOPES)} scopes cancelled or held, or the global row missing, before every site",
    target="0 dispatches committed after the flip",
    play=_play,
    replay=replay,
    example="accepted/idempotent/GLOBAL.CANCEL.9",
)
