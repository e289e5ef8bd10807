"""Kill switches on DynamoDB, in kill-switches.

The sort key is the only place where a row says what it stops, so that a row can never say two things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.dynamodb import keys
from adapters.dynamodb.item import attribute_of, item_of, model_of
from adapters.dynamodb.table import Table
from domain.model.kill_switch import KillSwitch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from adapters.dynamodb.item import Item
    from domain.model.kill_switch import SwitchScope


class DynamoDbKillSwitches:
    """Reads one row per scope; the answer that counts is the journal's, inside the dispatching transaction."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._table = Table(client, table_name)

    def find(self, scopes: Sequence[SwitchScope]) -> tuple[KillSwitch, ...]:
        found = ((scope, self._table.get(keys.switch(scope))) for scope in scopes)
        return tuple(self._switch(scope, item) for scope, item in found if item)

    def flip(self, switch: KillSwitch) -> None:
        item = item_of(switch, keys.switch(switch.scope))
        del item["scope"]
        self._table.put(item)

    def _switch(self, scope: SwitchScope, item: Item) -> KillSwitch:
        return model_of(KillSwitch, {**item, "scope": attribute_of(scope)}, table=self._table.name)
