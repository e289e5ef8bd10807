"""A crowd: hundreds of executions of several tenants at once, on one thread and one virtual clock.

Each execution runs the shipped handlers over shared memory adapters, driven from the step contract. Only waiting makes
time pass, whoever waits: the machine, or a tool at work. Two crowds in which a tenant does the same can therefore be
compared to the millisecond.
"""

import heapq
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from greenlet import greenlet

from adapters.memory.artifact_store import MemoryArtifactStore
from adapters.memory.clock import MemoryClock
from adapters.memory.connector_capacity import MemoryConnectorCapacities
from adapters.memory.execution_journal import MemoryExecutionJournal
from adapters.memory.external_writes import MemoryExternalWrites
from adapters.memory.intent_store import MemoryIntentStore
from adapters.memory.kill_switches import MemoryKillSwitches
from adapters.memory.mapping_registry import MemoryMappingRegistry
from adapters.memory.operator_inbox import MemoryOperatorInbox
from adapters.memory.signal_publisher import MemorySignalPublisher
from domain.model.connector_capacity import BreakerState, CapacityKey, ConnectorCapacity
from domain.model.errors import ActionError
from domain.model.identifiers import IntentRef
from domain.model.tool_call import GatewayReply, ToolAnswer, ToolCall, TransportFailure
from domain.model.tool_mapping import ToolMapping
from handlers.container import Container
from handlers.runtime import Entry, step_handler
from handlers.settings import RuntimeSettings, load_settings
from ports.steps.contract import FUNCTIONS, STEPS, StepName, Worker
from tests.builders import EXECUTION_ARN, NOW, a_ref, a_switch, an_approved_intent
from tests.proof.simulation.driver import RUNNING, Execution
from tests.support.asl_interpreter import StateError
from tests.support.faulty import Killed
from tests.support.stage import CALLS, Context, a_step_environment

Json = Any
Outcome = ToolAnswer | TransportFailure

_DAYS_OF_APPROVAL: Final = 3


class Timeline:
    """Runs what is due, in order of time, and what is due at the same time in the order in which it was asked for."""

    def __init__(self, clock: MemoryClock) -> None:
        self._clock = clock
        self._due: list[tuple[int, int, greenlet]] = []
        self._asked = 0
        self._green = greenlet.getcurrent()

    @property
    def milliseconds(self) -> int:
        """The time, from the start."""
        return round(self._clock.monotonic_seconds() * 1_000)

    def at(self, milliseconds: int, work: Callable[[], object]) -> None:
        """Begin something at a time."""
        self._push(milliseconds, greenlet(work, parent=self._green))

    def sleep(self, seconds: float) -> None:
        """Let time pass for whoever asks; everybody else goes on."""
        self._push(self.milliseconds + round(seconds * 1_000), greenlet.getcurrent())
        self._green.switch()

    def run(self) -> None:
        """Go on until nothing is due any more."""
        while self._due:
            milliseconds, _, green = heapq.heappop(self._due)
            self._clock.advance((milliseconds - self.milliseconds) / 1_000)
            green.switch()

    def _push(self, milliseconds: int, green: greenlet) -> None:
        self._asked += 1
        heapq.heappush(self._due, (milliseconds, self._asked, green))


@dataclass(frozen=True)
class Reaction:
    """What a connector makes of one call."""

    after_seconds: float
    outcome: Outcome | None
    """``None``: the function that called dies."""


@dataclass(frozen=True)
class Action:
    """One approved action of a tenant."""

    tenant: str
    number: int
    mapping: ToolMapping
    approved_at: int
    """When, in milliseconds from the start."""

    @property
    def ref(self) -> IntentRef:
        """The intent's name."""
        return a_ref(tenant_id=self.tenant, action_intent_id=f"intent-{self.number}")

    @property
    def key(self) -> CapacityKey:
        """Whose room it takes."""
        return CapacityKey(tenant_id=self.tenant, connector=self.mapping.connector)


Behaviour = Callable[[Action, int, int], Reaction]
"""Takes the action, how often it was sent before, and the time in milliseconds."""


@dataclass
class Observed:
    """What was really seen of one tenant at one connector."""

    sent: list[int] = field(default_factory=list)
    """When each call left, in milliseconds."""
    under_way: int = 0
    most_under_way: int = 0
    most_leases: int = 0
    opened: list[int] = field(default_factory=list)
    """When its breaker opened, in milliseconds."""


class _Watched(MemoryConnectorCapacities):
    """The store, with somebody who looks at every state that is stored."""

    def __init__(self, crowd: "Crowd") -> None:
        super().__init__()
        self._crowd = crowd

    def replace(self, state: ConnectorCapacity) -> bool:
        before = self.find(state.key)
        stored = super().replace(state)
        if stored:
            self._crowd.look(before, state)
        return stored


class Crowd:
    """All tenants' executions over one set of stores."""

    def __init__(self, actions: Sequence[Action], behaviours: dict[CapacityKey, Behaviour]) -> None:
        self.actions, self._behaviours = actions, behaviours
        self.clock = MemoryClock(NOW)
        self.timeline = Timeline(self.clock)
        self.switches = MemoryKillSwitches()
        self.journal = MemoryExecutionJournal(self.switches)
        self.observed: dict[CapacityKey, Observed] = {}
        self.sent: dict[IntentRef, list[int]] = {action.ref: [] for action in actions}
        """When each action was sent, in milliseconds."""
        self.ended: dict[IntentRef, Execution] = {}
        self.crashed: list[int] = []
        """When functions died, in milliseconds."""
        self.invocations: Counter[StepName] = Counter()
        self.broken: list[str] = []
        """Errors that no function may let out."""
        self._by_ref = {action.ref: action for action in actions}
        self._ports = self._all_ports()
        self._entries: dict[StepName, Entry] = {
            step: step_handler(step, CALLS[step], container=self._container) for step in STEPS
        }

    def _all_ports(self) -> dict[str, object]:
        intents, registry = MemoryIntentStore(), MemoryMappingRegistry()
        expires = int(NOW.timestamp()) + _DAYS_OF_APPROVAL * 86_400
        for mapping in {action.mapping.content_hash: action.mapping for action in self.actions}.values():
            registry.publish(mapping)
        for action in self.actions:
            intents.put(
                an_approved_intent(
                    action.mapping,
                    expires_at_epoch=expires,
                    action_type=action.mapping.action_type,
                    **action.ref.model_dump(),
                )
            )
        self.switches.flip(a_switch())
        return {
            "clock": self.clock,
            "intents": intents,
            "registry": registry,
            "kill_switches": self.switches,
            "journal": self.journal,
            "external_writes": MemoryExternalWrites(),
            "connector_capacity": _Watched(self),
            "artifacts": MemoryArtifactStore(),
            "publisher": MemorySignalPublisher(),
            "inbox": MemoryOperatorInbox(),
            "gateway": self,
        }

    def _container(self, function: StepName | Worker) -> Container:
        settings = load_settings(function, a_step_environment(function))
        container = Container(settings=settings, runtime=RuntimeSettings())
        for name, port in self._ports.items():
            getattr(container, name).override(port)
        return container

    def play(self) -> None:
        """Carry out every action to its end."""
        for number, action in enumerate(self.actions):
            self.timeline.at(action.approved_at, partial(self._execute, action, number))
        self.timeline.run()

    def _execute(self, action: Action, number: int) -> None:
        arn = f"{EXECUTION_ARN.rsplit('-', 1)[0]}-{number}"
        execution = Execution(arn, self.clock.now(), dict(action.ref.model_dump()))
        while execution.status == RUNNING:
            execution = execution.advance(self)
        self.ended[action.ref] = execution

    def now(self) -> datetime:
        """The time, for an execution."""
        return self.clock.now()

    def wait(self, seconds: float) -> None:
        """Let an execution wait."""
        self.timeline.sleep(seconds)

    def spool(self, body: Json) -> None:
        """Refuse what needs a broken recorder, which no crowd has."""
        raise AssertionError(f"an outcome was spooled: {body}")

    def invoke(self, step: StepName, payload: Json) -> Json:
        """Run a step's function once."""
        self.invocations[step] += 1
        context = Context(FUNCTIONS[step].function_timeout_seconds * 1_000)
        try:
            return self._entries[step](payload, context)
        except Killed:
            self.crashed.append(self.timeline.milliseconds)
            raise StateError("Runtime.ExitError", "Runtime exited without providing a reason") from None
        except ActionError as error:
            raise _failed(error) from None
        except Exception as error:  # noqa: BLE001  Lambda catches everything, and so does its stand-in
            self.broken.append(f"{step} broke: {type(error).__name__}: {error}")
            raise _failed(error) from None

    def send(self, call: ToolCall, *, deadline_seconds: float, scopes: Sequence[str] = ()) -> GatewayReply:
        """Be the gateway: take as long as the connector does, and answer as it does."""
        del scopes
        action, begun = self._by_ref[call.ref], self.timeline.milliseconds
        seen = self._seen(action.key)
        reaction = self._behaviours[action.key](action, len(self.sent[call.ref]), begun)
        self.sent[call.ref].append(begun)
        seen.sent.append(begun)
        seen.under_way += 1
        seen.most_under_way = max(seen.most_under_way, seen.under_way)
        self.timeline.sleep(min(reaction.after_seconds, deadline_seconds))
        seen.under_way -= 1
        if reaction.outcome is None:
            raise Killed
        return GatewayReply(outcome=reaction.outcome, request={})

    def _seen(self, key: CapacityKey) -> Observed:
        return self.observed.setdefault(key, Observed())

    def look(self, before: ConnectorCapacity | None, after: ConnectorCapacity) -> None:
        """See what was stored."""
        seen, now = self._seen(after.key), self.clock.now()
        seen.most_leases = max(seen.most_leases, sum(until > now for until in after.leases.values()))
        if after.breaker.state is BreakerState.OPEN and (before is None or before.breaker != after.breaker):
            seen.opened.append(self.timeline.milliseconds)


def _failed(error: Exception) -> StateError:
    name = type(error).__name__
    return StateError(name, json.dumps({"errorMessage": str(error), "errorType": name}))
