"""What is really asked of the sparse indexes, page by page, and what a bad row or a failure does to a look."""

from __future__ import annotations

from itertools import count, islice
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY

from adapters.dynamodb import keys
from domain.model.attempt import AttemptStatus
from domain.model.errors import ConfigurationError, TransientError
from tests.builders import a_claim, a_ref, a_settlement, a_signal, an_approved_intent, later
from tests.ports.stores import a_dynamodb_backlog, a_dynamodb_journal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.stub import Stubber
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

CLAIMED = AttemptStatus.CLAIMED
PAGE = 25


def claims_of_shard(client: DynamoDBClient, shard: str, number: int) -> list[str]:
    """Store that many claims in one shard, a second apart, and return their ids, oldest first."""
    names = (f"intent-{at}" for at in count() if keys.shard(a_ref(action_intent_id=f"intent-{at}")) == shard)
    ids = list(islice(names, number))
    journal = a_dynamodb_journal(client)
    for seconds, action_intent_id in enumerate(ids):
        journal.claim(*a_claim(an_approved_intent(action_intent_id=action_intent_id), now=later(seconds)))
    return ids


def test_each_shard_of_a_status_is_asked_for_what_was_written_before(
    client: DynamoDBClient, requests: list[dict[str, Any]]
) -> None:
    """By the index and its keys alone, so that finished work costs nothing, a small page at a time."""
    list(a_dynamodb_backlog(client).open_attempts(AttemptStatus.UNKNOWN, updated_before=later(60)))

    assert requests == [
        {
            "TableName": "execution-attempts",
            "IndexName": "by-status",
            "KeyConditionExpression": "#hash = :hash AND #range < :before",
            "ExpressionAttributeNames": {"#hash": "open_status", "#range": "updated_at"},
            "ExpressionAttributeValues": {
                ":hash": {"S": f"UNKNOWN#{shard}"},
                ":before": {"S": "2026-11-23T10:01:00.000Z"},
            },
            "ScanIndexForward": True,
            "Limit": PAGE,
        }
        for shard in range(8)
    ]


def test_each_shard_of_unpublished_signals_is_asked_for_what_was_created_before(
    client: DynamoDBClient, requests: list[dict[str, Any]]
) -> None:
    """The same look at the outbox."""
    list(a_dynamodb_backlog(client).unpublished_signals(created_before=later(60)))

    assert [(request["TableName"], request["IndexName"]) for request in requests] == [("signals", "by-unpublished")] * 8
    assert [request["ExpressionAttributeNames"] for request in requests] == [
        {"#hash": "unpublished", "#range": "created_at"}
    ] * 8
    assert [request["ExpressionAttributeValues"] for request in requests] == [
        {":hash": {"S": str(shard)}, ":before": {"S": "2026-11-23T10:01:00.000Z"}} for shard in range(8)
    ]


def test_pages_are_fetched_as_they_are_consumed(client: DynamoDBClient, requests: list[dict[str, Any]]) -> None:
    """Nothing before the first item, one page of each shard for it, and the next one only where it is needed."""
    ids = claims_of_shard(client, "3", PAGE + 2)
    requests.clear()
    look = a_dynamodb_backlog(client).open_attempts(CLAIMED, updated_before=later(3_600))
    asked = [len(requests)]
    first = [attempt.action_intent_id for attempt in islice(look, PAGE)]
    asked.append(len(requests))
    rest = [attempt.action_intent_id for attempt in look]

    assert first + rest == ids
    assert [*asked, len(requests)] == [0, 8, 9]
    assert requests[-1]["ExpressionAttributeValues"][":hash"] == {"S": "CLAIMED#3"}


def test_a_page_without_items_is_not_the_end(stubbed: tuple[DynamoDBClient, Stubber]) -> None:
    """DynamoDB may answer one, with a key to go on from; what is behind it would be missing for good."""
    client, stubber = stubbed
    key: dict[str, AttributeValueTypeDef] = {"pk": {"S": "p"}, "sk": {"S": "s"}}
    asked = dict.fromkeys(
        (
            "TableName",
            "IndexName",
            "KeyConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "ScanIndexForward",
            "Limit",
        ),
        ANY,
    )
    stubber.add_response("query", {"Items": [], "LastEvaluatedKey": key}, asked)
    stubber.add_response("query", {"Items": []}, {**asked, "ExclusiveStartKey": key})
    for _ in range(7):
        stubber.add_response("query", {"Items": []}, asked)

    assert list(a_dynamodb_backlog(client).open_attempts(CLAIMED, updated_before=later(60))) == []


@pytest.mark.parametrize("status", [AttemptStatus.SUCCEEDED, AttemptStatus.FAILED, AttemptStatus.CANCELLED])
def test_a_settled_status_is_not_even_asked_for(
    client: DynamoDBClient, requests: list[dict[str, Any]], status: AttemptStatus
) -> None:
    """The index holds none of it."""
    assert list(a_dynamodb_backlog(client).open_attempts(status, updated_before=later(60))) == []
    assert requests == []


def test_a_row_that_cannot_be_read_hides_no_other_and_is_named_in_the_end(client: DynamoDBClient) -> None:
    """One bad edit must not keep the work of all tenants from being finished, nor stay unseen."""
    ids = claims_of_shard(client, "3", 3)
    client.update_item(
        TableName="execution-attempts",
        Key={"pk": {"S": "TENANT#tenant-1#ACCOUNT#account-1"}, "sk": {"S": f"EXECUTION#{ids[0]}"}},
        UpdateExpression="SET ownr = :typo",
        ExpressionAttributeValues={":typo": {"S": "typo"}},
    )
    look = a_dynamodb_backlog(client).open_attempts(CLAIMED, updated_before=later(60))
    read = [next(look).action_intent_id for _ in range(2)]
    with pytest.raises(ConfigurationError) as raised:
        next(look)

    assert read == ids[1:]
    assert f"EXECUTION#{ids[0]} that is not a Attempt (at fault: ownr)" in str(raised.value)


LOOKS = {
    "execution-attempts/by-status at CLAIMED#0": lambda backlog: backlog.open_attempts(
        CLAIMED, updated_before=later(60)
    ),
    "signals/by-unpublished at 0": lambda backlog: backlog.unpublished_signals(created_before=later(60)),
}


@pytest.mark.parametrize("place", LOOKS)
@pytest.mark.parametrize(
    "code, kind",
    [
        ("ProvisionedThroughputExceededException", TransientError),
        ("InternalServerError", TransientError),
        ("AccessDeniedException", ConfigurationError),
        ("ResourceNotFoundException", ConfigurationError),
    ],
)
def test_a_look_that_fails_says_where(
    stubbed: tuple[DynamoDBClient, Stubber], place: str, code: str, kind: type[Exception]
) -> None:
    """What passes is told from what a person must correct, a grant for the index included."""
    client, stubber = stubbed
    stubber.add_client_error("query", code)
    look: Iterator[object] = LOOKS[place](a_dynamodb_backlog(client))
    with pytest.raises(kind) as raised:
        next(look)

    assert f"Query on {place}" in str(raised.value)


def test_a_look_that_fails_half_way_has_given_what_came_before(client: DynamoDBClient) -> None:
    """What was found can be worked on; the rest is found by the next look."""
    ids = claims_of_shard(client, "3", PAGE + 1)
    look = a_dynamodb_backlog(client).open_attempts(CLAIMED, updated_before=later(60))
    given = [attempt.action_intent_id for attempt in islice(look, PAGE)]
    client.delete_table(TableName="execution-attempts")
    with pytest.raises(ConfigurationError, match="ResourceNotFoundException"):
        next(look)

    assert given == ids[:PAGE]


def test_no_index_key_becomes_a_field(client: DynamoDBClient) -> None:
    """What a look and the journal return is the same record."""
    journal = a_dynamodb_journal(client)
    current = journal.claim(*a_claim())
    settlement = a_settlement(current, status="CANCELLED")
    journal.settle(current, *settlement)

    assert list(a_dynamodb_backlog(client).unpublished_signals(created_before=later(60))) == [settlement[3]]
    assert journal.find_signal(a_ref(), settlement[3].signal_id) == settlement[3]
    assert settlement[3].signal_id != a_signal().signal_id
