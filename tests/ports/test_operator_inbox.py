"""The contract of the operator inbox, over every adapter: seen by whoever reads the queue of a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from adapters.memory.operator_inbox import MemoryOperatorInbox
from adapters.sqs.operator_inbox import SqsOperatorInbox
from domain.model.canonical_json import digest
from domain.model.notice import Notice, NoticeKind
from tests.builders import EXECUTION_ARN, NOW, a_ref, an_object_ref, later

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from ports.operator_inbox import OperatorInbox


@dataclass(frozen=True)
class Subject:
    """An inbox, and what readers of a kind's queue have received, oldest first."""

    inbox: OperatorInbox
    received: Callable[[NoticeKind], list[Notice]]


@pytest.fixture(params=["memory", "sqs"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """One adapter after the other."""
    if request.param == "memory":
        yield a_memory_subject()
        return
    with mock_aws():
        yield an_sqs_subject(boto3.client("sqs", region_name="us-west-2"))


def a_memory_subject() -> Subject:
    """The inbox in memory."""
    inbox = MemoryOperatorInbox()
    return Subject(inbox, lambda kind: [notice for notice in inbox.notices if notice.kind is kind])


def an_sqs_subject(client: SQSClient) -> Subject:
    """An inbox over three queues that exist."""
    urls = {kind: client.create_queue(QueueName=kind.value.lower())["QueueUrl"] for kind in NoticeKind}
    inbox = SqsOperatorInbox(
        client,
        compensation_queue_url=urls[NoticeKind.COMPENSATION],
        attention_queue_url=urls[NoticeKind.ATTENTION],
        quarantine_queue_url=urls[NoticeKind.QUARANTINE],
    )

    def received(kind: NoticeKind) -> list[Notice]:
        messages = client.receive_message(QueueUrl=urls[kind], MaxNumberOfMessages=10).get("Messages", [])
        return [Notice.model_validate_json(message["Body"]) for message in messages]

    return Subject(inbox, received)


def a_notice(kind: NoticeKind = NoticeKind.ATTENTION) -> Notice:
    """A notice about the sample intent, with an object and with text that is not ASCII."""
    return Notice.about_intent(
        kind,
        a_ref(),
        reason="the task für Übersee may exist",
        advice="look it up in the CRM",
        execution_arn=EXECUTION_ARN,
        refs=(an_object_ref(),),
        now=NOW,
    )


def a_quarantined() -> Notice:
    """A notice about a message that nobody could read."""
    return Notice.of_quarantined(digest("bad"), reason="no intent id", advice="ask its sender", now=later(0.123))


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_notice_reaches_the_readers_of_its_kind_whole_and_nobody_else(subject: Subject, kind: NoticeKind) -> None:
    """Each kind is another person's work, under another alarm."""
    subject.inbox.put(a_notice(kind))

    assert [(every, subject.received(every)) for every in NoticeKind] == [
        (every, [a_notice(kind)] if every is kind else []) for every in NoticeKind
    ]


def test_a_notice_about_no_intent_arrives_as_well(subject: Subject) -> None:
    """What could not be read names none."""
    subject.inbox.put(a_quarantined())

    assert subject.received(NoticeKind.QUARANTINE) == [a_quarantined()]


def test_a_notice_put_twice_arrives_twice_under_one_id(subject: Subject) -> None:
    """Delivery is at least once, and the id is what readers dedupe by."""
    subject.inbox.put(a_notice())
    subject.inbox.put(a_notice())

    assert [notice.notice_id for notice in subject.received(NoticeKind.ATTENTION)] == [a_notice().notice_id] * 2


if TYPE_CHECKING:

    def _conforms(client: SQSClient) -> tuple[OperatorInbox, ...]:
        return a_memory_subject().inbox, an_sqs_subject(client).inbox
