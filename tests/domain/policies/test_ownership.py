"""A claim is recognised by its owner, refused to everybody else, for ever."""

import pytest

from domain.model.attempt import AttemptStatus
from domain.model.errors import ApprovalMismatch, DuplicateExecution
from domain.policies.decision import Allowed, Refused
from domain.policies.ownership import claim_stands
from tests.builders import EXECUTION_ARN, OTHER_EXECUTION_ARN, a_claim, an_approved_intent, later


def test_a_retried_starter_recognises_its_own_claim() -> None:
    """It made the claim a moment earlier and lost the answer (D22)."""
    assert claim_stands(a_claim(now=later(5))[0], a_claim()[0]) == Allowed()


@pytest.mark.parametrize("status", AttemptStatus)
def test_another_execution_is_a_duplicate_whatever_became_of_the_owner(status: AttemptStatus) -> None:
    """Running, settled or in doubt: an intent has one owner, for ever (D21)."""
    standing = a_claim()[0].model_copy(update={"status": status})
    decision = claim_stands(a_claim(owner=OTHER_EXECUTION_ARN)[0], standing)
    assert isinstance(decision, Refused)
    assert decision.error is DuplicateExecution
    assert EXECUTION_ARN in decision.reason
    assert status in decision.reason


@pytest.mark.parametrize("status", AttemptStatus)
def test_the_owner_meets_its_own_claim_in_every_status(status: AttemptStatus) -> None:
    """A redriven execution enters its first step again, wherever its attempt stands by then (D22)."""
    assert claim_stands(a_claim()[0], a_claim()[0].model_copy(update={"status": status})) == Allowed()


def test_an_intent_changed_between_two_tries_is_refused() -> None:
    """The claim is bound to the digest it was made with."""
    changed, _ = a_claim(an_approved_intent(parameters={"title": "Something else"}))
    decision = claim_stands(changed, a_claim()[0])
    assert isinstance(decision, Refused)
    assert decision.error is ApprovalMismatch


def test_a_stranger_with_another_digest_is_a_duplicate_first() -> None:
    """Who does not own the intent learns nothing about its content and ends quietly (D21)."""
    stranger, _ = a_claim(an_approved_intent(parameters={"title": "x"}), owner=OTHER_EXECUTION_ARN)
    decision = claim_stands(stranger, a_claim()[0])
    assert isinstance(decision, Refused)
    assert decision.error is DuplicateExecution
