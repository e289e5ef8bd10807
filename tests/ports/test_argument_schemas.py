"""The contract of the argument schemas: bounded, offline, and silent about values."""

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.jsonschema.argument_schemas import MOST_FAULTS, JsonSchemaArguments
from domain.model.errors import ConfigurationError
from local.tool_server.catalogue import CATALOGUE
from tests.strategies import json_values

if TYPE_CHECKING:
    from ports.argument_schemas import ArgumentSchemas

    def _conforms() -> ArgumentSchemas:
        return JsonSchemaArguments()


SCHEMAS = JsonSchemaArguments()
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 5},
        "priority": {"enum": ["LOW", "HIGH"]},
        "share": {"type": "number", "multipleOf": 0.1},
        "labels": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
        "extra": {"type": "object", "additionalProperties": {"type": "integer"}},
        "code": {"type": "string", "pattern": "^[A-Z]+$"},
        "due": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["title"],
    "additionalProperties": False,
}


def test_arguments_that_fit_have_no_fault() -> None:
    """A tenth three times is three tenths, whatever a double says."""
    fitting: dict[str, Any] = {
        "title": "Call",
        "priority": "LOW",
        "share": 0.3,
        "labels": ["a", "b"],
        "extra": {"n": 1},
        "code": "AB",
    }
    assert SCHEMAS.faults(SCHEMA, fitting) == ()
    assert SCHEMAS.review(SCHEMA).unusable is None


@pytest.mark.parametrize(
    "changes, fault",
    [
        ({"title": None}, '/title: type: "string"'),
        ({"title": "hunter2"}, "/title: maxLength: 5"),
        ({"priority": "hunter2"}, '/priority: enum: ["LOW","HIGH"]'),
        ({"share": 0.35}, "/share: multipleOf: 0.1"),
        ({"labels": ["hunter2", "hunter2"]}, "/labels: uniqueItems: true"),
        ({"labels": ["a", 7]}, '/labels/1: type: "string"'),
        ({"extra": {"hunter2": "x"}}, '/extra/*: type: "integer"'),
        ({"code": "hunter2"}, '/code: pattern: "^[A-Z]+$"'),
        ({"due": 7}, "/due: anyOf: what fits one of its 2 alternatives"),
        ({"hunter2": 1}, "the arguments: additionalProperties: nothing but what the schema lists"),
    ],
)
def test_a_fault_names_place_rule_and_wish_and_never_a_value(changes: dict[str, Any], fault: str) -> None:
    """Values may be secrets; keys of free objects are values too."""
    (found,) = SCHEMAS.faults(SCHEMA, {"title": "Call", **changes})
    assert str(found) == fault
    assert "hunter2" not in str(found)


def test_a_missing_argument_is_named() -> None:
    """The schema's own name for it."""
    assert list(map(str, SCHEMAS.faults(SCHEMA, {}))) == ["the arguments: required: title"]


def test_only_the_first_faults_are_told() -> None:
    """A message is for a person."""
    assert len(SCHEMAS.faults(SCHEMA, {"title": "Call", "labels": list(range(1_000))})) <= MOST_FAULTS


@pytest.mark.parametrize(
    "schema, reason",
    [
        ({"type": "strin"}, "not valid JSON Schema at /type"),
        ({"type": "array"}, "it takes no object"),
        ({"$schema": "https://example.test/mine"}, "dialect that is not known"),
        ({"$ref": "https://example.test/schema.json"}, "leads out of the document"),
        ({"patternProperties": {"(a+)+": {}}}, "has a pattern that is not applied"),
        ({"properties": {"a": {"multipleOf": 0}}}, "not valid JSON Schema at /properties/a/multipleOf"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_before_and_at_the_call(schema: dict[str, Any], reason: str) -> None:
    """Nothing is called by a schema that nobody can apply."""
    assert reason in (SCHEMAS.review(schema).unusable or "")
    with pytest.raises(ConfigurationError, match="publish a new version"):
        SCHEMAS.faults(schema, {})


def test_an_older_dialect_is_read_as_what_it_is() -> None:
    """Draft-07 knows a list of items; 2020-12 does not."""
    schema: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"pair": {"items": [{"type": "string"}, {"type": "integer"}]}},
    }
    assert [str(fault) for fault in SCHEMAS.faults(schema, {"pair": [1, 1]})] == ['/pair/0: type: "string"']


def test_a_pattern_that_may_never_end_is_left_to_the_tool_and_said() -> None:
    """Whoever publishes knows what is not checked here."""
    schema: dict[str, Any] = {"properties": {"a": {"pattern": "(a+)+$"}}}
    assert "left to the tool" in SCHEMAS.review(schema).unchecked[0]
    assert SCHEMAS.faults(schema, {"a": "a" * 60 + "!"}) == ()


def test_long_arguments_do_not_take_long() -> None:
    """A hundred thousand different objects, compared; a key of a megabyte, refused."""
    began = time.monotonic()
    schema: dict[str, Any] = {"properties": {"a": {"uniqueItems": True}}}
    assert SCHEMAS.faults(schema, {"a": [{"n": number} for number in range(100_000)]}) == ()
    assert SCHEMAS.faults(schema, {"k" * 1_000_000: 1})[0].keyword == "propertyNames"
    assert time.monotonic() - began < 10


@given(arguments=st.dictionaries(st.sampled_from([*SCHEMA["properties"], "other"]), json_values, max_size=5))
def test_whatever_the_arguments_are_the_answer_is_a_list_of_faults(arguments: dict[str, Any]) -> None:
    """No value of any type ends in an error."""
    assert all(fault.wants for fault in SCHEMAS.faults(SCHEMA, arguments))


@pytest.mark.parametrize("tool", CATALOGUE.values(), ids=lambda tool: tool.name)
def test_the_reference_tools_have_schemas_that_can_be_used(tool: Any) -> None:  # noqa: ANN401  the catalogue's own
    """All of what they say is checked before a call."""
    review = SCHEMAS.review(tool.described().input_schema)
    assert (review.unusable, review.unchecked) == (None, ())


DRAFT_07 = "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize(
    "schema, reason",
    [
        ({"$ref": "#/x/y", "x": {"y": {"patternProperties": {"^(a+)+$": True}}}}, "leads to what is no schema"),
        ({"$ref": "#/x/y", "x": {"y": {"minProperties": "a"}}}, "leads to what is no schema"),
        ({"$ref": "#/x/y", "x": {"y": {"$ref": "https://example.test/"}}}, "leads to what is no schema"),
        ({"$ref": "#/title", "title": "A"}, "leads to what is no schema"),
        ({"properties": {"a": {"$ref": "#/properties"}, "type": {}}}, "leads to what is no schema"),
        ({"$schema": 5}, "dialect that is not known"),
        ({"$schema": ["a"]}, "dialect that is not known"),
        ({"$schema": "http://json-schema.org/draft-03/schema#"}, "dialect that is not known"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "dialect that is not known"),
        ({"$schema": DRAFT_07, "allOf": [{"$ref": "#a"}], "else": {"$anchor": "a"}}, "or to nothing"),
        ({"$schema": DRAFT_07, "dependencies": {"a": {"$ref": "#"}}}, "without an end"),
    ],
)
def test_what_the_library_would_stumble_over_is_unusable(schema: dict[str, Any], reason: str) -> None:
    """It reads what a reference leads to unchecked, and older drafts otherwise; one tool's schema must not stop all."""
    assert reason in (SCHEMAS.review(schema).unusable or "")


def test_dependencies_that_multiply_are_refused_before_they_are_followed() -> None:
    """Thirty of them, each of which asks the next one twice, would be asked a milliard times."""
    chain = {f"d{one}": {"dependencies": {"a": _twice(f"d{one + 1}")}} for one in range(30)}
    schema: dict[str, Any] = {"$schema": DRAFT_07, "$ref": "#/definitions/d0", "definitions": {**chain, "d30": {}}}
    assert "multiply" in (SCHEMAS.review(schema).unusable or "")


def _twice(name: str) -> dict[str, Any]:
    return {"allOf": [{"$ref": f"#/definitions/{name}"}] * 2}


@pytest.mark.parametrize(
    "schema, arguments",
    [
        (
            {"$ref": "#/$defs/n", "$defs": {"n": {"allOf": [{"properties": {"a": {"$ref": "#/$defs/n"}}}] * 600}}},
            {"a": {"a": {"a": {}}}},
        ),
        ({"patternProperties": {"^a*a*a*a*a*a*a*$": True}}, {"a" * 900 + "b": 1}),
    ],
    ids=["depth multiplies", "many repetitions over one key"],
)
def test_what_would_take_too_long_for_these_arguments_ends_and_sends_nothing(
    schema: dict[str, Any], arguments: dict[str, Any]
) -> None:
    """Neither the schema nor the arguments are at fault alone, so only counting tells."""
    assert SCHEMAS.review(schema).unusable is None
    began = time.monotonic()
    with pytest.raises(ConfigurationError, match="TooMuchWork"):
        SCHEMAS.faults(schema, arguments)
    assert time.monotonic() - began < 20


def test_one_pattern_over_many_texts_ends_and_the_rest_is_left_to_the_tool() -> None:
    """Each text alone would be short enough."""
    schema: dict[str, Any] = {"properties": {"a": {"items": {"pattern": "a*a*a*b"}}}}
    began = time.monotonic()
    assert len(SCHEMAS.faults(schema, {"a": ["a" * 90 + "c"] * 3_000})) < MOST_FAULTS
    assert SCHEMAS.faults(schema, {"a": ["a" * 90 + "b"] * 3_000}) == ()
    assert time.monotonic() - began < 20


def test_work_is_counted_anew_for_each_application_and_large_arguments_have_enough() -> None:
    """As many numbers as an intent can hold."""
    schema: dict[str, Any] = {"properties": {"a": {"items": {"type": "integer", "minimum": 0}}}}
    for _ in range(3):
        assert SCHEMAS.faults(schema, {"a": [1] * 100_000}) == ()


def test_many_missing_arguments_do_not_hide_another_fault() -> None:
    """The library tells each missing one for itself."""
    schema: dict[str, Any] = {"required": [f"a{one}" for one in range(30)], "properties": {"b": {"type": "string"}}}
    assert [fault.path for fault in SCHEMAS.faults(schema, {"b": 1})] == ["", "/b"]
