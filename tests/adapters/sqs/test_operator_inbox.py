"""What is really asked of SQS, and what its failures mean to us."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from adapters.sqs.operator_inbox import SqsOperatorInbox
from domain.model.canonical_json import canonical_json
from domain.model.errors import ConfigurationError, TransientError
from domain.model.notice import Notice, NoticeKind
from tests.ports.test_operator_inbox import a_notice, a_quarantined
from tests.support.broken_lines import break_the_line, without_an_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_sqs import SQSClient

URL = "https://sqs.us-west-2.amazonaws.com/123456789012"
ANY_REQUEST = {"QueueUrl": ANY, "MessageBody": ANY, "MessageAttributes": ANY}


@pytest.fixture
def stubbed() -> Iterator[tuple[SQSClient, Stubber]]:
    """A client that answers what a test tells it to, and nothing else."""
    client = boto3.client("sqs", region_name="us-west-2")
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def an_inbox(client: SQSClient) -> SqsOperatorInbox:
    """An inbox that was given every queue."""
    return SqsOperatorInbox(
        client,
        compensation_queue_url=f"{URL}/compensation-tasks",
        attention_queue_url=f"{URL}/attention",
        quarantine_queue_url=f"{URL}/quarantine",
    )


@pytest.mark.parametrize(
    "kind, queue",
    [
        (NoticeKind.COMPENSATION, "compensation-tasks"),
        (NoticeKind.ATTENTION, "attention"),
        (NoticeKind.QUARANTINE, "quarantine"),
    ],
)
def test_a_message_is_the_notice_and_can_be_told_apart_without_reading_it(
    stubbed: tuple[SQSClient, Stubber], kind: NoticeKind, queue: str
) -> None:
    """Canonical JSON in the body; id and kind are attributes too."""
    client, stubber = stubbed
    notice = a_notice(kind)
    stubber.add_response(
        "send_message",
        {"MessageId": "1"},
        {
            "QueueUrl": f"{URL}/{queue}",
            "MessageBody": canonical_json(notice.model_dump(mode="json")),
            "MessageAttributes": {
                "notice_id": {"DataType": "String", "StringValue": notice.notice_id},
                "kind": {"DataType": "String", "StringValue": kind.value},
            },
        },
    )
    an_inbox(client).put(notice)


def test_text_that_a_message_cannot_hold_is_escaped_and_reads_the_same(stubbed: tuple[SQSClient, Stubber]) -> None:
    """Else the service would refuse the notice, or replace the characters, and nobody would be told."""
    client, stubber = stubbed
    bodies: list[str] = []
    client.meta.events.register(
        "provide-client-params.sqs.SendMessage", lambda params, **_: bodies.append(params["MessageBody"])
    )
    stubber.add_response("send_message", {"MessageId": "1"}, ANY_REQUEST)
    notice = a_notice().model_copy(update={"reason": "\ufffe and \uffff, \x00 and \x1f, \\uffff and 😀"})
    an_inbox(client).put(notice)

    (body,) = bodies
    assert Notice.model_validate_json(body) == notice
    assert [character for character in body if character < " " or character in "\ufffe\uffff"] == []
    assert "😀" in body


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_queue_that_was_not_given_is_named(stubbed: tuple[SQSClient, Stubber], kind: NoticeKind) -> None:
    """A function that has no grant for it fails with the queue's name, before any request."""
    inbox = SqsOperatorInbox(
        stubbed[0], compensation_queue_url=None, attention_queue_url=None, quarantine_queue_url=None
    )
    with pytest.raises(ConfigurationError) as refused:
        inbox.put(a_notice(kind))

    queue = {"COMPENSATION": "compensation-tasks"}.get(kind.value, kind.value.lower())
    assert f"given no {queue} queue" in str(refused.value)
    assert refused.value.ids["notice_id"] == a_notice(kind).notice_id


@pytest.mark.parametrize(
    "code, status, kind",
    [
        ("RequestThrottled", 403, TransientError),
        ("ThrottlingException", 400, TransientError),
        ("KMS.ThrottlingException", 400, TransientError),
        ("KmsThrottled", 400, TransientError),
        ("InternalError", 500, TransientError),
        ("SomethingNew", 503, TransientError),
        ("AccessDenied", 403, ConfigurationError),
        ("AccessDeniedException", 400, ConfigurationError),
        ("AWS.SimpleQueueService.NonExistentQueue", 400, ConfigurationError),
        ("KMS.AccessDeniedException", 400, ConfigurationError),
        ("InvalidMessageContents", 400, ConfigurationError),
        ("SomethingNew", 400, ConfigurationError),
    ],
)
def test_a_refused_message_is_an_error(
    stubbed: tuple[SQSClient, Stubber], code: str, status: int, kind: type[Exception]
) -> None:
    """Those that pass are told from those that stay; the service's own text is not repeated."""
    client, stubber = stubbed
    stubber.add_client_error("send_message", code, "a customer's words", http_status_code=status)
    with pytest.raises(kind) as raised:
        an_inbox(client).put(a_notice())

    assert f"the attention queue did not take notice {a_notice().notice_id} about intent tenant-1/" in str(raised.value)
    assert code in str(raised.value)
    assert "customer" not in str(raised.value)


def test_a_refused_message_about_no_intent_says_so(stubbed: tuple[SQSClient, Stubber]) -> None:
    """The id alone leads to it."""
    client, stubber = stubbed
    stubber.add_client_error("send_message", "RequestThrottled")
    with pytest.raises(TransientError) as raised:
        an_inbox(client).put(a_quarantined())

    assert "about no intent" in str(raised.value)
    assert raised.value.ids == {"notice_id": a_quarantined().notice_id}


@without_an_answer
def test_an_answer_that_never_came_is_transient_and_missing_credentials_are_not(
    stubbed: tuple[SQSClient, Stubber], error: Exception, kind: type[Exception]
) -> None:
    """Errors of the line pass; those of the set-up stay."""
    client, _ = stubbed
    break_the_line(client, "sqs.SendMessage", error)
    with pytest.raises(kind, match=type(error).__name__):
        an_inbox(client).put(a_notice())


def test_a_queue_that_does_not_exist_is_the_deployments(stubbed: tuple[SQSClient, Stubber]) -> None:
    """Also as a service really says it, and with one request: repeating it would not help."""
    del stubbed
    requests: list[Any] = []
    with mock_aws():
        client = boto3.client("sqs", region_name="us-west-2")
        client.meta.events.register("before-send.sqs.SendMessage", lambda request, **_: requests.append(request))
        with pytest.raises(ConfigurationError, match="NonExistentQueue"):
            an_inbox(client).put(a_notice())

    assert len(requests) == 1
    assert json.loads(requests[0].body)["QueueUrl"] == f"{URL}/attention"
