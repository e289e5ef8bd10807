"""The interpreter itself: strict where AWS is strict, and never silent about what it does not know."""

from typing import Any

import pytest

from adapters.memory.clock import MemoryClock
from ports.steps.state import MAX_STATE_BYTES
from tests.builders import NOW
from tests.support.asl_interpreter import Interpreter, NotUnderstood, Run, StateError

RETRIER = {
    "ErrorEquals": ["Busy"],
    "IntervalSeconds": 2,
    "MaxAttempts": 2,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 30,
    "JitterStrategy": "FULL",
}


def a_task(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  JSON of any shape
    """A task that answers, with one retrier and two catchers."""
    return {
        "Type": "Task",
        "Resource": "resource",
        "Arguments": {"given": "{% $states.input %}"},
        "TimeoutSeconds": 40,
        "Assign": {"answer": "{% $states.result %}"},
        "Output": "{% $states.input %}",
        "Retry": [RETRIER],
        "Catch": [a_catcher("Gone", "Lost"), a_catcher("States.ALL", "Failed")],
        "Next": "Done",
        **changes,
    }


def a_catcher(error: str, target: str) -> dict[str, Any]:
    """A catcher in the shape that is generated."""
    assign = {"error": "{% $states.errorOutput %}"}
    return {"ErrorEquals": [error], "Assign": assign, "Output": "{% $states.input %}", "Next": target}


def a_machine(**states: dict[str, Any]) -> dict[str, Any]:
    """One task, one good end and two bad ones, with states replaced or added."""
    return {
        "Comment": "for tests",
        "QueryLanguage": "JSONata",
        "StartAt": "Work",
        "TimeoutSeconds": 3_600,
        "States": {
            "Work": a_task(),
            "Done": {"Type": "Succeed", "Output": "{% $answer %}"},
            "Lost": {"Type": "Fail", "Error": "Lost", "Cause": "{% $error.Error %}"},
            "Failed": {"Type": "Fail", "Error": "{% $error.Error %}", "Cause": "{% $error.Cause %}"},
            **states,
        },
    }


class Tasks:
    """Answers each call with the next result; an error is raised."""

    def __init__(self, *results: object) -> None:
        self.results, self.arguments = list(results), list[Any]()

    def __call__(self, _state: str, _resource: str, arguments: object) -> object:
        """Answer as planned."""
        self.arguments.append(arguments)
        result = self.results.pop(0)
        if isinstance(result, StateError):
            raise result
        return result


def play(machine: dict[str, Any], *results: object, given: object = "input") -> Run:
    """Run the machine over these task results."""
    return Interpreter(machine, Tasks(*results), MemoryClock(NOW), MAX_STATE_BYTES).run("arn:x:execution:y:z", given)


def test_a_result_is_assigned_and_reaches_the_end() -> None:
    """Data flows through variables, null and empty lists unharmed."""
    answer = {"a": None, "b": [], "c": [{"d": None}], "e": "{% not evaluated %}"}
    run = play(a_machine(), answer)
    assert (run.status, run.output, run.path) == ("SUCCEEDED", answer, ["Work", "Done"])


@pytest.mark.parametrize("text", ["$nothing", "$answer.missing", "$states.nothing", "$states.input.missing"])
def test_an_undefined_value_is_an_error(text: str) -> None:
    """An unassigned variable or a missing path fails the state as States.QueryEvaluationError."""
    run = play(a_machine(Done={"Type": "Succeed", "Output": f"{{% {text} %}}"}), {"a": 1})
    assert (run.status, run.error) == ("FAILED", "States.QueryEvaluationError")


def test_a_null_is_a_value() -> None:
    """What was assigned as null may be read again."""
    assert play(a_machine(), None).status == "SUCCEEDED"


def test_an_undefined_argument_is_caught_by_the_state_itself() -> None:
    """A query error of a task follows the task's own catchers."""
    run = play(a_machine(Work=a_task(Arguments={"x": "{% $nothing %}"})))
    assert (run.path, run.error) == (["Work", "Failed"], "States.QueryEvaluationError")


def test_an_unassigned_variable_inside_an_object_is_an_error() -> None:
    """JSONata would leave the key out; Step Functions refuses the variable."""
    run = play(a_machine(Done={"Type": "Succeed", "Output": "{% $string({'a': $nothing}) %}"}), 1)
    assert run.error == "States.QueryEvaluationError"


def test_a_failed_task_keeps_nothing_of_its_assignments() -> None:
    """If the output cannot be evaluated, the section is not assigned either."""
    run = play(a_machine(Work=a_task(Output="{% $nothing %}")), {"a": 1})
    assert (run.path, "answer" in run.variables) == (["Work", "Failed"], False)


def test_a_retrier_counts_and_its_waits_move_the_clock() -> None:
    """Two more tries, 2 s and 4 s apart; then the catchers."""
    run = play(a_machine(), *[StateError("Busy", "cause")] * 3)
    assert (run.tries("Work"), run.visits[0].waits_seconds) == ([3], [2, 4])
    assert (run.terminal, run.error, run.cause) == ("Failed", "Busy", "cause")


def test_catchers_are_asked_in_order_by_exact_name() -> None:
    """A name before States.ALL wins; an unlisted name, even a similar one, falls through to it."""
    assert play(a_machine(), StateError("Gone")).terminal == "Lost"
    assert play(a_machine(), StateError("GoneAway")).terminal == "Failed"


@pytest.mark.parametrize("error", ["States.DataLimitExceeded", "States.Runtime"])
def test_two_errors_are_caught_by_nothing(error: str) -> None:
    """States.ALL does not cover them (D14)."""
    run = play(a_machine(), StateError(error))
    assert (run.status, run.error, run.path) == ("FAILED", error, ["Work"])


def test_a_machine_that_waits_longer_than_its_timeout_times_out() -> None:
    """Waits count towards the machine's hour."""
    wait = {"Type": "Wait", "Seconds": "{% 4000 %}", "Next": "Done"}
    run = play(a_machine(Work=a_task(Next="Pause"), Pause=wait), 1)
    assert (run.status, run.error) == ("TIMED_OUT", "States.Timeout")


@pytest.mark.parametrize("seconds", ["'7'", "-1", "1.5", "null"])
def test_a_wait_takes_whole_seconds_only(seconds: str) -> None:
    """Anything else is a query error, not a guess."""
    wait = {"Type": "Wait", "Seconds": f"{{% {seconds} %}}", "Next": "Done"}
    assert play(a_machine(Work=a_task(Next="Pause"), Pause=wait), 1).error == "States.QueryEvaluationError"


@pytest.mark.parametrize(
    "states",
    [
        {"Work": a_task(Parameters={})},
        {"Work": a_task(HeartbeatSeconds=3)},
        {"Work": a_task(Retry=[{**RETRIER, "Surprise": 1}]), "results": [StateError("Busy")]},
        {"Work": a_task(Arguments={"x": "$.input"})},
        {"Work": a_task(Arguments={"x": "half {% open"})},
        {"Work": {"Type": "Map"}},
        {"Done": {"Type": "Succeed", "Output": "{% 1 %}", "OutputPath": "$"}},
    ],
    ids=["field", "heartbeat", "retrier", "path", "half expression", "type", "terminal"],
)
def test_what_is_not_understood_is_never_skipped(states: dict[str, Any]) -> None:
    """A definition outside the subset stops the test that plays it."""
    results = states.pop("results", [1]) if "results" in states else [1]
    with pytest.raises(NotUnderstood):
        play(a_machine(**states), *results)


def test_a_document_that_is_no_plain_json_or_too_large_stops_the_run() -> None:
    """What Step Functions could not carry is found in the test that made it."""
    with pytest.raises(TypeError):
        play(a_machine(), {"a": {1, 2}})
    with pytest.raises(ValueError, match="Out of range float"):
        play(a_machine(), float("nan"))
    with pytest.raises(AssertionError):
        play(a_machine(), "x" * MAX_STATE_BYTES)
