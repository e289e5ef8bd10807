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
    assert SwitchScope(kind=kind).must_exist is (kind is SwitchKind.GLOBAL)


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
