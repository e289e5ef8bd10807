"""A stage on which the real workflow plays: the generated machine, the seven real handlers, one set of memory stores.

Every step has its own container, as it has its own function, and all of them share the stores, as functions share
tables. What AWS would do between machine and function is done here: errors become names and causes, payloads become
JSON. Nothing is kept between stages.
"""

import json
import logging
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import JsonValue

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
from adapters.memory.tool_gateway import MemoryToolGateway
from domain.model.intent import ActionIntent
from domain.model.tool_mapping import ToolMapping
from handlers.compensate_action import _call as compensate_action
from handlers.container import Container
from handlers.invoke_tool import _call as invoke_tool
from handlers.map_action_to_tool import _call as map_action_to_tool
from handlers.record_failure import _call as record_failure
from handlers.record_outcome import _call as record_outcome
from handlers.runtime import Entry, UseCaseCall, step_handler
from handlers.settings import RuntimeSettings, load_settings
from handlers.start_execution import _call as start_execution
from handlers.validate_preflight import _call as validate_preflight
from infrastructure.asl import Wiring, definition
from ports.steps.contract import FUNCTIONS, STEPS, Junction, StepName, Worker
from ports.steps.state import MAX_STATE_BYTES
from tests.builders import EXECUTION_ARN, NOW, a_mapping, a_ref, a_switch, an_approved_intent
from tests.support.asl_interpreter import Interpreter, Run, StateError
from tests.support.faulty import Faulty, Killed

CALLS: Final[dict[StepName, UseCaseCall]] = {
    StepName.START_EXECUTION: start_execution,
    StepName.VALIDATE_PREFLIGHT: validate_preflight,
    StepName.MAP_ACTION_TO_TOOL: map_action_to_tool,
    StepName.INVOKE_TOOL: invoke_tool,
    StepName.COMPENSATE_ACTION: compensate_action,
    StepName.RECORD_OUTCOME: record_outcome,
    StepName.RECORD_FAILURE: record_failure,
}
SPOOL_QUEUE_URL: Final = "https://sqs.us-west-2.amazonaws.com/123456789012/cc-native-test-outcome-spool"
FUNCTION_ARNS: Final = {
    name: f"arn:aws:lambda:us-west-2:123456789012:function:cc-native-test-{spec.component}:live"
    for name, spec in STEPS.items()
}
APPROVAL: Final[dict[str, JsonValue]] = dict(a_ref().model_dump())
FOR_EVER: Final = 1_000
LIMITS: Final = {
    "CONNECTOR_CONCURRENCY": "10",
    "CONNECTOR_RATE_PER_SECOND": "20",
    "CONNECTOR_BURST": "20",
    "BREAKER_FAILURES": "5",
    "BREAKER_OPEN_SECONDS": "30",
}
"""What a stack has by default."""


def a_step_environment(step: StepName | Worker) -> dict[str, str]:
    """Return the environment that the infrastructure would give a function, with made-up values."""
    keys = {key for use in FUNCTIONS[step].uses for key in use.resource.environment_keys}
    made_up = {key: "30" if key.endswith("_SECONDS") else f"the-{key.lower().replace('_', '-')}" for key in keys}
    return {**made_up, **{key: value for key, value in LIMITS.items() if key in keys}}


def the_machine() -> dict[str, Any]:
    """Return the generated definition, as it is after its way through JSON."""
    machine: dict[str, Any] = json.loads(json.dumps(definition(Wiring(FUNCTION_ARNS, SPOOL_QUEUE_URL))))
    return machine


_LOGGERS: Final = ("", "domain", "adapters", "handlers", "botocore")
"""The loggers whose level a handler sets in its own process."""


def log_levels() -> dict[str, int]:
    """Return the levels as they stand."""
    return {name: logging.getLogger(name).level for name in _LOGGERS}


def set_log_levels(levels: dict[str, int]) -> None:
    """Put the levels back."""
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@dataclass(frozen=True)
class Context:
    """The part of Lambda's context that handlers read."""

    remaining_milliseconds: int

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is stopped."""
        return self.remaining_milliseconds


@dataclass(frozen=True)
class _Fault:
    """What happens at the boundary of one function instead of, or after, its work."""

    error: str
    cause: str
    times: int
    after_the_work: bool


class Stage:
    """Plays executions of one machine over one set of stores; everything planted on it lasts as long as it does."""

    def __init__(self, mapping: ToolMapping | None = None, *, machine: dict[str, Any] | None = None) -> None:
        self.machine = machine or the_machine()
        self.clock = MemoryClock(NOW)
        self.intents = MemoryIntentStore()
        self.registry = MemoryMappingRegistry()
        self.switches = MemoryKillSwitches()
        self.journal = MemoryExecutionJournal(self.switches)
        self.writes = MemoryExternalWrites()
        self.capacities = MemoryConnectorCapacities()
        self.artifacts = MemoryArtifactStore()
        self.publisher = MemorySignalPublisher()
        self.gateway = MemoryToolGateway()
        self.inbox = MemoryOperatorInbox()
        self.executions = MemoryExecutions()
        self.mapping = mapping or a_mapping()
        self.spooled: list[dict[str, Any]] = []
        """What is on the outcome spool queue, oldest first."""
        self.received: list[tuple[StepName, dict[str, Any]]] = []
        """Every payload a function was invoked with, oldest first."""
        self._ports: dict[StepName | Worker, dict[str, Faulty]] = {name: self._shared_ports() for name in FUNCTIONS}
        self._functions: dict[StepName, Entry] = {step: self._function(step) for step in STEPS}
        self._faults: dict[str, list[_Fault]] = {}
        self._changes: dict[StepName, dict[str, JsonValue]] = {}
        self.switches.flip(a_switch())
        self.registry.publish(self.mapping)
        self.intents.put(an_approved_intent(self.mapping))

    def _shared_ports(self) -> dict[str, Faulty]:
        return {
            "clock": Faulty(self.clock),
            "intents": Faulty(self.intents),
            "registry": Faulty(self.registry),
            "kill_switches": Faulty(self.switches),
            "journal": Faulty(self.journal),
            "external_writes": Faulty(self.writes),
            "connector_capacity": Faulty(self.capacities),
            "artifacts": Faulty(self.artifacts),
            "publisher": Faulty(self.publisher),
            "gateway": Faulty(self.gateway),
            "inbox": Faulty(self.inbox),
            "executions": Faulty(self.executions),
            "backlog": Faulty(MemoryBacklog(self.journal)),
        }

    def container(self, step: StepName) -> Container:
        """Return the real container of a step, with every outside port replaced by this stage's."""
        return self._container(step)

    def worker_container(self, worker: Worker) -> Container:
        """Return the real container of a worker, as ``container`` does."""
        return self._container(worker)

    def _container(self, function: StepName | Worker) -> Container:
        settings = load_settings(function, a_step_environment(function))
        container = Container(settings=settings, runtime=RuntimeSettings())
        for name, port in self._ports[function].items():
            getattr(container, name).override(port)
        return container

    def _function(self, step: StepName) -> Entry:
        return step_handler(step, CALLS[step], container=self.container)

    def redeploy(self, step: StepName, entry: Entry) -> None:
        """Put another function in a step's place."""
        self._functions[step] = entry

    def port(self, step: StepName, name: str) -> Faulty:
        """Return a step's own view of a shared port, on which failures can be planted."""
        return self._ports[step][name]

    def worker_port(self, name: str) -> Faulty:
        """Return the reconciler's own view of a shared port."""
        return self._ports[Worker.RECONCILER][name]

    def approve(self, intent: ActionIntent) -> None:
        """Put another intent in the sample's place."""
        self.intents.put(intent)

    def break_function(
        self, state: str, error: str, *, cause: str = "", times: int = FOR_EVER, after_the_work: bool = False
    ) -> None:
        """Make the task of a state fail ``times`` times, before its work or after it (the reply is lost)."""
        self._faults.setdefault(str(state), []).append(_Fault(error, cause, times, after_the_work))

    def change_result(self, step: StepName, **changes: JsonValue) -> None:
        """Let a function of another version answer: its section comes back with these fields changed."""
        self._changes[step] = changes

    def run(self, approval: JsonValue = APPROVAL, *, execution_arn: str = EXECUTION_ARN) -> Run:
        """Play one execution to its end."""
        return Interpreter(self.machine, self._task, self.clock, MAX_STATE_BYTES).run(execution_arn, approval)

    def _task(self, state: str, resource: str, arguments: Any) -> JsonValue:  # noqa: ANN401  JSON of any shape
        fault = self._next_fault(state)
        if fault and not fault.after_the_work:
            raise StateError(fault.error, fault.cause)
        result = self._carry_out(state, resource, arguments)
        if fault:
            raise StateError(fault.error, fault.cause)
        return result

    def _next_fault(self, state: str) -> _Fault | None:
        waiting = self._faults.get(state, [])
        if not waiting:
            return None
        fault = waiting.pop(0)
        if fault.times > 1:
            waiting.insert(0, replace(fault, times=fault.times - 1))
        return fault

    def _carry_out(self, state: str, resource: str, arguments: Any) -> JsonValue:  # noqa: ANN401  JSON of any shape
        match resource, arguments:
            case "arn:aws:states:::lambda:invoke", {"FunctionName": arn, "Payload": payload, **rest} if not rest:
                assert arn == FUNCTION_ARNS[StepName(state)], f"{state} invokes {arn}"
                return {"ExecutedVersion": "1", "StatusCode": 200, "Payload": self._invoke(StepName(state), payload)}
            case "arn:aws:states:::sqs:sendMessage", {"QueueUrl": url, "MessageBody": str(body), **rest} if not rest:
                assert (state, url) == (Junction.SPOOL_OUTCOME, SPOOL_QUEUE_URL)
                self.spooled.append(json.loads(body))
                return {"MessageId": f"message-{len(self.spooled)}"}
            case _:
                raise AssertionError(f"{state}: an integration that was never granted: {resource}")

    def _invoke(self, step: StepName, payload: Any) -> JsonValue:  # noqa: ANN401  JSON of any shape
        self.received.append((step, payload))
        context = Context(STEPS[step].function_timeout_seconds * 1_000)
        levels = log_levels()
        try:
            section = self._functions[step](payload, context)
        except Killed as killed:
            raise StateError("Runtime.ExitError", "Runtime exited before returning a response") from killed
        except Exception as error:
            # As Lambda does: the class's name, and the message inside a JSON cause.
            name = type(error).__name__
            cause = {"errorMessage": str(error), "errorType": name, "stackTrace": ["  File runtime.py, line 1\n"]}
            raise StateError(name, json.dumps(cause)) from error
        finally:
            set_log_levels(levels)  # a function owns its process's logging; here the process is shared
        return {**section, **self._changes.get(step, {})}
