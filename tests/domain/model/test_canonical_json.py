"""Canonical JSON gives one text per value, refuses what JSON cannot carry, and never changes its mind."""

import json
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, TypeAdapter, ValidationError

from domain.model.canonical_json import MAX_DEPTH, MAX_EXACT_INTEGER, JsonObject, canonical_json, digest, normalise
from tests.strategies import any_json, json_objects, json_values


def nested(depth: int) -> JsonValue:
    """A value inside that many lists."""
    value: JsonValue = 1
    for _ in range(depth):
        value = [value]
    return value


@given(json_objects)
def test_the_order_of_keys_does_not_matter(value: dict[str, JsonValue]) -> None:
    """Two objects with the same members have the same text, whatever order they were built in."""
    backwards = dict(reversed(value.items()))
    assert canonical_json(backwards) == canonical_json(value)


@given(json_values)
def test_the_text_reads_back_as_the_same_value(value: JsonValue) -> None:
    """Nothing is lost on the way: reading the text and writing it again gives the same text."""
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text
    assert json.loads(text) == value


@given(json_values, json_values)
def test_different_values_have_different_texts(one: JsonValue, other: JsonValue) -> None:
    """Two values share a text only if they are the same JSON value; true is not 1."""
    same = json.dumps(normalise(one), sort_keys=True) == json.dumps(normalise(other), sort_keys=True)
    assert (canonical_json(one) == canonical_json(other)) is same
    assert (digest(one) == digest(other)) is same


@given(any_json)
def test_any_value_has_a_text_or_is_refused_by_its_path(value: JsonValue) -> None:
    """Whatever a JSON reader hands over, the answer is a text in UTF-8 or a ValueError that names the path."""
    try:
        text = canonical_json(value)
    except ValueError as error:
        assert str(error).startswith("$")  # noqa: PT017  a property allows both results
    else:
        assert json.loads(text.encode()) is not ...


def test_the_text_has_no_white_space_and_sorted_unescaped_keys() -> None:
    """The form itself, pinned: sorted by code point, no blanks, Unicode as it is."""
    assert canonical_json({"b": [1, None, True], "a": "ü\n", "Z": {}, "é": "😀"}) == (
        '{"Z":{},"a":"ü\\n","b":[1,null,true],"é":"😀"}'
    )


@pytest.mark.parametrize(
    "value, expected",
    [
        ({}, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        (None, "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"),
        ({"a": 1}, "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"),
    ],
    ids=["empty object", "null", "one member"],
)
def test_known_digests_never_change(value: JsonValue, expected: str) -> None:
    """A digest is for ever: keys and approvals made years ago must still compare equal."""
    assert digest(value) == expected


def test_the_digest_of_a_rich_value_never_changes() -> None:
    """Numbers, Unicode, nesting and key order together give the digest they gave on the first day."""
    value = {"z": [1.0, 2.5, -0.0, 1e21, True], "ä": {"b": None, "a": "😀\u0000"}, "n": -(2**53 - 1)}
    assert canonical_json(value) == ('{"n":-9007199254740991,"z":[1,2.5,0,1e+21,true],"ä":{"a":"😀\\u0000","b":null}}')
    assert digest(value) == "b42c1b033f8d91672d88c7e8ff5c32093501898e4a890532bf958a6d39e7c2eb"


@pytest.mark.parametrize("one, other", [(1.0, 1), (-0.0, 0), (1e3, 1000), (float(2**53 - 1), 2**53 - 1)], ids=str)
def test_an_integral_float_is_its_integer(one: float, other: int) -> None:
    """A writer that says 1.0 where another says 1 has not changed what was approved."""
    assert canonical_json({"n": one}) == canonical_json({"n": other})


def test_true_is_not_one_and_text_is_not_a_number() -> None:
    """Types stay apart: true, 1 and "1" are three values."""
    assert len({canonical_json(value) for value in (True, 1, "1")}) == 3


def test_a_composed_letter_is_not_its_decomposed_form() -> None:
    """Text is not normalised: what an approver saw byte by byte is what is bound."""
    assert canonical_json("\u00e9") != canonical_json("e\u0301")


@pytest.mark.parametrize("number", [MAX_EXACT_INTEGER + 1, -MAX_EXACT_INTEGER - 1, 10**30], ids=str)
def test_an_integer_that_others_would_round_is_refused(number: int) -> None:
    """Beyond 2^53 other JSON readers see another number, so the message asks for a string."""
    with pytest.raises(ValueError, match=r"\$\.n is beyond") as caught:
        canonical_json({"n": number})
    assert "send it as a string" in str(caught.value)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e-131, 1e126, 5e-324], ids=str)
def test_a_number_that_no_store_keeps_is_refused(number: float) -> None:
    """NaN, infinities and magnitudes beyond DynamoDB's range never enter a digest."""
    with pytest.raises(ValueError, match=r"^\$\.list\[1\] is ") as caught:
        canonical_json({"list": [0, number]})
    assert "list" in str(caught.value)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"], ids=ascii)
def test_half_a_surrogate_pair_is_refused_in_values_and_keys(text: str) -> None:
    """UTF-8 cannot carry it, so it is named instead of failing somewhere in a store."""
    with pytest.raises(ValueError, match="half of a surrogate pair") as value_error:
        canonical_json({"a": text})
    with pytest.raises(ValueError, match="half of a surrogate pair") as key_error:
        canonical_json({text: "a"})
    assert "$.a" in str(value_error.value)
    assert "$ (key)" in str(key_error.value)


@pytest.mark.parametrize("value", [b"bytes", {1: "a"}, {1, 2}, Decimal(1), object()], ids=lambda v: type(v).__name__)
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    """No value is coerced on its way into a digest."""
    with pytest.raises(ValueError, match=r"^\$") as caught:
        canonical_json(value)
    assert type(value).__name__ in str(caught.value) or "keys must be strings" in str(caught.value)


def test_an_empty_key_is_refused() -> None:
    """DynamoDB keeps no attribute without a name."""
    with pytest.raises(ValueError, match="has an empty key") as caught:
        canonical_json({"a": {"": 1}})
    assert "$.a" in str(caught.value)


def test_nesting_is_bounded() -> None:
    """The deepest nesting that a store keeps is accepted, one level more is refused by name."""
    assert normalise(nested(MAX_DEPTH)) == nested(MAX_DEPTH)
    with pytest.raises(ValueError, match="nested deeper than 24 levels") as caught:
        normalise(nested(MAX_DEPTH + 1))
    assert "$[0][0]" in str(caught.value)


def test_a_value_nested_ten_thousand_deep_is_refused_and_does_not_exhaust_the_stack() -> None:
    """Hostile depth costs no more than the bound."""
    with pytest.raises(ValueError, match="nested deeper") as caught:
        canonical_json(nested(10_000))
    assert len(str(caught.value)) < 500


@given(json_objects)
def test_a_field_of_a_model_holds_the_canonical_numbers(value: dict[str, JsonValue]) -> None:
    """A JSON object field is normalised once, so a digest does not depend on who built the model."""
    assert canonical_json(TypeAdapter(JsonObject).validate_python(value)) == canonical_json(value)


@pytest.mark.parametrize("value", [[1], "text", 1, None, {"a": math.nan}, {"a": 2**60}], ids=str)
def test_a_field_of_a_model_refuses_what_is_no_canonical_object(value: object) -> None:
    """The model says which field is at fault; nothing raises anything but a validation error."""
    adapter: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(JsonObject)
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    assert caught.value.error_count() >= 1


@given(st.integers(-MAX_EXACT_INTEGER, MAX_EXACT_INTEGER))
def test_an_exact_integer_is_written_in_plain_digits(number: int) -> None:
    """No exponent and no fraction, whatever its size."""
    assert canonical_json(number) == str(number)
