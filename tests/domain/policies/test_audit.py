"""The audit finds every edit, gap, move and disagreement, and the ledger alone tells the outcome again."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.ledger import LedgerEntry
from domain.model.outcome import Outcome, OutcomeStatus
from domain.policies.audit import findings, outcome_in
from tests.builders import a_claim, a_dispatch, a_resolution, a_settlement, an_outcome, later

Entries = tuple[LedgerEntry, ...]


def a_history(status: OutcomeStatus = OutcomeStatus.SUCCEEDED) -> tuple[Attempt, Outcome, Entries]:
    """A whole honest record: claimed, sent, and settled."""
    claimed, first = a_claim()
    sent, second = a_dispatch(claimed)
    settled, last, outcome, _ = a_settlement(sent, status=status)
    return settled, outcome, (first, second, last)


@pytest.mark.parametrize("status", [OutcomeStatus.SUCCEEDED, OutcomeStatus.FAILED, OutcomeStatus.UNKNOWN])
def test_an_honest_record_has_no_findings_and_tells_its_outcome(status: OutcomeStatus) -> None:
    """The outcome rebuilt from the ledger equals the one that stands, field by field."""
    attempt, outcome, entries = a_history(status)
    assert findings(attempt, outcome, entries) == ()
    assert outcome_in(entries) == outcome


def test_a_resolution_is_what_the_ledger_tells_last() -> None:
    """Both statements stay in the ledger; the one that cites evidence counts."""
    attempt, _, entries = a_history(OutcomeStatus.UNKNOWN)
    resolved, entry, outcome, _ = a_settlement(attempt)
    assert findings(resolved, outcome, (*entries, entry)) == ()
    told = outcome_in((*entries, entry))
    assert told is not None
    assert told.resolution == a_resolution()


@given(st.data())
def test_no_single_edit_of_an_entry_goes_unseen(data: st.DataObject) -> None:
    """Whatever field of whatever entry is changed, the chain does not hold any more."""
    attempt, outcome, entries = a_history()
    index = data.draw(st.integers(0, len(entries) - 1))
    changes: dict[str, object] = data.draw(
        st.sampled_from(
            [
                {"data": {**entries[index].data, "forged": True}},
                {"trace_id": "forged"},
                {"occurred_at": later(99)},
                {"tenant_id": "forged"},
                {"seq": 77},
                {"previous_hash": "f" * 64},
                {"entry_hash": "f" * 64},
            ]
        )
    )
    forged = list(entries)
    forged[index] = forged[index].model_copy(update=changes)
    assert findings(attempt, outcome, forged) != ()


@given(st.permutations(range(3)))
def test_no_reordering_goes_unseen(order: list[int]) -> None:
    """Only the order in which things happened holds."""
    attempt, outcome, entries = a_history()
    moved = [entries[index] for index in order]
    assert (findings(attempt, outcome, moved) == ()) is (order == [0, 1, 2])


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_no_missing_entry_goes_unseen(missing: int) -> None:
    """The first, one in between, and the last, which the chain alone could not tell."""
    attempt, outcome, entries = a_history()
    assert findings(attempt, outcome, [entry for index, entry in enumerate(entries) if index != missing]) != ()


@pytest.mark.parametrize(
    "tamper, says",
    [
        (lambda _, o, e: (None, o, e), "no attempt exists"),
        (lambda a, _, e: (a, None, e), "an outcome is missing"),
        (lambda a, _, e: (a, an_outcome(status=OutcomeStatus.FAILED), e), "not the one that the ledger states"),
        (lambda a, o, e: (a.model_copy(update={"status": AttemptStatus.FAILED}), o, e), "the attempt is FAILED"),
        (lambda a, o, e: (a.model_copy(update={"attempt_count": 2}), o, e), "knows 1 send(s), the attempt 2"),
        (lambda a, o, e: (a.model_copy(update={"ledger_hash": "f" * 64}), o, e), "does not end at entry 3"),
    ],
)
def test_every_disagreement_is_said_in_a_sentence(
    tamper: Callable[[Attempt, Outcome, Entries], tuple[Attempt | None, Outcome | None, Entries]], says: str
) -> None:
    """Between attempt, outcome and ledger, whichever of them is wrong."""
    assert says in "; ".join(findings(*tamper(*a_history())))


@pytest.mark.parametrize(
    "change",
    [
        {"owner": "arn:aws:states:us-west-2:123456789012:execution:other:1"},
        {"action_digest": "f" * 64},
        {"mapping_version": "v2"},
        {"approved_by": "somebody-else"},
        {"approved_at": later(1)},
        {"account_id": "account-2"},
        {"decision_trace_id": "another"},
        {"started_at": later(-1)},
        {"updated_at": later(99)},
        {"fence": 2},
        {"idempotency_key": "f" * 64},
        {"tool_name": "crm___delete_task"},
        {"first_dispatched_at": later(99)},
        {"last_dispatched_at": None},
        {"undone": ("f" * 64,)},
        {"resolution_tries": 16},
        {"operator_notified_at": later(1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_no_edit_of_what_the_attempt_says_goes_unseen(change: dict[str, object]) -> None:
    """Whoever edits it changes what is undone, asked and told, and under whose approval: the ledger knows better."""
    attempt, outcome, entries = a_history()
    assert any(next(iter(change)) in one for one in findings(attempt.model_copy(update=change), outcome, entries))


def test_an_intent_that_nobody_touched_has_nothing_to_prove() -> None:
    """No attempt, no outcome, no ledger: nothing disagrees."""
    assert findings(None, None, ()) == ()


def test_a_statement_that_is_no_outcome_is_reported_and_not_raised() -> None:
    """A terminal entry with foreign data is a finding like any other."""
    attempt, outcome, entries = a_history()
    forged = (*entries[:2], entries[2].model_copy(update={"data": {"status": "SUCCEEDED"}}))
    assert any("states no outcome" in one for one in findings(attempt, outcome, forged))
