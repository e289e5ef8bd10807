"""How a mapping lets an answer be read: tools that know nothing of this system, and words that are not kept."""

import pytest
from hypothesis import given
from pydantic import JsonValue

from domain.model.errors import ErrorCode
from domain.model.tool_call import ToolAnswer
from domain.model.tool_mapping import ErrorText, ResultContract, ResultEvidence
from domain.policies.classification import Evidence, classify
from tests.strategies import any_answers, any_text

TOOL = "helpdesk___create_ticket"
NO_ERROR = ResultContract(evidence=ResultEvidence.NO_ERROR)
POINTED = ResultContract(evidence=ResultEvidence.NO_ERROR, object_id="/ticket/id", object_type="Ticket")
KEPT = ResultContract(error_text=ErrorText.KEPT)


def answered(structured: dict[str, JsonValue] | None = None, *texts: str, is_error: bool = False) -> ToolAnswer:
    """A complete answer of a tool."""
    return ToolAnswer(is_error=is_error, structured=structured, texts=texts)


@pytest.mark.parametrize("answer", [answered(None, "created"), answered(None), answered({"id": 7})], ids=str)
def test_an_answer_without_an_error_is_evidence_where_the_mapping_says_so(answer: ToolAnswer) -> None:
    """A plain tool returns what it likes; whoever publishes its mapping vouches for what that means."""
    assert classify(answer, TOOL, NO_ERROR).evidence is Evidence.SUCCEEDED
    assert classify(answer, TOOL).evidence is Evidence.IN_DOUBT


@pytest.mark.parametrize(
    "answer",
    [
        answered(None, "it broke", is_error=True),
        answered({"ticket": {"id": "t-1"}}, is_error=True),
        answered({"success": False}),
        answered({"ticket": {"id": "t-1"}, "errors": ["quota"]}),
        answered({"statusCode": 500, "ticket": {"id": "t-1"}}),
        answered({"ticket": {"id": "t-1"}}, '{"success": false}'),
        answered({"ticket": {"id": "t-1"}, "success": None}),
        answered({"ticket": {"id": "t-1"}, "success": "false"}),
        answered({"ticket": {"id": "t-1"}, "success": 0}),
        answered({"ticket": {"id": "t-1"}}, '{"errors": ["quota"]}'),
        answered(None, '{"ticket": {"id": "t-1"}}', '{"statusCode": 500}'),
    ],
    ids=str,
)
def test_what_speaks_of_a_failure_is_no_success_of_any_contract(answer: ToolAnswer) -> None:
    """Neither done nor refused: an untyped failure proves nothing, so it stays in doubt."""
    assert classify(answer, TOOL, NO_ERROR).evidence is Evidence.IN_DOUBT
    assert classify(answer, TOOL, POINTED).evidence is Evidence.IN_DOUBT


@pytest.mark.parametrize(
    "pointer, structured, object_id",
    [
        ("/ticket/id", {"ticket": {"id": "t-1"}}, "t-1"),
        ("/id", {"id": 41}, "41"),
        ("/rows/1/id", {"rows": [{"id": "a"}, {"id": "b"}]}, "b"),
        ("/a~1b/c~0d", {"a/b": {"c~d": "x"}}, "x"),
    ],
)
def test_the_object_is_found_where_the_mapping_points(
    pointer: str, structured: dict[str, JsonValue], object_id: str
) -> None:
    """RFC 6901, escapes and list places included; whole numbers are names too."""
    reading = ResultContract(evidence=ResultEvidence.NO_ERROR, object_id=pointer, object_type="Ticket")
    (ref,) = classify(answered(structured), TOOL, reading).refs
    assert (ref.object_id, ref.object_type) == (object_id, "Ticket")


def test_the_object_is_read_from_text_that_is_json_too() -> None:
    """Many servers answer with one text block that holds the object."""
    (ref,) = classify(answered(None, '{"ticket": {"id": "t-1"}}'), TOOL, POINTED).refs
    assert ref.object_id == "t-1"


@pytest.mark.parametrize(
    "structured",
    [
        None,
        {},
        {"ticket": None},
        {"ticket": {"id": None}},
        {"ticket": {"id": True}},
        {"ticket": {"id": 1.5}},
        {"ticket": {"id": ["t-1"]}},
        {"ticket": {"id": ""}},
        {"ticket": {"id": "a\nb"}},
        {"ticket": ["t-1"]},
    ],
    ids=str,
)
def test_an_answer_that_does_not_name_its_object_is_in_doubt(structured: dict[str, JsonValue] | None) -> None:
    """Success without the promised name could never be undone, so it is not called one."""
    verdict = classify(answered(structured), TOOL, POINTED)
    assert (verdict.evidence, verdict.error_code) == (Evidence.IN_DOUBT, ErrorCode.MALFORMED_RESPONSE)
    assert verdict.error_message is not None
    assert "/ticket/id" in verdict.error_message


@given(any_answers, any_text)
def test_no_word_of_a_tool_is_in_a_verdict_unless_the_mapping_keeps_it(answer: ToolAnswer, words: str) -> None:
    """Whatever a tool says, by default only the length of its message and the code are told."""
    canary = "k3-canary-word"
    spoken = ToolAnswer(
        is_error=answer.is_error,
        structured={**(answer.structured or {}), "success": False, "error_message": canary + words},
        texts=(*answer.texts, canary),
    )
    untyped = ToolAnswer(is_error=True, texts=(canary, words))
    assert canary not in str(classify(spoken, TOOL).error_message)
    assert canary not in str(classify(untyped, TOOL).error_message)
    assert canary in str(classify(ToolAnswer(is_error=True, texts=(canary,)), TOOL, KEPT).error_message)
