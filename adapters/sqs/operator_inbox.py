"""Notices on SQS queues, one for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.aws.faults import FAILED_CALLS, Fault, fault_of
from domain.model.canonical_json import canonical_json
from domain.model.errors import ActionError, ConfigurationError, TransientError
from domain.model.notice import Notice, NoticeKind

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_TRANSIENT_CODES: Final = frozenset({"KMS.ThrottlingException", "KmsThrottled"})
"""SQS's own spellings of a throttle that is not its own, with and without the name that it keeps for clients of its
former protocol (Amazon SQS API Reference, "SendMessage", errors)."""

_NOT_IN_A_MESSAGE: Final = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}
"""The characters that JSON text may hold and a message may not, escaped as JSON allows (Amazon SQS API Reference,
"SendMessage", ``MessageBody``); canonical JSON leaves no other of them bare."""


class SqsOperatorInbox:
    """Sends one message per notice: its canonical JSON, with id and kind also as attributes for readers that filter.

    Knows only the queues that its function may send to; a notice for another one is a ``ConfigurationError``. Nothing
    is tried again but by the client's own configuration, so a lost answer can mean two messages under one id.
    """

    def __init__(
        self,
        client: SQSClient,
        *,
        compensation_queue_url: str | None,
        attention_queue_url: str | None,
        quarantine_queue_url: str | None,
    ) -> None:
        self._client = client
        self._queues = {
            NoticeKind.COMPENSATION: ("compensation-tasks", compensation_queue_url),
            NoticeKind.ATTENTION: ("attention", attention_queue_url),
            NoticeKind.QUARANTINE: ("quarantine", quarantine_queue_url),
        }

    def put(self, notice: Notice) -> None:
        queue, url = self._queues[notice.kind]
        if url is None:
            raise ConfigurationError(
                f"this function was given no {queue} queue; set the URL in its environment",
                notice_id=notice.notice_id,
            )
        try:
            self._client.send_message(
                QueueUrl=url,
                MessageBody=canonical_json(notice.model_dump(mode="json")).translate(_NOT_IN_A_MESSAGE),
                MessageAttributes={
                    "notice_id": {"DataType": "String", "StringValue": notice.notice_id},
                    "kind": {"DataType": "String", "StringValue": notice.kind.value},
                },
            )
        except FAILED_CALLS as error:
            raise _refused(notice, queue, fault_of(error, also_transient=_TRANSIENT_CODES)) from error


def _refused(notice: Notice, queue: str, fault: Fault) -> ActionError:
    about = f"about intent {notice.ref}" if notice.ref else "about no intent"
    what = f"the {queue} queue did not take notice {notice.notice_id} {about} ({fault.code})"
    tenant_id = notice.ref.tenant_id if notice.ref else None
    if fault.passes:
        return TransientError(f"{what}; it can be put again", notice_id=notice.notice_id, tenant_id=tenant_id)
    return ConfigurationError(
        f"{what}; check that the queue exists in this region and that the function's role may send to it",
        notice_id=notice.notice_id,
        tenant_id=tenant_id,
    )
