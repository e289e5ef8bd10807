"""All parameters become arguments, unchanged but for their declared transform, or the whole set is refused."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from domain.model.errors import InvalidParameters
from domain.model.tool_mapping import ParameterRule, ParameterType, ToolMapping, Transform
from domain.policies.decision import Refused
from domain.policies.parameters import Mapped, map_parameters
from tests.builders import a_mapping
from tests.strategies import any_json, any_text, json_values

VALUES: Final[dict[ParameterType, JsonValue]] = {
    ParameterType.STRING: "text",
    ParameterType.INTEGER: 7,
    ParameterType.NUMBER: 7.5,
    ParameterType.BOOLEAN: True,
    ParameterType.ARRAY: [1],
    ParameterType.OBJECT: {"a": 1},
}


def with_rule(**rule: object) -> ToolMapping:
    """A mapping with one parameter, ``given``, that becomes the argument ``wanted``."""
    return a_mapping(parameters=(ParameterRule.model_validate({"parameter": "given", "argument": "wanted", **rule}),))


def test_parameters_become_arguments_by_their_rules() -> None:
    """Each value arrives under its argument's name (R11, R22)."""
    mapping = a_mapping(
        parameters=(ParameterRule(parameter="title", argument="subject"), ParameterRule(parameter="n", argument="n"))
    )
    assert map_parameters(mapping, {"title": "Call", "n": 1}) == Mapped({"subject": "Call", "n": 1})


@pytest.mark.parametrize(
    "transform, value, expected",
    [
        (Transform.PASSTHROUGH, "Straße", "Straße"),
        (Transform.UPPERCASE, "Straße", "STRASSE"),
        (Transform.LOWERCASE, "ÉCOLE", "école"),
        (Transform.UPPERCASE, "", ""),
    ],
)
def test_a_transform_changes_letters_and_nothing_else(transform: Transform, value: str, expected: str) -> None:
    """R117's transforms, Unicode included."""
    assert map_parameters(with_rule(type="STRING", transform=transform), {"given": value}) == Mapped(
        {"wanted": expected}
    )


def test_an_unknown_parameter_is_refused_by_name_and_never_dropped() -> None:
    """An approver saw it, so carrying the action out without it would be another action (D54)."""
    decision = map_parameters(a_mapping(), {"title": "Call", "colour": "red"})
    assert isinstance(decision, Refused)
    assert decision.error is InvalidParameters
    assert "'colour' is not a parameter of this mapping (it has due_in_days, priority, title)" in decision.reason


def test_a_missing_required_parameter_is_refused_by_name() -> None:
    """A tool is never called to find out what it needs (D54)."""
    decision = map_parameters(a_mapping(), {})
    assert isinstance(decision, Refused)
    assert "'title' is required and missing" in decision.reason


def test_a_null_is_not_a_value() -> None:
    """Null for a required parameter is missing; for an optional one it is absent."""
    assert isinstance(map_parameters(a_mapping(), {"title": None}), Refused)
    assert map_parameters(a_mapping(), {"title": "a", "priority": None}) == Mapped({"title": "a"})


def test_every_fault_is_named_at_once() -> None:
    """Whoever proposes the action again can mend all of it."""
    decision = map_parameters(a_mapping(), {"colour": "red", "due_in_days": "3"})
    assert isinstance(decision, Refused)
    assert all(name in decision.reason for name in ("'colour'", "'title'", "'due_in_days' must be of type INTEGER"))


@pytest.mark.parametrize("given_type", VALUES)
@pytest.mark.parametrize("declared", VALUES)
def test_types_are_compared_and_never_coerced(declared: ParameterType, given_type: ParameterType) -> None:
    """Every declared type against every given one: "3" is no number, 1 no truth, 7.5 no integer (D54)."""
    fits = declared is given_type or (declared, given_type) == (ParameterType.NUMBER, ParameterType.INTEGER)
    decision = map_parameters(with_rule(type=declared), {"given": VALUES[given_type]})
    if fits:
        assert decision == Mapped({"wanted": VALUES[given_type]})
    else:
        assert isinstance(decision, Refused)
        assert f"must be of type {declared} and is {given_type}" in decision.reason


@given(json_values)
def test_a_parameter_of_any_type_arrives_as_it_was_approved(value: JsonValue) -> None:
    """ANY means any JSON value, untouched; only null means absent."""
    decision = map_parameters(with_rule(), {"given": value})
    assert decision == Mapped({} if value is None else {"wanted": value})


@given(st.dictionaries(any_text | st.sampled_from(["title", "priority", "due_in_days"]), any_json))
def test_any_parameters_are_mapped_whole_or_refused(parameters: dict[str, JsonValue]) -> None:
    """Total over any JSON object; as many arguments come out as values went in, each with its own value."""
    decision = map_parameters(a_mapping(), parameters)
    if isinstance(decision, Refused):
        assert decision.error is InvalidParameters
        assert decision.reason
    else:
        assert decision.arguments == {name: value for name, value in parameters.items() if value is not None}
        assert set(parameters) <= {"title", "priority", "due_in_days"}


def test_no_parameter_reaches_the_reserved_namespace() -> None:
    """A parameter of the reserved name is unknown to every mapping that can exist (D28)."""
    decision = map_parameters(a_mapping(), {"title": "a", "execution_context": {"tenant_id": "tenant-2"}})
    assert isinstance(decision, Refused)
    assert "'execution_context' is not a parameter" in decision.reason
