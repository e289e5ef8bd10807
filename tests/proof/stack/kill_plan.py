"""Where processes are killed: the named sites of every function, and what must go wrong first to get there.

A site is written as a person says it, ``InvokeTool after gateway.send``; ``#2`` is its second passing. A case is one
intent with one site or several in a row. Data only; ``kills`` plays them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from domain.model.tool_mapping import EffectSafety, Idempotent, Unsafe, Verifiable
from local.tool_server.faults import Fault, FaultKind
from ports.steps.contract import FUNCTIONS, StepName, Worker
from tests.proof.stack.agreement import ACTED_UPON

FIND_TASK, DELETE_TASK = "crm___find_task", "crm___delete_task"
_SITE: Final = re.compile(r"(\w+) (before|during|after) (\w+\.\w+)(?: #(\d))?")
_NAMES: Final[dict[str, StepName | Worker]] = {name.value: name for name in FUNCTIONS}

EFFECTS: Final[Mapping[str, EffectSafety]] = {
    "IDEMPOTENT": Idempotent(key_ttl_seconds=86_400),
    "VERIFIABLE": Verifiable(verify_tool=FIND_TASK, server_bound_seconds=1),
    "UNSAFE": Unsafe(),
}


@dataclass(frozen=True)
class Site:
    """Where a process dies: which function's, on which side of which port call, at its how-manieth passing."""

    text: str

    @property
    def _parts(self) -> tuple[str, str, str, int]:
        parts = _SITE.fullmatch(self.text)
        if parts is None or parts[1] not in _NAMES:
            raise ValueError(f"{self.text!r} is no site; write e.g. 'InvokeTool after gateway.send'")
        return parts[1], parts[2], parts[3], int(parts[4] or 1)

    @property
    def function(self) -> StepName | Worker:
        """Whose process dies."""
        return _NAMES[self._parts[0]]

    @property
    def leaves_a_dispatch_unsent(self) -> bool:
        """Whether the sender dies between the record of the dispatch and the first byte of its call."""
        return self.text in {"InvokeTool after journal.dispatch", "InvokeTool before gateway.send"}

    def as_instruction(self) -> dict[str, object]:
        """Return what ``mortal_runtime`` reads."""
        _, when, call, nth = self._parts
        return {"handler": FUNCTIONS[self.function].handler, "when": when, "call": call, "nth": nth}


@dataclass(frozen=True)
class Case:
    """One intent, what its tools do wrong, and where the processes that work for it die."""

    sites: tuple[Site, ...]
    effect_name: str
    faults: tuple[Fault, ...] = ()
    lifetime_seconds: int = 3_600

    @property
    def name(self) -> str:
        """The case in words."""
        planted = "".join(f", {fault.tool} told to {fault.kind}" for fault in self.faults)
        return f"{self.effect_name}: {' + '.join(site.text for site in self.sites)}{planted}"

    @property
    def effect(self) -> EffectSafety:
        """What an ambiguous result means for the tool."""
        return EFFECTS[self.effect_name]

    @property
    def died_unsent(self) -> bool:
        """Whether a sender was killed with its dispatch on record and no byte of it sent."""
        return any(site.leaves_a_dispatch_unsent for site in self.sites)

    @property
    def waits_long(self) -> bool:
        """Whether the call counts as on its way for as long as its function might have lived (a minute)."""
        return self.effect_name == "VERIFIABLE" and any(site.text in _IN_FLIGHT for site in self.sites)


_IN_FLIGHT: Final = (
    "InvokeTool after journal.dispatch",
    "InvokeTool before gateway.send",
    "InvokeTool during gateway.send",
    "InvokeTool after gateway.send",
    "InvokeTool after artifacts.put",
    "InvokeTool before journal.advance",
)
"""A call is on record as sent, and nobody has written down what came of it."""

_AROUND_THE_CALL: Final = (
    "InvokeTool before journal.find_attempt",
    "InvokeTool before journal.dispatch",
    *(site for site in _IN_FLIGHT if " during " not in site),
    "InvokeTool after journal.advance",
    "InvokeTool before external_writes.record",
    "InvokeTool after external_writes.record",
)
"""What may follow depends on the effect safety, so each of these is played for each."""

_BEFORE_AND_AFTER_IT: Final = (
    "StartExecution before intents.find",
    "StartExecution before journal.claim",
    "StartExecution after journal.claim",
    "ValidatePreflight after intents.find",
    "MapActionToTool before intents.find",
    "RecordOutcome before journal.find_attempt",
    "RecordOutcome before journal.settle",
    "RecordOutcome after journal.settle",
    "RecordOutcome before publisher.publish",
    "RecordOutcome after publisher.publish",
    "RecordOutcome before journal.mark_published",
    "RecordOutcome after journal.mark_published",
)

_IN_COMPENSATION: Final = (
    "CompensateAction before journal.find_attempt",
    "CompensateAction before journal.advance",
    "CompensateAction after journal.advance",
    "CompensateAction before gateway.send",
    "CompensateAction after gateway.send",
    "CompensateAction before journal.advance #2",
    "CompensateAction after journal.advance #2",
)
_IN_FAILURE: Final = (
    "RecordFailure before journal.settle",
    "RecordFailure after journal.settle",
    "RecordFailure after publisher.publish",
    "RecordFailure after journal.mark_published",
)
_TELLING_A_PERSON: Final = (
    "Reconciler before inbox.put",
    "Reconciler after inbox.put",
    "Reconciler before journal.advance",
    "Reconciler after journal.advance",
)
_SENDING_AGAIN: Final = (
    "Reconciler before journal.advance",
    "Reconciler after journal.advance",
    "Reconciler after journal.dispatch",
    "Reconciler after gateway.send",
    "Reconciler after journal.advance #2",
    "Reconciler before journal.settle",
    "Reconciler after journal.settle",
    "Reconciler after publisher.publish",
)
_ASKING: Final = (
    "Reconciler before gateway.send",
    "Reconciler after gateway.send",
    "Reconciler after journal.advance #2",
    "Reconciler after journal.settle",
)
_FINISHING: Final = ("Reconciler after journal.advance", "Reconciler after journal.settle")

_CUT: Final = Fault(kind=FaultKind.DROP_AFTER_WRITE, tool=ACTED_UPON)
_PARTIAL: Final = Fault(kind=FaultKind.FAIL_AFTER_WRITE, tool=ACTED_UPON)
_NEVER_JSON: Final = Fault(kind=FaultKind.NOT_JSON, tool=ACTED_UPON, times=4)
"""As often as InvokeTool sends: the execution gives up, and the reconciler's own call is answered."""
_HELD: Final = Fault(kind=FaultKind.SLOW_AFTER_WRITE, tool=ACTED_UPON, seconds=30.0)
_DEAF: Final = Fault(kind=FaultKind.UNAVAILABLE, tool=FIND_TASK, times=4)
_UNDELETABLE: Final = Fault(kind=FaultKind.UNAVAILABLE, tool=DELETE_TASK, times=4)
_RECORDER_DIES: Final = ("RecordOutcome before journal.settle",) * 3
"""As often as Step Functions asks it: nobody records, and what is left is the reconciler's."""


def every_case() -> Iterator[Case]:
    """Yield every case, those that wait longest first."""
    yield from sorted(_cases(), key=lambda case: not case.waits_long)


def _cases() -> Iterator[Case]:
    for effect in EFFECTS:
        yield from (_case(effect, site) for site in _AROUND_THE_CALL)
        yield _case(effect, "InvokeTool during gateway.send", faults=(_HELD,))
        yield _case(effect, "StartExecution after journal.claim", "RecordOutcome after journal.settle")
    effects = cycle(EFFECTS)
    for site, effect in zip(_BEFORE_AND_AFTER_IT, effects, strict=False):
        yield _case(effect, site)
    for site, effect in zip(_IN_COMPENSATION, effects, strict=False):
        yield _case(effect, site, faults=(_PARTIAL,))
    for site, effect in zip(_IN_FAILURE, effects, strict=False):
        yield _case(effect, site, lifetime_seconds=-60)
    yield from (_case("UNSAFE", site, faults=(_CUT,)) for site in _TELLING_A_PERSON)
    yield from (_case("IDEMPOTENT", site, faults=(_NEVER_JSON,)) for site in _SENDING_AGAIN)
    yield from (_case("VERIFIABLE", site, faults=(_CUT, _DEAF)) for site in _ASKING)
    yield from (_case(effect, *_RECORDER_DIES) for effect in EFFECTS)
    yield from (_case("UNSAFE", *_RECORDER_DIES, site) for site in _FINISHING)
    yield _case("UNSAFE", "Reconciler after gateway.send", faults=(_PARTIAL, _UNDELETABLE))


def quick_cases() -> list[Case]:
    """Return one case of each kind, none that waits long."""
    return [
        _case("IDEMPOTENT", "InvokeTool after gateway.send"),
        _case("UNSAFE", "InvokeTool after gateway.send"),
        _case("UNSAFE", "InvokeTool after journal.dispatch"),
        _case("VERIFIABLE", "CompensateAction after gateway.send", faults=(_PARTIAL,)),
        _case("UNSAFE", "Reconciler before inbox.put", faults=(_CUT,)),
        _case("IDEMPOTENT", "RecordOutcome after journal.settle"),
    ]


def _case(effect: str, *sites: str, faults: tuple[Fault, ...] = (), lifetime_seconds: int = 3_600) -> Case:
    return Case(tuple(map(Site, sites)), effect, faults, lifetime_seconds)
