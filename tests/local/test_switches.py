"""Kill switches at the command line: what one writes is what is set, and what is shown is what counts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from domain.model.kill_switch import SwitchKind, SwitchScope, SwitchState
from local.switches import Switchboard, parse_scope, spell_scope
from tests.builders import NOW
from tests.ports.tables import dynamodb_with_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from local.stack_info import StackInfo

SCOPES = {
    "global": SwitchScope(kind=SwitchKind.GLOBAL),
    "tenant:tenant-acme": SwitchScope(kind=SwitchKind.TENANT, subject="tenant-acme"),
    "tenant:a:b": SwitchScope(kind=SwitchKind.TENANT, subject="a:b"),
    "action-type:CREATE_CRM_TASK": SwitchScope(kind=SwitchKind.ACTION_TYPE, subject="CREATE_CRM_TASK"),
    "tool:crm___create_task": SwitchScope(kind=SwitchKind.TOOL, subject="crm___create_task"),
    "connector:crm": SwitchScope(kind=SwitchKind.CONNECTOR, subject="crm"),
    "intent:tenant-acme/intent-1": SwitchScope(kind=SwitchKind.INTENT, subject="tenant-acme#intent-1"),
}


@pytest.fixture
def dynamodb(info: StackInfo) -> Iterator[DynamoDBClient]:
    """The switches' table in process, in place of the described stack's."""
    with dynamodb_with_tables() as client:
        info.__dict__["clients"] = SimpleNamespace(of=lambda _service: client)
        yield client


@pytest.fixture
def switchboard(info: StackInfo, dynamodb: DynamoDBClient) -> Switchboard:
    """The switches of that table."""
    assert dynamodb.list_tables()
    return Switchboard(info.model_copy(update={"tables": {"kill-switches": "kill-switches"}}))


@pytest.mark.parametrize("text", SCOPES)
def test_every_kind_of_scope_can_be_written_and_is_shown_as_it_was_written(text: str) -> None:
    """What one reads in the list can be typed again."""
    assert parse_scope(text) == SCOPES[text]
    assert spell_scope(str(SCOPES[text])) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "everything",
        "global:x",
        "global:",
        "tenant",
        "tenant:",
        "tenant:a#b",
        "intent:i",
        "intent:t/",
        "intent:t/a/b",
    ],
)
def test_a_scope_that_would_stop_nothing_is_refused_with_the_rule(text: str) -> None:
    """A mistyped switch that is set and stops nothing is the worst kind."""
    with pytest.raises(ValueError, match="must be global, tenant:ID"):
        parse_scope(text)


def test_a_missing_global_row_is_shown_as_what_it_counts_as(switchboard: Switchboard) -> None:
    """It stops everything, so it must not look like nothing."""
    (row,) = switchboard.rows()
    assert (row.scope, row.state, row.counts_as) == ("global", "MISSING", "CANCEL")
    assert "MISSING (counts as CANCEL)" in row.as_text()


def test_a_switch_that_was_set_is_listed_after_the_global_one(switchboard: Switchboard) -> None:
    """With its state, its reason, and who set it when."""
    for text in ("connector:crm", "global"):
        switchboard.flip(
            parse_scope(text), SwitchState.HOLD, reason="the CRM is down", changed_by="dana", changed_at=NOW
        )
    rows = switchboard.rows()
    assert [row.scope for row in rows] == ["global", "connector:crm"]
    assert {(row.state, row.counts_as, row.reason, row.changed_by) for row in rows} == {
        ("HOLD", "HOLD", "the CRM is down", "dana")
    }


def test_a_row_that_somebody_wrote_wrongly_is_listed_as_what_it_counts_as(
    switchboard: Switchboard, dynamodb: DynamoDBClient
) -> None:
    """Every dispatch takes a word that is none of the three for CANCEL; so does the list."""
    dynamodb.put_item(
        TableName="kill-switches",
        Item={"pk": {"S": "SWITCH"}, "sk": {"S": "TENANT#t"}, "state": {"S": "PAUSED"}, "reason": {"S": "by hand"}},
    )
    row = switchboard.rows()[1]
    assert (row.scope, row.state, row.counts_as) == ("tenant:t", "PAUSED", "CANCEL")
