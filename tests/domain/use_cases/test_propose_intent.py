"""ProposeIntent stores what is proposed, until an execution has begun with it."""

import pytest

from adapters.memory.execution_journal import MemoryExecutionJournal
from adapters.memory.intent_store import MemoryIntentStore
from adapters.memory.kill_switches import MemoryKillSwitches
from domain.model.errors import PermanentError
from domain.use_cases.propose_intent import ProposeIntent
from tests.builders import a_claim, an_approved_intent, an_intent, later


def _propose() -> ProposeIntent:
    return ProposeIntent(MemoryIntentStore(), MemoryExecutionJournal(MemoryKillSwitches()))


def _executed() -> ProposeIntent:
    propose = _propose()
    approved = an_approved_intent()
    propose.intents.put(approved)
    propose.journal.claim(*a_claim(approved))
    return propose


def test_a_proposal_may_be_corrected_until_it_is_executed() -> None:
    """What was stored before is replaced."""
    propose = _propose()
    assert propose(an_intent())
    assert propose(an_intent(parameters={"title": "Another"}))
    assert propose.intents.find(an_intent().ref) == an_intent(parameters={"title": "Another"})


@pytest.mark.parametrize("changes", [{}, {"created_at": later()}])
def test_what_was_executed_may_be_proposed_again_unchanged(changes: dict[str, object]) -> None:
    """Nothing is written: the approval it ran with stays."""
    propose = _executed()
    assert not propose(an_intent(**changes))
    assert propose.intents.find(an_intent().ref) == an_approved_intent()


def test_another_content_never_replaces_what_was_executed() -> None:
    """The record would show something that nobody approved."""
    propose = _executed()
    with pytest.raises(PermanentError, match="new action_intent_id"):
        propose(an_intent(parameters={"title": "Another"}))
    assert propose.intents.find(an_intent().ref) == an_approved_intent()


def test_an_end_that_is_counted_from_now_is_no_other_content() -> None:
    """The same file gives another end each time; an end that is written down is meant."""
    moved = an_intent(expires_at_epoch=an_intent().expires_at_epoch + 60)
    assert not _executed()(moved, expiry_is_content=False)
    with pytest.raises(PermanentError):
        _executed()(moved)


def test_an_executed_intent_that_somebody_deleted_is_not_put_back() -> None:
    """Whatever would be stored, nobody could tell whether it is what ran."""
    propose = _propose()
    propose.journal.claim(*a_claim())
    with pytest.raises(PermanentError):
        propose(an_intent())
