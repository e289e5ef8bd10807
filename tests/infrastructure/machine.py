"""A small interpreter for the generated state machine: JSONata evaluated for real, tasks answered by the test.

It follows assignments, catches, choices and waits as the Amazon States Language says, and fails on an undefined value
as the service does. It does not retry, time or run anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonata import Jsonata
from jsonata.utils import Utils

Json = Any
"""A parsed JSON document, or the value of an expression."""

EXECUTION = {
    "Id": "arn:aws:states:us-west-2:123456789012:execution:orchestrator:4f1c",
    "StartTime": "2026-11-23T10:00:00.000Z",
    "Input": {"action_intent_id": "i-1", "tenant_id": "t-1", "account_id": "a-1"},
}


class Raised(Exception):
    """A task's failure under the name that Step Functions would see."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.output = {"Error": name, "Cause": '{"errorMessage": "PERMANENT_ERROR: made up", "errorType": "x"}'}


class Undefined(Exception):
    """An expression without a value: ``States.QueryEvaluationError`` on the service."""


@dataclass
class Run:
    """How one execution went."""

    visited: list[str] = field(default_factory=list)
    requests: list[tuple[str, Any]] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    output: Any = None
    error: str | None = None


Answer = Callable[[str, Any], Any]


def execute(machine: Mapping[str, Any], answer: Answer, *, limit: int = 50) -> Run:
    """Run the machine from its start; ``answer`` is asked for the result of each task, and may raise ``Raised``."""
    run, name = Run(), machine["StartAt"]
    while len(run.visited) < limit:
        state = machine["States"][name]
        run.visited.append(name)
        match state["Type"]:
            case "Task":
                name = _task(state, name, run, answer)
            case "Choice":
                name = next(
                    (rule["Next"] for rule in state["Choices"] if _value(rule["Condition"], run) is True),
                    state["Default"],
                )
            case "Wait":
                assert isinstance(_value(state["Seconds"], run), int)
                name = state["Next"]
            case "Succeed":
                run.output = _value(state["Output"], run)
                return run
            case "Fail":
                run.error = _value(state["Error"], run)
                assert isinstance(_value(state["Cause"], run), str)
                return run
    raise AssertionError(f"no end after {limit} states: {run.visited}")


def _task(state: Mapping[str, Any], name: str, run: Run, answer: Answer) -> str:
    request = _value(state["Arguments"], run)
    run.requests.append((name, request))
    try:
        result = answer(name, request)
    except Raised as raised:
        for rule in state["Catch"]:
            if set(rule["ErrorEquals"]) & {raised.output["Error"], "States.ALL"}:
                run.variables |= _value(rule["Assign"], run, errorOutput=raised.output)
                return str(rule["Next"])
        raise
    run.variables |= _value(state.get("Assign", {}), run, result=result)
    return str(state["Next"])


def _value(node: Json, run: Run, **states: Json) -> Json:
    match node:
        case str() if node.startswith("{%"):
            return _evaluate(node[2:-2], run, states)
        case Mapping():
            return {key: _value(value, run, **states) for key, value in node.items()}
        case list():
            return [_value(value, run, **states) for value in node]
        case _:
            return node


def _evaluate(text: str, run: Run, states: Mapping[str, Json]) -> Json:
    expression = Jsonata(text)
    expression.output_convert_nulls = False
    expression.assign(
        "states", _with_nulls({"context": {"Execution": EXECUTION}, "input": EXECUTION["Input"], **states})
    )
    for name, value in run.variables.items():
        expression.assign(name, _with_nulls(value))
    found = expression.evaluate(None)
    if found is None:
        raise Undefined(text)
    return _without_nulls(found)


def _with_nulls(value: Json) -> Json:
    match value:
        case None:
            return Utils.NULL_VALUE
        case Mapping():
            return {key: _with_nulls(item) for key, item in value.items()}
        case list():
            return [_with_nulls(item) for item in value]
    return value


def _without_nulls(value: Json) -> Json:
    if value is Utils.NULL_VALUE:
        return None
    match value:
        case Mapping():
            return {key: _without_nulls(item) for key, item in value.items()}
        case list():
            return [_without_nulls(item) for item in value]
    return value
