"""The contract of settling, over every adapter: outcome, attempt, ledger and outbox agree, and the outcome stands."""

import pytest

from domain.model.attempt import AttemptStatus
from domain.model.errors import OwnershipLost, PermanentError
from domain.model.ledger import first_broken_entry
from domain.model.outcome import OutcomeStatus
from tests.builders import a_ref, a_resolution, a_settlement, a_signal, an_outcome, later
from tests.ports.stores import Stores, dispatched


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


def test_an_unknown_outcome_gives_way_to_nothing_that_cites_no_evidence(stores: Stores) -> None:
    """Whoever holds the current record but no evidence changes nothing in any store."""
    current = dispatched(stores)
    unknown, entry, outcome, news = a_settlement(current, status=OutcomeStatus.UNKNOWN)
    stores.journal.settle(current, unknown, entry, outcome, news)
    with pytest.raises(OwnershipLost):
        stores.journal.settle(unknown, *a_settlement(unknown, resolution=None))

    assert stores.journal.find_outcome(current.ref) == outcome
    assert stores.journal.find_attempt(current.ref) == unknown
    assert len(stores.journal.ledger(current.ref)) == unknown.ledger_seq


def test_outcomes_and_signals_of_another_tenant_do_not_exist(stores: Stores) -> None:
    """The same ids under another tenant or account find nothing."""
    current = dispatched(stores)
    settlement = a_settlement(current)
    stores.journal.settle(current, *settlement)

    for other in (a_ref(tenant_id="tenant-2"), a_ref(account_id="account-2")):
        assert stores.journal.find_outcome(other) is None
        assert stores.journal.find_signal(other, settlement[3].signal_id) is None
        assert stores.journal.ledger(other) == ()


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
        resolution=a_resolution(),
    )
    stores.journal.settle(current, *settlement)

    assert set(settlement[2].model_fields_set) == set(type(an_outcome()).model_fields)
    assert stores.journal.find_outcome(current.ref) == settlement[2]
