"""Redriving a queue: nothing is deleted before its work is done, and nothing goes round for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from adapters.memory.clock import MemoryClock
from adapters.memory.operator_inbox import MemoryOperatorInbox
from domain.model.errors import ConfigurationError, TransientError
from domain.model.notice import Notice, NoticeKind
from local import redrive as module
from local.redrive import Became, NotNow, Poison, Queue, Redrive, Worked
from ports.reconciler_events import unreadable
from tests.builders import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_sqs import SQSClient


@dataclass
class Worker:
    """Does the work of a message as a test wishes, and remembers which bodies it was given."""

    failing: dict[str, Exception] = field(default_factory=dict)
    bodies: list[str] = field(default_factory=list)

    def __call__(self, body: str) -> Worked:
        """Work, or fail as told."""
        self.bodies.append(body)
        if body in self.failing:
            raise self.failing[body]
        return Worked(Became.RUN, "ran")


@dataclass
class Bench:
    """A real queue in process, a worker, and an inbox that is only memory."""

    client: SQSClient
    url: str
    worker: Worker = field(default_factory=Worker)
    inbox: MemoryOperatorInbox = field(default_factory=MemoryOperatorInbox)

    @property
    def redrive(self) -> Redrive:
        """The redrive of the bench's queue."""
        return Redrive(Queue(self.client, self.url), self.worker, self.inbox, MemoryClock(NOW))

    def put(self, *bodies: str) -> None:
        """Put messages on the queue."""
        for body in bodies:
            self.client.send_message(QueueUrl=self.url, MessageBody=body)

    def waiting(self) -> list[str]:
        """Return the bodies of the messages that anybody could receive now."""
        answer = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return sorted(message["Body"] for message in answer.get("Messages", []))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """An empty queue; nobody waits for an empty one."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0)
    with mock_aws():
        client = boto3.client("sqs", region_name="us-west-2")
        yield Bench(client, client.create_queue(QueueName="letters")["QueueUrl"])


def test_a_message_goes_when_its_work_is_done(bench: Bench) -> None:
    """Each message is worked on once, and its queue is empty afterwards."""
    bench.put("a", "b")
    assert [one.became for one in bench.redrive()] == [Became.RUN, Became.RUN]
    assert sorted(bench.worker.bodies) == ["a", "b"]
    assert bench.waiting() == []


@pytest.mark.parametrize("error", [NotNow("the function timed out"), TransientError("busy"), ConfigurationError("no")])
def test_a_message_whose_work_failed_stays_and_can_be_read_at_once(bench: Bench, error: Exception) -> None:
    """What may pass is tried again by the next redrive, and the line says why it was left."""
    bench.put("a", "b")
    bench.worker.failing["a"] = error
    became = {one.became: one.detail for one in bench.redrive()}
    assert became.keys() == {Became.RUN, Became.LEFT}
    assert became[Became.LEFT] == str(error)
    assert bench.waiting() == ["a"]
    assert bench.inbox.notices == ()


def test_a_message_that_is_left_is_met_once(bench: Bench) -> None:
    """A run that is longer than the messages are out of sight ends, and does not go round."""
    bench.put("a")
    bench.worker.failing["a"] = NotNow("later")
    passes = bench.redrive()
    assert next(passes).became is Became.LEFT
    receipts = bench.client.receive_message(QueueUrl=bench.url, VisibilityTimeout=0).get("Messages", [])
    assert receipts == []
    assert list(passes) == []
    assert bench.worker.bodies == ["a"]


def test_a_message_that_comes_into_sight_again_ends_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is how a queue of many failures, longer than the messages stay out of sight, is gone through once."""
    monkeypatch.setattr(module, "VISIBILITY_SECONDS", 0)
    bench.put("a")
    bench.worker.failing["a"] = NotNow("later")
    assert [one.became for one in bench.redrive()] == [Became.LEFT]


def test_poison_goes_to_the_quarantine_and_not_round(bench: Bench) -> None:
    """The notice has the content's hash and the reason, and nothing of the content."""
    bench.put("secret words")
    bench.worker.failing["secret words"] = Poison("a message that is no JSON")
    (told,) = bench.redrive()
    assert told.became is Became.QUARANTINED
    assert bench.waiting() == []
    (notice,) = bench.inbox.notices
    assert notice.kind is NoticeKind.QUARANTINE
    assert notice.content_sha256 == unreadable("secret words", "").content_sha256
    assert notice.reason == "a message that is no JSON"
    assert "secret" not in notice.model_dump_json() + told.detail


def test_poison_stays_where_no_quarantine_takes_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Removing it unseen would lose it."""

    def refuse(_notice: Notice) -> None:
        raise TransientError("the quarantine queue did not take it")

    monkeypatch.setattr(bench.inbox, "put", refuse)
    bench.put("a")
    bench.worker.failing["a"] = Poison("no JSON")
    assert [one.became for one in bench.redrive()] == [Became.LEFT]
    assert bench.waiting() == ["a"]


def test_a_redrive_that_is_interrupted_between_work_and_delete_does_the_work_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once: the work is harmless to repeat, and a lost message would not be."""
    bench.put("a")
    delete = Queue.delete

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Queue, "delete", crash)
    monkeypatch.setattr(module, "VISIBILITY_SECONDS", 0)
    with pytest.raises(KeyboardInterrupt):
        list(bench.redrive())
    monkeypatch.setattr(Queue, "delete", delete)
    assert [one.became for one in bench.redrive()] == [Became.RUN]
    assert (bench.worker.bodies, bench.waiting()) == (["a", "a"], [])


def test_an_error_that_nobody_expected_leaves_its_message(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours must not cost a message."""
    monkeypatch.setattr(module, "VISIBILITY_SECONDS", 0)
    bench.put("a")
    bench.worker.failing["a"] = RuntimeError("a defect")
    with pytest.raises(RuntimeError):
        list(bench.redrive())
    assert bench.waiting() == ["a"]


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_than_asked_for_is_taken(bench: Bench, most: int) -> None:
    """One can try with a single message first."""
    bench.put("a", "b", "c")
    assert len(list(bench.redrive(most=most))) == most
    assert len(bench.waiting()) == 3 - most


def test_what_became_of_a_message_is_one_line_and_plain_data(bench: Bench) -> None:
    """For people and for scripts."""
    bench.put("a")
    (told,) = bench.redrive()
    assert told.as_json() == {"message_id": told.message_id, "became": "RUN", "detail": "ran"}
    assert told.as_text() == f"RUN          {told.message_id}  ran"
