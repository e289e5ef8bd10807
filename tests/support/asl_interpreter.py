"""An interpreter of exactly the Amazon States Language that this project generates: JSONata, seven kinds of state.

It exists because no emulator evaluates the generated machine strictly and without processes. Whatever it does not
understand is ``NotUnderstood``, never skipped. Waiting moves a virtual clock by the longest time that the definition
allows. Semantics: AWS Step Functions Developer Guide, "Handling errors", "Transforming data with JSONata" and
"Passing data between states with variables". It does not model parallelism, history events or IAM.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final

from adapters.memory.clock import MemoryClock
from tests.support.jsonata_evaluation import Undefined, evaluate

Json = Any
Edge = tuple[str, str, str]
"""Source, why, target."""

TaskCall = Callable[[str, str, Json], Json]
"""Takes the state's name, its resource and its arguments; returns the integration's result or raises ``StateError``."""

QUERY_ERROR: Final = "States.QueryEvaluationError"
TIMEOUT: Final = "States.Timeout"
MAX_STEPS: Final = 200
_UNCATCHABLE: Final = frozenset({"States.DataLimitExceeded", "States.Runtime"})
_RETRIER: Final = {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy"}
_FIELDS: Final = {
    "Task": {"Resource", "Arguments", "TimeoutSeconds", "Assign", "Output", "Retry", "Catch", "Next"},
    "Choice": {"Choices", "Default"},
    "Wait": {"Seconds", "Next"},
    "Succeed": {"Output"},
    "Fail": {"Error", "Cause"},
}


class NotUnderstood(Exception):
    """The definition uses something that this interpreter does not know; teach it, do not skip it."""


class StateError(Exception):
    """A state failed with an error name and a cause, as Step Functions sees them."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


@dataclass
class Visit:
    """One entry into a state: how often it was tried, the errors on the way, and how it was left."""

    state: str
    tries: int = 0
    errors: list[str] = field(default_factory=list)
    waits_seconds: list[float] = field(default_factory=list)


@dataclass
class Run:
    """One execution, from its start to its end."""

    visits: list[Visit] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    status: str = "RUNNING"
    error: str | None = None
    cause: str | None = None
    output: Json = None
    variables: dict[str, Json] = field(default_factory=dict)

    @property
    def path(self) -> list[str]:
        """The states entered, in order."""
        return [visit.state for visit in self.visits]

    @property
    def terminal(self) -> str:
        """The state in which the execution ended."""
        return self.visits[-1].state

    def tries(self, state: str) -> list[int]:
        """How often the state was tried on each entry."""
        return [visit.tries for visit in self.visits if visit.state == state]


def edges_of(machine: Json) -> Iterator[Edge]:
    """Yield every edge of a definition as ``(source, why, target)``."""
    for name, state in machine["States"].items():
        if "Next" in state:
            yield name, "Next", state["Next"]
        for rule in (*state.get("Choices", ()), *state.get("Catch", ())):
            yield name, _why(rule), rule["Next"]
        if "Default" in state:
            yield name, "Default", state["Default"]


def _why(rule: Json) -> str:
    return str(rule["Condition"]) if "Condition" in rule else "Catch " + ", ".join(rule["ErrorEquals"])


@dataclass
class Interpreter:
    """Runs one definition; ``execution`` is the context object's ``Execution``."""

    machine: Json
    task: TaskCall
    clock: MemoryClock
    max_bytes: int
    """Every payload, result and variable is proved to be smaller, in bytes of JSON."""

    def run(self, execution_arn: str, approval: Json) -> Run:
        """Run to the end and return what happened."""
        _only(self.machine, {"Comment", "QueryLanguage", "StartAt", "TimeoutSeconds", "States"}, "machine")
        if self.machine["QueryLanguage"] != "JSONata":
            raise NotUnderstood("only JSONata is spoken here")
        begun = self.clock.now().astimezone(UTC)
        started = begun.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        context = {"Execution": {"Id": execution_arn, "StartTime": started, "Input": self._plain(approval)}}
        run, name, given = Run(), self.machine["StartAt"], self._plain(approval)
        while run.status == "RUNNING":
            if len(run.visits) >= MAX_STEPS:
                raise NotUnderstood(f"the execution does not end: {run.path[-10:]}")
            visit = Visit(name)
            run.visits.append(visit)
            scope = {"context": context, "input": given}
            try:
                target, given = self._enter(run, visit, self.machine["States"][name], scope)
            except StateError as failed:
                run.status, run.error, run.cause = "FAILED", failed.error, failed.cause
                break
            if (self.clock.now() - begun).total_seconds() > self.machine["TimeoutSeconds"]:
                run.status, run.error = "TIMED_OUT", TIMEOUT
            name = target
        return run

    def _enter(self, run: Run, visit: Visit, state: Json, scope: Json) -> tuple[str, Json]:
        kind = state["Type"]
        if kind not in _FIELDS:
            raise NotUnderstood(f"{visit.state}: a {kind} state")
        _only(state, _FIELDS[kind] | {"Type", "Comment"}, visit.state)
        match kind:
            case "Task":
                return self._task(run, visit, state, scope)
            case "Choice":
                return self._choice(run, visit, state, scope), scope["input"]
            case "Wait":
                seconds = self._value(state["Seconds"], run, scope)
                if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
                    raise StateError(QUERY_ERROR, f"Seconds is {seconds!r}")
                visit.waits_seconds.append(seconds)
                self.clock.advance(seconds)
                return self._leave(run, visit, "Next", state["Next"]), scope["input"]
            case "Succeed":
                run.output = self._value(state["Output"], run, scope)
                run.status = "SUCCEEDED"
                return "", None
            case _:
                error, cause = (self._value(state[key], run, scope) for key in ("Error", "Cause"))
                if not isinstance(error, str) or not isinstance(cause, str):
                    raise StateError(QUERY_ERROR, "Error and Cause of a Fail state must be texts")
                raise StateError(error, cause)

    def _choice(self, run: Run, visit: Visit, state: Json, scope: Json) -> str:
        for rule in state["Choices"]:
            _only(rule, {"Condition", "Next"}, visit.state)
            holds = self._value(rule["Condition"], run, scope)
            if not isinstance(holds, bool):
                raise StateError(QUERY_ERROR, f"{rule['Condition']} is {holds!r}, not a boolean")
            if holds:
                return self._leave(run, visit, _why(rule), rule["Next"])
        return self._leave(run, visit, "Default", state["Default"])

    def _task(self, run: Run, visit: Visit, state: Json, scope: Json) -> tuple[str, Json]:
        used = [0] * len(state["Retry"])
        while True:
            visit.tries += 1
            try:
                arguments = self._plain(self._value(state["Arguments"], run, scope))
                entered = self.clock.now()
                result = self._plain(self.task(visit.state, state["Resource"], arguments))
                if (self.clock.now() - entered).total_seconds() > state["TimeoutSeconds"]:
                    raise StateError(TIMEOUT, "the task took longer than its TimeoutSeconds")
                done = {**scope, "result": result}
                given = self._finish(state, run, done)
            except StateError as failed:
                visit.errors.append(failed.error)
                if self._retried(state, visit, used, failed):
                    continue
                return self._caught(run, visit, state, scope, failed)
            return self._leave(run, visit, "Next", state["Next"]), given

    def _retried(self, state: Json, visit: Visit, used: list[int], failed: StateError) -> bool:
        for index, rule in enumerate(state["Retry"]):
            _only(rule, _RETRIER, visit.state)
            if not matches(rule["ErrorEquals"], failed.error):
                continue
            if used[index] >= rule["MaxAttempts"]:
                return False
            seconds = min(rule["IntervalSeconds"] * rule["BackoffRate"] ** used[index], rule["MaxDelaySeconds"])
            used[index] += 1
            visit.waits_seconds.append(seconds)
            self.clock.advance(seconds)
            return True
        return False

    def _caught(self, run: Run, visit: Visit, state: Json, scope: Json, failed: StateError) -> tuple[str, Json]:
        for rule in state["Catch"]:
            _only(rule, {"ErrorEquals", "Assign", "Output", "Next"}, visit.state)
            if matches(rule["ErrorEquals"], failed.error):
                told = {**scope, "errorOutput": {"Error": failed.error, "Cause": failed.cause}}
                given = self._finish(rule, run, told)
                return self._leave(run, visit, _why(rule), rule["Next"]), given
        raise failed

    def _finish(self, rule: Json, run: Run, scope: Json) -> Json:
        """Assign and return the output, both from what was known before either."""
        assigned = self._plain(self._value(rule.get("Assign", {}), run, scope))
        output = self._plain(self._value(rule["Output"], run, scope))
        run.variables.update(assigned)
        return output

    def _leave(self, run: Run, visit: Visit, why: str, target: str) -> str:
        run.edges.append((visit.state, why, target))
        return target

    def _plain(self, value: Json) -> Json:
        """Prove that a value is plain JSON of a size that travels well."""
        text = json.dumps(value, allow_nan=False)
        assert len(text.encode()) < self.max_bytes, f"a document of {len(text)} characters in the state machine"
        return json.loads(text)

    def _value(self, template: Json, run: Run, scope: Json) -> Json:
        match template:
            case str() if template.startswith("{%") and template.endswith("%}"):
                try:
                    return evaluate(template[2:-2].strip(), {**run.variables, "states": scope})
                except Undefined as undefined:
                    raise StateError(QUERY_ERROR, str(undefined)) from undefined
            case Mapping():
                return {key: self._value(value, run, scope) for key, value in template.items()}
            case list():
                return [self._value(value, run, scope) for value in template]
            case str() if "{%" in template or template.startswith("$"):
                raise NotUnderstood(f"{template!r} is neither an expression nor a plain text")
            case _:
                return template


def _only(node: Json, known: set[str], place: str) -> None:
    if unknown := node.keys() - known:
        raise NotUnderstood(f"{place}: {', '.join(sorted(unknown))}")


def matches(names: Sequence[str], error: str) -> bool:
    """Whether a retrier's or catcher's ``ErrorEquals`` is about this error."""
    if error in names:
        return True
    if error in _UNCATCHABLE:
        return False
    return "States.ALL" in names or ("States.TaskFailed" in names and error != TIMEOUT)
