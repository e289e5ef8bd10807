"""A small walk over a state machine's definition, for what the published validators miss.

``statelint`` knows fields and reachability, the emulators parse; none of them notices a path written as a literal, a
catcher after ``States.ALL``, or an error name that nothing ever raises. Each finding is one sentence; an empty list
means clean. The walk judges JSONata machines only, and evaluates nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from domain.model.errors import CROSSING_ERRORS

Json = Mapping[str, Any]

SERVICE_ERRORS: Final = frozenset(
    {
        "States.ALL",
        "States.TaskFailed",
        "States.Timeout",
        "States.HeartbeatTimeout",
        "States.QueryEvaluationError",
        "Sandbox.Timedout",
        "Runtime.ExitError",
        "Lambda.Unknown",
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    }
)
"""Names that services raise themselves (AWS Step Functions Developer Guide, "Handling errors"; AWS Lambda Developer
Guide, "Troubleshoot invocation"); a ``Sandbox`` or ``Runtime`` name is what a killed function is called."""

ANY_ERROR: Final = "States.ALL"
TERMINAL_TYPES: Final = frozenset({"Succeed", "Fail"})


def findings(machine: Json) -> list[str]:
    """Return what is wrong with a whole definition, in a stable order."""
    states: Json = machine.get("States", {})
    found = [*_strings(machine, "machine"), *_routes(machine, states)]
    if machine.get("QueryLanguage") != "JSONata":
        found.append("machine: QueryLanguage is not JSONata, where a missing value would be null")
    if not isinstance(machine.get("TimeoutSeconds"), int):
        found.append("machine: no TimeoutSeconds")
    for name, state in states.items():
        if not state.get("Comment"):
            found.append(f"{name}: no Comment")
        if state.get("Type") == "Task":
            found += _task(name, state)
        for kind in ("Retry", "Catch"):
            found += _error_names(name, kind, state.get(kind, []))
    return found


def expressions(node: object) -> Iterator[str]:
    """Yield the text of every ``{% … %}`` below ``node``, without its delimiters."""
    for _, text in _texts(node, ""):
        if _is_expression(text):
            yield text[2:-2].strip()


def _is_expression(text: str) -> bool:
    return text.startswith("{%") and text.endswith("%}")


def _texts(node: object, place: str) -> Iterator[tuple[str, str]]:
    match node:
        case str():
            yield place, node
        case Mapping():
            for key, value in node.items():
                yield from _texts(value, f"{place}.{key}" if place else str(key))
        case list() | tuple():
            for index, value in enumerate(node):
                yield from _texts(value, f"{place}[{index}]")


def _strings(machine: Json, place: str) -> Iterator[str]:
    for where, text in _texts(machine, place):
        if text.startswith(("$.", "$$.")) or ("$." in text and not _is_expression(text)):
            yield f"{where}: {text!r} is a path written as a literal"
        elif ("{%" in text or "%}" in text) and not _is_expression(text):
            yield f"{where}: {text!r} is half an expression"
    yield from (f"{where}: a key ends in .$, which JSONata does not know" for where in _path_keys(machine, place))


def _path_keys(node: object, place: str) -> Iterator[str]:
    match node:
        case Mapping():
            for key, value in node.items():
                if str(key).endswith(".$"):
                    yield f"{place}.{key}"
                yield from _path_keys(value, f"{place}.{key}")
        case list():
            for index, value in enumerate(node):
                yield from _path_keys(value, f"{place}[{index}]")


def targets(state: Json) -> list[str]:
    """Return every state that ``state`` can go to."""
    rules: Iterable[Json] = [*state.get("Choices", []), *state.get("Catch", [])]
    direct = [state[key] for key in ("Next", "Default") if key in state]
    return [*direct, *(rule["Next"] for rule in rules if "Next" in rule)]


def _routes(machine: Json, states: Json) -> Iterator[str]:
    reached: set[str] = set()
    ahead = [machine.get("StartAt", "")]
    while ahead:
        name = ahead.pop()
        if name in reached or name not in states:
            continue
        reached.add(name)
        ahead += targets(states[name])
    if machine.get("StartAt") not in states:
        yield f"machine: StartAt {machine.get('StartAt')!r} does not exist"
    for name, state in states.items():
        yield from (
            f"{name}: goes to {target!r}, which does not exist" for target in targets(state) if target not in states
        )
        if name not in reached:
            yield f"{name}: cannot be reached"
        terminal = state.get("Type") in TERMINAL_TYPES
        if terminal == bool(targets(state)):
            yield f"{name}: a {state.get('Type')} state that " + ("goes on" if terminal else "goes nowhere")
        if state.get("Type") == "Choice" and "Default" not in state:
            yield f"{name}: a Choice without Default fails on an unforeseen value"
    if not any(states[name].get("Type") in TERMINAL_TYPES for name in reached):
        yield "machine: no terminal state can be reached"


def _task(name: str, state: Json) -> Iterator[str]:
    if not isinstance(state.get("TimeoutSeconds"), int):
        yield f"{name}: no TimeoutSeconds, so it can hang as long as the machine"
    for kind in ("Retry", "Catch"):
        if not state.get(kind):
            yield f"{name}: no {kind}"
    for rule in state.get("Retry", []):
        for key, value in (("JitterStrategy", "FULL"), ("MaxDelaySeconds", rule.get("MaxDelaySeconds", 0) or None)):
            if rule.get(key) != value or value is None:
                yield f"{name}: a retrier without {key}"
    caught = [error for rule in state.get("Catch", []) for error in rule.get("ErrorEquals", [])]
    if caught and ANY_ERROR not in caught:
        yield f"{name}: no catcher for {ANY_ERROR}"
    for rule in state.get("Catch", []):
        if "error" not in rule.get("Assign", {}):
            yield f"{name}: a catcher that does not assign error"


def _error_names(name: str, kind: str, rules: list[Json]) -> Iterator[str]:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        errors = rule.get("ErrorEquals", [])
        for error in errors:
            if error not in CROSSING_ERRORS and error not in SERVICE_ERRORS:
                yield f"{name}: {kind} names {error!r}, which nothing raises"
            if error in seen:
                yield f"{name}: {kind} names {error!r} twice"
        seen.update(errors)
        if ANY_ERROR in errors and (len(errors) > 1 or index != len(rules) - 1):
            yield f"{name}: {ANY_ERROR} in {kind} is not alone and last"
