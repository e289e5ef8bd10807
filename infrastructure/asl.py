"""The state machine's definition, generated from the step contract.

Everything that the contract decides (order, timeouts, retries, catches, sections) is read from it; only the form is
decided here. The machine is written in JSONata, where an undefined value is an error, and data flows through
variables alone: each step assigns one, its section, and passes nothing on; the approval's ids are read from the
execution's own input. So no result replaces another (D1-D4). This module builds a dictionary; it checks nothing
(``asl_lint`` does) and knows no Pulumi.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ports.steps.contract import (
    ERROR_VARIABLE,
    FIRST_STEP,
    INVOCATION_ROUTING,
    MACHINE_TIMEOUT_SECONDS,
    OUTCOME_ROUTING,
    SECTIONS,
    STEPS,
    CatchRule,
    Junction,
    Routing,
    StepName,
    StepSpec,
)
from ports.steps.retries import RetryRule
from ports.steps.state import APPROVAL_IDS, CONTRACT_VERSION

Json = dict[str, object]

MACHINE_COMMENT: Final = "Action Intent Execution Orchestrator"
"""R80."""

SPOOL_TIMEOUT_SECONDS: Final = 30
SPOOL_RETRY: Final = RetryRule(("States.TaskFailed", "States.Timeout"), 2, 6, 2.0, 60)
"""The last resort waits longest: about two minutes of an unreachable queue are survived; a guess."""

SPOOL_CATCH: Final = CatchRule(("States.ALL",), Junction.RECORDING_FAILED)

ENVELOPE: Final[dict[str, str]] = {
    "execution_arn": "$states.context.Execution.Id",
    "started_at": "$states.context.Execution.StartTime",
    "approval": "{ " + ", ".join(f"'{name}': $states.context.Execution.Input.{name}" for name in APPROVAL_IDS) + " }",
}
"""Where the fixed part of an ``ExecutionState`` comes from. Of the event only the ids travel: what else a publisher
sends could make a state too large to record (D14)."""

NOTHING: Final[Mapping[str, object]] = {}
"""What a task passes on. Its input holds whatever a publisher put into the event, which would be copied into every
entry of the execution's history."""

DUPLICATE_OUTPUT: Final = {"status": "DUPLICATE_SUPPRESSED"}

RECORDING_FAILED_CAUSE: Final = (
    "The outcome could not be recorded, or its signal not published. The whole state is on the outcome spool queue; "
    "restore the store or the bus, then work off that queue."
)

STEP_COMMENTS: Final[dict[StepName, str]] = {
    StepName.START_EXECUTION: "Claim the intent for this execution; another owner's claim ends it as a duplicate.",
    StepName.VALIDATE_PREFLIGHT: "Check approval, expiry, digest and kill switches before anything is prepared.",
    StepName.MAP_ACTION_TO_TOOL: "Turn the approved action into one tool call by its pinned mapping version.",
    StepName.INVOKE_TOOL: "Record the dispatch, then call the tool at most once; re-entry never simply sends again.",
    StepName.COMPENSATE_ACTION: "Undo what evidence says exists, as the mapping's policy allows.",
    StepName.RECORD_OUTCOME: "Write outcome, attempt, ledger and signal in one transaction.",
    StepName.RECORD_FAILURE: "Record why no call was made, or what is known of one that was; change no other claim.",
}


@dataclass(frozen=True)
class Wiring:
    """What the machine points at."""

    function_arns: Mapping[StepName, str]
    """The alias of each step's function: an unqualified name would let a deployment change executions in flight
    (D16)."""
    spool_queue_url: str
    partition: str = "aws"


def definition(wiring: Wiring) -> Json:
    """Return the whole machine in Amazon States Language, ready for ``json.dumps``."""
    states: Json = {spec.name.value: _task(spec, wiring) for spec in STEPS.values()}
    states |= {
        Junction.CHECK_INVOCATION.value: _choice(
            INVOCATION_ROUTING, "Branch on what is known after the call; anything unforeseen is recorded as it is."
        ),
        Junction.WAIT_FOR_TOOL.value: {
            "Type": "Wait",
            "Comment": "Nothing can be said or sent before the tool's own time; waiting costs no function.",
            "Seconds": _expression("$invocation.retry_after_seconds"),
            "Next": StepName.INVOKE_TOOL.value,
        },
        Junction.CHECK_OUTCOME.value: _choice(OUTCOME_ROUTING, "End as the recorded outcome says (D13)."),
        Junction.SPOOL_OUTCOME.value: _spool(wiring),
        Junction.SUCCEEDED.value: {
            "Type": "Succeed",
            "Comment": "The action was carried out, and that is recorded.",
            "Output": _expression("$outcome"),
        },
        Junction.DUPLICATE_SUPPRESSED.value: {
            "Type": "Succeed",
            "Comment": "Another execution owns this intent; nothing was changed.",
            "Output": DUPLICATE_OUTPUT,
        },
        Junction.EXECUTION_FAILED.value: _failure("The action failed or was refused, and that is recorded."),
        Junction.EXECUTION_UNKNOWN.value: _failure(
            "Whether the action took effect is not known, and that is recorded."
        ),
        Junction.RECORDING_FAILED.value: {
            "Type": "Fail",
            "Comment": "Outcome or signal did not get through: the state is on the spool queue, or in this execution's "
            "history if even that failed.",
            "Error": "RecordingFailed",
            "Cause": RECORDING_FAILED_CAUSE,
        },
    }
    return {
        "Comment": MACHINE_COMMENT,
        "QueryLanguage": "JSONata",
        "StartAt": FIRST_STEP.value,
        "TimeoutSeconds": MACHINE_TIMEOUT_SECONDS,
        "States": states,
    }


def _expression(text: str) -> str:
    return f"{{% {text} %}}"


def _task(spec: StepSpec, wiring: Wiring) -> Json:
    # Every later variable is set once at the start, on the error paths too: JSONata knows no undefined variable, and
    # a route that skipped a step would otherwise fail where the failure should be recorded.
    blank: Json = {}
    if spec.name is FIRST_STEP:
        blank = {name: None for name in (*SECTIONS, ERROR_VARIABLE) if name not in spec.inputs}
    return {
        "Type": "Task",
        "Comment": STEP_COMMENTS[spec.name],
        "Resource": f"arn:{wiring.partition}:states:::lambda:invoke",
        "Arguments": {
            "FunctionName": wiring.function_arns[spec.name],
            "Payload": {
                "contract_version": CONTRACT_VERSION,
                **{key: _expression(source) for key, source in ENVELOPE.items()},
                **{name: _expression(f"${name}") for name in spec.inputs},
            },
        },
        "TimeoutSeconds": spec.task_timeout_seconds,
        "Assign": {**blank, spec.section: _expression("$states.result.Payload")},
        "Output": NOTHING,
        "Retry": [_retrier(rule) for rule in spec.retries],
        "Catch": [_catcher(rule, blank) for rule in spec.catches],
        "Next": spec.next.value,
    }


def _retrier(rule: RetryRule) -> Json:
    return {
        "ErrorEquals": list(rule.errors),
        "IntervalSeconds": rule.interval_seconds,
        "MaxAttempts": rule.max_attempts,
        "BackoffRate": rule.backoff_rate,
        "MaxDelaySeconds": rule.max_delay_seconds,
        "JitterStrategy": "FULL",
    }


def _catcher(rule: CatchRule, blank: Mapping[str, object]) -> Json:
    return {
        "ErrorEquals": list(rule.errors),
        "Assign": {**blank, ERROR_VARIABLE: _expression("$states.errorOutput")},
        "Output": NOTHING,
        "Next": rule.target.value,
    }


def _choice(routing: Routing, comment: str) -> Json:
    return {
        "Type": "Choice",
        "Comment": comment,
        "Choices": [
            {"Condition": _expression(f"${routing.section}.status = '{status}'"), "Next": target.value}
            for status, target in routing.routes.items()
        ],
        "Default": routing.otherwise.value,
    }


def _failure(comment: str) -> Json:
    return {
        "Type": "Fail",
        "Comment": comment,
        "Error": _expression("$outcome.error_code"),
        "Cause": _expression("$outcome.error_message"),
    }


def _spool(wiring: Wiring) -> Json:
    parts = [f"'contract_version': {CONTRACT_VERSION}"]
    parts += [f"'{key}': {source}" for key, source in ENVELOPE.items()]
    parts += [f"'{name}': ${name}" for name in (*SECTIONS, ERROR_VARIABLE)]
    return {
        "Type": "Task",
        "Comment": "Last resort (D12): the whole state, as one ExecutionState document, to a queue with an alarm.",
        "Resource": f"arn:{wiring.partition}:states:::sqs:sendMessage",
        "Arguments": {
            "QueueUrl": wiring.spool_queue_url,
            "MessageBody": _expression(f"$string({{{', '.join(parts)}}})"),
        },
        "TimeoutSeconds": SPOOL_TIMEOUT_SECONDS,
        "Output": NOTHING,
        "Retry": [_retrier(SPOOL_RETRY)],
        "Catch": [_catcher(SPOOL_CATCH, {})],
        "Next": Junction.RECORDING_FAILED.value,
    }
