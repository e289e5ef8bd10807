"""What a verify tool's answer proves: absence permits a resend, so nothing less than the whole contract says it."""

import json

import pytest
from hypothesis import given
from pydantic import JsonValue

from domain.model.tool_call import ToolAnswer, TransportFailure
from domain.policies.classification import classify_verification
from tests.strategies import any_answers, transport_failures

TOOL = "crm___create_task"


def answered(is_error: bool = False, **contract: object) -> ToolAnswer:  # noqa: FBT001, FBT002  the answer's own flag
    """A tool's answer with structured content."""
    return ToolAnswer.model_validate({"is_error": is_error, "structured": contract})


@pytest.mark.parametrize(
    "contract, found, ids",
    [
        ({"success": True, "found": True, "external_object_id": "1"}, True, ["1"]),
        ({"success": True, "found": True}, True, []),
        ({"success": True, "found": False}, False, []),
        ({"success": True, "found": False, "external_object_id": "1"}, None, []),
        ({"success": True, "found": False, "external_objects": [{"object_id": "1"}]}, None, []),
        ({"success": True, "found": False, "error_code": "TIMEOUT"}, None, []),
        ({"success": True, "found": False, "error_code": None}, False, []),
        ({"success": False, "found": False}, None, []),
        ({"found": True}, None, []),
        ({"success": True}, None, []),
        ({"success": True, "found": "false"}, None, []),
        ({"success": True, "found": None}, None, []),
        ({"success": "true", "found": False}, None, []),
        ({"success": True, "found": True, "external_objects": "1"}, None, []),
    ],
    ids=str,
)
def test_only_a_well_formed_verification_is_believed(
    contract: dict[str, JsonValue], found: object, ids: list[str]
) -> None:
    """A "not found" permits a resend, so nothing less than the whole contract says it (D23)."""
    verification = classify_verification(ToolAnswer(is_error=False, structured=contract), TOOL)
    assert verification.found is found
    assert [ref.object_id for ref in verification.refs] == ids


@pytest.mark.parametrize("found", [True, False])
@pytest.mark.parametrize(
    "text",
    ['{"success": false}', '{"success": null}', '{"found": null}', '{"success": true, "found": "no"}'],
)
def test_a_verification_whose_parts_disagree_is_not_believed(text: str, *, found: bool) -> None:
    """Taken for absence, it would let the action be carried out a second time."""
    answer = ToolAnswer(is_error=False, structured={"success": True, "found": found}, texts=(text,))
    assert classify_verification(answer, TOOL).found is None


@pytest.mark.parametrize(
    "text", ['{"found": true}', '{"external_object_id": "1"}', '{"error": "index rebuilding"}'], ids=str
)
def test_absence_is_not_believed_of_an_answer_that_speaks_of_anything_else(text: str) -> None:
    """The text beside a structured "not found" names the object, or says that the search failed."""
    answer = ToolAnswer(is_error=False, structured={"success": True, "found": False}, texts=(text,))
    assert classify_verification(answer, TOOL).found is None


def test_a_verification_that_says_the_same_twice_is_believed() -> None:
    """Servers repeat the structured content as text, and people read the greeting beside it."""
    said = {"success": True, "found": False}
    answer = ToolAnswer(is_error=False, structured=dict(said), texts=("Searched.", json.dumps(said)))
    assert classify_verification(answer, TOOL).found is False


def test_a_verification_flagged_as_an_error_is_not_believed() -> None:
    """Whatever its content says (D33)."""
    assert classify_verification(answered(is_error=True, success=True, found=False), TOOL).found is None


@given(transport_failures)
def test_a_failed_verification_proves_nothing(failure: TransportFailure) -> None:
    """Not even a 404 says that the effect is absent (D23)."""
    assert classify_verification(failure, TOOL).found is None


@given(any_answers)
def test_every_verification_has_a_meaning(answer: ToolAnswer) -> None:
    """Total over any answer; absence is only ever said by ``found: false`` in a successful answer."""
    verification = classify_verification(answer, TOOL)
    if verification.found is not None:
        contract = (
            answer.structured
            if answer.structured is not None
            else json.loads(next(text for text in answer.texts if text.startswith("{")))
        )
        assert (contract["success"], contract["found"]) == (True, verification.found)
