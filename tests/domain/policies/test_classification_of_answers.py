"""What each answer of a tool proves: its typed contract decides, its words only choose what people read."""

import json

import pytest
from hypothesis import given
from pydantic import JsonValue

from domain.model.errors import CLASS_OF_CODE, ErrorClass, ErrorCode
from domain.model.external_object import ExternalSystem
from domain.model.redaction import MAX_TEXT_CHARACTERS
from domain.model.tool_call import ToolAnswer, TransportFailure, TransportPhase
from domain.model.tool_mapping import ErrorText, ResultContract
from domain.policies.answers import MAX_REFS, typed_contract
from domain.policies.classification import (
    Evidence,
    classify,
    code_of_text,
)
from tests.strategies import any_answers, any_text, result_contracts

TOOL = "crm___create_task"
WORDS_KEPT = ResultContract(error_text=ErrorText.KEPT)


def failed(phase: TransportPhase, **facts: object) -> TransportFailure:
    """A call that got as far as ``phase``."""
    return TransportFailure.model_validate({"phase": phase, "detail": "what the transport said", **facts})


def answered(is_error: bool = False, **contract: object) -> ToolAnswer:  # noqa: FBT001, FBT002  the answer's own flag
    """A tool's answer with structured content."""
    return ToolAnswer.model_validate({"is_error": is_error, "structured": contract})


def test_a_successful_create_names_its_object() -> None:
    """The plainest success there is, which the plan turned into an error (R38, R39, D30)."""
    verdict = classify(
        answered(
            success=True,
            external_object_id="task-1",
            object_type="Task",
            object_url="https://crm.example.test/tasks/task-1",
        ),
        TOOL,
    )
    assert verdict.evidence is Evidence.SUCCEEDED
    assert [ref.model_dump() for ref in verdict.refs] == [
        {
            "system": ExternalSystem.CRM,
            "object_type": "Task",
            "object_id": "task-1",
            "object_url": "https://crm.example.test/tasks/task-1",
        }
    ]
    assert (verdict.error_code, verdict.error_class, verdict.error_message) == (None, None, None)


@pytest.mark.parametrize("tool", ["crm.create_task", "crm___create_task"])
def test_the_object_is_of_the_tools_system_in_both_spellings(tool: str) -> None:
    """The tool's name decides, from the mapping and never from the answer (R40, D30)."""
    refs = classify(answered(success=True, external_object_id="1", tool_name=7), tool).refs
    assert (refs[0].system, refs[0].object_type) == (ExternalSystem.CRM, "Unknown")


def test_no_answer_can_name_objects_of_another_system() -> None:
    """Whatever the payload says about a system is not read."""
    verdict = classify(
        answered(
            success=True,
            system="CALENDAR",
            external_objects=[{"object_id": "1", "object_type": "Event", "system": "CALENDAR"}],
        ),
        TOOL,
    )
    assert [ref.system for ref in verdict.refs] == [ExternalSystem.CRM]


@pytest.mark.parametrize("value", ["false", "true", 1, 0, None, [], {}, "yes"], ids=repr)
def test_success_is_a_boolean_or_nothing_is_known(value: JsonValue) -> None:
    """No other value stands for true or false (D36)."""
    verdict = classify(answered(success=value), TOOL)
    assert (verdict.evidence, verdict.error_code) == (Evidence.IN_DOUBT, ErrorCode.MALFORMED_RESPONSE)


def test_a_payload_cannot_turn_an_error_into_a_success() -> None:
    """An answer flagged as an error that calls itself a success contradicts itself and proves nothing (D36)."""
    verdict = classify(answered(is_error=True, success=True, external_object_id="1"), TOOL)
    assert (verdict.evidence, verdict.error_code) == (Evidence.IN_DOUBT, ErrorCode.MALFORMED_RESPONSE)


def test_an_error_without_success_in_its_contract_is_in_doubt() -> None:
    """An error flag beside JSON without ``success`` was taken for a success once (D33)."""
    assert classify(answered(is_error=True, external_object_id="1"), TOOL).evidence is Evidence.IN_DOUBT
    text = ToolAnswer(is_error=True, texts=('{"external_object_id": "1"}',))
    assert classify(text, TOOL).evidence is Evidence.IN_DOUBT


def test_an_error_told_only_in_words_is_in_doubt_with_the_words_code() -> None:
    """Words choose what people read; they prove nothing (R41)."""
    verdict = classify(ToolAnswer(is_error=True, texts=("Rate limit exceeded",)), TOOL, WORDS_KEPT)
    assert (verdict.evidence, verdict.error_code) == (Evidence.IN_DOUBT, ErrorCode.RATE_LIMIT)
    assert verdict.error_message is not None
    assert "Rate limit exceeded" in verdict.error_message


@pytest.mark.parametrize("texts", [(), ("done!",), ("[]",), ("1",), ('"text"',), ("null",), ("{",), ("",)], ids=str)
def test_an_answer_without_a_json_object_is_in_doubt(texts: tuple[str, ...]) -> None:
    """A failure "to parse" is no failure of the action (R38)."""
    verdict = classify(ToolAnswer(is_error=False, texts=texts), TOOL)
    assert (verdict.evidence, verdict.error_code) == (Evidence.IN_DOUBT, ErrorCode.MALFORMED_RESPONSE)
    assert verdict.error_message is not None
    assert "failed to parse" in verdict.error_message


@pytest.mark.parametrize("is_error", [False, True])
def test_a_typed_refusal_without_objects_proves_that_nothing_was_done(*, is_error: bool) -> None:
    """``success: false`` and nothing named: the tool's own word, whether or not the error flag is set (D6)."""
    verdict = classify(
        answered(is_error=is_error, success=False, error_code="VALIDATION_ERROR", error_message="no such contact"),
        TOOL,
        WORDS_KEPT,
    )
    assert (verdict.evidence, verdict.error_code, verdict.error_class, verdict.error_message) == (
        Evidence.REFUSED,
        ErrorCode.VALIDATION_ERROR,
        ErrorClass.VALIDATION,
        "no such contact",
    )


def test_a_refusal_that_names_objects_is_partial() -> None:
    """What exists all the same must be undone (D7)."""
    verdict = classify(answered(success=False, external_objects=[{"object_id": "1"}, {"object_id": "2"}]), TOOL)
    assert verdict.evidence is Evidence.PARTIAL
    assert [ref.object_id for ref in verdict.refs] == ["1", "2"]


@pytest.mark.parametrize(
    "listed",
    [
        "text",
        {"object_id": "1"},
        7,
        True,
        [7],
        ["1"],
        [[]],
        [{}],
        [{"object_id": ""}],
        [{"object_id": 7}],
        [{"object_id": "a\nb"}],
        [{"object_id": "1", "object_url": "javascript:x"}],
        [{"object_id": "1"}] * (MAX_REFS + 1),
    ],
    ids=lambda listed: str(listed)[:40],
)
@pytest.mark.parametrize("success", [True, False])
def test_objects_of_an_illegal_shape_leave_the_answer_in_doubt(listed: JsonValue, *, success: bool) -> None:
    """What cannot be named cannot be undone, so nothing is claimed about it."""
    verdict = classify(answered(success=success, external_objects=listed), TOOL)
    assert (verdict.evidence, verdict.refs) == (Evidence.IN_DOUBT, ())


def test_objects_are_kept_in_order_and_once() -> None:
    """An object named twice, in the list and beside it, exists once."""
    verdict = classify(
        answered(
            success=True,
            external_object_id="2",
            external_objects=[{"object_id": "1", "object_type": "Task"}, {"object_id": "2", "object_type": "Task"}],
        ),
        TOOL,
    )
    assert [(ref.object_id, ref.object_type) for ref in verdict.refs] == [("1", "Task"), ("2", "Task")]


def test_two_objects_of_different_types_may_share_an_id() -> None:
    """Systems number each type from one; losing the second would leave it behind when the first is undone (D7)."""
    verdict = classify(
        answered(
            success=False,
            external_objects=[{"object_id": "1", "object_type": "Task"}, {"object_id": "1", "object_type": "Note"}],
        ),
        TOOL,
    )
    assert [(ref.object_id, ref.object_type) for ref in verdict.refs] == [("1", "Task"), ("1", "Note")]


def test_structured_content_is_the_contract() -> None:
    """It is read first, and the text beside it is for people (D37)."""
    answer = ToolAnswer(is_error=False, structured={"success": True, "external_object_id": "1"}, texts=("Done!",))
    assert classify(answer, TOOL).evidence is Evidence.SUCCEEDED


def test_an_answer_whose_parts_disagree_proves_nothing() -> None:
    """Structured content says success, the text beside it denies it."""
    answer = ToolAnswer(is_error=False, structured={"success": True}, texts=('{"success": false}',))
    assert classify(answer, TOOL).evidence is Evidence.IN_DOUBT


@pytest.mark.parametrize(
    "structured, text",
    [
        ({"success": True}, '{"success": null}'),
        ({"success": True}, '{"success": "no"}'),
        ({"success": False}, '{"success": true, "external_object_id": "1"}'),
        ({"success": False}, '{"success": true}'),
        ({"success": False}, '{"external_object_id": "1"}'),
        ({"success": False, "external_object_id": "1"}, '{"external_object_id": "2"}'),
        ({"success": False}, '{"external_objects": "1"}'),
        ({"external_object_id": "1"}, '{"error": "rolled back"}'),
    ],
    ids=str,
)
def test_no_part_of_an_answer_may_dispute_another(structured: dict[str, JsonValue], text: str) -> None:
    """A refusal would state that nothing exists, and a success that it does, against the answer's own word."""
    answer = ToolAnswer(is_error=False, structured=structured, texts=(text,))
    verdict = classify(answer, TOOL)
    assert (verdict.evidence, verdict.error_code) == (Evidence.IN_DOUBT, ErrorCode.MALFORMED_RESPONSE)


def test_two_texts_that_disagree_prove_nothing() -> None:
    """Neither comes first: a server that answers twice has not answered."""
    texts = ('{"success": false}', '{"success": true, "external_object_id": "1"}')
    assert classify(ToolAnswer(is_error=False, texts=texts), TOOL).evidence is Evidence.IN_DOUBT


def test_a_refusal_may_be_told_twice() -> None:
    """Servers repeat the structured content as text; what it names is undone, and named once."""
    said: dict[str, JsonValue] = {"success": False, "external_object_id": "1", "error_message": "half done"}
    verdict = classify(ToolAnswer(is_error=True, structured=said, texts=(json.dumps(said),)), TOOL)
    assert (verdict.evidence, [ref.object_id for ref in verdict.refs]) == (Evidence.PARTIAL, ["1"])


def test_an_answer_without_a_verdict_succeeds_only_by_naming_what_it_created() -> None:
    """R38's default needs the tool's own evidence; a bare object or an empty one is none."""
    assert classify(answered(external_object_id="1"), TOOL).evidence is Evidence.SUCCEEDED
    assert classify(answered(), TOOL).evidence is Evidence.IN_DOUBT
    assert classify(answered(note="all good"), TOOL).evidence is Evidence.IN_DOUBT


@pytest.mark.parametrize(
    "envelope",
    [
        {"statusCode": 500, "body": '{"success": false}'},
        {"errorMessage": "boom", "errorType": "KeyError"},
        {"error": "boom"},
        {"error_code": "VALIDATION_ERROR", "error_message": "no title"},
        {"Exception": "boom"},
    ],
    ids=lambda envelope: next(iter(envelope)),
)
@pytest.mark.parametrize("also", [{}, {"external_object_id": "1"}], ids=["bare", "with a ref"])
def test_an_error_in_an_envelope_is_never_taken_for_a_success(
    envelope: dict[str, object], also: dict[str, object]
) -> None:
    """What a target's runtime wraps around a failure has no 'success' and is no success (D33)."""
    answer = ToolAnswer.model_validate({"is_error": False, "structured": {**envelope, **also}})
    assert classify(answer, TOOL).evidence is Evidence.IN_DOUBT


def test_the_first_text_that_is_a_json_object_is_the_contract() -> None:
    """Greetings and lists before it are skipped (D37)."""
    answer = ToolAnswer(is_error=False, texts=("Here you are:", "[1]", '{"success": true, "external_object_id": "1"}'))
    assert typed_contract(answer) == {"success": True, "external_object_id": "1"}
    assert classify(answer, TOOL).refs[0].object_id == "1"


@pytest.mark.parametrize("text", ['{"success": false, "success": true}', '{"success": true, "amount": NaN}'])
def test_a_text_that_two_readers_read_differently_proves_nothing(text: str) -> None:
    """``success`` twice, or a number that JSON does not have, is no contract (D36)."""
    answer = ToolAnswer(is_error=False, texts=(text,))
    assert classify(answer, TOOL).evidence is Evidence.IN_DOUBT


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "1" * 10_000, '{"a": ' + "9" * 10_000 + "}"],
    ids=["lists", "objects", "digits", "a number"],
)
def test_text_that_no_parser_survives_is_no_contract(text: str) -> None:
    """Depth and length cost an answer its meaning and nobody a crash (D37)."""
    assert classify(ToolAnswer(is_error=False, texts=(text,)), TOOL).evidence is Evidence.IN_DOUBT


@pytest.mark.parametrize(
    "message, code",
    [
        ("Authentication failed", ErrorCode.AUTH_FAILED),
        ("UNAUTHORIZED", ErrorCode.AUTH_FAILED),
        ("Unauthorised", ErrorCode.AUTH_FAILED),
        ("403 Forbidden", ErrorCode.AUTH_FAILED),
        ("invalid_grant", ErrorCode.AUTH_FAILED),
        ("Rate Limit exceeded", ErrorCode.RATE_LIMIT),
        ("Request was Throttled", ErrorCode.RATE_LIMIT),
        ("ThrottlingException", ErrorCode.RATE_LIMIT),
        ("Too Many Requests", ErrorCode.RATE_LIMIT),
        ("Validation error", ErrorCode.VALIDATION_ERROR),
        ("INVALID date", ErrorCode.VALIDATION_ERROR),
        ("Timeout", ErrorCode.TIMEOUT),
        ("the request timed out", ErrorCode.TIMEOUT),
        ("something broke", ErrorCode.UNKNOWN_ERROR),
        ("", ErrorCode.UNKNOWN_ERROR),
    ],
)
def test_words_are_recognised_without_regard_to_case(message: str, code: ErrorCode) -> None:
    """R41's words, the specific before the general (D34)."""
    assert code_of_text(message) is code
    assert classify(answered(success=False, error_message=message), TOOL).error_class is CLASS_OF_CODE[code]


@pytest.mark.parametrize("message", [7, None, ["a"], {"a": 1}, True, ""], ids=repr)
def test_a_message_that_is_no_text_is_no_error_of_ours(message: JsonValue) -> None:
    """A number where a message belongs does not crash the classification (D34)."""
    verdict = classify(answered(success=False, error_message=message), TOOL)
    assert verdict.evidence is Evidence.REFUSED
    assert verdict.error_message == "the tool gave no error message"


@pytest.mark.parametrize(
    "code",
    [
        code
        for code in ErrorCode
        if code
        not in {
            ErrorCode.AUTH_FAILED,
            ErrorCode.RATE_LIMIT,
            ErrorCode.VALIDATION_ERROR,
            ErrorCode.DOWNSTREAM_ERROR,
            ErrorCode.TIMEOUT,
            ErrorCode.UNKNOWN_ERROR,
        }
    ],
)
def test_a_tool_cannot_speak_this_systems_own_codes(code: ErrorCode) -> None:
    """A tool that says EXPIRED or OWNERSHIP_LOST is not believed."""
    verdict = classify(answered(success=False, error_code=code.value, error_message="no"), TOOL)
    assert verdict.error_code is ErrorCode.UNKNOWN_ERROR


def test_a_tool_may_choose_among_the_open_codes_and_classes() -> None:
    """DOWNSTREAM included (R15, R16, D35)."""
    verdict = classify(answered(success=False, error_code="TIMEOUT", error_class="DOWNSTREAM"), TOOL)
    assert (verdict.error_code, verdict.error_class) == (ErrorCode.TIMEOUT, ErrorClass.DOWNSTREAM)


def test_a_tools_message_is_redacted() -> None:
    """What a tool says goes to outcomes and logs without its secrets (D84)."""
    message = classify(
        answered(success=False, error_message="password=hunter2 for a@b.example.test"), TOOL, WORDS_KEPT
    ).error_message
    assert message is not None
    assert message.endswith("for [email]")
    assert "hunter2" not in message
    assert "a@b" not in message


@given(any_answers, any_text, result_contracts)
def test_every_answer_has_a_verdict(answer: ToolAnswer, tool_name: str, reading: ResultContract) -> None:
    """Total over any answer of any tool and every way to read it: success never of an error."""
    verdict = classify(answer, tool_name, reading)
    assert (verdict.error_code is None) is (verdict.evidence is Evidence.SUCCEEDED)
    assert verdict.evidence is not Evidence.NOT_DONE
    assert (verdict.evidence is Evidence.REFUSED) <= (not verdict.refs)
    if verdict.evidence is Evidence.SUCCEEDED:
        assert not answer.is_error
    assert verdict.error_message is None or len(verdict.error_message) <= MAX_TEXT_CHARACTERS
