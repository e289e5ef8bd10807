"""A tool's schema as data: what it lists, what it takes, where its references lead, and when it is of no use."""

from typing import Any

import pytest

from domain.model.json_schema import MAX_SCHEMA_BYTES, InputSchema, step, subschemas

PERSON: dict[str, Any] = {
    "$defs": {"name": {"type": "string"}, "age": {"$anchor": "years", "type": ["integer", "null"]}},
    "allOf": [{"properties": {"name": {"$ref": "#/$defs/name"}}, "required": ["name"]}],
    "properties": {"age": {"$ref": "#years"}},
    "unevaluatedProperties": False,
}


def test_arguments_are_listed_through_references_and_conjunctions() -> None:
    """A schema may be cut up in pieces; a call must fit all of them."""
    schema = InputSchema(PERSON)
    assert set(schema.properties) == {"name", "age"}
    assert schema.required == {"name"}
    assert schema.refuses("size")
    assert not schema.refuses("name")
    assert InputSchema({**PERSON, "additionalProperties": False}).refuses("name"), "it sees what stands beside it only"
    assert not InputSchema({"patternProperties": {"^x-": {}}, "additionalProperties": False}).refuses("x-a")
    assert schema.types_of(schema.properties["name"]) == {"string"}
    assert schema.types_of(schema.properties["age"]) == {"integer", "null"}


@pytest.mark.parametrize(
    "node, types",
    [
        ({"type": "number"}, {"integer", "fraction"}),
        ({"type": ["string", "null"]}, {"string", "null"}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"string", "null"}),
        ({"oneOf": [{"const": 1}, {"enum": ["a", 1.5]}]}, {"integer", "string", "fraction"}),
        ({"type": "string", "enum": [1, "a"]}, {"string"}),
        ({"allOf": [{"type": "number"}, {"type": ["integer", "string"]}]}, {"integer"}),
        ({"const": True}, {"boolean"}),
        (False, set()),
    ],
)
def test_the_types_that_a_place_takes_are_read_from_every_keyword_that_says_them(node: Any, types: set[str]) -> None:  # noqa: ANN401  a schema
    """Alternatives widen, conjunctions narrow."""
    assert InputSchema({}).types_of(node) == types


@pytest.mark.parametrize(
    "document, reason",
    [
        ({"$ref": "https://example.test/schema.json"}, "leads out of the document"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "/properties/a has a $ref that leads out"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "lead back to themselves"),
        ({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {}]}}}, "lead back to themselves"),
        ({"properties": {"a": {"$id": "other"}}}, "another document"),
        ({"$dynamicRef": "#x"}, "$dynamicRef, which is not followed"),
        ({"description": "x" * MAX_SCHEMA_BYTES}, f"at most {MAX_SCHEMA_BYTES} are kept"),
        (
            {"$defs": {**{f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(20)}, "d20": {}}},
            "its references multiply",
        ),
    ],
)
def test_a_schema_that_cannot_be_used_says_why(document: dict[str, Any], reason: str) -> None:
    """Nothing outside is fetched, and nothing takes until the end of time."""
    found = InputSchema(document).defect()
    assert found is not None
    assert reason in found


@pytest.mark.parametrize(
    "document",
    [
        PERSON,
        {"properties": {"$ref": {"type": "string"}, "$id": {}}},
        {"properties": {"child": {"$ref": "#"}}},
        {"const": {"$ref": "https://example.test"}},
        {"items": [{"type": "string"}], "dependencies": {"a": ["b"]}},
    ],
    ids=["pieces", "names like keywords", "a tree", "a value like a schema", "draft-07"],
)
def test_a_schema_that_only_looks_odd_can_be_used(document: dict[str, Any]) -> None:
    """A property may be called ``$ref``, and an object may hold its like."""
    assert InputSchema(document).defect() is None


def test_every_schema_in_a_schema_is_found_with_its_pointer() -> None:
    """Values that look like schemas are none."""
    document: dict[str, Any] = {
        "properties": {"a/b": {"items": {"not": {}}}},
        "enum": [{"properties": {"x": {}}}],
        "anyOf": [True],
    }
    assert [pointer for pointer, _ in subschemas(document)] == [
        "",
        "/properties/a~1b",
        "/properties/a~1b/items",
        "/properties/a~1b/items/not",
        "/anyOf/0",
    ]


def test_a_name_is_printed_on_one_line_and_is_not_endless() -> None:
    """Names come from a gateway, and messages reach logs and terminals."""
    assert step("a\nb\x1b[31m") == "a\\nb\\x1b[31m"
    assert len(step("x" * 1_000)) == 64
