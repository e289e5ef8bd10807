"""A signal says what its outcome says, once per intent and kind of news."""

import pytest

from domain.model.ledger import LedgerEventType
from domain.model.outcome import OutcomeStatus
from domain.model.signal import Signal, SignalType, outcome_facts
from tests.builders import a_signal, an_object_ref, an_outcome, later


@pytest.mark.parametrize(
    "status, news",
    [
        (OutcomeStatus.SUCCEEDED, "ACTION_EXECUTED"),
        (OutcomeStatus.FAILED, "ACTION_FAILED"),
        (OutcomeStatus.CANCELLED, "ACTION_CANCELLED"),
        (OutcomeStatus.UNKNOWN, "ACTION_UNKNOWN"),
    ],
)
def test_each_outcome_has_its_own_news(status: OutcomeStatus, news: str) -> None:
    """Consumers and the ledger hear the same word for the same end (R53, R54)."""
    signal_type = SignalType.of(status)
    assert signal_type is SignalType(news)
    assert signal_type.ledger_event is LedgerEventType(news)


def test_a_signal_carries_the_facts_of_its_outcome() -> None:
    """Status, refs, error, count and compensation come from the outcome and cannot differ from the ledger's (D57)."""
    outcome = an_outcome(attempt_count=3)
    signal = Signal.of(outcome, now=later(4))
    assert signal.data == outcome_facts(outcome)
    assert signal.data == {
        "action_intent_id": "intent-1",
        "status": "SUCCEEDED",
        "external_object_refs": [an_object_ref().model_dump(mode="json")],
        "error_code": None,
        "error_class": None,
        "attempt_count": 3,
        "compensation_status": "NOT_NEEDED",
    }
    assert (signal.ref, signal.trace_id, signal.published_at) == (outcome.ref, outcome.trace_id, None)


def test_a_failures_facts_hold_code_and_class_but_no_free_text() -> None:
    """What a tool said stays in the outcome; it is not sent around (D84)."""
    facts = outcome_facts(an_outcome(status=OutcomeStatus.UNKNOWN, error_message="the tool said something private"))
    assert (facts["error_code"], facts["error_class"]) == ("DOWNSTREAM_ERROR", "DOWNSTREAM")
    assert "private" not in str(facts)


def test_the_same_news_has_the_same_id_however_often_it_is_told() -> None:
    """Consumers dedupe by it; the moment of telling is no part of it."""
    assert Signal.of(an_outcome(), now=later(4)).signal_id == Signal.of(an_outcome(), now=later(400)).signal_id


@pytest.mark.parametrize(
    "change",
    [{"tenant_id": "tenant-2"}, {"account_id": "account-2"}, {"action_intent_id": "intent-2"}],
    ids=lambda change: next(iter(change)),
)
def test_another_intents_news_has_another_id(change: dict[str, object]) -> None:
    """Two tenants with the same intent id are two pieces of news."""
    assert Signal.of(an_outcome(**change), now=later(4)).signal_id != a_signal().signal_id


def test_a_resolution_is_other_news_than_the_doubt_before_it() -> None:
    """A consumer that has seen UNKNOWN must not take the resolution for a repeat."""
    doubt = Signal.of(an_outcome(status=OutcomeStatus.UNKNOWN), now=later(4))
    assert doubt.signal_id != a_signal().signal_id
