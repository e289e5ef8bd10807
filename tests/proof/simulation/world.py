"""The world of one intent: stores, bus, queues, gateway, tools and clock, which can be put back to any moment.

Everything is the memory adapters that pass the ports' own contract suites; what they keep is copied out and back, so
that the many continuations of one moment need not be played from the start.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock, RLock
from typing import Any, Final

from adapters.memory.artifact_store import MemoryArtifactStore
from adapters.memory.backlog import MemoryBacklog
from adapters.memory.clock import MemoryClock
from adapters.memory.connector_capacity import MemoryConnectorCapacities
from adapters.memory.execution_journal import MemoryExecutionJournal
from adapters.memory.executions import MemoryExecutions
from adapters.memory.external_writes import MemoryExternalWrites
from adapters.memory.intent_store import MemoryIntentStore
from adapters.memory.kill_switches import MemoryKillSwitches
from adapters.memory.mapping_registry import MemoryMappingRegistry
from adapters.memory.operator_inbox import MemoryOperatorInbox
from adapters.memory.signal_publisher import MemorySignalPublisher
from domain.model.attempt import Attempt
from domain.model.connector_capacity import ConnectorCapacity
from domain.model.outcome import Outcome
from domain.model.tool_mapping import Idempotent, ToolMapping, Verifiable
from domain.policies.retry import LATEST_LANDING_SECONDS
from tests.builders import NOW, a_ref, a_switch
from tests.proof.simulation.gateway import SimulatedGateway
from tests.proof.simulation.tool_side import ToolSide
from tests.support.stage import LIMITS

Snapshot = tuple[Any, ...]
_JUST_BEFORE: Final = 1.0
"""A late call lands this many seconds before nobody has to expect it any more."""


class CountedRunIds:
    """Run ids that are unique within this world, and the same whenever it is played again."""

    def __init__(self) -> None:
        self.given = 0

    def new(self) -> str:
        """Return the next id."""
        self.given += 1
        return f"run-{self.given}"


class World:
    """All of it, for one mapping."""

    def __init__(self, mapping: ToolMapping, *, objects_each: int = 1) -> None:
        self.mapping = mapping
        self.clock = MemoryClock(NOW)
        self.intents = MemoryIntentStore()
        self.registry = MemoryMappingRegistry()
        self.switches = MemoryKillSwitches()
        self.journal = MemoryExecutionJournal(self.switches)
        self.writes = MemoryExternalWrites()
        self.capacities = MemoryConnectorCapacities()
        self.artifacts = MemoryArtifactStore()
        self.publisher = MemorySignalPublisher()
        self.inbox = MemoryOperatorInbox()
        self.executions = MemoryExecutions()
        self.run_ids = CountedRunIds()
        self.tools = ToolSide(_memory_of(mapping), objects_each)
        self.gateway = SimulatedGateway(self.clock, self.tools, _lands_within(mapping))
        self.spooled: deque[dict[str, Any]] = deque()
        """What is on the outcome spool queue, oldest first."""
        self.backlog = MemoryBacklog(self.journal)
        self.down: frozenset[tuple[str, str]] = frozenset()
        """Ports and methods that are out of order."""
        self.agenda: deque[tuple[float, Callable[[World], None]]] = deque()
        """What others do meanwhile: seconds from the start, in order, and what."""
        self.broken: tuple[str, ...] = ()
        """Errors that no function may let out: they are defects."""
        self.answered = False
        """Whether a function that nothing disturbed had the tool's answer, and only its own answer was lost."""
        self.switches.flip(a_switch())
        self.registry.publish(mapping)
        self._cells = list(self._find_cells())

    def send_through(self, gateway: SimulatedGateway) -> None:
        """Put another gateway in the place of this one; only before anything is played or kept."""
        self.gateway = gateway
        self._cells = list(self._find_cells())

    @property
    def ports(self) -> dict[str, object]:
        """Every port by its name in the container, the clock excepted."""
        return {
            "intents": self.intents,
            "registry": self.registry,
            "kill_switches": self.switches,
            "journal": self.journal,
            "external_writes": self.writes,
            "connector_capacity": self.capacities,
            "artifacts": self.artifacts,
            "publisher": self.publisher,
            "gateway": self.gateway,
            "inbox": self.inbox,
            "executions": self.executions,
            "backlog": self.backlog,
        }

    def let_pass(self, seconds: float) -> None:
        """Let time pass; what was late lands in it, and others do what they meant to."""
        until = self.clock.monotonic_seconds() + seconds
        while self.agenda and self.agenda[0][0] <= until:
            due, do = self.agenda.popleft()
            self.clock.advance(max(due - self.clock.monotonic_seconds(), 0.0))
            do(self)
        self.clock.advance(until - self.clock.monotonic_seconds())
        self.tools.catch_up(until)

    def is_down(self, port: str, method: str) -> bool:
        """Whether this is out of order just now."""
        return (port, method) in self.down

    @property
    def attempt(self) -> Attempt | None:
        """The sample intent's attempt as it stands."""
        return self.journal.find_attempt(a_ref())

    @property
    def outcome(self) -> Outcome | None:
        """The sample intent's outcome as it stands."""
        return self.journal.find_outcome(a_ref())

    def _room(self) -> tuple[object, ...]:
        """Return what earlier calls of the connector may still decide.

        A play makes a dozen calls at most, and of these one by its script and two by planted faults get no answer. So
        what is not half-way to its limit decides nothing, and the same moment need not be played once more for it.
        """
        now = self.clock.now()
        return tuple(
            (
                tuple(left) if len(left := _live(state, now)) > _FEW_SLOTS else (),
                _lasting(state, now),
                state.breaker if state.breaker.openings or state.breaker.failures > _FEW_FAILURES else None,
            )
            for state in vars(self.capacities)["_states"].values()
        )

    def _find_cells(self) -> "list[tuple[object, str, Callable[[Any], Any]]]":
        """Return where everything that can change is kept, with how it is copied."""
        holders: list[object] = [self.clock, self.run_ids, self, self.tools, self.gateway]
        holders += [port for name, port in self.ports.items() if name not in {"gateway", "backlog"}]
        cells: list[tuple[object, str, Callable[[Any], Any]]] = []
        for holder in holders:
            for name, value in vars(holder).items():
                if not isinstance(value, _LOCKS) and (copier := _copier(value)) is not None:
                    cells.append((holder, name, copier))
        return cells

    def snapshot(self) -> Snapshot:
        """Return this moment."""
        return tuple(copy(getattr(holder, name)) for holder, name, copy in self._cells)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a moment; it can be gone back to again."""
        for (holder, name, copy), value in zip(self._cells, snapshot, strict=True):
            setattr(holder, name, copy(value))

    def mark(self) -> tuple[object, ...]:
        """Return what decides everything that can still happen, and how it will be judged."""
        signals = self.journal.signals()
        return (
            self.clock.monotonic_seconds(),
            self.attempt,
            self.outcome,
            tuple((signal.signal_id, signal.published_at) for signal in signals),
            tuple(signal.signal_id for signal in self.publisher.published),
            tuple(notice.notice_id for notice in self.inbox.notices),
            tuple(vars(self.writes)["_writes"]),
            self._room(),
            tuple(vars(self.executions)["_statuses"].items()),
            tuple(vars(self.switches)["_switches"].values()),
            tuple((body["execution_arn"], repr(body)) for body in self.spooled),
            self.gateway.mark(),
            len(self.agenda),
            self.broken,
            self.answered,
        )


_FEW_SLOTS: Final = int(LIMITS["CONNECTOR_CONCURRENCY"]) // 2
_FEW_FAILURES: Final = int(LIMITS["BREAKER_FAILURES"]) // 2
_FEW_TOKENS: Final = timedelta(seconds=int(LIMITS["CONNECTOR_BURST"]) // 2 / int(LIMITS["CONNECTOR_RATE_PER_SECOND"]))


def _live(state: ConnectorCapacity, now: datetime) -> list[str]:
    return [name for name, until in state.leases.items() if until > now]


def _lasting(state: ConnectorCapacity, now: datetime) -> datetime | None:
    full_at = state.bucket_full_at or now
    return full_at if full_at - now > _FEW_TOKENS else None


_LOCKS: Final = (type(Lock()), type(RLock()))
_PLAIN: Final = (str, int, float, tuple, frozenset)


def _copier(value: object) -> Callable[[Any], Any] | None:
    match value:
        case dict():
            return _copied_dict
        case list():
            return list
        case deque():
            return deque
        case _ if isinstance(value, _PLAIN) or type(value).__name__ == "timedelta":
            return _same
        case _:
            return None


def _same(value: Any) -> Any:  # noqa: ANN401  whatever is kept
    return value


def _copied_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    return {key: list(kept) if isinstance(kept, list) else kept for key, kept in value.items()}


def _memory_of(mapping: ToolMapping) -> float | None:
    effect = mapping.effect_safety
    return effect.key_ttl_seconds if isinstance(effect, Idempotent) else None


def _lands_within(mapping: ToolMapping) -> float:
    effect = mapping.effect_safety
    bound = effect.server_bound_seconds if isinstance(effect, Verifiable) else LATEST_LANDING_SECONDS
    return max(bound - _JUST_BEFORE, 0.0)
