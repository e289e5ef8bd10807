"""Defects of the state machine: routes, catches, retries and assignments of the step contract."""

from dataclasses import replace
from typing import Any, Final

from ports.steps.contract import INVOCATION_ROUTING, OUTCOME_ROUTING, STEPS, CatchRule, Junction, StepName
from tests.proof.bugs import Bug, Swap
from tests.proof.looks import Plans
from tests.proof.simulation.flows import Safety

Json = Any

_K, _L, _N = Safety


def _step(name: StepName, **changes: Json) -> Swap:
    return Swap(STEPS, name, replace(STEPS[name], **changes))


def _uncaught(step: StepName, flow: str, safety: Safety = _N) -> Bug:
    return Bug(
        f"nothing-caught-in-{step.value}",
        f"no error of {step.value} is caught",
        (_step(step, catches=()),),
        (Plans(flow, safety),),
        "D12" if step in _RECORDING else "",
    )


_RECORDING: Final = frozenset({StepName.COMPENSATE_ACTION, StepName.RECORD_OUTCOME, StepName.RECORD_FAILURE})
_MISNAMED: Final = {
    step: tuple(
        replace(rule, errors=tuple("Error" if error == "TransientError" else error for error in rule.errors))
        for rule in spec.retries
    )
    for step, spec in STEPS.items()
}

BUGS: Final = (
    _uncaught(StepName.START_EXECUTION, "approved-twice"),
    _uncaught(StepName.VALIDATE_PREFLIGHT, "expired"),
    _uncaught(StepName.MAP_ACTION_TO_TOOL, "unmapped"),
    _uncaught(StepName.INVOKE_TOOL, "forbidden"),
    _uncaught(StepName.COMPENSATE_ACTION, "half-done-undo-dead", _L),
    _uncaught(StepName.RECORD_OUTCOME, "recorder-down"),
    _uncaught(StepName.RECORD_FAILURE, "cancelled-and-recorder-down"),
    Bug(
        "duplicate-is-a-failure",
        "a duplicate execution goes the way of a failed one",
        (_step(StepName.START_EXECUTION, catches=(CatchRule(("States.ALL",), StepName.RECORD_FAILURE),)),),
        (Plans("approved-twice", _N),),
        "D21",
    ),
    Bug(
        "retries-name-no-error",
        "the retries name an error that no function raises",
        tuple(_step(step, retries=retries) for step, retries in _MISNAMED.items()),
        (Plans("unreachable", _N),),
        "D5, D60",
    ),
    Bug(
        "never-tried-again",
        "no step is ever tried again",
        tuple(_step(step, retries=()) for step in STEPS),
        (Plans("unreachable", _N),),
        "D6",
    ),
    Bug(
        "mapping-overwrites-start",
        "a step's result takes the place of an earlier step's",
        (_step(StepName.MAP_ACTION_TO_TOOL, section="start"),),
        (Plans("accepted", _N),),
        "D3",
    ),
    Bug(
        "answer-in-the-wrong-place",
        "the call's result is assigned where nobody reads it",
        (_step(StepName.INVOKE_TOOL, section="preflight"),),
        (Plans("accepted", _N),),
        "D2, D3",
    ),
    Bug(
        "outcome-in-the-wrong-place",
        "the outcome is assigned where nobody reads it",
        (_step(StepName.RECORD_OUTCOME, section="invocation"),),
        (Plans("accepted", _N),),
        "D2, D3",
    ),
    Bug(
        "undo-goes-past-the-record",
        "what follows the undo is the end, and no record",
        (_step(StepName.COMPENSATE_ACTION, next=Junction.CHECK_OUTCOME),),
        (Plans("half-done", _N),),
        "D8",
    ),
    Bug(
        "failed-ends-succeeded",
        "an execution whose action failed ends SUCCEEDED",
        (Swap(OUTCOME_ROUTING.routes, "FAILED", Junction.SUCCEEDED),),
        (Plans("refused", _N),),
        "D13",
    ),
    Bug(
        "unknown-ends-succeeded",
        "an execution whose action is in doubt ends SUCCEEDED",
        (Swap(OUTCOME_ROUTING.routes, "UNKNOWN", Junction.SUCCEEDED),),
        (Plans("done-and-lost", _N),),
        "D13",
    ),
    Bug(
        "wait-is-taken-for-the-end",
        "an action that has to wait goes to the record",
        (Swap(INVOCATION_ROUTING.routes, "DEFERRED", StepName.RECORD_OUTCOME),),
        (Plans("busy", _N),),
        "D38",
    ),
    Bug(
        "failure-needs-an-answer",
        "the record of a failure needs an answer of the tool, which an early failure does not have",
        (_step(StepName.RECORD_FAILURE, requires=("error", "invocation")),),
        (Plans("cancelled", _N),),
        "D10",
    ),
)
