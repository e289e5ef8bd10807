"""Reading a tool's answer as data: what two readers could read differently, or is of another shape, is not read."""

import pytest
from pydantic import JsonValue

from domain.model.tool_call import ToolAnswer
from domain.policies.classification import Evidence, classify

TOOL = "crm___create_task"


def answered(**contract: object) -> ToolAnswer:
    """A tool's answer with structured content."""
    return ToolAnswer.model_validate({"is_error": False, "structured": contract})


@pytest.mark.parametrize(
    "text",
    [
        '{"success": true, "note": 1e999}',
        '{"success": true, "note": "\\ud800"}',
        '{"success": true, "\\udfff": 1}',
    ],
    ids=["beyond a double", "half a surrogate pair", "half a surrogate pair as key"],
)
def test_a_text_that_two_readers_would_read_differently_is_no_contract(text: str) -> None:
    """The gateway's own JSON is read as strictly; a contract inside one of its texts is no exception."""
    assert classify(ToolAnswer(is_error=False, texts=(text,)), TOOL).evidence is Evidence.IN_DOUBT


@pytest.mark.parametrize("changes", [{"object_type": False}, {"object_type": 0}, {"object_type": []}], ids=repr)
def test_a_type_of_an_object_that_is_no_text_is_no_reference(changes: dict[str, JsonValue]) -> None:
    """Absent is Unknown; anything else must be what the contract says."""
    answer = answered(success=True, external_objects=[{"object_id": "task-1", **changes}])
    assert classify(answer, TOOL).evidence is Evidence.IN_DOUBT


@pytest.mark.parametrize("listed", [False, 0, "", {}], ids=repr)
def test_objects_that_are_no_list_are_no_references(listed: JsonValue) -> None:
    """Absent or null is none; anything else must be a list."""
    assert classify(answered(success=True, external_objects=listed), TOOL).evidence is Evidence.IN_DOUBT
