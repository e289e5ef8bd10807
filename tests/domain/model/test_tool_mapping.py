"""A mapping is validated when it is made, immutable by its content hash, and never silent about safety."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.model.external_object import ExternalSystem
from domain.model.tool_mapping import (
    CompensationPolicy,
    CompensationStrategy,
    Idempotent,
    ParameterRule,
    ParameterType,
    RefField,
    ResultContract,
    ResultEvidence,
    RiskClass,
    ToolMapping,
    Transform,
    Unsafe,
    Verifiable,
)
from tests.builders import NOW, a_mapping


def test_no_parameter_may_fill_the_reserved_argument() -> None:
    """The execution's own context, idempotency key included, cannot be overwritten by a parameter (D28)."""
    with pytest.raises(ValidationError, match="'execution_context' is reserved") as caught:
        ParameterRule(parameter="anything", argument="execution_context")
    assert "rename it" in str(caught.value)


def test_no_compensation_argument_may_be_the_reserved_one() -> None:
    """The undo call carries its own context too (D28)."""
    with pytest.raises(ValidationError, match="'execution_context' is reserved") as caught:
        CompensationPolicy(
            strategy=CompensationStrategy.AUTOMATIC,
            compensation_tool="crm___delete_task",
            arguments={"execution_context": RefField.OBJECT_ID},
        )
    assert caught.value.error_count() == 1


def test_a_parameter_is_mapped_once() -> None:
    """Two rules for one parameter would make its argument a matter of luck."""
    rules = (ParameterRule(parameter="a", argument="x"), ParameterRule(parameter="a", argument="y"))
    with pytest.raises(ValidationError, match="parameter 'a' is mapped more than once") as caught:
        a_mapping(parameters=rules)
    assert caught.value.error_count() == 1


def test_an_argument_is_filled_once() -> None:
    """Two parameters for one argument would silently lose one of them."""
    rules = (ParameterRule(parameter="a", argument="x"), ParameterRule(parameter="b", argument="x"))
    with pytest.raises(ValidationError, match="argument 'x' is mapped more than once") as caught:
        a_mapping(parameters=rules)
    assert caught.value.error_count() == 1


@pytest.mark.parametrize("transform", [Transform.UPPERCASE, Transform.LOWERCASE])
@pytest.mark.parametrize("kind", [kind for kind in ParameterType if kind is not ParameterType.STRING])
def test_only_text_has_upper_and_lower_case(transform: Transform, kind: ParameterType) -> None:
    """A transform that could not apply to the declared type is refused at publishing, not skipped at run time."""
    with pytest.raises(ValidationError, match="needs type STRING") as caught:
        ParameterRule(parameter="a", argument="a", type=kind, transform=transform)
    assert f"has type {kind}" in str(caught.value)


def test_a_custom_transform_does_not_exist() -> None:
    """R117's CUSTOM names no behaviour, so no mapping can ask for it (D54)."""
    with pytest.raises(ValidationError) as caught:
        ParameterRule.model_validate({"parameter": "a", "argument": "a", "type": "STRING", "transform": "CUSTOM"})
    assert caught.value.errors()[0]["loc"] == ("transform",)


def test_effect_safety_is_a_decision_and_has_no_default() -> None:
    """Whoever registers a tool must say what an ambiguous result means (D23)."""
    content = a_mapping().model_dump()
    del content["effect_safety"]
    with pytest.raises(ValidationError) as caught:
        ToolMapping.model_validate(content)
    assert [error["loc"] for error in caught.value.errors()] == [("effect_safety",)]


@pytest.mark.parametrize(
    "effect, location",
    [
        ({"kind": "IDEMPOTENT"}, "key_ttl_seconds"),
        ({"kind": "IDEMPOTENT", "key_ttl_seconds": 120}, "key_ttl_seconds"),
        ({"kind": "VERIFIABLE", "verify_tool": "crm___find"}, "server_bound_seconds"),
        ({"kind": "VERIFIABLE", "server_bound_seconds": 5}, "verify_tool"),
        ({"kind": "UNSAFE", "verify_tool": "crm___find"}, "verify_tool"),
        ({"kind": "PROBABLY_FINE"}, "effect_safety"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_half_said_effect_safety_is_refused(effect: dict[str, object], location: str) -> None:
    """A key without a lifetime or a check without a tool and a bound promises nothing."""
    with pytest.raises(ValidationError) as caught:
        a_mapping(effect_safety=effect)
    assert any(location in map(str, error["loc"]) for error in caught.value.errors())


@pytest.mark.parametrize(
    "policy",
    [
        {"strategy": "AUTOMATIC"},
        {"strategy": "AUTOMATIC", "compensation_tool": "crm___delete_task"},
        {"strategy": "AUTOMATIC", "arguments": {"task_id": "object_id"}},
    ],
    ids="-".join,
)
def test_an_automatic_policy_names_tool_and_arguments(policy: dict[str, object]) -> None:
    """Else the first failure would find out that nothing can be undone."""
    with pytest.raises(ValidationError, match="an AUTOMATIC policy needs both") as caught:
        CompensationPolicy.model_validate(policy)
    assert caught.value.error_count() == 1


@pytest.mark.parametrize("strategy", ["NONE", "MANUAL"])
@pytest.mark.parametrize(
    "rest", [{"compensation_tool": "crm___delete_task"}, {"arguments": {"task_id": "object_id"}}], ids=str
)
def test_only_an_automatic_policy_has_a_tool(strategy: str, rest: dict[str, object]) -> None:
    """A tool that is never called would make a reader believe in an undo."""
    with pytest.raises(ValidationError, match=f"a {strategy} policy never uses them") as caught:
        CompensationPolicy.model_validate({"strategy": strategy, **rest})
    assert caught.value.error_count() == 1


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a#b", "a" * 257, "crm___crеate"], ids=ascii)  # noqa: RUF001  the look-alike letter is the point
def test_a_tool_name_has_the_gateways_alphabet(name: str) -> None:
    """No name can smuggle a separator or a look-alike into a call or a key (R118)."""
    with pytest.raises(ValidationError) as caught:
        a_mapping(tool_name=name)
    assert caught.value.errors()[0]["loc"] == ("tool_name",)


@pytest.mark.parametrize(
    "change",
    [
        {"action_type": "OTHER"},
        {"version": "v2"},
        {"tool_name": "crm___update_task"},
        {"tool_schema_version": "v2"},
        {"tool_schema_hash": "a" * 64},
        {"parameters": (ParameterRule(parameter="title", argument="title"),)},
        {"parameters": tuple(reversed(a_mapping().parameters))},
        {"effect_safety": Idempotent(key_ttl_seconds=121)},
        {"effect_safety": Verifiable(verify_tool="crm___find_task", server_bound_seconds=1)},
        {"effect_safety": Unsafe()},
        {"compensation": CompensationPolicy()},
        {"passes_execution_context": False},
        {"required_scopes": ("crm.write",)},
        {"risk_class": RiskClass.HIGH},
        {"tool_input_schema": {"type": "object"}},
        {"result": ResultContract(evidence=ResultEvidence.NO_ERROR)},
        {"parameters": tuple(rule.model_copy(update={"sensitive": True}) for rule in a_mapping().parameters)},
    ],
)
def test_any_change_of_content_changes_the_hash(change: dict[str, object]) -> None:
    """Everything that decides behaviour is part of what an approver approves (R19, D53)."""
    assert a_mapping(**change).content_hash != a_mapping().content_hash


@pytest.mark.parametrize(
    "change", [{"created_at": NOW}, {"deprecated_at": NOW + timedelta(days=1)}], ids=lambda change: next(iter(change))
)
def test_the_dates_around_a_mapping_do_not_change_its_hash(change: dict[str, object]) -> None:
    """Deprecating a version must not invalidate the approvals that rest on it."""
    assert a_mapping(**change).content_hash == a_mapping().content_hash


def test_the_hash_of_a_known_mapping_never_changes() -> None:
    """Approvals hold this hash, so it is pinned and survives a round trip through JSON."""
    mapping = a_mapping()
    assert mapping.content_hash == "6ad035d7b8e09ce7087680402ecd6266a9234ada05366ef5213139ef0057e47b"
    assert ToolMapping.model_validate_json(mapping.model_dump_json()).content_hash == mapping.content_hash
    verifiable = a_mapping(effect_safety=Verifiable(verify_tool="crm___find_task", server_bound_seconds=30))
    assert verifiable.content_hash == "81fb8e2f4ee24ed12af0ca3c2e054563b3168b00b7bfd964f6d570b5d89876aa"


def test_the_pins_of_the_other_tools_are_content() -> None:
    """An approver approves them too; without them, a mapping is what a person wrote."""
    asked = Verifiable(verify_tool="crm___find_task", server_bound_seconds=30, verify_tool_schema_hash="a" * 64)
    undone = a_mapping().compensation.model_copy(update={"compensation_tool_schema_hash": "b" * 64})
    plain, pinned = a_mapping(effect_safety=asked), a_mapping(effect_safety=asked, compensation=undone)
    assert len({plain.content_hash, pinned.content_hash, pinned.without_pins.content_hash}) == 3
    assert plain.without_pins == pinned.without_pins


def test_a_pin_without_a_tool_is_refused() -> None:
    """There is nothing that it could be the digest of."""
    with pytest.raises(ValidationError, match="has no tool to pin"):
        CompensationPolicy(strategy=CompensationStrategy.MANUAL, compensation_tool_schema_hash="a" * 64)


@pytest.mark.parametrize(
    "tool_name, connector, system",
    [
        ("crm___create_task", "crm", ExternalSystem.CRM),
        ("crm.create_task", "crm.create_task", ExternalSystem.CRM),
        ("calendar___draft_event", "calendar", ExternalSystem.CALENDAR),
        ("internal___note", "internal", ExternalSystem.INTERNAL),
        ("note", "note", ExternalSystem.INTERNAL),
    ],
)
def test_connector_and_system_come_from_the_tools_name(tool_name: str, connector: str, system: ExternalSystem) -> None:
    """The kill switch of a connector and the believed system need no further configuration (R40)."""
    mapping = a_mapping(tool_name=tool_name)
    assert (mapping.connector, mapping.system) == (connector, system)


@pytest.mark.parametrize(
    "changes",
    [
        {"effect_safety": Verifiable(verify_tool="crm___create_task", server_bound_seconds=5)},
        {
            "compensation": CompensationPolicy(
                strategy=CompensationStrategy.AUTOMATIC,
                compensation_tool="crm___create_task",
                arguments={"task_id": RefField.OBJECT_ID},
            )
        },
        {"effect_safety": Verifiable(verify_tool="crm___delete_task", server_bound_seconds=5)},
    ],
    ids=["verifies with the action", "undoes with the action", "verifies with the undo"],
)
def test_no_tool_of_a_mapping_has_two_jobs(changes: dict[str, object]) -> None:
    """Asking or undoing with the tool that acts would act again, and the record would say that all is well."""
    with pytest.raises(ValidationError, match="must be different tools") as caught:
        a_mapping(**changes)
    assert caught.value.error_count() == 1


@pytest.mark.parametrize("scope", ["cc-native-dev-gateway/invoke", "https://api.example.com/read", "crm.write"])
def test_a_scope_is_what_an_identity_provider_calls_one(scope: str) -> None:
    """A Cognito scope is a resource server's identifier, a slash and a name."""
    assert a_mapping(required_scopes=(scope,)).required_scopes == (scope,)


@pytest.mark.parametrize("scope", ["two words", "", 'qu"ote', "back\\slash"])
def test_a_scope_that_would_break_the_token_request_is_refused(scope: str) -> None:
    """Scopes are joined by spaces (RFC 6749 section 3.3)."""
    with pytest.raises(ValidationError) as caught:
        a_mapping(required_scopes=(scope,))
    assert "required_scopes" in str(caught.value)


def test_only_an_untyped_answer_needs_a_pointer_to_its_object() -> None:
    """A typed answer names its objects itself, and a type without a pointer would name nothing."""
    with pytest.raises(ValidationError, match="a TYPED answer names its objects itself"):
        ResultContract(object_id="/id")
    with pytest.raises(ValidationError, match="give both or neither"):
        ResultContract(evidence=ResultEvidence.NO_ERROR, object_type="Task")


def test_a_pinned_schema_and_another_hash_are_refused() -> None:
    """The hash is how drift is seen, so it must be that of the schema beside it."""
    with pytest.raises(ValidationError, match="is not the digest of tool_input_schema"):
        a_mapping(tool_input_schema={"type": "object"}, tool_schema_hash="a" * 64)
