"""What is really asked of DynamoDB: consistent reads, whole transactions, tokens, and no table that was not given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber

from adapters.dynamodb.execution_journal import DynamoDbExecutionJournal
from adapters.dynamodb.external_writes import DynamoDbExternalWrites
from adapters.dynamodb.intent_store import DynamoDbIntentStore
from adapters.dynamodb.kill_switches import DynamoDbKillSwitches
from adapters.dynamodb.mapping_registry import DynamoDbMappingRegistry
from domain.model.attempt import Attempt, AttemptStatus
from domain.model.errors import ConfigurationError, PermanentError, TransientError
from domain.model.kill_switch import KillSwitch, SwitchKind, SwitchScope, SwitchState
from domain.model.ledger import LedgerEntry, LedgerEventType
from domain.model.outcome import OutcomeStatus
from tests.builders import (
    a_claim,
    a_dispatch,
    a_key,
    a_mapping,
    a_ref,
    a_settlement,
    a_switch,
    later,
)
from tests.ports.stores import a_dynamodb_journal

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

GLOBAL = SwitchScope(kind=SwitchKind.GLOBAL)


@pytest.mark.parametrize(
    "read",
    [
        lambda client: DynamoDbIntentStore(client, "action-intents").find(a_ref()),
        lambda client: DynamoDbMappingRegistry(client, "action-type-registry").find("A", "v1"),
        lambda client: DynamoDbKillSwitches(client, "kill-switches").find((GLOBAL,)),
        lambda client: DynamoDbExternalWrites(client, "external-write-dedupe").find(a_key()),
        lambda client: a_dynamodb_journal(client).find_attempt(a_ref()),
        lambda client: a_dynamodb_journal(client).find_outcome(a_ref()),
        lambda client: a_dynamodb_journal(client).find_signal(a_ref(), "signal-1"),
        lambda client: a_dynamodb_journal(client).ledger(a_ref()),
    ],
    ids=["intent", "mapping", "switch", "external write", "attempt", "outcome", "signal", "ledger"],
)
def test_every_read_is_strongly_consistent(
    client: DynamoDBClient, requests: list[dict[str, Any]], read: Callable[[DynamoDBClient], object]
) -> None:
    """A decision on a stale copy could send twice, or despite a halt."""
    read(client)

    assert [request["ConsistentRead"] for request in requests] == [True]


def test_a_ledger_is_read_to_its_last_page(stubbed: tuple[DynamoDBClient, Stubber]) -> None:
    """DynamoDB answers a megabyte at a time; a chain cut there would look whole."""
    client, stubber = stubbed
    key = {"pk": {"S": "p"}, "sk": {"S": "s"}}
    stubber.add_response("query", {"Items": [], "LastEvaluatedKey": key})
    stubber.add_response("query", {"Items": [{"pk": {"S": "p"}, "sk": {"S": "s"}}]})
    with pytest.raises(ConfigurationError, match="not a LedgerEntry"):
        a_dynamodb_journal(client).ledger(a_ref())


def test_a_settlement_is_one_transaction_over_four_tables(
    client: DynamoDBClient, requests: list[dict[str, Any]]
) -> None:
    """So no crash can leave one of them without the others."""
    journal = a_dynamodb_journal(client)
    current = journal.claim(*a_claim())
    current, entry = a_dispatch(current)
    DynamoDbKillSwitches(client, "kill-switches").flip(a_switch())
    journal.dispatch(a_claim()[0], current, entry, (GLOBAL,))
    requests.clear()
    journal.settle(current, *a_settlement(current))

    (request,) = requests
    tables = [write["Put"]["TableName"] for write in request["TransactItems"]]
    assert tables == ["execution-attempts", "ledger", "execution-outcomes", "signals"]


def test_the_same_record_carries_the_same_token_and_another_another(
    client: DynamoDBClient, requests: list[dict[str, Any]]
) -> None:
    """A repeat after a lost reply is recognised by the service itself, within its limit of 36 characters."""
    journal = a_dynamodb_journal(client)
    first = journal.claim(*a_claim())
    second = _a_note(first, "one", at=1)
    third = _a_note(second[0], "two", at=2)
    requests.clear()
    journal.advance(first, *second)
    journal.advance(first, *second)
    journal.advance(second[0], *third)

    tokens = [request["ClientRequestToken"] for request in requests]
    assert tokens[0] == tokens[1] != tokens[2]
    assert {len(token) for token in tokens} == {36}


def test_a_permission_to_go_on_never_carries_the_same_token_twice(
    client: DynamoDBClient, requests: list[dict[str, Any]]
) -> None:
    """The service answers a known token with success for ten minutes, which would let a second run send."""
    journal = a_dynamodb_journal(client)
    DynamoDbKillSwitches(client, "kill-switches").flip(a_switch())
    current = journal.claim(*a_claim())
    journal.claim(*a_claim())
    journal.dispatch(current, *a_dispatch(current), (GLOBAL,))
    with pytest.raises(TransientError):
        journal.dispatch(current, *a_dispatch(current), (GLOBAL,))

    tokens = [request["ClientRequestToken"] for request in requests if "TransactItems" in request]
    assert len(set(tokens)) == 4


def test_only_open_attempts_are_in_the_index_of_open_work(client: DynamoDBClient) -> None:
    """The reconciler looks there: a finished attempt leaves it, one in doubt stays, each in its intent's shard."""
    journal = a_dynamodb_journal(client)
    current = journal.claim(*a_claim())
    DynamoDbKillSwitches(client, "kill-switches").flip(a_switch())
    seen = [_open(client)]
    sent, entry = a_dispatch(current)
    journal.dispatch(current, sent, entry, (GLOBAL,))
    seen.append(_open(client))
    unknown, entry, outcome, signal = a_settlement(sent, status=OutcomeStatus.UNKNOWN)
    journal.settle(sent, unknown, entry, outcome, signal)
    seen.append(_open(client))
    journal.settle(unknown, *a_settlement(unknown))

    assert [*seen, _open(client)] == [["CLAIMED#0"], ["DISPATCHED#0"], ["UNKNOWN#0"], []]


def test_a_signal_leaves_the_index_of_unpublished_ones_with_the_mark_that_it_is_published(
    client: DynamoDBClient, requests: list[dict[str, Any]]
) -> None:
    """One request does both, so no crash between them can make a published signal look forgotten for ever."""
    journal = a_dynamodb_journal(client)
    DynamoDbKillSwitches(client, "kill-switches").flip(a_switch())
    current = journal.claim(*a_claim())
    sent, entry = a_dispatch(current)
    journal.dispatch(current, sent, entry, (GLOBAL,))
    settlement = a_settlement(sent)
    journal.settle(sent, *settlement)
    waiting = client.scan(TableName="signals", IndexName="by-unpublished")["Items"]
    requests.clear()
    journal.mark_published(settlement[3].model_copy(update={"published_at": later(9)}))

    assert [(item["unpublished"], item["created_at"]) for item in waiting] == [
        ({"S": "0"}, {"S": "2026-11-23T10:00:03.000Z"})
    ]
    assert [request["UpdateExpression"] for request in requests] == [
        "SET published_at = if_not_exists(published_at, :published_at) REMOVE #unpublished"
    ]
    assert client.scan(TableName="signals", IndexName="by-unpublished")["Items"] == []


@pytest.mark.parametrize(
    "use, missing",
    [
        (lambda journal: journal.find_attempt(a_ref()), "execution-attempts"),
        (lambda journal: journal.find_outcome(a_ref()), "execution-outcomes"),
        (lambda journal: journal.find_signal(a_ref(), "signal-1"), "signals"),
        (lambda journal: journal.ledger(a_ref()), "ledger"),
        (lambda journal: journal.dispatch(a_claim()[0], *a_dispatch(a_claim()[0]), ()), "kill-switches"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_table_that_was_not_given_is_named(
    stubbed: tuple[DynamoDBClient, Stubber], use: Callable[[DynamoDbExecutionJournal], object], missing: str
) -> None:
    """A step that uses a store it has no grant for fails with the store's name, before any request."""
    journal = DynamoDbExecutionJournal(
        stubbed[0],
        attempts_table=None,
        outcomes_table=None,
        ledger_table=None,
        signals_table=None,
        kill_switches_table=None,
    )
    with pytest.raises(ConfigurationError) as refused:
        use(journal)

    assert f"no {missing} table" in str(refused.value)


def test_a_collision_of_transactions_is_transient(stubbed: tuple[DynamoDBClient, Stubber]) -> None:
    """Nothing was written and nothing was decided."""
    client, stubber = stubbed
    stubber.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}]},
    )
    with pytest.raises(TransientError) as raised:
        a_dynamodb_journal(client).claim(*a_claim())

    assert "execution-attempts, ledger for intent tenant-1/account-1/intent-1" in str(raised.value)


def test_a_ledger_without_its_attempt_is_not_claimed_again(client: DynamoDBClient) -> None:
    """Somebody removed the attempt: the action may have been carried out, so it is not started a second time."""
    journal = a_dynamodb_journal(client)
    journal.claim(*a_claim())
    client.delete_item(
        TableName="execution-attempts",
        Key={"pk": {"S": "TENANT#tenant-1#ACCOUNT#account-1"}, "sk": {"S": "EXECUTION#intent-1"}},
    )
    with pytest.raises(PermanentError, match="evidence was removed"):
        journal.claim(*a_claim())

    assert journal.find_attempt(a_ref()) is None


@pytest.mark.parametrize("state", ["halted", "running", "", "STOPPED"])
def test_a_switch_in_no_known_state_stops_the_dispatch(client: DynamoDBClient, state: str) -> None:
    """Only the exact word lets an action pass; a slip of the hand in a console errs on the safe side."""
    journal = a_dynamodb_journal(client)
    switches = DynamoDbKillSwitches(client, "kill-switches")
    switches.flip(a_switch())
    client.put_item(
        TableName="kill-switches",
        Item={"pk": {"S": "SWITCH"}, "sk": {"S": "TENANT#tenant-1"}, "state": {"S": state}},
    )
    current = journal.claim(*a_claim())
    tenant = SwitchScope(kind=SwitchKind.TENANT, subject="tenant-1")
    with pytest.raises(PermanentError, match="kill switch TENANT#tenant-1"):
        journal.dispatch(current, *a_dispatch(current), (GLOBAL, tenant))

    assert journal.find_attempt(current.ref) == current


def test_the_row_that_a_new_stack_holds_is_a_running_global_switch(client: DynamoDBClient) -> None:
    """A row says what it stops by its key alone, so that it cannot say two things."""
    row = {
        "pk": "SWITCH",
        "sk": "GLOBAL",
        "state": "RUNNING",
        "reason": "Set when the stack was created.",
        "changed_by": "pulumi",
        "changed_at": "1970-01-01T00:00:00.000Z",
    }
    client.put_item(TableName="kill-switches", Item={name: {"S": text} for name, text in row.items()})
    (found,) = DynamoDbKillSwitches(client, "kill-switches").find((GLOBAL,))

    assert (found.scope, found.state, found.changed_by) == (GLOBAL, SwitchState.RUNNING, "pulumi")


def test_a_flipped_switch_is_stored_in_that_same_form(client: DynamoDBClient, requests: list[dict[str, Any]]) -> None:
    """What an operator's tool writes and what the stack writes are one kind of row."""
    switch: KillSwitch = a_switch(SwitchKind.TENANT, "tenant-1", SwitchState.CANCEL)
    DynamoDbKillSwitches(client, "kill-switches").flip(switch)

    assert requests[0]["Item"].keys() == {"pk", "sk", "state", "reason", "changed_by", "changed_at"}


def test_a_write_that_says_nothing_about_who_was_first_is_refused_as_it_stands(
    stubbed: tuple[DynamoDBClient, Stubber],
) -> None:
    """A store that does not say what stands must not be taken to hold our own record."""
    client, stubber = stubbed
    stubber.add_client_error(
        "put_item", "ConditionalCheckFailedException", expected_params={"TableName": ANY, "Item": ANY, **_FIRST_WINS}
    )
    with pytest.raises(ConfigurationError, match="not a ToolMapping"):
        DynamoDbMappingRegistry(client, "action-type-registry").publish(a_mapping())


_FIRST_WINS = {
    "ConditionExpression": "attribute_not_exists(pk)",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


def _a_note(attempt: Attempt, note: str, *, at: int) -> tuple[Attempt, LedgerEntry]:
    return attempt.advance(AttemptStatus.CLAIMED, LedgerEventType.TOOL_NOT_EXECUTED, {"detail": note}, now=later(at))


def _open(client: DynamoDBClient) -> list[str]:
    pages = client.scan(TableName="execution-attempts", IndexName="by-status")
    return [item["open_status"]["S"] for item in pages["Items"]]
