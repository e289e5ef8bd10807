"""MapActionToTool resolves the approved version, proves that the parameters fit, and keeps them out of the state."""

import pytest

from domain.model.canonical_json import digest
from domain.model.errors import ApprovalMismatch, InvalidParameters, ToolMappingNotFound
from domain.model.tool_mapping import ToolMapping
from tests.builders import a_key, a_mapping, an_approved_intent
from tests.domain.use_cases.world import MAP, PREFLIGHT, START, World


def test_the_section_says_which_tool_under_which_key_and_nothing_sensitive() -> None:
    """Tool, versions and digests travel; arguments, URL and token do not (R21, D51, D41)."""
    world = World()
    mapping = world.run(world.a_state(), START, PREFLIGHT, MAP).mapping
    assert mapping is not None
    assert mapping.model_dump(mode="json") == {
        "tool_name": "crm___create_task",
        "tool_schema_version": "v1",
        "mapping_hash": a_mapping().content_hash,
        "arguments_digest": digest({"title": "Call the customer back", "priority": "high"}),
        "idempotency_key": a_key(),
        "system": "CRM",
        "effect_safety": "IDEMPOTENT",
        "compensation_strategy": "AUTOMATIC",
    }


def test_a_version_that_nobody_published_is_named_in_the_error() -> None:
    """R24's words; no other version is taken instead (R19, D52, D53)."""
    world = World(intent=an_approved_intent(a_mapping(version="v2"), parameters_schema_version="v2"))
    with pytest.raises(ToolMappingNotFound) as caught:
        world.run(world.a_state(), START, PREFLIGHT, MAP)
    assert "Tool mapping not found for action_type: CREATE_CRM_TASK, schema_version: v2" in caught.value.message


def test_a_mapping_that_is_not_the_approved_one_is_refused() -> None:
    """The version exists, but its content is not what the approver saw."""
    world = World(intent=an_approved_intent(a_mapping(tool_name="crm___update_task")))
    with pytest.raises(ApprovalMismatch, match="is not the one approved") as caught:
        world.run(world.a_state(), START, PREFLIGHT, MAP)
    assert "tampered" in caught.value.message


@pytest.mark.parametrize(
    "parameters, fault",
    [
        ({"title": "Call", "colour": "red"}, "'colour' is not a parameter"),
        ({"priority": "high"}, "'title' is required and missing"),
        ({"title": 7}, "'title' must be of type STRING and is INTEGER"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_before_any_call(parameters: dict[str, object], fault: str) -> None:
    """Though they were approved, they are not what the tool takes (D54)."""
    world = World(intent=an_approved_intent(parameters=parameters))
    with pytest.raises(InvalidParameters) as caught:
        world.run(world.a_state(), START, PREFLIGHT, MAP)
    assert fault in caught.value.message
    assert world.tools.sends == []


def test_another_published_version_changes_nothing() -> None:
    """An old intent keeps executing with its own version (R19)."""
    world = World()
    before = world.run(world.a_state(), START, PREFLIGHT, MAP).mapping
    world.registry.publish(a_mapping(version="v2", tool_name="crm___update_task"))
    assert world.run(world.a_state(), START, PREFLIGHT, MAP).mapping == before


def _pinned(**changes: object) -> ToolMapping:
    schema = {
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": 10},
            "execution_context": {"type": "object", "required": ["idempotency_key", "tenant_id"]},
        },
        "required": ["execution_context", "title"],
        "additionalProperties": False,
    }
    title = {"parameter": "title", "argument": "title", "type": "STRING", "required": True}
    return a_mapping(parameters=[title], tool_input_schema=schema, tool_schema_hash=digest(schema), **changes)


def _mapped(mapping: ToolMapping, title: str) -> World:
    world = World(mapping=mapping, intent=an_approved_intent(mapping, parameters={"title": title}))
    world.run(world.a_state(), START, PREFLIGHT, MAP)
    return world


def test_arguments_that_fit_the_pinned_schema_are_mapped() -> None:
    """The reserved argument is part of what the schema is held against."""
    assert _mapped(_pinned(), "Call back").tools.sends == []


def test_arguments_that_do_not_fit_the_pinned_schema_are_refused_before_any_call() -> None:
    """With place, rule and wish, and without the value, which may be a secret (D54)."""
    with pytest.raises(InvalidParameters) as caught:
        _mapped(_pinned(), "hunter2hunter2")
    assert "the input schema of crm___create_task, pinned in CREATE_CRM_TASK version v1" in caught.value.message
    assert "/title: maxLength: 10" in caught.value.message
    assert "Nothing was sent" in caught.value.message
    assert "hunter2" not in caught.value.message


def test_a_reserved_argument_that_is_not_sent_does_not_fit_a_schema_that_needs_it() -> None:
    """Nothing is assumed to be there."""
    with pytest.raises(InvalidParameters, match="required: execution_context"):
        _mapped(_pinned(passes_execution_context=False), "Call back")
