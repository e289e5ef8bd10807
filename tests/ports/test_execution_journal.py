"""The contract of the execution journal, over every adapter: claims, transitions and the ledger.

Settling, and what the kill switches do to a dispatch, have files of their own.
"""

from functools import partial
from typing import TYPE_CHECKING

import pytest

from domain.model.errors import ActionError, OwnershipLost, TransientError
from domain.model.ledger import first_broken_entry
from tests.builders import (
    OTHER_EXECUTION_ARN,
    a_claim,
    a_dispatch,
    a_ref,
    a_settlement,
    a_signal,
    an_approved_intent,
    later,
)
from tests.ports.stores import Stores, dispatched, dynamodb_stores, memory_stores

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from ports.execution_journal import ExecutionJournal

    def _conforms(client: DynamoDBClient) -> tuple[ExecutionJournal, ...]:
        return memory_stores().journal, dynamodb_stores(client).journal


def test_an_intent_nobody_claimed_has_no_record(stores: Stores) -> None:
    """Absence is an answer in every read."""
    journal = stores.journal

    assert journal.find_attempt(a_ref()) is None
    assert journal.find_outcome(a_ref()) is None
    assert journal.find_signal(a_ref(), a_signal().signal_id) is None
    assert journal.ledger(a_ref()) == ()


def test_a_claim_stands_with_its_ledger_entry(stores: Stores) -> None:
    """The attempt comes back equal, and the ledger says who started what."""
    attempt, entry = a_claim()

    assert stores.journal.claim(attempt, entry) == attempt
    assert stores.journal.find_attempt(attempt.ref) == attempt
    assert stores.journal.ledger(attempt.ref) == (entry,)


def test_a_repeated_claim_finds_itself(stores: Stores) -> None:
    """A starter that never saw the reply claims again and gets its own claim, once."""
    attempt, entry = a_claim()
    stores.journal.claim(attempt, entry)

    assert stores.journal.claim(attempt, entry) == attempt
    assert stores.journal.ledger(attempt.ref) == (entry,)


def test_a_second_execution_gets_the_first_ones_claim(stores: Stores) -> None:
    """Nothing is written for the loser, whose answer names the holder."""
    first, entry = a_claim()
    stores.journal.claim(first, entry)
    standing = stores.journal.claim(*a_claim(owner=OTHER_EXECUTION_ARN, now=later(5)))

    assert standing == first
    assert stores.journal.ledger(first.ref) == (entry,)


def test_a_claim_finds_the_attempt_as_it_stands_now(stores: Stores) -> None:
    """Not as it was claimed: a late duplicate must see how far the execution has come."""
    current = dispatched(stores)

    assert stores.journal.claim(*a_claim()) == current


def test_of_racing_claims_exactly_one_wins(stores: Stores) -> None:
    """All racers are answered with the same claim, and the ledger has one entry."""
    owners = [f"{OTHER_EXECUTION_ARN}-{number}" for number in range(8)]
    answers = stores.race([partial(stores.journal.claim, *a_claim(owner=owner)) for owner in owners])

    winner = stores.journal.find_attempt(a_ref())
    assert winner is not None
    assert answers == [winner] * 8
    assert winner.owner in owners
    assert [entry.data["owner"] for entry in stores.journal.ledger(a_ref())] == [winner.owner]


def test_two_tenants_claim_the_same_intent_id_apart(stores: Stores) -> None:
    """Their attempts and ledgers never meet."""
    ours, theirs = a_claim(), a_claim(an_approved_intent(tenant_id="tenant-2"), owner=OTHER_EXECUTION_ARN)
    stores.journal.claim(*ours)

    assert stores.journal.claim(*theirs) == theirs[0]
    assert stores.journal.find_attempt(ours[0].ref) == ours[0]
    assert stores.journal.ledger(theirs[0].ref) == (theirs[1],)


def test_advancing_replaces_the_attempt_and_extends_the_chain(stores: Stores) -> None:
    """The stored ledger is still one unbroken chain that ends at the attempt's head."""
    current = dispatched(stores)
    following, entry = current.not_done(code="RATE_LIMIT", detail="429", now=later(2))
    stores.journal.advance(current, following, entry)

    ledger = stores.journal.ledger(current.ref)
    assert stores.journal.find_attempt(current.ref) == following
    assert first_broken_entry(ledger) is None
    assert (len(ledger), ledger[-1].entry_hash) == (3, following.ledger_hash)


def test_a_repeated_advance_changes_nothing(stores: Stores) -> None:
    """A writer that never saw the reply finds its own record and goes on."""
    current = dispatched(stores)
    following, entry = current.not_done(code="RATE_LIMIT", detail="429", now=later(2))
    stores.journal.advance(current, following, entry)
    stores.journal.advance(current, following, entry)

    assert stores.journal.find_attempt(current.ref) == following
    assert len(stores.journal.ledger(current.ref)) == 3


def test_an_advance_repeated_after_the_next_one_changes_nothing(stores: Stores) -> None:
    """It is on record, so it succeeded; the later record stands."""
    first = dispatched(stores)
    second = first.not_done(code="RATE_LIMIT", detail="429", now=later(2))
    third = a_dispatch(second[0], now=later(3))
    stores.journal.advance(first, *second)
    stores.journal.advance(second[0], *third)
    stores.journal.advance(first, *second)

    assert stores.journal.find_attempt(first.ref) == third[0]
    assert len(stores.journal.ledger(first.ref)) == 4


@pytest.mark.parametrize(
    "stale, error",
    [
        ({"owner": OTHER_EXECUTION_ARN}, OwnershipLost),
        ({"fence": 2}, OwnershipLost),
        ({"ledger_seq": 7}, TransientError),
        ({"ledger_hash": "f" * 64}, TransientError),
    ],
)
def test_a_writer_with_a_stale_record_is_refused(
    stores: Stores, stale: dict[str, object], error: type[ActionError]
) -> None:
    """Nothing is written: another owner or fence ends the writer, another run of its own execution makes it read."""
    current = dispatched(stores)
    before = stores.journal.ledger(current.ref)
    mine = current.model_copy(update=stale)
    following, entry = mine.not_done(code="RATE_LIMIT", detail="429", now=later(2))
    with pytest.raises(error) as refused:
        stores.journal.advance(mine, following, entry)

    assert type(refused.value) is error
    assert refused.value.ids == a_ref().model_dump()
    assert stores.journal.find_attempt(current.ref) == current
    assert stores.journal.ledger(current.ref) == before


def test_an_attempt_that_does_not_exist_cannot_advance(stores: Stores) -> None:
    """A record that was never claimed is nobody's to move."""
    attempt, _ = a_claim()
    with pytest.raises(OwnershipLost):
        stores.journal.advance(attempt, *a_dispatch(attempt))

    assert stores.journal.find_attempt(attempt.ref) is None
    assert stores.journal.ledger(attempt.ref) == ()


def test_a_raised_fence_locks_out_the_former_writer(stores: Stores) -> None:
    """After a takeover the former holder's next write is refused."""
    current = dispatched(stores)
    taken, entry = current.not_done(code="RATE_LIMIT", detail="429", now=later(2))
    taken = taken.model_copy(update={"fence": current.fence + 1})
    stores.journal.advance(current, taken, entry)
    with pytest.raises(OwnershipLost):
        stores.journal.settle(current, *a_settlement(current))

    assert stores.journal.find_attempt(current.ref) == taken
    assert stores.journal.find_outcome(current.ref) is None


def test_of_racing_transitions_exactly_one_is_made(stores: Stores) -> None:
    """All start from the same record; one is stored, the others are told that they lost."""
    current = dispatched(stores)
    steps = [current.not_done(code="RATE_LIMIT", detail=str(number), now=later(2)) for number in range(8)]
    answers = stores.race([partial(stores.journal.advance, current, *step) for step in steps])

    assert answers.count(None) == 1
    assert sum(isinstance(answer, TransientError) for answer in answers) == 7
    assert stores.journal.find_attempt(current.ref) == steps[answers.index(None)][0]
    assert first_broken_entry(stores.journal.ledger(current.ref)) is None


def test_a_ledger_is_not_mixed_with_that_of_a_longer_intent_id(stores: Stores) -> None:
    """An intent id that begins with another one is another intent."""
    stores.journal.claim(*a_claim())
    longer = a_claim(an_approved_intent(action_intent_id="intent-10"))
    stores.journal.claim(*longer)

    assert [entry.action_intent_id for entry in stores.journal.ledger(a_ref())] == ["intent-1"]


def test_a_ledger_of_many_entries_comes_back_in_order(stores: Stores) -> None:
    """Numbers of one and of two digits sort as numbers."""
    current = dispatched(stores)
    for number in range(10):
        following, entry = current.not_done(code="RATE_LIMIT", detail=str(number), now=later(2 + number))
        stores.journal.advance(current, following, entry)
        current, sent = a_dispatch(following, now=later(2.5 + number))
        stores.journal.advance(following, current, sent)

    ledger = stores.journal.ledger(a_ref())
    assert [entry.seq for entry in ledger] == list(range(1, 23))
    assert first_broken_entry(ledger) is None
