"""An outcome makes no false statement: success has no error, failure means that nothing exists."""

import pytest
from pydantic import ValidationError

from domain.model.attempt import TERMINAL
from domain.model.outcome import CompensationStatus, Outcome, OutcomeStatus
from tests.builders import an_outcome

UNDONE = {CompensationStatus.NOT_NEEDED, CompensationStatus.COMPLETED}


def test_a_success_carries_no_error() -> None:
    """A reader who branches on the error code must not see one on a success."""
    with pytest.raises(ValidationError, match="a SUCCEEDED outcome has none") as caught:
        an_outcome(error_code="TIMEOUT")
    assert caught.value.error_count() == 1


@pytest.mark.parametrize("status", [status for status in OutcomeStatus if status is not OutcomeStatus.SUCCEEDED])
def test_whatever_is_no_success_says_why(status: OutcomeStatus) -> None:
    """No failure, cancellation or doubt is recorded without its code."""
    with pytest.raises(ValidationError, match=f"a {status} outcome says why") as caught:
        an_outcome(status=status, error_code=None)
    assert caught.value.error_count() == 1


@pytest.mark.parametrize("compensation", CompensationStatus)
def test_failed_stands_only_where_nothing_exists(compensation: CompensationStatus) -> None:
    """FAILED beside anything that is not undone would claim that nothing exists (D58, D62)."""
    try:
        outcome = an_outcome(status=OutcomeStatus.FAILED, compensation_status=compensation)
    except ValidationError as error:
        assert compensation not in UNDONE
        assert "would claim that nothing exists" in str(error)  # noqa: PT017  the set says which it must be
    else:
        assert compensation in UNDONE
        assert outcome.status is OutcomeStatus.FAILED


@pytest.mark.parametrize("compensation", CompensationStatus)
def test_unknown_may_stand_beside_any_compensation(compensation: CompensationStatus) -> None:
    """Doubt can always be told, whatever was tried to undo."""
    assert an_outcome(status=OutcomeStatus.UNKNOWN, compensation_status=compensation).error_code is not None


def test_every_terminal_status_has_its_outcome() -> None:
    """Attempt and outcome speak of the same four ends."""
    assert {status.attempt_status for status in OutcomeStatus} == TERMINAL


def test_an_outcome_reads_back_from_its_own_json() -> None:
    """Nothing of an outcome is lost in a store that keeps JSON."""
    outcome = an_outcome()
    assert Outcome.model_validate_json(outcome.model_dump_json()) == outcome


@pytest.mark.parametrize(
    "missing",
    [
        "action_intent_id",
        "tenant_id",
        "account_id",
        "status",
        "attempt_count",
        "started_at",
        "completed_at",
        "recorded_at",
        "compensation_status",
        "trace_id",
        "decision_trace_id",
        "action_type",
        "registry_version",
        "action_digest",
        "execution_arn",
    ],
)
def test_what_an_auditor_needs_cannot_be_left_out(missing: str) -> None:
    """Each of these fields is required of every outcome (R17, D56, D59)."""
    content = an_outcome().model_dump()
    del content[missing]
    with pytest.raises(ValidationError) as caught:
        Outcome.model_validate(content)
    assert [error["loc"] for error in caught.value.errors()] == [(missing,)]


@pytest.mark.parametrize("change", [{"attempt_count": -1}, {"tenant_id": "a/b"}, {"invented": 1}], ids=str)
def test_a_malformed_outcome_is_refused(change: dict[str, object]) -> None:
    """Nothing illegal is recorded."""
    with pytest.raises(ValidationError) as caught:
        an_outcome(**change)
    assert caught.value.error_count() == 1
