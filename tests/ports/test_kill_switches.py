"""The contract of the kill switches, over every adapter."""

from typing import TYPE_CHECKING

from domain.model.kill_switch import SwitchKind, SwitchScope, SwitchState
from tests.builders import a_switch
from tests.ports.stores import Stores, dynamodb_stores, memory_stores

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from ports.kill_switches import KillSwitches

    def _conforms(client: DynamoDBClient) -> tuple[KillSwitches, ...]:
        return memory_stores().switches, dynamodb_stores(client).switches


def test_no_switch_exists_until_it_is_set(stores: Stores) -> None:
    """Not even the global one, without which nothing runs."""
    assert stores.switches.find((SwitchScope(kind=SwitchKind.GLOBAL),)) == ()


def test_found_switches_come_in_the_order_that_was_asked(stores: Stores) -> None:
    """Those that do not exist are left out."""
    tenant = a_switch(SwitchKind.TENANT, "tenant-1", SwitchState.CANCEL)
    stores.switches.flip(a_switch())
    stores.switches.flip(tenant)
    absent = SwitchScope(kind=SwitchKind.TOOL, subject="crm___create_task")

    assert stores.switches.find((tenant.scope, absent, a_switch().scope)) == (tenant, a_switch())


def test_every_kind_of_scope_can_be_set_and_found(stores: Stores) -> None:
    """The scope comes back as it was set, the two-part one of an intent included."""
    scopes = (
        *SwitchScope.before_mapping(tenant_id="tenant-1", action_type="SEND", action_intent_id="intent-1"),
        *SwitchScope.of_tool(tool_name="crm___create_task", connector="crm"),
    )
    for scope in scopes:
        stores.switches.flip(a_switch(scope.kind, scope.subject, SwitchState.CANCEL))

    assert tuple(switch.scope for switch in stores.switches.find(scopes)) == scopes


def test_the_last_flip_stands(stores: Stores) -> None:
    """A switch goes on and off, and repeating a flip is harmless."""
    for state in (SwitchState.RUNNING, SwitchState.CANCEL, SwitchState.CANCEL):
        stores.switches.flip(a_switch(state=state))

    assert stores.switches.find((a_switch().scope,)) == (a_switch(state=SwitchState.CANCEL),)


def test_a_tenants_switch_is_not_anothers(stores: Stores) -> None:
    """A subject is matched whole."""
    stores.switches.flip(a_switch(SwitchKind.TENANT, "tenant-1"))

    assert stores.switches.find((SwitchScope(kind=SwitchKind.TENANT, subject="tenant-10"),)) == ()
