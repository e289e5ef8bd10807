"""The scopes of kill switches: who can stop what, and which row must exist."""

import pytest
from pydantic import ValidationError

from domain.model.kill_switch import KillSwitch, SwitchKind, SwitchScope
from tests.builders import a_switch


def test_an_action_passes_through_four_scopes_before_its_tool_is_known() -> None:
    """Everything, the tenant, the action type and the one intent can each be stopped (D83)."""
    scopes = SwitchScope.before_mapping(tenant_id="t1", action_type="CREATE", action_intent_id="i1")
    assert [str(scope) for scope in scopes] == ["GLOBAL", "TENANT#t1", "ACTION_TYPE#CREATE", "INTENT#t1#i1"]


def test_a_call_passes_through_two_more() -> None:
    """The tool and the connector behind it can be stopped (D83)."""
    scopes = SwitchScope.of_tool(tool_name="crm___create_task", connector="crm")
    assert [str(scope) for scope in scopes] == ["TOOL#crm___create_task", "CONNECTOR#crm"]


@pytest.mark.parametrize("kind", SwitchKind)
def test_only_the_global_row_must_exist(kind: SwitchKind) -> None:
    """An empty table stops everything; an absent tenant row stops nobody."""
    is_global = kind is SwitchKind.GLOBAL
    assert SwitchScope(kind=kind, subject="" if is_global else "x").must_exist is is_global


@pytest.mark.parametrize(
    "kind, subject",
    [(SwitchKind.GLOBAL, "tenant-1"), *((kind, "") for kind in SwitchKind if kind != SwitchKind.GLOBAL)],
)
def test_a_scope_that_would_stop_nothing_is_refused(kind: SwitchKind, subject: str) -> None:
    """A global switch for one tenant, or a tenant switch for none, would be a row that nobody checks."""
    with pytest.raises(ValueError, match="else it stops nothing") as caught:
        SwitchScope(kind=kind, subject=subject)
    assert kind.value in str(caught.value)


def test_stopping_an_intent_stops_it_for_one_tenant_only() -> None:
    """Two tenants may use the same intent id."""
    one = SwitchScope.before_mapping(tenant_id="t1", action_type="A", action_intent_id="i")[-1]
    other = SwitchScope.before_mapping(tenant_id="t2", action_type="A", action_intent_id="i")[-1]
    assert one != other
    assert str(one) != str(other)


@pytest.mark.parametrize(
    "change", [{"state": "PAUSED"}, {"changed_by": ""}, {"scope": {"kind": "REGION"}}, {"invented": 1}], ids=str
)
def test_a_malformed_switch_is_refused(change: dict[str, object]) -> None:
    """There is no third state and no unsigned change."""
    with pytest.raises(ValidationError) as caught:
        KillSwitch.model_validate({**a_switch().model_dump(), **change})
    assert caught.value.error_count() == 1
