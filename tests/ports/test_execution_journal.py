"""The contract of the execution journal, over every adapter: claims, transitions, settlements and the outbox.

What the kill switches do to a dispatch has its own file.
"""

from functools import partial
from typing import TYPE_CHECKING

import pytest

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.errors import OwnershipLost, PermanentError
from domain.model.ledger import first_broken_entry
from domain.model.outcome import OutcomeStatus
from tests.builders import (
    OTHER_EXECUTION_ARN,
    a_claim,
    a_dispatch,
    a_ref,
    a_settlement,
    a_signal,
    a_switch,
    an_approved_intent,
    an_outcome,
    later,
)
from tests.ports.stores import Stores, dynamodb_stores, memory_stores

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from ports.execution_journal import ExecutionJournal

    def _conforms(client: DynamoDBClient) -> tuple[ExecutionJournal, ...]:
        return memory_stores().journal, dynamodb_stores(client).journal


def claimed(stores: Stores) -> Attempt:
    """A stored claim of the sample intent."""
    return stores.journal.claim(*a_claim())


def dispatched(stores: Stores) -> Attempt:
    """A stored claim whose call is recorded as sent."""
    current = claimed(stores)
    following, entry = a_dispatch(current)
    stores.switches.flip(a_switch())
    stores.journal.dispatch(current, following, entry, (a_switch().scope,))
    return following


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
    "stale",
    [
        {"owner": OTHER_EXECUTION_ARN},
        {"fence": 2},
        {"ledger_seq": 7},
        {"ledger_hash": "f" * 64},
    ],
)
def test_a_writer_with_a_stale_record_is_refused(stores: Stores, stale: dict[str, object]) -> None:
    """Another owner, fence, or ledger head than the stored one: nothing is written."""
    current = dispatched(stores)
    before = stores.journal.ledger(current.ref)
    mine = current.model_copy(update=stale)
    following, entry = mine.not_done(code="RATE_LIMIT", detail="429", now=later(2))
    with pytest.raises(OwnershipLost) as refused:
        stores.journal.advance(mine, following, entry)

    assert refused.value.ids == {"action_intent_id": "intent-1", "tenant_id": "tenant-1"}
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
    assert sum(isinstance(answer, OwnershipLost) for answer in answers) == 7
    assert stores.journal.find_attempt(current.ref) == steps[answers.index(None)][0]
    assert first_broken_entry(stores.journal.ledger(current.ref)) is None


def test_settling_records_attempt_ledger_outcome_and_signal_together(stores: Stores) -> None:
    """After it all four say the same."""
    current = dispatched(stores)
    following, entry, outcome, signal = a_settlement(current)
    stores.journal.settle(current, following, entry, outcome, signal)

    assert stores.journal.find_attempt(current.ref) == following
    assert stores.journal.ledger(current.ref)[-1] == entry
    assert stores.journal.find_outcome(current.ref) == outcome
    assert stores.journal.find_signal(current.ref, signal.signal_id) == signal


def test_a_repeated_settlement_changes_nothing(stores: Stores) -> None:
    """Not even the mark that the signal was published in between."""
    current = dispatched(stores)
    settlement = a_settlement(current)
    published = settlement[3].model_copy(update={"published_at": later(9)})
    stores.journal.settle(current, *settlement)
    stores.journal.mark_published(published)
    stores.journal.settle(current, *settlement)

    assert stores.journal.find_signal(current.ref, published.signal_id) == published
    assert len(stores.journal.ledger(current.ref)) == 3


def test_a_stale_settlement_leaves_no_trace_in_any_store(stores: Stores) -> None:
    """The refusal of one write refuses all four."""
    current = dispatched(stores)
    stale = current.model_copy(update={"fence": 2})
    settlement = a_settlement(stale)
    with pytest.raises(OwnershipLost):
        stores.journal.settle(stale, *settlement)

    assert stores.journal.find_attempt(current.ref) == current
    assert len(stores.journal.ledger(current.ref)) == 2
    assert stores.journal.find_outcome(current.ref) is None
    assert stores.journal.find_signal(current.ref, settlement[3].signal_id) is None


@pytest.mark.parametrize("status", [OutcomeStatus.SUCCEEDED, OutcomeStatus.FAILED])
def test_a_settled_outcome_is_never_replaced(stores: Stores, status: OutcomeStatus) -> None:
    """Even a writer whose attempt record is current cannot write a second truth."""
    current = dispatched(stores)
    settled, entry, outcome, signal = a_settlement(current, status=status)
    stores.journal.settle(current, settled, entry, outcome, signal)
    reopened = settled.model_copy(update={"status": AttemptStatus.DISPATCHED})
    with pytest.raises(OwnershipLost):
        stores.journal.settle(settled, *a_settlement(reopened, status=OutcomeStatus.UNKNOWN))

    assert stores.journal.find_outcome(current.ref) == outcome
    assert stores.journal.find_attempt(current.ref) == settled


def test_an_unknown_outcome_gives_way_to_evidence(stores: Stores) -> None:
    """UNKNOWN is the one outcome that a later settlement replaces; both signals stay."""
    current = dispatched(stores)
    unknown, entry, outcome, first_news = a_settlement(current, status=OutcomeStatus.UNKNOWN)
    stores.journal.settle(current, unknown, entry, outcome, first_news)
    resolution = a_settlement(unknown)
    stores.journal.settle(unknown, *resolution)

    assert stores.journal.find_outcome(current.ref) == resolution[2]
    assert stores.journal.find_attempt(current.ref) == resolution[0]
    assert stores.journal.find_signal(current.ref, first_news.signal_id) == first_news
    assert stores.journal.find_signal(current.ref, resolution[3].signal_id) == resolution[3]
    assert first_broken_entry(stores.journal.ledger(current.ref)) is None


def test_outcomes_and_signals_of_another_tenant_do_not_exist(stores: Stores) -> None:
    """The same ids under another tenant or account find nothing."""
    current = dispatched(stores)
    settlement = a_settlement(current)
    stores.journal.settle(current, *settlement)

    for other in (a_ref(tenant_id="tenant-2"), a_ref(account_id="account-2")):
        assert stores.journal.find_outcome(other) is None
        assert stores.journal.find_signal(other, settlement[3].signal_id) is None
        assert stores.journal.ledger(other) == ()


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


def test_the_first_mark_of_publication_stands(stores: Stores) -> None:
    """Publishing again, later, does not rewrite when the news first went out."""
    current = dispatched(stores)
    settlement = a_settlement(current)
    stores.journal.settle(current, *settlement)
    first, second = (settlement[3].model_copy(update={"published_at": later(at)}) for at in (10, 20))
    stores.journal.mark_published(first)
    stores.journal.mark_published(second)

    assert stores.journal.find_signal(current.ref, first.signal_id) == first


def test_a_signal_that_was_never_settled_cannot_be_marked(stores: Stores) -> None:
    """The outbox is filled by settlements only."""
    signal = a_signal(published_at=later(10))
    with pytest.raises(PermanentError) as refused:
        stores.journal.mark_published(signal)

    assert refused.value.ids["signal_id"] == signal.signal_id
    assert stores.journal.find_signal(signal.ref, signal.signal_id) is None


def test_marking_without_a_moment_is_a_defect_of_the_caller(stores: Stores) -> None:
    """A mark that says nothing is refused before any store is asked."""
    with pytest.raises(ValueError, match="published_at is missing"):
        stores.journal.mark_published(a_signal())


def test_every_field_of_an_outcome_survives(stores: Stores) -> None:
    """Compensation of objects, approval and artifact reference included."""
    current = dispatched(stores)
    undone = {"ref": a_signal().data["external_object_refs"], "status": "COMPLETED", "idempotency_key": "a" * 64}
    assert isinstance(undone["ref"], list)
    undone["ref"] = undone["ref"][0]
    settlement = a_settlement(
        current,
        status=OutcomeStatus.FAILED,
        compensation_status="COMPLETED",
        compensation_reason="the tool wrote, then failed",
        compensation_refs=(undone,),
        raw_response_artifact_ref="s3://artifacts/tenant/tenant-1/reply.json",
        approved_by="approver-1",
        approved_at=later(-300),
        idempotency_key="b" * 64,
        tool_run_ref="gateway_invocation_1",
    )
    stores.journal.settle(current, *settlement)

    assert set(settlement[2].model_fields_set) == set(type(an_outcome()).model_fields)
    assert stores.journal.find_outcome(current.ref) == settlement[2]
