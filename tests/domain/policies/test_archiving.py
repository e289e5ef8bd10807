"""What an archive holds of an exchange: the shape, what the outcome states anyway, and nothing else in clear."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from domain.model.tool_call import CallPurpose, ToolAnswer, ToolCall
from domain.model.tool_mapping import ErrorText, ParameterRule, ResultContract, ResultEvidence
from domain.policies.archiving import WITHHELD, ArchiveRules
from tests.builders import a_mapping, a_ref
from tests.strategies import json_values

TOOL = "crm___create_task"
CANARY = "k3-canary-word"


def a_call(**changes: object) -> ToolCall:
    """The sample call."""
    return ToolCall.model_validate(
        {
            "purpose": CallPurpose.INVOKE,
            "ref": a_ref(),
            "tool_name": TOOL,
            "arguments": {"title": "Call back", "salary": CANARY},
            "idempotency_key": "a" * 64,
            "tool_run_ref": "gateway_invocation_1",
            "trace_id": "trace-1",
            **changes,
        }
    )


def rules(**changes: object) -> ArchiveRules:
    """The rules of a mapping whose argument ``salary`` is sensitive."""
    sensitive = ParameterRule(parameter="pay", argument="salary", sensitive=True)
    return ArchiveRules.of(a_mapping(parameters=(*a_mapping().parameters, sensitive), **changes))


def test_a_sensitive_argument_is_withheld_and_the_others_are_kept() -> None:
    """The archive says what was asked for, and not what the mapping calls sensitive."""
    request = rules().request(a_call())
    assert request["arguments"] == {"title": "Call back", "salary": WITHHELD}
    assert request["execution_context"] == a_call().execution_context


def test_what_looks_like_a_secret_is_filtered_from_other_arguments() -> None:
    """A secret in the wrong field is an accident that the filter is for (D84)."""
    call = a_call(arguments={"title": "x", "notes": ["password=hunter22", {"to": "ann@example.test"}]})
    assert rules().request(call)["arguments"] == {"title": "x", "notes": ["password=[secret]", {"to": "[email]"}]}


def test_an_undo_has_no_sensitive_arguments_of_its_own() -> None:
    """Its arguments are ids of objects, which the outcome states."""
    call = a_call(purpose=CallPurpose.COMPENSATE, arguments={"salary": "task-1"})
    assert rules().request(call)["arguments"] == {"salary": "task-1"}


def test_the_objects_and_codes_of_a_typed_answer_stay_readable() -> None:
    """What the outcome states is the same in the archive; the rest is its shape."""
    answer = ToolAnswer(
        is_error=False,
        structured={
            "success": True,
            "external_objects": [{"object_id": "task-1", "object_type": "Task", "secret": CANARY}],
            "error_code": "TIMEOUT",
            CANARY: 42,
        },
        texts=(f"created, {CANARY}",),
    )
    assert rules().answer(answer, TOOL) == {
        "is_error": False,
        "structured": {
            "success": True,
            "external_objects": [
                {"object_id": "task-1", "object_type": "Task", "[field 3]": "[withheld: 14 characters]"}
            ],
            "error_code": "TIMEOUT",
            "[field 4]": WITHHELD,
        },
        "texts": ["[withheld: 23 characters]"],
    }


def test_the_object_of_an_untyped_answer_stays_readable() -> None:
    """The name is kept where the mapping points, and nowhere else."""
    reading = ResultContract(evidence=ResultEvidence.NO_ERROR, object_id="/id")
    kept = rules(result=reading).answer(ToolAnswer(is_error=False, structured={"id": "t-1", "key": CANARY}), TOOL)
    assert kept["structured"] == {"[field 1]": "t-1", "[field 2]": "[withheld: 14 characters]"}


@pytest.mark.parametrize("object_id", [None, "/ticket/id"])
def test_an_untyped_answers_own_fields_are_withheld_though_they_are_called_like_ours(object_id: str | None) -> None:
    """The outcome does not state them: what a plain tool calls ``external_object_id`` may be anything."""
    reading = ResultContract(evidence=ResultEvidence.NO_ERROR, object_id=object_id)
    structured: dict[str, JsonValue] = {"external_object_id": CANARY, "object_type": CANARY}
    answer = ToolAnswer(is_error=False, structured=structured, texts=(json.dumps(structured),))
    assert CANARY not in json.dumps(rules(result=reading).answer(answer, TOOL))


@pytest.mark.parametrize("reading", [ErrorText.KEPT, ErrorText.WITHHELD])
def test_a_tools_message_is_kept_only_where_the_mapping_says_so(reading: ErrorText) -> None:
    """The same rule as for the outcome (R41)."""
    answer = ToolAnswer(is_error=True, structured={"success": False, "error_message": "no such contact"})
    kept = rules(result=ResultContract(error_text=reading)).answer(answer, TOOL)
    assert ("no such contact" in json.dumps(kept)) == (reading is ErrorText.KEPT)


@given(json_values, st.booleans())
def test_no_text_of_an_answer_is_kept_whatever_its_shape(value: JsonValue, is_error: bool) -> None:  # noqa: FBT001  drawn
    """Keys are the tool's text too, and so is JSON within a text block."""
    hidden: dict[str, JsonValue] = {"note": [CANARY, {CANARY: value}], "error_message": CANARY, "error_code": CANARY}
    answer = ToolAnswer(is_error=is_error, structured=hidden, texts=(json.dumps(hidden), CANARY, json.dumps(CANARY)))
    assert CANARY not in json.dumps(rules().answer(answer, TOOL))


def test_an_answer_that_is_nested_without_end_is_cut_off() -> None:
    """A hostile answer costs no more than its depth is worth."""
    deep: JsonValue = CANARY
    for _ in range(200):
        deep = [deep]
    kept = json.dumps(rules().answer(ToolAnswer(is_error=False, structured={"found": deep}), TOOL))
    assert WITHHELD in kept
    assert CANARY not in kept


@pytest.mark.parametrize("code", [["VALIDATION_ERROR"], {"code": "VALIDATION_ERROR"}, 7, None])
def test_an_error_code_of_another_type_is_withheld_and_stops_nothing(code: JsonValue) -> None:
    """A tool may put anything there, and the archive is written after the tool has acted."""
    contract: dict[str, JsonValue] = {"success": False, "error_code": code, "error_class": code}
    kept = rules().answer(ToolAnswer(is_error=True, structured=contract), TOOL)
    assert "VALIDATION_ERROR" not in json.dumps(kept)
