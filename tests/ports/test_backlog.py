"""The contract of the backlog, over every adapter: what is not finished is found, and nothing else."""

from typing import TYPE_CHECKING

import pytest

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.outcome import OutcomeStatus
from domain.model.signal import Signal
from tests.builders import a_claim, a_settlement, an_approved_intent, later
from tests.ports.stores import Stores, dispatched, dynamodb_stores, memory_stores

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from ports.backlog import Backlog

    def _conforms(client: DynamoDBClient) -> tuple[Backlog, ...]:
        return memory_stores().backlog, dynamodb_stores(client).backlog


OPEN = (AttemptStatus.CLAIMED, AttemptStatus.DISPATCHED, AttemptStatus.UNKNOWN)


def claimed(stores: Stores, action_intent_id: str, *, seconds: float = 0, tenant_id: str = "tenant-1") -> Attempt:
    """A stored claim, made that many seconds after the sample moment."""
    intent = an_approved_intent(action_intent_id=action_intent_id, tenant_id=tenant_id)
    return stores.journal.claim(*a_claim(intent, now=later(seconds)))


def settled(stores: Stores, current: Attempt, status: OutcomeStatus) -> tuple[Attempt, Signal]:
    """The attempt and the signal of a stored settlement."""
    settlement = a_settlement(current, status=status)
    stores.journal.settle(current, *settlement)
    return settlement[0], settlement[3]


def brought_to(stores: Stores, status: AttemptStatus) -> Attempt:
    """The stored attempt of the sample intent in a status."""
    if status is AttemptStatus.CLAIMED:
        return stores.journal.claim(*a_claim())
    if status is AttemptStatus.CANCELLED:
        return settled(stores, stores.journal.claim(*a_claim()), OutcomeStatus.CANCELLED)[0]
    current = dispatched(stores)
    return current if status is AttemptStatus.DISPATCHED else settled(stores, current, OutcomeStatus(status.value))[0]


def found(
    stores: Stores, status: AttemptStatus, *, seconds: float = 1_000, newest_first: bool = False
) -> list[Attempt]:
    """The attempts of a status that were last written before that many seconds after the sample moment."""
    return list(stores.backlog.open_attempts(status, updated_before=later(seconds), newest_first=newest_first))


def unpublished(stores: Stores, *, seconds: float = 1_000) -> list[Signal]:
    """The unpublished signals that were created before that many seconds after the sample moment."""
    return list(stores.backlog.unpublished_signals(created_before=later(seconds)))


def test_where_nothing_was_written_nothing_is_found(stores: Stores) -> None:
    """An empty backlog ends at once, in every look."""
    assert [found(stores, status) for status in AttemptStatus] == [[]] * len(AttemptStatus)
    assert unpublished(stores) == []


@pytest.mark.parametrize("status", OPEN)
def test_an_open_attempt_is_found_whole_under_its_status_and_no_other(stores: Stores, status: AttemptStatus) -> None:
    """What the journal keeps, equal in every field; what it was before finds it no more."""
    attempt = brought_to(stores, status)

    assert [(other, found(stores, other)) for other in OPEN] == [
        (other, [attempt] if other is status else []) for other in OPEN
    ]


@pytest.mark.parametrize("status", [AttemptStatus.SUCCEEDED, AttemptStatus.FAILED, AttemptStatus.CANCELLED])
def test_a_settled_attempt_is_nobodys_backlog(stores: Stores, status: AttemptStatus) -> None:
    """Neither under its own status nor under one that it had."""
    brought_to(stores, status)

    assert [found(stores, every) for every in AttemptStatus] == [[]] * len(AttemptStatus)


def test_an_attempt_in_doubt_leaves_the_backlog_when_it_is_settled(stores: Stores) -> None:
    """Nobody works on it again."""
    unknown = brought_to(stores, AttemptStatus.UNKNOWN)
    settled(stores, unknown, OutcomeStatus.SUCCEEDED)

    assert found(stores, AttemptStatus.UNKNOWN) == []


def test_only_what_was_last_written_before_the_moment_is_found(stores: Stores) -> None:
    """To the millisecond: an attempt written at the very moment may still be at work."""
    attempt = claimed(stores, "intent-1", seconds=60)

    assert found(stores, AttemptStatus.CLAIMED, seconds=59) == []
    assert found(stores, AttemptStatus.CLAIMED, seconds=60) == []
    assert found(stores, AttemptStatus.CLAIMED, seconds=60.001) == [attempt]


def test_an_attempt_that_is_written_again_counts_from_then(stores: Stores) -> None:
    """Whatever was done last is what has not moved since."""
    current = dispatched(stores)
    doubted, entry = current.doubted(code="TIMEOUT", detail="no answer", now=later(60))
    stores.journal.advance(current, doubted, entry)

    assert found(stores, AttemptStatus.DISPATCHED, seconds=60) == []
    assert found(stores, AttemptStatus.DISPATCHED, seconds=61) == [doubted]


def test_open_attempts_of_all_tenants_are_found_the_oldest_first(stores: Stores) -> None:
    """Each once, however many there are, and the same intent id under two tenants is two of them."""
    ids = [(f"tenant-{number % 3}", f"intent-{number // 3}") for number in range(30)]
    written = [claimed(stores, intent, tenant_id=tenant, seconds=100 - at) for at, (tenant, intent) in enumerate(ids)]
    attempts = found(stores, AttemptStatus.CLAIMED)

    assert attempts[0] == written[-1]
    assert sorted(attempts, key=lambda attempt: attempt.updated_at, reverse=True) == written


def test_open_attempts_are_found_the_newest_first_on_request(stores: Stores) -> None:
    """The same ones, from the other end."""
    written = [claimed(stores, f"intent-{number}", seconds=number) for number in range(30)]
    attempts = found(stores, AttemptStatus.CLAIMED, newest_first=True)

    assert attempts[0] == written[-1]
    assert sorted(attempts, key=lambda attempt: attempt.updated_at) == written
    assert found(stores, AttemptStatus.CLAIMED, seconds=10, newest_first=True)[0] == written[9]


def test_a_signal_is_found_until_it_is_marked_as_published(stores: Stores) -> None:
    """Whole, and never again after the mark, not even after a repeated one."""
    _, signal = settled(stores, dispatched(stores), OutcomeStatus.SUCCEEDED)
    before = unpublished(stores)
    for seconds in (10, 20):
        stores.journal.mark_published(signal.model_copy(update={"published_at": later(seconds)}))

    assert before == [signal]
    assert unpublished(stores) == []


def test_a_repeated_settlement_brings_no_published_signal_back(stores: Stores) -> None:
    """A step that is run again does not make old news look forgotten."""
    current = dispatched(stores)
    settlement = a_settlement(current)
    stores.journal.settle(current, *settlement)
    stores.journal.mark_published(settlement[3].model_copy(update={"published_at": later(10)}))
    stores.journal.settle(current, *settlement)

    assert unpublished(stores) == []


def test_each_signal_of_an_intent_is_found_by_itself(stores: Stores) -> None:
    """That the doubt was published says nothing about the news that it is resolved."""
    unknown, doubt = settled(stores, dispatched(stores), OutcomeStatus.UNKNOWN)
    _, resolved = settled(stores, unknown, OutcomeStatus.SUCCEEDED)
    both = unpublished(stores)
    stores.journal.mark_published(doubt.model_copy(update={"published_at": later(10)}))

    assert sorted(signal.signal_type for signal in both) == ["ACTION_EXECUTED", "ACTION_UNKNOWN"]
    assert unpublished(stores) == [resolved]


def test_only_signals_created_before_the_moment_are_found(stores: Stores) -> None:
    """A younger one is about to be published by the step that settled it."""
    _, signal = settled(stores, dispatched(stores), OutcomeStatus.SUCCEEDED)

    assert unpublished(stores, seconds=3) == []
    assert unpublished(stores, seconds=3.001) == [signal]


def test_unpublished_signals_of_all_tenants_are_found_the_oldest_first(stores: Stores) -> None:
    """Each once, in whatever order they were written."""
    written = []
    for number in range(12):
        current = claimed(stores, f"intent-{number}", tenant_id=f"tenant-{number % 2}")
        settlement = a_settlement(current, status=OutcomeStatus.CANCELLED, recorded_at=later(100 - number))
        stores.journal.settle(current, *settlement)
        written.append(settlement[3])
    signals = unpublished(stores)

    assert signals[0] == written[-1]
    assert sorted(signals, key=lambda signal: signal.created_at, reverse=True) == written
