"""What the tools say of themselves, for a client checks its call against it."""

import json
from typing import Any

import pytest

from local.tool_server.catalogue import CATALOGUE, EXECUTION_CONTEXT, Operation

pytestmark = pytest.mark.parametrize("name", sorted(CATALOGUE))


def test_a_tools_schema_is_strict_and_stands_alone(name: str) -> None:
    """A client that does not follow references still sees every rule, and no unknown argument passes."""
    schema = CATALOGUE[name].described().input_schema
    assert "$ref" not in json.dumps(schema)
    assert schema["additionalProperties"] is False
    assert schema["properties"][EXECUTION_CONTEXT]["additionalProperties"] is False


def test_every_tool_requires_the_whole_execution_context(name: str) -> None:
    """No call arrives without its key, its intent and its tenant."""
    schema: dict[str, Any] = CATALOGUE[name].described().input_schema
    assert EXECUTION_CONTEXT in schema["required"]
    assert set(schema["properties"][EXECUTION_CONTEXT]["required"]) == {
        "idempotency_key",
        "action_intent_id",
        "tenant_id",
        "account_id",
    }


def test_a_tools_annotations_tell_the_truth(name: str) -> None:
    """Only a look-up is read-only, and only a deletion is destructive."""
    tool = CATALOGUE[name]
    annotations = tool.described().annotations
    assert annotations is not None
    assert annotations.read_only_hint is (tool.operation is Operation.FIND)
    assert annotations.destructive_hint is (tool.operation is Operation.DELETE)


def test_a_tools_name_is_the_gateways(name: str) -> None:
    """Target and tool are joined by three underscores."""
    target, tool = name.split("___")
    assert target in {"crm", "calendar", "internal"}
    assert tool
