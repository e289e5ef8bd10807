"""What needs a person: everything that is not finished is listed, and nothing that is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from adapters.memory.backlog import MemoryBacklog
from domain.model.attempt import Attempt, AttemptStatus
from domain.model.errors import ConfigurationError, TransientError
from domain.model.outcome import OutcomeStatus
from domain.policies.reconciliation import STALE_SECONDS
from local.attention import Watch
from tests.builders import a_claim, a_ref, a_settlement, later
from tests.domain.use_cases.test_resolve_unknown import resolve, unknown
from tests.domain.use_cases.world import INVOKE, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mypy_boto3_sqs import SQSClient

    from local.stack_info import StackInfo

LONG_AFTER = later(STALE_SECONDS + 60)


@pytest.fixture
def sqs() -> Iterator[SQSClient]:
    """An in-process SQS."""
    with mock_aws():
        yield boto3.client("sqs", region_name="us-west-2")


@pytest.fixture
def stack(info: StackInfo, sqs: SQSClient) -> StackInfo:
    """A described stack with two queues that exist."""
    info.__dict__["clients"] = SimpleNamespace(of=lambda _service: sqs)
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("outcome-spool", "attention")}
    described = info.model_copy(update={"queues": urls})
    described.__dict__["clients"] = info.__dict__["clients"]
    return described


def watch(stack: StackInfo, world: World) -> Watch:
    """A look at a world's records and the stack's queues."""
    return Watch(stack, MemoryBacklog(world.records), world.records)


def test_nothing_open_needs_nobody(stack: StackInfo) -> None:
    """The queues are listed all the same, so that one sees that they were looked at."""
    found = watch(stack, World()).look(LONG_AFTER)
    assert not found.is_needed
    assert found.as_text().splitlines()[:2] == ["nothing is waiting for anybody", "queues"]
    assert [queue.queue for queue in found.queues] == ["attention", "outcome-spool"]


def test_an_unknown_outcome_is_told_with_its_error_and_who_is_at_it(stack: StackInfo) -> None:
    """Whether it is still the reconciler's or already a person's is what one wants to know first."""
    world = unknown()
    (one,) = watch(stack, world).look(LONG_AFTER).unknown
    assert one.intent == str(a_ref())
    assert one.error.startswith(str(world.outcome().error_code))
    assert (one.tries, one.told_at) == (0, None)
    assert "looked into 0 of 16 times, next at the next sweep" in one.as_text()


def test_an_unknown_outcome_says_when_it_is_looked_into_next_and_when_a_person_was_told(stack: StackInfo) -> None:
    """From then on the reconciler leaves it to them."""
    world = unknown()
    tried = _advanced(world, world.attempt(), now=later(60), next_try_at=later(180))
    assert watch(stack, world).look(LONG_AFTER).unknown[0].next_try_at == later(180).isoformat()
    _advanced(world, tried, now=later(90))
    (one,) = watch(stack, world).look(LONG_AFTER).unknown
    assert one.told_at == later(90).isoformat()
    assert "yours since" in one.as_text()


def _advanced(world: World, attempt: Attempt, *, now: datetime, next_try_at: datetime | None = None) -> Attempt:
    following, entry = (
        attempt.tried(detail="nobody answered", next_try_at=next_try_at, now=now)
        if next_try_at
        else attempt.operator_notified(kind="ATTENTION", notice_id="0" * 64, now=now)
    )
    world.records.advance(attempt, following, entry)
    return following


def test_a_resolved_outcome_is_not_listed_any_more(stack: StackInfo) -> None:
    """Its news is, until the bus has it."""
    world = unknown()
    resolve(world)(a_ref(), OutcomeStatus.SUCCEEDED, resolved_by="operator-1", evidence="it is there")
    assert not watch(stack, world).look(LONG_AFTER).is_needed


def test_an_attempt_that_nobody_moves_on_is_listed_once_it_is_stale(stack: StackInfo) -> None:
    """A running execution is not; one that has not been written for two minutes is."""
    world = World()
    world.run(world.ready(), INVOKE)
    assert not watch(stack, world).look(later(STALE_SECONDS - 60)).is_needed
    (one,) = watch(stack, world).look(LONG_AFTER).stale
    assert (one.intent, one.status) == (str(a_ref()), "DISPATCHED")


def test_a_claim_without_a_call_is_listed_too(stack: StackInfo) -> None:
    """Its execution may have died before it did anything."""
    world = World()
    world.ready()
    assert [one.status for one in watch(stack, world).look(LONG_AFTER).stale] == ["CLAIMED"]


def test_news_that_the_bus_has_not_taken_is_listed(stack: StackInfo) -> None:
    """The outcome stands and nobody has heard of it."""
    world, (claimed, entry) = World(), a_claim()
    world.records.claim(claimed, entry)
    world.records.settle(claimed, *a_settlement(claimed, status=OutcomeStatus.CANCELLED))
    assert [one.signal_type for one in watch(stack, world).look(LONG_AFTER).unpublished] == ["ACTION_CANCELLED"]


@pytest.mark.parametrize("being_read", [False, True])
def test_a_message_on_any_queue_needs_somebody(stack: StackInfo, sqs: SQSClient, *, being_read: bool) -> None:
    """Also while somebody is reading it: it is not done yet."""
    sqs.send_message(QueueUrl=stack.queues["outcome-spool"], MessageBody="state")
    if being_read:
        sqs.receive_message(QueueUrl=stack.queues["outcome-spool"])
    found = watch(stack, World()).look(LONG_AFTER)
    assert found.is_needed
    spool = next(queue for queue in found.queues if queue.queue == "outcome-spool")
    assert (spool.waiting, spool.being_read) == ((0, 1) if being_read else (1, 0))


def test_a_store_that_cannot_be_read_is_a_line_of_its_own(stack: StackInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty list would say that all is well."""
    world = unknown()

    def refuse(*_: object, **__: object) -> None:
        raise ConfigurationError("attempts: access is denied")

    monkeypatch.setattr(MemoryBacklog, "unpublished_signals", _refusing)
    monkeypatch.setattr(world.records, "find_outcome", refuse)
    found = watch(stack, world).look(LONG_AFTER)
    assert found.is_needed
    assert found.unknown[0].error == "its outcome cannot be read"
    assert found.unreadable == (
        "CONFIGURATION_ERROR: attempts: access is denied",
        "TRANSIENT_ERROR: signals: throttled",
    )


def _refusing(*_: object, **__: object) -> Iterator[None]:
    yield from ()
    raise TransientError("signals: throttled")


def test_a_hint_of_the_index_that_is_out_of_date_is_not_believed(
    stack: StackInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index follows its table by moments; the journal says what stands."""
    world = unknown()
    stale = world.attempt()
    resolve(world)(a_ref(), OutcomeStatus.SUCCEEDED, resolved_by="operator-1", evidence="it is there")
    monkeypatch.setattr(
        MemoryBacklog,
        "open_attempts",
        lambda _self, status, *, updated_before: iter(
            [stale] if status is AttemptStatus.UNKNOWN and updated_before else []
        ),
    )
    assert watch(stack, world).look(LONG_AFTER).unknown == ()


def test_the_list_is_plain_data_for_scripts(stack: StackInfo) -> None:
    """Every part is there, and the word that the exit code says."""
    plain = watch(stack, unknown()).look(LONG_AFTER).as_json()
    assert list(plain) == ["attention_needed", "unknown", "stale", "unpublished", "queues", "unreadable"]
    assert plain["attention_needed"] is True
