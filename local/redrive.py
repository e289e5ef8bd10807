"""Redrive: give every message of a queue its work once more, and delete it only when that is done.

Owns the loop over a queue, and what a message of each kind of queue means. Repeating it is harmless, whenever it was
interrupted: a message whose work was done and that could not be deleted is given the same work again, and all of that
work can be done again without a second effect.

A message that nobody can work on is put into the quarantine and removed, so that it is never tried for ever. One that
failed for a reason that may pass stays where it is. SQS's own redrive (``StartMessageMoveTask``) would not do: these
queues are nobody's dead-letter queues in SQS's sense, so it knows no source to move messages back to.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from domain.model.errors import ActionError
from domain.model.notice import Notice
from ports.clock import Clock
from ports.operator_inbox import OperatorInbox
from ports.reconciler_events import unreadable

VISIBILITY_SECONDS: Final = 300
"""How long a message is out of others' sight while it is worked on, in seconds: the longest function's timeout, five
times over, because one message may need more than one run."""

LOOK_SECONDS: Final = 1
"""How long an empty queue is waited on, in seconds. Not zero, because only a long poll asks all of a queue's servers
(Amazon SQS Developer Guide, "Amazon SQS short and long polling")."""

ADVICE: Final = (
    "Find out who sent it, by its hash, and have it sent again in a shape that can be read; it is not tried again."
)


class Became(StrEnum):
    """What became of a message; all but LEFT are removed from their queue."""

    SENT = "SENT"
    """Its approval is on the bus again."""
    RECORDED = "RECORDED"
    """Its execution's outcome is on record."""
    RUN = "RUN"
    """The function it was meant for has run with it."""
    DONE = "DONE"
    """What it asked of a person has been done."""
    QUARANTINED = "QUARANTINED"
    """Nobody can work on it; the quarantine holds its hash and the reason."""
    LEFT = "LEFT"
    """It could not be worked on now, and is where it was."""


@dataclass(frozen=True)
class Worked:
    """What came of one try of a message's work."""

    became: Became
    detail: str


Work = Callable[[str], Worked]
"""Does the work of one message, given its body. Raises ``Poison`` for one that nobody can work on, and ``NotNow`` or an
``ActionError`` where a later try may do."""


class Poison(Exception):
    """A message that no try can ever work on; the message of this error is the reason."""


class NotNow(Exception):
    """A message's work could not be done now; the message of this error says why."""


@dataclass(frozen=True)
class Redriven:
    """What became of one message, for a person to read."""

    message_id: str
    became: Became
    detail: str

    def as_json(self) -> dict[str, str]:
        """Return the line as plain data."""
        return asdict(self)

    def as_text(self) -> str:
        """Return the line."""
        return f"{self.became:<11}  {self.message_id}  {self.detail}"


@dataclass(frozen=True)
class Queue:
    """One queue, read message by message."""

    client: Any  # boto3 makes the client's type at run time
    url: str

    def messages(self, most: int | None) -> Iterator[tuple[str, str, str]]:
        """Yield id, receipt and body of up to ``most`` messages, each once.

        One at a time: a batch's last message would be out of sight for as long as the work of all before it takes.
        """
        seen: set[str] = set()
        while most is None or len(seen) < most:
            answer = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=1,
                VisibilityTimeout=VISIBILITY_SECONDS,
                WaitTimeSeconds=LOOK_SECONDS,
            )
            for message in answer.get("Messages", []):
                if message["MessageId"] in seen:
                    # One that was left has come into sight again: the whole queue has been gone through.
                    return
                seen.add(message["MessageId"])
                yield message["MessageId"], message["ReceiptHandle"], message["Body"]
            if not answer.get("Messages"):
                return

    def delete(self, receipt: str) -> None:
        """Remove a message for good."""
        self.client.delete_message(QueueUrl=self.url, ReceiptHandle=receipt)

    def put_back(self, receipt: str) -> None:
        """Let others see a message at once."""
        self.client.change_message_visibility(QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=0)


@dataclass(frozen=True)
class Redrive:
    """Works through one queue."""

    queue: Queue
    work: Work
    inbox: OperatorInbox
    clock: Clock

    def __call__(self, *, most: int | None = None) -> Iterator[Redriven]:
        """Yield what became of each message, as it happens.

        Messages that are left come into sight again when the iteration ends, however it ends, and not before, so that
        none is met twice.
        """
        left: list[str] = []
        try:
            for message_id, receipt, body in self.queue.messages(most):
                worked = self._worked(body)
                if worked.became is Became.LEFT:
                    left.append(receipt)
                else:
                    self.queue.delete(receipt)
                yield Redriven(message_id, worked.became, worked.detail)
        finally:
            for receipt in left:
                self.queue.put_back(receipt)

    def _worked(self, body: str) -> Worked:
        try:
            return self.work(body)
        except Poison as poison:
            return self._quarantined(body, str(poison))
        except (NotNow, ActionError) as error:
            return Worked(Became.LEFT, str(error))

    def _quarantined(self, body: str, reason: str) -> Worked:
        content_sha256 = unreadable(body, reason).content_sha256
        notice = Notice.of_quarantined(content_sha256, reason=reason, advice=ADVICE, now=self.clock.now())
        try:
            self.inbox.put(notice)
        except ActionError as error:
            return Worked(Became.LEFT, str(error))
        return Worked(Became.QUARANTINED, f"{reason}; sha256 {content_sha256}")
