"""One tenant's hands on a set of stores: each act is legal for what that tenant has on record, or is refused.

Owns what two tenants do to each other's neighbourhood. Every act returns a text that says all it saw, so that acting
next to somebody can be held against acting alone. Time is the tenant's own count of acts, so it is the same in both.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pydantic import BaseModel

from domain.model.attempt import Attempt, AttemptStatus, IllegalTransition
from domain.model.errors import ActionError
from domain.model.external_write import ExternalWrite
from domain.model.idempotency import signal_id, tool_run_ref
from domain.model.identifiers import IntentRef
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.kill_switch import SwitchKind, SwitchScope, SwitchState
from domain.model.ledger import first_broken_entry
from domain.model.outcome import OutcomeStatus
from domain.model.signal import Signal, SignalType
from domain.policies.audit import findings
from domain.use_cases.start_execution import StartExecution
from ports.steps.state import ExecutionState
from tests.builders import (
    NOW,
    a_dispatch,
    a_key,
    a_mapping,
    a_settlement,
    a_switch,
    an_approved_intent,
    an_object_ref,
    later,
)
from tests.ports.stores import Stores

ACCOUNT: Final = "account-1"
_ENDS: Final = {
    AttemptStatus.CLAIMED: (OutcomeStatus.FAILED, OutcomeStatus.CANCELLED),
    AttemptStatus.DISPATCHED: (OutcomeStatus.SUCCEEDED, OutcomeStatus.UNKNOWN),
    AttemptStatus.UNKNOWN: (OutcomeStatus.SUCCEEDED,),
}


_WEIGHTS: Final = {
    "put": 6,
    "claim": 6,
    "dispatch": 6,
    "reply": 4,
    "settle": 4,
    "publish": 3,
    "flip": 3,
    "find_intent": 2,
    "find_switches": 2,
    "find_attempt": 2,
    "find_outcome": 2,
    "verify_ledger": 2,
    "record_write": 2,
    "find_write": 2,
    "find_mapping": 2,
    "look_under_swapped_names": 2,
    "backlog": 1,
}
"""How often each act is chosen: what begins an action as often as what looks at it."""


@dataclass(frozen=True)
class Act:
    """One operation of one tenant on one of its intents."""

    name: str
    intent: str
    choice: int
    """Which variant: an owner, a state, an end."""


@dataclass
class _Count:
    """A tenant's own clock."""

    acts: int = 0

    def now(self) -> datetime:
        return later(self.acts)

    def monotonic_seconds(self) -> float:
        return float(self.acts)


@dataclass
class Player:
    """Plays the acts of one tenant."""

    stores: Stores
    tenant_id: str
    clock: _Count = field(default_factory=_Count)
    _stale: dict[IntentRef, Attempt] = field(default_factory=dict)

    def play(self, act: Act) -> str:
        """Do one thing and say what came of it; errors of ours are told by name."""
        self.clock.acts += 1
        ref = IntentRef(tenant_id=self.tenant_id, account_id=ACCOUNT, action_intent_id=act.intent)
        try:
            return _told(self._does(act.name)(ref, act.choice))
        except ActionError as refused:
            return type(refused).__name__
        except IllegalTransition:
            return "nothing to do in this state"

    def _does(self, name: str) -> Callable[[IntentRef, int], object]:
        return {
            "put": self._put,
            "claim": self._claim,
            "dispatch": self._dispatch,
            "reply": self._reply,
            "settle": self._settle,
            "publish": self._publish,
            "flip": self._flip,
            "find_intent": self._find_intent,
            "find_switches": self._find_switches,
            "find_attempt": self._find_attempt,
            "find_outcome": self._find_outcome,
            "verify_ledger": self._verify_ledger,
            "record_write": self._record_write,
            "find_write": self._find_write,
            "find_mapping": self._find_mapping,
            "look_under_swapped_names": self._look_under_swapped_names,
            "backlog": self._backlog,
        }[name]

    def _put(self, ref: IntentRef, choice: int) -> object:
        """Store the intent with words that only this tenant knows; a later variant is another action."""
        words = {"title": f"{self.tenant_id} says {choice % 4 // 3}"}
        self.stores.intents.put(an_approved_intent(**ref.model_dump(), parameters=words))
        return None

    def _find_intent(self, ref: IntentRef, _choice: int) -> object:
        return self.stores.intents.find(ref)

    def _claim(self, ref: IntentRef, choice: int) -> object:
        start = StartExecution(self.stores.intents, self.stores.journal, self.clock)
        owner = f"arn:aws:states:us-west-2:123456789012:execution:machine:{self.tenant_id}-{choice % 2}"
        return start(ExecutionState(execution_arn=owner, started_at=NOW, approval=ref.model_dump()))

    def _dispatch(self, ref: IntentRef, choice: int) -> object:
        current = self._current(ref, choice)
        if current is None:
            return None
        following, entry = a_dispatch(current, now=self.clock.now())
        self.stores.journal.dispatch(current, following, entry, self._scopes(ref))
        return following

    def _reply(self, ref: IntentRef, choice: int) -> object:
        current = self._current(ref, choice)
        if current is None or current.status is not AttemptStatus.DISPATCHED:
            return None
        reply = Invocation(
            status=InvocationStatus.SUCCEEDED,
            external_object_refs=(an_object_ref(object_id=f"task of {self.tenant_id[-200:]}"),),
            attempt_count=current.attempt_count,
            completed_at=self.clock.now(),
        )
        following, entry = current.replied(reply, now=self.clock.now())
        self.stores.journal.advance(current, following, entry)
        return following

    def _settle(self, ref: IntentRef, choice: int) -> object:
        current = self._current(ref, choice)
        if current is None or current.status not in _ENDS:
            return None
        ends = _ENDS[current.status]
        following, entry, outcome, signal = a_settlement(current, status=ends[choice % len(ends)])
        self.stores.journal.settle(current, following, entry, outcome, signal)
        return outcome

    def _publish(self, ref: IntentRef, choice: int) -> object:
        kind = list(SignalType)[choice % len(SignalType)]
        signal = self.stores.journal.find_signal(ref, signal_id(ref, kind))
        if signal is None:
            return None
        self.stores.journal.mark_published(signal.model_copy(update={"published_at": self.clock.now()}))
        return self.stores.journal.find_signal(ref, signal_id(ref, kind))

    def _flip(self, ref: IntentRef, choice: int) -> object:
        kind, subject = (
            (SwitchKind.TENANT, self.tenant_id)
            if choice % 2
            else (SwitchKind.INTENT, f"{self.tenant_id}#{ref.action_intent_id}")
        )
        # Most flips let pass, or nothing would ever be sent.
        state = (SwitchState.RUNNING, SwitchState.RUNNING, SwitchState.HOLD, SwitchState.CANCEL)[choice // 2 % 4]
        self.stores.switches.flip(a_switch(kind, subject, state))
        return state.value

    def _find_switches(self, ref: IntentRef, _choice: int) -> object:
        return self.stores.switches.find(self._scopes(ref))

    def _find_attempt(self, ref: IntentRef, _choice: int) -> object:
        return self.stores.journal.find_attempt(ref)

    def _find_outcome(self, ref: IntentRef, _choice: int) -> object:
        return self.stores.journal.find_outcome(ref)

    def _verify_ledger(self, ref: IntentRef, _choice: int) -> object:
        journal = self.stores.journal
        entries = journal.ledger(ref)
        found = findings(journal.find_attempt(ref), journal.find_outcome(ref), entries)
        return (*entries, f"broken at {first_broken_entry(entries)}", *found)

    def _record_write(self, ref: IntentRef, _choice: int) -> object:
        key = a_key(ref)
        return self.stores.writes.record(
            ExternalWrite(
                idempotency_key=key,
                **ref.model_dump(),
                tool_name="crm___create_task",
                tool_run_ref=tool_run_ref(key, self.clock.acts),
                external_object_refs=(an_object_ref(object_id=f"task {self.clock.acts}"),),
                recorded_at=self.clock.now(),
            )
        )

    def _find_write(self, ref: IntentRef, _choice: int) -> object:
        return self.stores.writes.find(a_key(ref))

    def _find_mapping(self, _ref: IntentRef, choice: int) -> object:
        return self.stores.mappings.find("CREATE_CRM_TASK", ("v1", "v2")[choice % 2])

    def _look_under_swapped_names(self, ref: IntentRef, _choice: int) -> object:
        """Tenant and account changed places: the same words, and nobody's record."""
        swapped = IntentRef(tenant_id=ACCOUNT, account_id=self.tenant_id, action_intent_id=ref.action_intent_id)
        journal = self.stores.journal
        return (self.stores.intents.find(swapped), journal.find_attempt(swapped), journal.ledger(swapped))

    def _backlog(self, _ref: IntentRef, choice: int) -> object:
        """What is open of this tenant: the backlog is over all tenants, and who reads it tells them apart."""
        status = (AttemptStatus.CLAIMED, AttemptStatus.DISPATCHED, AttemptStatus.UNKNOWN)[choice % 3]
        attempts = self.stores.backlog.open_attempts(status, updated_before=later(10_000))
        signals = self.stores.backlog.unpublished_signals(created_before=later(10_000))
        found: list[Attempt | Signal] = [*attempts, *signals]
        return tuple(sorted(_told(one) for one in found if one.tenant_id == self.tenant_id))

    def _current(self, ref: IntentRef, choice: int) -> Attempt | None:
        """Return the attempt as it stands, or, one time in eight, as it was seen before."""
        standing = self.stores.journal.find_attempt(ref)
        seen = self._stale.get(ref) if choice % 8 == 0 else None
        if standing is not None:
            self._stale[ref] = standing
        return seen or standing

    def _scopes(self, ref: IntentRef) -> tuple[SwitchScope, ...]:
        return SwitchScope.before_mapping(
            tenant_id=self.tenant_id, action_type="CREATE_CRM_TASK", action_intent_id=ref.action_intent_id
        )


def prepare(stores: Stores) -> None:
    """Set up what belongs to no tenant: the global switch and one published mapping."""
    stores.switches.flip(a_switch())
    stores.mappings.publish(a_mapping())


def some_acts(count: int, intents: Sequence[str], chance: random.Random) -> list[Act]:
    """Return that many acts, drawn."""
    names, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    return [Act(name, chance.choice(intents), chance.randrange(24)) for name in chance.choices(names, weights, k=count)]


def last_looks(intents: Sequence[str]) -> list[Act]:
    """Return acts that together read all a tenant can read of its intents."""
    looks = ("find_intent", "find_attempt", "find_outcome", "verify_ledger", "find_write", "find_switches")
    return [Act(name, intent, 0) for intent in intents for name in looks]


def _told(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case BaseModel():
            return f"{type(value).__name__} {value.model_dump_json()}"
        case tuple():
            return " | ".join(map(_told, value)) or "nothing"
        case _:
            return str(value)
