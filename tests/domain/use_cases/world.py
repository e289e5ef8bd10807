"""A whole world in memory: the seven use cases over the memory adapters, each port ready to fail on request.

This owns how the steps are put together and in which order a state travels through them; it asserts nothing, and it
is no state machine: a test says itself which step comes next.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from pydantic import BaseModel

from adapters.jsonschema.argument_schemas import JsonSchemaArguments
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
from adapters.memory.run_ids import MemoryRunIds
from adapters.memory.signal_publisher import MemorySignalPublisher
from adapters.memory.tool_gateway import MemoryToolGateway
from adapters.memory.tools import EffectKind
from domain.model.attempt import Attempt
from domain.model.errors import ActionError
from domain.model.idempotency import signal_id
from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent
from domain.model.kill_switch import SwitchScope, SwitchState
from domain.model.ledger import LedgerEventType
from domain.model.outcome import Outcome
from domain.model.signal import Signal, SignalType
from domain.model.tool_mapping import Idempotent, ToolMapping, Unsafe, Verifiable
from domain.policies.capacity import CapacityLimits
from domain.use_cases.compensate_action import CompensateAction
from domain.use_cases.connector_slots import ConnectorSlots
from domain.use_cases.gateway_exchange import GatewayExchange
from domain.use_cases.invoke_tool import InvokeTool
from domain.use_cases.map_action_to_tool import MapActionToTool
from domain.use_cases.reconcile_execution import ReconcileExecution
from domain.use_cases.record_failure import RecordFailure
from domain.use_cases.record_outcome import RecordOutcome
from domain.use_cases.recording import Recording
from domain.use_cases.start_execution import StartExecution
from domain.use_cases.sweep_backlog import SweepBacklog
from domain.use_cases.tool_dispatch import ToolDispatch
from domain.use_cases.undoing import Undoing
from domain.use_cases.validate_preflight import ValidatePreflight
from ports.steps.contract import STEPS, StepName
from ports.steps.state import CaughtError, ExecutionState
from tests.builders import EXECUTION_ARN, NOW, a_mapping, a_ref, a_switch, an_approved_intent
from tests.support.faulty import Faulty

SECONDS_LEFT = 55.0
IDEMPOTENT = Idempotent(key_ttl_seconds=600)
VERIFIABLE = Verifiable(verify_tool="crm___find_task", server_bound_seconds=30)
UNSAFE = Unsafe()
LIMITS = CapacityLimits(concurrency=10, rate_per_second=20, burst=20, breaker_failures=5, breaker_open_seconds=30)

START, PREFLIGHT, MAP, INVOKE, COMPENSATE, RECORD, FAIL = StepName
BEFORE_INVOKE = (START, PREFLIGHT, MAP)


@dataclass
class World:
    """One set of stores, tools and steps, with the sample intent approved and the global switch running."""

    mapping: ToolMapping = field(default_factory=a_mapping)
    intent: ActionIntent | None = None

    def __post_init__(self) -> None:
        """Build everything around memory adapters and put the sample story in."""
        self.clock = MemoryClock(NOW)
        self.tools = MemoryToolGateway()
        self.bus = MemorySignalPublisher()
        self.switchboard = MemoryKillSwitches()
        self.records = MemoryExecutionJournal(self.switchboard)
        self.kept = MemoryExternalWrites()
        self.room = MemoryConnectorCapacities()
        self.archive = MemoryArtifactStore()
        self.gateway: Any = Faulty(self.tools)
        self.publisher: Any = Faulty(self.bus)
        self.switches: Any = Faulty(self.switchboard)
        self.journal: Any = Faulty(self.records)
        self.external_writes: Any = Faulty(self.kept)
        self.artifacts: Any = Faulty(self.archive)
        self.capacities: Any = Faulty(self.room)
        self.notices = MemoryOperatorInbox()
        self.inbox: Any = Faulty(self.notices)
        self.workflow = MemoryExecutions()
        self.run_ids = MemoryRunIds()
        self.executions: Any = Faulty(self.workflow)
        self.intents: Any = Faulty(MemoryIntentStore())
        self.registry: Any = Faulty(MemoryMappingRegistry())
        self.registry.publish(self.mapping)
        self.intents.put(self.intent or an_approved_intent(self.mapping))
        self.switches.flip(a_switch())

    def a_state(self, *, owner: str = EXECUTION_ARN, ref: IntentRef | None = None) -> ExecutionState:
        """What the first step receives."""
        return ExecutionState(execution_arn=owner, started_at=NOW, approval=(ref or a_ref()).model_dump())

    def step(self, name: StepName) -> Callable[[ExecutionState], BaseModel]:
        """The use case of a step, built anew as a cold function builds it."""
        exchange = GatewayExchange(self.gateway, self.artifacts, timeout_seconds=30.0)
        recording = Recording(self.journal, self.publisher, self.clock)
        dispatch = self.dispatch(exchange)
        undoing = Undoing(self.journal, self.external_writes, exchange, self.clock)
        match name:
            case StepName.START_EXECUTION:
                return StartExecution(self.intents, self.journal, self.clock)
            case StepName.VALIDATE_PREFLIGHT:
                return ValidatePreflight(self.intents, self.switches, self.clock)
            case StepName.MAP_ACTION_TO_TOOL:
                return MapActionToTool(self.intents, self.registry, JsonSchemaArguments())
            case StepName.INVOKE_TOOL:
                invoke = InvokeTool(self.intents, self.registry, self.journal, self.switches, dispatch, self.clock)
                return lambda state: invoke(state, seconds_left=SECONDS_LEFT)
            case StepName.COMPENSATE_ACTION:
                undo = CompensateAction(self.registry, self.journal, undoing)
                return lambda state: undo(state, seconds_left=SECONDS_LEFT)
            case StepName.RECORD_OUTCOME:
                return RecordOutcome(self.journal, recording)
            case StepName.RECORD_FAILURE:
                return RecordFailure(self.journal, recording, self.inbox, self.clock)

    def dispatch(self, exchange: GatewayExchange) -> ToolDispatch:
        """The one door through which calls are sent."""
        slots = ConnectorSlots(self.capacities, LIMITS, self.clock)
        return ToolDispatch(self.journal, self.external_writes, exchange, slots, self.clock)

    def reconcile(self) -> ReconcileExecution:
        """The reconciler of one intent, built anew as a cold function builds it."""
        exchange = GatewayExchange(self.gateway, self.artifacts, timeout_seconds=30.0)
        return ReconcileExecution(
            self.intents,
            self.registry,
            self.journal,
            self.executions,
            self.dispatch(exchange),
            Undoing(self.journal, self.external_writes, exchange, self.clock),
            Recording(self.journal, self.publisher, self.clock),
            self.inbox,
            self.run_ids,
            self.clock,
        )

    def sweep(self) -> dict[str, int]:
        """One sweep over everything that is open."""
        return SweepBacklog(MemoryBacklog(self.records), self.reconcile(), self.clock)(seconds_left=SECONDS_LEFT)

    def run(self, state: ExecutionState, *names: StepName) -> ExecutionState:
        """Run these steps, each result in its own section, as the state machine assigns it."""
        for name in names:
            state = state.model_copy(update={STEPS[name].section: self.step(name)(state)})
        return state

    def ready(self) -> ExecutionState:
        """The state with which InvokeTool is entered for the first time."""
        return self.run(self.a_state(), *BEFORE_INVOKE)

    def invoked_after_retries(self, state: ExecutionState, *, tries: int) -> ExecutionState:
        """Run InvokeTool until it answers, retrying what is transient, at most ``tries`` times."""
        for _ in range(tries - 1):
            try:
                return self.run(state, INVOKE)
            except ActionError as error:
                if type(error).__name__ != "TransientError":
                    raise
        return self.run(state, INVOKE)

    def attempt(self, ref: IntentRef | None = None) -> Attempt:
        """The attempt as it stands."""
        found = self.records.find_attempt(ref or a_ref())
        if found is None:
            raise LookupError("no attempt")
        return found

    def outcome(self, ref: IntentRef | None = None) -> Outcome:
        """The outcome as it stands."""
        found = self.records.find_outcome(ref or a_ref())
        if found is None:
            raise LookupError("no outcome")
        return found

    def signal(self) -> Signal:
        """The signal of the recorded outcome."""
        found = self.records.find_signal(a_ref(), signal_id(a_ref(), SignalType.of(self.outcome().status)))
        if found is None:
            raise LookupError("no signal")
        return found

    @property
    def events(self) -> list[LedgerEventType]:
        """What the sample intent's ledger says, in order."""
        return [entry.event_type for entry in self.records.ledger(a_ref())]

    @property
    def created(self) -> int:
        """How many objects the tools have really created."""
        return sum(effect.kind is EffectKind.CREATED for effect in self.tools.effects)

    def halt(self, scope: SwitchScope) -> None:
        """Halt one scope."""
        self.switches.flip(a_switch(state=SwitchState.CANCEL).model_copy(update={"scope": scope}))

    def hold(self, scope: SwitchScope) -> None:
        """Hold one scope."""
        self.switches.flip(a_switch(state=SwitchState.HOLD).model_copy(update={"scope": scope}))

    def everything(self) -> str:
        """All that any adapter keeps, as text: two equal texts mean that nothing has changed."""
        adapters = (self.tools, self.bus, self.switchboard, self.records, self.kept, self.archive, self.notices)
        lock = type(RLock())
        return "\n".join(
            f"{type(adapter).__name__}.{name} = {value!r}"
            for adapter in adapters
            for name, value in vars(adapter).items()
            if not isinstance(value, lock) and "lock" not in name and not isinstance(value, MemoryKillSwitches)
            if name != "_tools"
        ) + repr((self.tools.effects, self.tools.objects))


def caught(error: Exception) -> CaughtError:
    """What a Catch assigns for an error that a function raised."""
    name = type(error).__name__
    return CaughtError(Error=name, Cause=json.dumps({"errorMessage": str(error), "errorType": name}))


def after(state: ExecutionState, error: Exception) -> ExecutionState:
    """The state after a Catch."""
    return state.model_copy(update={"error": caught(error)})
