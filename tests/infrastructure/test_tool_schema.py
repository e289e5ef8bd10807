"""Schemas of Lambda tools: what the gateway knows is spelt out as the provider wants it, the rest is refused."""

import json
from typing import Any

import pytest

from infrastructure.tool_schema import checked_schema, schema_blocks

DEEP = {
    "type": "object",
    "description": "all of it",
    "required": ["who"],
    "properties": {
        "who": {
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": {"type": "string"},
                "address": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
                "phones": {"type": "array", "items": {"type": "string"}},
            },
        },
        "rows": {
            "type": "array",
            "items": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
        },
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["sku"],
                "properties": {"sku": {"type": "string"}, "count": {"type": "integer"}},
            },
        },
    },
}


def test_a_schema_is_spelt_out_two_levels_deep_and_is_text_below() -> None:
    """pulumi-aws has blocks for two levels; whatever is deeper would be lost if it were not passed on as JSON."""
    blocks = schema_blocks(checked_schema(DEEP))

    assert (blocks["type"], blocks["description"]) == ("object", "all of it")
    lines, rows, who = blocks["properties"]
    assert (who["name"], who["required"], lines["required"]) == ("who", True, False)
    address, identifier, phones = who["properties"]
    assert identifier == {"name": "id", "type": "string", "required": True}
    assert json.loads(address["properties_json"]) == {
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    }
    assert json.loads(phones["items_json"]) == {"type": "string"}
    assert lines["items"] == {
        "type": "object",
        "properties": [
            {"name": "count", "type": "integer", "required": False},
            {"name": "sku", "type": "string", "required": True},
        ],
    }
    assert rows["items"]["items"] == {"type": "array", "items_json": '{"type": "number"}'}


def _of(property_: Any) -> dict[str, Any]:  # noqa: ANN401  anything that a person may write
    return {"type": "object", "properties": {"a": property_}}


@pytest.mark.parametrize(
    "schema, said",
    [
        ({"type": "string"}, "type must be 'object'"),
        ({}, "type must be 'object'"),
        ({"type": "object", "additionalProperties": False}, "the schema holds 'additionalProperties'"),
        (_of({"type": "string", "enum": ["x"]}), "/a holds 'enum', which the gateway does not know"),
        (_of({"type": "date"}), "/a needs a type out of string, number"),
        (_of({}), "/a needs a type"),
        (_of("string"), "/a must be an object with a type"),
        (_of({"type": "string", "description": 7}), "/a: its description must be text"),
        (_of({"type": "array"}), "/a is an array and needs items"),
        (_of({"type": "array", "items": {"type": "strnig"}}), "/a/items needs a type"),
        (_of({"type": "string", "items": {"type": "string"}}), "/a has items and is no array"),
        (_of({"type": "array", "items": {"type": "string"}, "properties": {}}), "/a has properties and is no object"),
        ({"type": "object", "properties": []}, "properties must be an object of schemas"),
        ({"type": "object", "required": ["b"]}, "requires 'b', which is none of its properties"),
        ({**_of({"type": "string"}), "required": "a"}, "required must be a list of names"),
        ({"type": "object", "required": None}, "required must be a list of names"),
        ({"type": "object", "required": [["a"]]}, "required must be a list of names"),
    ],
)
def test_what_the_gateway_does_not_know_is_refused_with_its_place(schema: dict[str, Any], said: str) -> None:
    """A rule that the gateway drops would be believed to hold."""
    with pytest.raises(ValueError) as refused:  # noqa: PT011  the text is the point
        checked_schema(schema)

    assert said in str(refused.value)
