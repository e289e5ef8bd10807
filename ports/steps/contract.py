"""The functions and the steps: order, timeouts, retries, routes and what each may touch.

``infrastructure.asl`` turns this table into the state machine, ``infrastructure.permissions`` into IAM documents,
``handlers.runtime`` validates against the same models, and the tests take their expectations from it. Whatever must
be true of a step, or of the worker beside them, is written here and nowhere else.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pydantic import BaseModel

from domain.model.invocation import InvocationStatus
from domain.model.tool_mapping import LONGEST_CALL_SECONDS
from ports.steps.resources import Access, Use, uses
from ports.steps.retries import LOST_REPLY_RETRY, SERVICE_RETRY, TRANSIENT_RETRY, RetryRule
from ports.steps.state import (
    CompensationSection,
    InvocationSection,
    MappingSection,
    OutcomeSection,
    PreflightSection,
    StartSection,
)

BREAKER_OPENED: Final = "circuit breaker opened"
"""The message of the log line that an alarm counts; whoever sends writes it, each time a connector is given up on."""

CAPACITY_UNUSABLE: Final = "connector capacity unusable"
"""The message of the log line that the same alarm counts: approved actions wait, and only a person can end that."""

GET, QUERY, PUT, UPDATE, CHECK = Access.GET, Access.QUERY, Access.PUT, Access.UPDATE, Access.CHECK
PUBLISH, CALL, SEND, DESCRIBE = Access.PUBLISH, Access.CALL, Access.SEND, Access.DESCRIBE

MACHINE_TIMEOUT_SECONDS: Final = 7 * 24 * 3_600
"""Seven days for a whole execution, waits included; the plan's hour (R80) is too short for a hold.

An action that a kill switch holds waits in the machine until it is released or its approval expires, over a weekend
too. Waiting for a tool does not grow with this: it ends with the approval. A round of waiting is nine events of the
history, and an execution fails at 25,000 of them (AWS Step Functions Developer Guide, "Avoid reaching the history
quota"), so seven days bear rounds of four minutes on average.
"""


SETTLING_MARGIN_SECONDS: Final = 8
"""Kept back from a function's time for writing down what a tool answered, in seconds: the archive may take four, and
the few store calls take well under one each while the stores answer at all. It orders the deadlines: HTTP < function <
task < machine."""

FINISHING_SECONDS: Final = 600
"""Kept back from the machine's time for the call after the last wait, its retries, the undo and the recording, in
seconds: an execution that the machine's timeout ends bypasses every state and records nothing itself."""


LOOK_SECONDS: Final = 15
"""What the reconciler wants to have left for one more intent, in seconds: a short call of a tool, the margin to write
down what it answered, and the stores; with less it leaves the rest to its next run."""


class StepName(StrEnum):
    """The seven steps; names are kept from the original plan (R81)."""

    START_EXECUTION = "StartExecution"
    VALIDATE_PREFLIGHT = "ValidatePreflight"
    MAP_ACTION_TO_TOOL = "MapActionToTool"
    INVOKE_TOOL = "InvokeTool"
    COMPENSATE_ACTION = "CompensateAction"
    RECORD_OUTCOME = "RecordOutcome"
    RECORD_FAILURE = "RecordFailure"


class Worker(StrEnum):
    """The functions that are no step: no state machine runs them."""

    RECONCILER = "Reconciler"


class Junction(StrEnum):
    """The states between and after the steps."""

    CHECK_INVOCATION = "CheckInvocation"
    WAIT_FOR_TOOL = "WaitForTool"
    CHECK_OUTCOME = "CheckOutcome"
    SPOOL_OUTCOME = "SpoolOutcome"
    SUCCEEDED = "Succeeded"
    DUPLICATE_SUPPRESSED = "DuplicateSuppressed"
    EXECUTION_FAILED = "ExecutionFailed"
    EXECUTION_UNKNOWN = "ExecutionUnknown"
    RECORDING_FAILED = "RecordingFailed"


Target = StepName | Junction


@dataclass(frozen=True)
class CatchRule:
    """A Step Functions catcher: assigns ``error`` and goes to ``target``."""

    errors: tuple[str, ...]
    target: Target


_DUPLICATE = CatchRule(("DuplicateExecution",), Junction.DUPLICATE_SUPPRESSED)
_ANY_FAILURE = CatchRule(("States.ALL",), StepName.RECORD_FAILURE)
_SPOOL = CatchRule(("States.ALL",), Junction.SPOOL_OUTCOME)


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    """All that is decided about one function, whoever invokes it."""

    name: StepName | Worker
    component: str
    """The function's component name (``<prefix>-<stack>-<component>``, R72, R73)."""
    handler: str
    """The Lambda handler, ``module.function``."""
    function_timeout_seconds: int
    uses: tuple[Use, ...]
    memory_megabytes: int = 512
    """A guess: 512 MB gives about a third of a vCPU, which keeps cold starts near a second."""

    @property
    def title(self) -> str:
        """How people are told of the function, in descriptions and alarms."""
        return self.name.value


@dataclass(frozen=True, kw_only=True)
class StepSpec(FunctionSpec):
    """What is decided about a step beside its function: its place in the state machine."""

    name: StepName
    section: str
    """The one variable that the step assigns."""
    output: type[BaseModel]
    requires: tuple[str, ...]
    """Sections that must be there when the step is entered on any route."""
    accepts: tuple[str, ...]
    """Sections that may be there."""
    next: Target
    catches: tuple[CatchRule, ...]
    retries: tuple[RetryRule, ...] = (TRANSIENT_RETRY, LOST_REPLY_RETRY, SERVICE_RETRY)
    has_external_effect: bool = False

    @property
    def task_timeout_seconds(self) -> int:
        """Longer than the function's own, so that the function's error is seen rather than the task's."""
        return self.function_timeout_seconds + 10

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every section that the step receives."""
        return (*self.requires, *self.accepts)


_GATEWAY_USES: Final = uses(
    gateway=(CALL,), token_endpoint=(CALL,), gateway_credentials=(GET,), execution_artifacts=(PUT,)
)
_SENDER_USES: Final = uses(connector_capacity=(GET, PUT), connector_limits=(GET,))
"""Of those who send the action's own call; who only asks or undoes is not limited."""
_RECORDER_USES: Final = uses(
    execution_attempts=(GET, PUT),
    execution_outcomes=(GET, PUT),
    ledger=(PUT,),
    signals=(GET, PUT, UPDATE),
    event_bus=(PUBLISH,),
)

STEPS: Final[dict[StepName, StepSpec]] = {
    spec.name: spec
    for spec in (
        StepSpec(
            name=StepName.START_EXECUTION,
            component="execution-starter",
            handler="handlers.start_execution.handler",
            section="start",
            output=StartSection,
            requires=(),
            accepts=(),
            function_timeout_seconds=30,
            next=StepName.VALIDATE_PREFLIGHT,
            catches=(_DUPLICATE, _ANY_FAILURE),
            uses=uses(action_intents=(GET,), execution_attempts=(PUT,), ledger=(PUT,)),
        ),
        StepSpec(
            name=StepName.VALIDATE_PREFLIGHT,
            component="execution-validator",
            handler="handlers.validate_preflight.handler",
            section="preflight",
            output=PreflightSection,
            requires=("start",),
            accepts=(),
            function_timeout_seconds=30,
            next=StepName.MAP_ACTION_TO_TOOL,
            catches=(_ANY_FAILURE,),
            uses=uses(action_intents=(GET,), kill_switches=(GET,)),
        ),
        StepSpec(
            name=StepName.MAP_ACTION_TO_TOOL,
            component="tool-mapper",
            handler="handlers.map_action_to_tool.handler",
            section="mapping",
            output=MappingSection,
            requires=("start", "preflight"),
            accepts=(),
            function_timeout_seconds=30,
            next=StepName.INVOKE_TOOL,
            catches=(_ANY_FAILURE,),
            uses=uses(action_intents=(GET,), action_type_registry=(GET,)),
        ),
        StepSpec(
            name=StepName.INVOKE_TOOL,
            component="tool-invoker",
            handler="handlers.invoke_tool.handler",
            section="invocation",
            output=InvocationSection,
            requires=("start", "preflight", "mapping"),
            accepts=(),
            function_timeout_seconds=LONGEST_CALL_SECONDS,
            next=Junction.CHECK_INVOCATION,
            catches=(CatchRule(("PermanentError",), StepName.COMPENSATE_ACTION), _ANY_FAILURE),
            uses=(
                *uses(
                    action_intents=(GET,),
                    action_type_registry=(GET,),
                    execution_attempts=(GET, PUT),
                    ledger=(PUT,),
                    kill_switches=(GET, CHECK),
                    external_write_dedupe=(PUT,),
                ),
                *_SENDER_USES,
                *_GATEWAY_USES,
            ),
            has_external_effect=True,
        ),
        StepSpec(
            name=StepName.COMPENSATE_ACTION,
            component="compensation-handler",
            handler="handlers.compensate_action.handler",
            section="compensation",
            output=CompensationSection,
            requires=("start", "preflight", "mapping"),
            accepts=("invocation", "error"),
            function_timeout_seconds=LONGEST_CALL_SECONDS,
            next=StepName.RECORD_OUTCOME,
            catches=(CatchRule(("States.ALL",), StepName.RECORD_OUTCOME),),
            uses=(
                *uses(
                    action_type_registry=(GET,),
                    execution_attempts=(GET, PUT),
                    ledger=(PUT,),
                    external_write_dedupe=(GET,),
                ),
                *_GATEWAY_USES,
            ),
            has_external_effect=True,
        ),
        StepSpec(
            name=StepName.RECORD_OUTCOME,
            component="execution-recorder",
            handler="handlers.record_outcome.handler",
            section="outcome",
            output=OutcomeSection,
            requires=("start", "preflight", "mapping"),
            accepts=("invocation", "compensation", "error"),
            function_timeout_seconds=30,
            next=Junction.CHECK_OUTCOME,
            catches=(_SPOOL,),
            uses=_RECORDER_USES,
        ),
        StepSpec(
            name=StepName.RECORD_FAILURE,
            component="failure-recorder",
            handler="handlers.record_failure.handler",
            section="outcome",
            output=OutcomeSection,
            requires=("error",),
            accepts=("start", "preflight", "mapping"),
            function_timeout_seconds=30,
            next=Junction.CHECK_OUTCOME,
            catches=(_SPOOL,),
            uses=(*_RECORDER_USES, *uses(quarantine=(SEND,))),
        ),
    )
}

RECONCILER: Final = FunctionSpec(
    name=Worker.RECONCILER,
    component="execution-reconciler",
    handler="handlers.reconcile.handler",
    function_timeout_seconds=LONGEST_CALL_SECONDS,
    uses=(
        *uses(
            action_intents=(GET,),
            action_type_registry=(GET,),
            execution_attempts=(GET, PUT, QUERY),
            execution_outcomes=(GET, PUT),
            ledger=(PUT,),
            signals=(GET, PUT, UPDATE, QUERY),
            kill_switches=(CHECK,),
            external_write_dedupe=(GET, PUT),
            event_bus=(PUBLISH,),
            compensation_tasks=(SEND,),
            attention=(SEND,),
            quarantine=(SEND,),
            executions=(DESCRIBE,),
        ),
        *_SENDER_USES,
        *_GATEWAY_USES,
    ),
)
"""What finishes what executions left behind. It stands beside the state machine, because it works for executions that
are over; it may call tools, because it asks what became of a call, and undoes or resends one."""

FUNCTIONS: Final[dict[StepName | Worker, FunctionSpec]] = {spec.name: spec for spec in (*STEPS.values(), RECONCILER)}
"""Every function of the stack: each has a role, a log group, a dead-letter queue, alarms and an environment."""

FIRST_STEP: Final = StepName.START_EXECUTION
SECTIONS: Final[tuple[str, ...]] = ("start", "preflight", "mapping", "invocation", "compensation", "outcome")
ERROR_VARIABLE: Final = "error"


@dataclass(frozen=True)
class Routing:
    """A Choice over one section's ``status``: every value has a route, and an unforeseen one fails visibly."""

    section: str
    routes: dict[str, Target] = field(default_factory=dict)
    otherwise: Target = Junction.EXECUTION_FAILED


INVOCATION_ROUTING: Final = Routing(
    "invocation",
    {
        InvocationStatus.SUCCEEDED.value: StepName.RECORD_OUTCOME,
        InvocationStatus.FAILED.value: StepName.COMPENSATE_ACTION,
        InvocationStatus.PARTIAL.value: StepName.COMPENSATE_ACTION,
        InvocationStatus.DEFERRED.value: Junction.WAIT_FOR_TOOL,
        InvocationStatus.UNKNOWN.value: StepName.RECORD_OUTCOME,
    },
    otherwise=StepName.RECORD_OUTCOME,
)

OUTCOME_ROUTING: Final = Routing(
    "outcome",
    {
        "SUCCEEDED": Junction.SUCCEEDED,
        "FAILED": Junction.EXECUTION_FAILED,
        "CANCELLED": Junction.EXECUTION_FAILED,
        "UNKNOWN": Junction.EXECUTION_UNKNOWN,
    },
)
