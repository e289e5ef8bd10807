"""Errors cross to Step Functions by their class name, and come back as the same report."""

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import domain.model.errors as module
from domain.model.errors import (
    CLASS_OF_CODE,
    CROSSING_ERRORS,
    ActionError,
    ErrorClass,
    ErrorCode,
    InvalidEvent,
    PermanentError,
    TransientError,
    report_from_wire,
    report_of,
)
from domain.model.redaction import MAX_TEXT_CHARACTERS
from tests.strategies import any_json, any_text, plain_text


def as_lambda_says(error: ActionError) -> str:
    """The Cause of a Lambda task whose function raised ``error``."""
    return json.dumps({"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": ["line 1"]})


def test_the_crossing_names_are_the_class_names() -> None:
    """Step Functions matches ``type(error).__name__``, so name and class must be one (D5, D60)."""
    assert all(name == kind.__name__ for name, kind in CROSSING_ERRORS.items())


def test_the_crossing_names_are_exactly_the_classes_written_down() -> None:
    """None is missing, none invented: the names are read from the source, apart from the running code (D5)."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    bases = {node.name: {base.id for base in node.bases if isinstance(base, ast.Name)} for node in classes}
    ours = {"ActionError"}
    while more := {name for name, parents in bases.items() if parents & ours} - ours:
        ours |= more
    assert set(CROSSING_ERRORS) == ours - {"ActionError"}
    assert {"TransientError", "PermanentError", "DuplicateExecution", "InvalidEvent"} <= set(CROSSING_ERRORS)


def test_every_error_states_its_disposition() -> None:
    """Each is safe to try again or useless to try again, and none is both."""
    for kind in CROSSING_ERRORS.values():
        assert issubclass(kind, TransientError) is not issubclass(kind, PermanentError)


def test_every_code_has_exactly_one_class_and_every_class_is_used() -> None:
    """DOWNSTREAM included, which the plan never produced (R15, R16, D35)."""
    assert set(CLASS_OF_CODE) == set(ErrorCode)
    assert set(CLASS_OF_CODE.values()) == set(ErrorClass)


@pytest.mark.parametrize("kind", CROSSING_ERRORS.values(), ids=lambda kind: kind.__name__)
def test_an_error_survives_the_wire(kind: type[ActionError]) -> None:
    """Code, class, name and message read from Step Functions are those that were raised (D31, D52, D60)."""
    error = kind("the gateway said 503; try again", action_intent_id="intent-1")
    assert report_from_wire(kind.__name__, as_lambda_says(error)) == report_of(error)


@pytest.mark.parametrize("code", ErrorCode)
def test_a_code_given_at_the_raise_survives_the_wire(code: ErrorCode) -> None:
    """A transient error that knows it was a rate limit is still one after the wire (D31)."""
    error = TransientError("slow down", error_code=code)
    report = report_from_wire("TransientError", as_lambda_says(error))
    assert (report.error_code, report.error_class) == (code, CLASS_OF_CODE[code])
    assert report.error_message == "slow down"


@given(st.sampled_from(sorted(CROSSING_ERRORS)), st.sampled_from(ErrorCode), any_text)
def test_whatever_the_message_says_code_and_class_survive_the_wire(name: str, code: ErrorCode, message: str) -> None:
    """No text in a message can change what the error is (D31)."""
    error = CROSSING_ERRORS[name](message, error_code=code)
    report = report_from_wire(name, as_lambda_says(error))
    assert (report.error_name, report.error_code, report.error_class) == (name, code, CLASS_OF_CODE[code])
    assert report.error_message == error.message or not error.message


@given(
    plain_text,
    any_text | any_json.map(json.dumps) | any_text.map(lambda text: json.dumps({"errorMessage": text})),
)
def test_any_error_and_cause_give_a_report(error_name: str, cause: str) -> None:
    """Total over any text: recording a failure never fails for how the failure was told (D31)."""
    report = report_from_wire(error_name, cause)
    assert report.error_class is CLASS_OF_CODE[report.error_code]
    assert report.error_message
    assert report.error_message.encode()


@pytest.mark.parametrize(
    "error_name, cause, code",
    [
        ("States.Timeout", "", ErrorCode.TIMEOUT),
        (
            "Sandbox.Timedout",
            '{"errorMessage": "Task timed out after 60.00 seconds"}',
            ErrorCode.TIMEOUT,
        ),
        ("States.HeartbeatTimeout", "no heartbeat", ErrorCode.TIMEOUT),
        ("Lambda.Unknown", "the cause could not be determined", ErrorCode.UNKNOWN_ERROR),
        ("Runtime.ExitError", '{"errorType": "Runtime.ExitError"}', ErrorCode.UNKNOWN_ERROR),
        ("KeyError", '{"errorMessage": "\'x\'", "errorType": "KeyError"}', ErrorCode.UNKNOWN_ERROR),
        ("TransientError", "no JSON at all", ErrorCode.TRANSIENT_ERROR),
        ("PermanentError", '{"errorMessage": 7}', ErrorCode.PERMANENT_ERROR),
        ("PermanentError", '{"errorMessage": "NOT_A_CODE: text"}', ErrorCode.PERMANENT_ERROR),
        ("KeyError", '{"errorMessage": "EXPIRED: the approval expired"}', ErrorCode.EXPIRED),
        ("IntentNotFound", "", ErrorCode.INTENT_NOT_FOUND),
    ],
)
def test_errors_that_are_not_ours_are_classified_by_what_is_known(error_name: str, cause: str, code: ErrorCode) -> None:
    """A timeout is told apart from a crash, and an unknown name is never mistaken for one of ours."""
    report = report_from_wire(error_name, cause)
    assert (report.error_code, report.error_class) == (code, CLASS_OF_CODE[code])


def test_the_original_message_is_kept() -> None:
    """What the tool or a library said is what people read, not "Unknown error" (D31)."""
    assert report_from_wire("KeyError", '{"errorMessage": "due_date"}').error_message == "due_date"
    assert report_from_wire("States.Timeout", "the state timed out").error_message == "the state timed out"
    assert report_from_wire("States.Timeout", "").error_message == "without a message: States.Timeout"


def test_a_hostile_cause_is_redacted_and_bounded() -> None:
    """Stack traces and tool text carry secrets; the record does not (D84)."""
    report = report_from_wire("KeyError", json.dumps({"errorMessage": "password=hunter2 " + "x" * 10_000}))
    assert "hunter2" not in report.error_message
    assert len(report.error_message) <= MAX_TEXT_CHARACTERS
    assert "[" * 20_000 not in report_from_wire("E", "[" * 20_000).error_message


def test_a_hostile_name_is_redacted_and_bounded_also_without_a_message() -> None:
    """Whoever chooses the name of an error cannot write what they like into a record (D84)."""
    report = report_from_wire("password=hunter2 " + "x" * 10_000, "")
    assert len(report.error_message) <= MAX_TEXT_CHARACTERS
    assert "hunter2" not in report.error_message


def test_an_error_keeps_its_ids_and_leads_with_its_code() -> None:
    """The code survives the wire because the message begins with it; absent ids are not kept as None."""
    error = InvalidEvent("tenant_id is missing", tenant_id=None, action_intent_id="intent-1")
    assert str(error) == "INVALID_EVENT: tenant_id is missing"
    assert error.ids == {"action_intent_id": "intent-1"}


def test_an_error_redacts_its_own_message() -> None:
    """No secret travels in an exception, because exceptions are logged and kept in the execution history (D51)."""
    assert "hunter2" not in str(PermanentError("client_secret=hunter2"))
