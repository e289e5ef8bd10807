"""What is really asked of EventBridge, and what its failures mean to us."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from adapters.eventbridge.signal_publisher import EventBridgeSignalPublisher
from domain.model.errors import ConfigurationError, TransientError
from tests.builders import a_signal, later
from tests.support.broken_lines import break_the_line, without_an_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_events import EventBridgeClient

BUS = "cc-native-test-event-bus"


@pytest.fixture
def stubbed() -> Iterator[tuple[EventBridgeClient, Stubber]]:
    """A client that answers what a test tells it to, and nothing else."""
    client = boto3.client("events", region_name="us-west-2")
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def test_an_event_carries_what_consumers_match_and_dedupe_by(stubbed: tuple[EventBridgeClient, Stubber]) -> None:
    """Source and detail type for rules; ids, trace and data in the detail."""
    client, stubber = stubbed
    sent: list[dict[str, Any]] = []

    def keep(params: dict[str, Any], **_: object) -> None:
        sent.extend(params["Entries"])

    client.meta.events.register("provide-client-params.events.PutEvents", keep)
    stubber.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}, {"Entries": ANY})
    signal = a_signal()
    EventBridgeSignalPublisher(client, BUS).publish(signal)

    (entry,) = sent
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == (BUS, "cc-native", "ACTION_EXECUTED")
    assert entry["Time"] == later(3)
    assert json.loads(entry["Detail"]) == {
        "signal_id": signal.signal_id,
        "signal_type": "ACTION_EXECUTED",
        "tenant_id": "tenant-1",
        "account_id": "account-1",
        "action_intent_id": "intent-1",
        "trace_id": "execution-trace-1",
        "created_at": "2026-11-23T10:00:03Z",
        "data": signal.data,
    }


@pytest.mark.parametrize(
    "code, kind",
    [
        ("InternalFailure", TransientError),
        ("ThrottlingException", TransientError),
        ("AccessDeniedException", ConfigurationError),
        ("MalformedDetail", ConfigurationError),
        ("SomethingNew", ConfigurationError),
    ],
)
def test_an_entry_refused_inside_a_successful_answer_is_an_error(
    stubbed: tuple[EventBridgeClient, Stubber], code: str, kind: type[Exception]
) -> None:
    """HTTP 200 says only that the request was read; a lost signal must not be marked as published."""
    client, stubber = stubbed
    stubber.add_response(
        "put_events",
        {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "a customer's words"}]},
        {"Entries": ANY},
    )
    with pytest.raises(kind) as raised:
        EventBridgeSignalPublisher(client, BUS).publish(a_signal())

    assert f"{BUS} did not take signal {a_signal().signal_id}" in str(raised.value)
    assert code in str(raised.value)
    assert "customer" not in str(raised.value)


@pytest.mark.parametrize(
    "code, status, kind",
    [
        ("InternalException", 500, TransientError),
        ("SomethingNew", 503, TransientError),
        ("ThrottlingException", 400, TransientError),
        ("AccessDeniedException", 400, ConfigurationError),
        ("ResourceNotFoundException", 400, ConfigurationError),
    ],
)
def test_a_refused_request_is_an_error(
    stubbed: tuple[EventBridgeClient, Stubber], code: str, status: int, kind: type[Exception]
) -> None:
    """Those that pass are told from those that stay."""
    client, stubber = stubbed
    stubber.add_client_error("put_events", code, "a customer's words", http_status_code=status)
    with pytest.raises(kind) as raised:
        EventBridgeSignalPublisher(client, BUS).publish(a_signal())

    assert "outbox" in str(raised.value)
    assert "customer" not in str(raised.value)


@without_an_answer
def test_an_answer_that_never_came_is_transient_and_missing_credentials_are_not(
    stubbed: tuple[EventBridgeClient, Stubber], error: Exception, kind: type[Exception]
) -> None:
    """Errors of the line pass; those of the set-up stay."""
    client, _ = stubbed
    break_the_line(client, "events.PutEvents", error)
    with pytest.raises(kind, match=type(error).__name__):
        EventBridgeSignalPublisher(client, BUS).publish(a_signal())
