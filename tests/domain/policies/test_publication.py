"""A mapping is refused where the gateway's tools would not honour it, each fault with its field and its fix."""

from typing import Any

import pytest

from domain.model.tool_description import ToolDescription
from domain.model.tool_mapping import Verifiable
from domain.policies.publication import judge
from tests.builders import an_unsafe_mapping
from tests.support.gateway_tools import a_fitting_mapping, a_tool, facts, reference_tools

VERIFIABLE = {"kind": "VERIFIABLE", "verify_tool": "crm___find_task", "server_bound_seconds": 5}
TITLE = {"parameter": "title", "argument": "title", "type": "STRING", "required": True}


def _faults(mapping: Any, *tools: ToolDescription, without: tuple[str, ...] = ()) -> dict[str, str]:  # noqa: ANN401  a mapping
    return {fault.place: fault.message for fault in judge(mapping, facts(*tools, without=without)).faults}


def _warnings(mapping: Any, *tools: ToolDescription) -> dict[str, str]:  # noqa: ANN401  as above
    judged = judge(mapping, facts(*tools))
    assert judged.faults == ()
    return {warning.place: warning.message for warning in judged.warnings}


@pytest.mark.parametrize(
    "mapping", [a_fitting_mapping(), a_fitting_mapping(effect_safety=VERIFIABLE), an_unsafe_mapping(parameters=[TITLE])]
)
def test_a_mapping_that_fits_is_pinned_and_needs_no_word(mapping: Any) -> None:  # noqa: ANN401  a mapping
    """Its tools' schemas become part of what is approved."""
    judged = judge(mapping, facts())
    assert judged.findings == ()
    tools, pinned = reference_tools(), judged.mapping
    assert pinned.tool_input_schema == tools[mapping.tool_name].input_schema
    assert pinned.tool_schema_hash == tools[mapping.tool_name].schema_hash
    if isinstance(pinned.effect_safety, Verifiable):
        assert pinned.effect_safety.verify_tool_schema_hash == tools[pinned.effect_safety.verify_tool].schema_hash
    if undoing := mapping.compensation.compensation_tool:
        assert pinned.compensation.compensation_tool_schema_hash == tools[undoing].schema_hash
    assert pinned.without_pins == mapping


def test_a_refused_mapping_pins_nothing() -> None:
    """There is nothing to publish."""
    judged = judge(a_fitting_mapping(tool_name="crm___create"), facts())
    assert judged.mapping.tool_input_schema is None


@pytest.mark.parametrize("name", ["crm__create_task", "crm___create_tasks", "crm___create_task2"])
def test_a_tool_is_found_by_the_listed_name_only_and_likenesses_are_shown(name: str) -> None:
    """No name is built or guessed (R118)."""
    assert "lists 9 tool(s), the nearest crm___create_task" in _faults(a_fitting_mapping(tool_name=name))["tool_name"]


def test_a_tool_like_no_other_is_not_likened_to_any() -> None:
    """The number of tools tells whether one looks at the right gateway."""
    assert "which lists 9 tool(s);" in _faults(a_fitting_mapping(tool_name="zzz"))["tool_name"]


def test_the_tools_of_a_small_server_are_all_named() -> None:
    """Whoever brings a server of their own sees what a mapping can name, and needs no other way to list it."""
    few = dict(list(facts().items())[:2])
    said = {one.field: one.message for one in judge(a_fitting_mapping(tool_name="zzz"), few).faults}
    assert f"which lists 2 tool(s): {', '.join(few)};" in said["tool_name",]


def test_verify_and_compensation_tool_are_resolved_too() -> None:
    """They are needed when something has already gone wrong."""
    missing = _faults(a_fitting_mapping(effect_safety=VERIFIABLE), without=("crm___find_task", "crm___delete_task"))
    assert set(missing) == {"effect_safety.verify_tool", "compensation.compensation_tool"}


@pytest.mark.parametrize(
    "rule, field, part",
    [
        ({"argument": "titel"}, "parameters.0.argument", "takes no argument 'titel'; it takes assignee, description"),
        ({"type": "INTEGER"}, "parameters.0.type", "takes for 'title' string, and integer would be sent"),
        ({"required": False}, "parameters.0.required", "requires 'title', and it is not always sent"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(rule: dict[str, Any], field: str, part: str) -> None:
    """With the argument, what the tool takes, and what to do (D54)."""
    found = _faults(a_fitting_mapping(parameters=[{**TITLE, **rule}]))
    assert part in found[field]


def test_every_fault_is_told_at_once() -> None:
    """A file is corrected once."""
    wrong = [{**TITLE, "argument": "titel"}, {"parameter": "p", "argument": "priority", "type": "ARRAY"}]
    compensation = {"strategy": "AUTOMATIC", "compensation_tool": "crm___delete_task", "arguments": {"id": "object_id"}}
    found = _faults(a_fitting_mapping(parameters=wrong, compensation=compensation, tool_schema_hash="0" * 64))
    assert set(found) == {
        "parameters.0.argument",
        "parameters.1.type",
        "tool_name",
        "tool_schema_hash",
        "compensation.arguments.id",
        "compensation.compensation_tool",
    }


def test_a_required_argument_that_nobody_sends_is_named() -> None:
    """The tool would refuse every call."""
    assert (
        "requires 'owner' and the mapping does not send it"
        in _faults(a_fitting_mapping(), a_tool(required=["title", "owner", "execution_context"]))["tool_name"]
    )


def test_an_unlisted_argument_of_an_open_schema_is_a_warning() -> None:
    """The tool may take it; nobody can promise that it does."""
    rules = [TITLE, {"parameter": "x", "argument": "colour", "type": "STRING"}]
    said = _warnings(a_fitting_mapping(parameters=rules), a_tool(additionalProperties=None))
    assert "may ignore it" in said["parameters.1.argument"]


@pytest.mark.parametrize(
    "node, kind, is_fault",
    [
        ({"type": "integer"}, "NUMBER", True),
        ({"type": "number"}, "INTEGER", False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "STRING", False),
        ({"type": ["array", "string"]}, "ARRAY", False),
        ({"enum": ["A"]}, "BOOLEAN", True),
        ({}, "OBJECT", False),
        ({"type": "null"}, "ANY", True),
        (False, "STRING", True),
    ],
)
def test_a_type_fits_if_the_schema_takes_every_value_of_it(node: Any, kind: str, is_fault: bool) -> None:  # noqa: ANN401, FBT001  a table's columns
    """Else some approved action would be refused at the last moment."""
    properties = {**a_tool().input_schema["properties"], "x": node}  # type: ignore[dict-item]  # it is an object
    rules = [TITLE, {"parameter": "x", "argument": "x", "type": kind}]
    found = _faults(a_fitting_mapping(parameters=rules), a_tool(properties=properties))
    assert ("parameters.1.type" in found) == is_fault


def test_a_type_that_is_not_said_is_a_warning() -> None:
    """ANY is a promise of nothing."""
    assert "say the type" in _warnings(a_fitting_mapping(parameters=[{**TITLE, "type": "ANY"}]))["parameters.0.type"]


def test_a_transform_after_which_nothing_fits_is_refused() -> None:
    """LOWERCASE makes of HIGH what the tool does not know."""
    rule = {"parameter": "p", "argument": "priority", "type": "STRING"}
    wrong = a_fitting_mapping(parameters=[TITLE, {**rule, "transform": "LOWERCASE"}])
    assert "no value is one that" in _faults(wrong)["parameters.1.transform"]
    assert judge(a_fitting_mapping(parameters=[TITLE, {**rule, "transform": "UPPERCASE"}]), facts()).findings == ()


def _context(**changes: Any) -> ToolDescription:  # noqa: ANN401  a schema
    properties: Any = a_tool().input_schema["properties"]
    return a_tool(properties={**properties, "execution_context": {**properties["execution_context"], **changes}})


def _without_context() -> ToolDescription:
    properties: Any = a_tool().input_schema["properties"]
    return a_tool(
        properties={name: node for name, node in properties.items() if name != "execution_context"}, required=["title"]
    )


def test_the_reserved_argument_is_sent_to_a_tool_that_declares_it_and_to_no_other() -> None:
    """A tool that does not know it refuses it; one that needs it cannot do without."""
    passing = a_fitting_mapping(compensation={"strategy": "NONE"})
    silent = a_fitting_mapping(compensation={"strategy": "NONE"}, passes_execution_context=False)
    assert "set passes_execution_context to false" in _faults(passing, _without_context())["passes_execution_context"]
    assert "set passes_execution_context to true" in _faults(silent)["passes_execution_context"]
    assert "dedupes by that" in _warnings(silent, _without_context())["effect_safety.kind"]


def test_a_reserved_argument_of_another_meaning_is_found() -> None:
    """Some tool may happen to have an argument of this name."""
    found = _faults(a_fitting_mapping(), _context(required=["session"]))
    assert "(/execution_context: required: session)" in found["passes_execution_context"]


@pytest.mark.parametrize(
    "schema, reason",
    [
        ({"type": "strin"}, "not valid JSON Schema"),
        ({"properties": {"title": {"$ref": "https://example.test"}}}, "leads out of the document"),
        ({"description": "x" * 70_000}, "at most 65536 are kept"),
    ],
)
def test_a_schema_that_cannot_be_used_is_a_fault_of_its_tool(schema: dict[str, Any], reason: str) -> None:
    """Without it nothing could be checked before a call."""
    assert reason in _faults(a_fitting_mapping(), a_tool(**schema))["tool_name"]


@pytest.mark.parametrize(
    "tool, hints, changes, field",
    [
        ("crm___create_task", {"idempotent": False}, {}, "effect_safety.kind"),
        ("crm___create_task", {"read_only": True}, {}, "tool_name"),
        ("crm___find_task", {"read_only": False}, {"effect_safety": VERIFIABLE}, "effect_safety.verify_tool"),
        ("crm___find_task", {"destructive": True}, {"effect_safety": VERIFIABLE}, "effect_safety.verify_tool"),
        ("crm___delete_task", {"idempotent": False}, {}, "compensation.compensation_tool"),
        ("crm___delete_task", {"read_only": True}, {}, "compensation.compensation_tool"),
    ],
)
def test_what_a_tool_says_of_itself_can_refuse_a_mapping(
    tool: str, hints: dict[str, bool | None], changes: dict[str, Any], field: str
) -> None:
    """A mapping may not promise more than its tools do."""
    assert set(_faults(a_fitting_mapping(**changes), a_tool(tool, hints=hints))) == {field}


@pytest.mark.parametrize(
    "tool, hints, changes, field",
    [
        ("crm___create_task", {"idempotent": None}, {}, "effect_safety.kind"),
        ("crm___find_task", {"read_only": None}, {"effect_safety": VERIFIABLE}, "effect_safety.verify_tool"),
        ("crm___delete_task", {"idempotent": None}, {}, "compensation.compensation_tool"),
        ("crm___create_task", {"destructive": True}, {"risk_class": "LOW"}, "risk_class"),
    ],
)  # fmt: skip
def test_what_a_tool_does_not_say_is_a_warning(
    tool: str, hints: dict[str, bool | None], changes: dict[str, Any], field: str
) -> None:
    """Somebody has to make sure; the mapping's own declaration stands."""
    assert set(_warnings(a_fitting_mapping(**changes), a_tool(tool, hints=hints))) == {field}


def test_what_a_tool_says_makes_no_call_safer() -> None:
    """An UNSAFE mapping stays one, however idempotent its tool calls itself."""
    unsafe = an_unsafe_mapping(parameters=[TITLE])
    assert judge(unsafe, facts(a_tool(hints={"idempotent": True}))).mapping.effect_safety == unsafe.effect_safety


def test_a_compensation_that_could_undo_nothing_is_refused() -> None:
    """An answer without a known place for the id names no object."""
    assert set(_faults(a_fitting_mapping(result={"evidence": "NO_ERROR"}))) == {"result.object_id"}
    found = a_fitting_mapping(result={"evidence": "NO_ERROR", "object_id": "/id"})
    assert judge(found, facts()).faults == ()


def test_a_compensation_argument_that_may_be_missing_is_refused() -> None:
    """Not every object has a URL."""
    arguments = {
        "strategy": "AUTOMATIC",
        "compensation_tool": "crm___delete_task",
        "arguments": {"task_id": "object_url"},
    }
    found = _faults(a_fitting_mapping(compensation=arguments))
    assert "not always sent" in found["compensation.arguments.task_id"]


def test_a_verify_tool_must_take_our_key() -> None:
    """It is asked with nothing else."""
    without = a_tool("crm___find_task", properties={"key": {"type": "string"}}, required=["key"])
    found = judge(a_fitting_mapping(effect_safety=VERIFIABLE), facts(without)).faults
    assert {fault.place for fault in found} == {"effect_safety.verify_tool"}
    assert any("takes no argument 'idempotency_key'" in fault.message for fault in found)


@pytest.mark.parametrize("field", ["tool_schema_hash", "tool_input_schema"])
def test_a_file_may_pin_what_is_there_and_nothing_else(field: str) -> None:
    """Whoever wrote it down meant that schema."""
    tool = reference_tools()["crm___create_task"]
    right = {"tool_schema_hash": tool.schema_hash, "tool_input_schema": tool.input_schema}[field]
    wrong = {"tool_schema_hash": "0" * 64, "tool_input_schema": {"type": "object"}}[field]
    assert judge(a_fitting_mapping(**{field: right}), facts()).findings == ()
    assert "leave it out" in _faults(a_fitting_mapping(**{field: wrong}))[field]


def test_a_verify_tool_that_takes_no_key_of_ours_is_refused() -> None:
    """It would refuse every question, and each lost answer would end as UNKNOWN."""
    asked: dict[str, Any] = {"type": "object", "properties": {"idempotency_key": {"type": "string", "maxLength": 36}}}
    tool = a_tool("crm___find_task", **{**asked, "required": ["idempotency_key"], "additionalProperties": True})
    faults = _faults(a_fitting_mapping(effect_safety=VERIFIABLE, passes_execution_context=False), tool)
    assert "takes no key of ours" in faults["effect_safety.verify_tool"]


def test_an_argument_that_one_part_of_a_schema_lists_and_another_refuses_is_refused() -> None:
    """A closed part knows nothing of its neighbours (JSON Schema 2020-12 Core, section 10.3.2.3)."""
    schema = a_tool().input_schema
    closed = {"properties": {"execution_context": {}}, "additionalProperties": False}
    tool = a_tool(allOf=[closed, {"properties": schema["properties"]}], properties=None, additionalProperties=None)
    assert "takes no argument 'title'" in _faults(a_fitting_mapping(), tool)["parameters.0.argument"]
    beside = {"properties": {"title": {}}, "additionalProperties": False}
    tool = a_tool(allOf=[beside, {"properties": schema["properties"]}], properties=None, additionalProperties=None)
    assert "passes_execution_context" in _faults(a_fitting_mapping(), tool)


def test_an_argument_must_fit_every_part_that_lists_it() -> None:
    """The last one is not the only one."""
    schema: dict[str, Any] = a_tool().input_schema
    properties = {**schema["properties"], "title": {"type": "integer"}}
    tool = a_tool(properties=properties, allOf=[{"properties": {"title": {"description": "What to do."}}}])
    assert "integer" in _faults(a_fitting_mapping(), tool)["parameters.0.type"]


def test_many_required_arguments_do_not_hide_what_is_wrong_with_the_context() -> None:
    """Those that are missing from the sample are told first."""
    schema: dict[str, Any] = a_tool().input_schema
    properties = {**schema["properties"], "execution_context": {"type": "string"}}
    tool = a_tool(properties=None, required=[f"a{one}" for one in range(20)])
    tool = tool.model_copy(update={"input_schema": {**tool.input_schema, "properties": properties}})
    assert "another content" in _faults(a_fitting_mapping(), tool)["passes_execution_context"]


def test_a_tool_whose_schema_cannot_be_applied_does_not_keep_others_from_being_judged() -> None:
    """One odd tool on a gateway is its owner's business."""
    node = {"properties": {"execution_context": {"$ref": "#/$defs/n"}, "tenant_id": {}}}
    odd = {"$ref": "#/$defs/n", "$defs": {"n": {"allOf": [node] * 700}}}
    tool = reference_tools()["crm___find_task"].model_copy(update={"input_schema": odd})
    assert _faults(a_fitting_mapping(), tool) == {}
    assert (
        "could not be applied"
        in _faults(a_fitting_mapping(effect_safety=VERIFIABLE), tool)["effect_safety.verify_tool"]
    )


def test_a_schema_that_repeats_one_part_a_thousand_times_is_judged_as_one_that_names_it_once() -> None:
    """It may be absurd; it is still judged."""
    schema: dict[str, Any] = a_tool().input_schema
    parts: dict[str, Any] = {"$defs": {"all": {"properties": schema["properties"]}}}
    tool = a_tool(allOf=[{"$ref": "#/$defs/all"}] * 900, **parts)
    assert _faults(a_fitting_mapping(), tool) == {}
    many = [{"properties": {"title": {"type": "string"}}} for _ in range(900)]
    assert _faults(a_fitting_mapping(), a_tool(allOf=many)) == {}


def test_an_undo_in_another_system_is_warned_of() -> None:
    """An id of one system may be that of another object in the other."""
    elsewhere = reference_tools()["crm___delete_task"].model_copy(update={"name": "calendar___delete_task"})
    policy = {"strategy": "AUTOMATIC", "compensation_tool": elsewhere.name, "arguments": {"task_id": "object_id"}}
    warnings = _warnings(a_fitting_mapping(compensation=policy), elsewhere)
    assert "acts on CALENDAR and would be given an id of CRM" in warnings["compensation.compensation_tool"]


OWN_WORDS = {"type": "object", "properties": {"id": {"type": "string"}, "title": {"type": "string"}}}


def test_an_answer_that_its_contract_could_not_read_is_told_before_the_first_action() -> None:
    """Done and then UNKNOWN would be learnt from a person's night, not from a file."""
    tool = a_tool().model_copy(update={"output_schema": OWN_WORDS})
    assert "answers with id, title" in _warnings(a_fitting_mapping(), tool)["result.evidence"]

    pointed = {"evidence": "NO_ERROR", "object_id": "/id"}
    assert not any(place.startswith("result") for place in _warnings(a_fitting_mapping(result=pointed), tool))
    astray = {"evidence": "NO_ERROR", "object_id": "/ticket/id"}
    assert "answers with id, title" in _warnings(a_fitting_mapping(result=astray), tool)["result.object_id"]


@pytest.mark.parametrize(
    "output_schema",
    [None, {"type": "object"}, {"type": "object", "properties": {"success": {"type": "boolean"}}}],
    ids=["unsaid", "open", "typed"],
)
def test_an_answer_of_which_nothing_is_said_or_that_is_typed_needs_no_word(output_schema: Any) -> None:  # noqa: ANN401  a schema
    """Only what a tool does say can be doubted."""
    tool = a_tool().model_copy(update={"output_schema": output_schema})
    assert not any(place.startswith("result") for place in _warnings(a_fitting_mapping(), tool))
