"""The contract of the signal publisher, over every adapter: seen by a consumer on the other side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from adapters.eventbridge.signal_publisher import EventBridgeSignalPublisher
from adapters.memory.signal_publisher import MemorySignalPublisher
from domain.model.signal import SignalType
from tests.builders import a_signal

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

    from ports.signal_publisher import SignalPublisher

BUS = "cc-native-test-event-bus"


@dataclass(frozen=True)
class Subject:
    """A publisher, and what a consumer has received: signal type, signal id and data of each."""

    publisher: SignalPublisher
    received: Callable[[], list[tuple[str, str, dict[str, Any]]]]


@pytest.fixture(params=["memory", "eventbridge"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """One adapter after the other."""
    if request.param == "memory":
        publisher = MemorySignalPublisher()
        yield Subject(publisher, lambda: [(s.signal_type.value, s.signal_id, s.data) for s in publisher.published])
        return
    with mock_aws():
        yield an_eventbridge_subject()


def an_eventbridge_subject() -> Subject:
    """A bus whose rule hands every event of ours to a queue."""
    events = boto3.client("events", region_name="us-west-2")
    sqs = boto3.client("sqs", region_name="us-west-2")
    url = sqs.create_queue(QueueName="consumer")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name=BUS)
    events.put_rule(Name="ours", EventBusName=BUS, EventPattern=json.dumps({"source": ["cc-native"]}))
    events.put_targets(Rule="ours", EventBusName=BUS, Targets=[{"Id": "consumer", "Arn": arn}])

    def received() -> list[tuple[str, str, dict[str, Any]]]:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        bodies = [json.loads(message["Body"]) for message in messages]
        return [(body["detail-type"], body["detail"]["signal_id"], body["detail"]["data"]) for body in bodies]

    return Subject(EventBridgeSignalPublisher(events, BUS), received)


@pytest.mark.parametrize("signal_type", SignalType)
def test_a_published_signal_reaches_its_consumer(subject: Subject, signal_type: SignalType) -> None:
    """With its type, its id and its data."""
    signal = a_signal(signal_type=signal_type)
    subject.publisher.publish(signal)

    assert subject.received() == [(signal_type.value, signal.signal_id, signal.data)]


def test_a_signal_published_twice_arrives_twice_under_one_id(subject: Subject) -> None:
    """Delivery is at least once, and the id is what consumers dedupe by."""
    subject.publisher.publish(a_signal())
    subject.publisher.publish(a_signal())

    assert [signal_id for _, signal_id, _ in subject.received()] == [a_signal().signal_id] * 2


if TYPE_CHECKING:

    def _conforms(client: EventBridgeClient) -> tuple[SignalPublisher, ...]:
        return MemorySignalPublisher(), EventBridgeSignalPublisher(client, BUS)
