"""The reconciler's function: each kind of event does its own work, and what nobody can read is put away."""

import hashlib
import json
from typing import Any

import pytest

from domain.model.errors import TransientError
from domain.model.execution_status import ExecutionStatus
from domain.model.notice import NoticeKind
from domain.model.outcome import OutcomeStatus
from handlers.reconcile import _call
from handlers.runtime import worker_handler
from ports.steps.contract import Worker
from tests.builders import EXECUTION_ARN, OTHER_EXECUTION_ARN, a_ref, a_settlement
from tests.support.faulty import Killed
from tests.support.stage import Context, Stage
from tests.workflow.scenarios import outcome_store_down

SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


def invoked(stage: Stage, event: object) -> dict[str, Any]:
    """Invoke the function on a stage's stores."""
    return worker_handler(Worker.RECONCILER, _call, container=stage.worker_container)(event, Context(60_000))


def a_status_change(status: str) -> dict[str, object]:
    """The news that the sample execution ended."""
    detail = {"executionArn": EXECUTION_ARN, "status": status, "input": json.dumps(a_ref().model_dump())}
    return {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}


def a_crashed_stage() -> Stage:
    """A stage whose recorder never answered: the action is done, nothing is recorded."""
    stage = Stage()
    outcome_store_down(stage)
    stage.executions.set_status(EXECUTION_ARN, ExecutionStatus.FAILED)
    return stage


def test_the_end_of_an_execution_settles_its_intent() -> None:
    """Moments after it failed, not with the next sweep."""
    stage = a_crashed_stage()
    assert invoked(stage, a_status_change("FAILED")) == {"reconciled": "SETTLED"}
    outcome = stage.journal.find_outcome(a_ref())
    assert outcome is not None
    assert outcome.status is OutcomeStatus.SUCCEEDED


def test_the_schedule_finds_what_events_did_not_tell() -> None:
    """A lost event costs minutes and nothing else."""
    stage = a_crashed_stage()
    stage.clock.advance(121)
    assert invoked(stage, SCHEDULED) == {"swept": {"SETTLED": 1}}
    assert invoked(stage, SCHEDULED) == {"swept": {}}


def test_a_spooled_state_is_settled_and_twice_is_harmless() -> None:
    """The spool's message is the state, as text."""
    stage = a_crashed_stage()
    event = {"spooled": json.dumps(stage.spooled[0])}
    for _ in range(2):
        settled = invoked(stage, event)["settled"]
        assert (settled["recorded"], settled["status"]) == (True, "SUCCEEDED")
    assert len(stage.publisher.published) == 1


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "text",
        {},
        {"spooled": "nonsense"},
        {"spooled": json.dumps({"execution_arn": EXECUTION_ARN})},
        {"source": "somebody.else"},
    ],
)
def test_what_nobody_can_read_goes_to_quarantine_and_is_not_tried_again(event: object) -> None:
    """The answer is a success, so that nobody retries; the notice has hash and reason and no content."""
    stage = Stage()
    answer = invoked(stage, event)
    (notice,) = stage.inbox.notices
    assert (notice.kind, notice.content_sha256) == (NoticeKind.QUARANTINE, answer["quarantined"])
    assert notice.reason == answer["reason"]
    assert stage.journal.find_attempt(a_ref()) is None


def test_a_spooled_state_of_a_stranger_goes_to_quarantine() -> None:
    """A state that does not own its intent can never be recorded, however often it is tried."""
    stage = a_crashed_stage()
    forged = {**stage.spooled[0], "execution_arn": OTHER_EXECUTION_ARN}
    assert "quarantined" in invoked(stage, {"spooled": json.dumps(forged)})
    assert stage.journal.find_outcome(a_ref()) is None


def test_a_strangers_state_that_cannot_be_written_as_text_is_put_away_by_its_messages_hash() -> None:
    """Half a surrogate pair is JSON, and no UTF-8; the hash is the message's, so that its sender finds it."""
    stage = a_crashed_stage()
    approval = {**a_ref().model_dump(), "note": "\ud800"}
    body = json.dumps({**stage.spooled[0], "execution_arn": OTHER_EXECUTION_ARN, "approval": approval})
    assert invoked(stage, {"spooled": body})["quarantined"] == hashlib.sha256(body.encode()).hexdigest()
    assert len(stage.inbox.notices) == 1


def test_a_spooled_success_against_a_recorded_failure_is_not_thrown_away() -> None:
    """A person said that nothing exists, and the tool's answer says that it does: somebody has to look again."""
    stage = a_crashed_stage()
    standing = stage.journal.find_attempt(a_ref())
    assert standing is not None
    following, entry, outcome, signal = a_settlement(standing, status=OutcomeStatus.FAILED)
    stage.journal.settle(standing, following, entry, outcome, signal)
    assert "quarantined" in invoked(stage, {"spooled": json.dumps(stage.spooled[0])})
    (notice,) = stage.inbox.notices
    assert "one of the two is wrong" in notice.reason
    assert stage.journal.find_outcome(a_ref()) == outcome


def test_an_event_of_a_poisoned_execution_has_nothing_to_finish() -> None:
    """Its own failure put it into quarantine."""
    stage = Stage()
    event = a_status_change("FAILED")
    event["detail"] = {"executionArn": EXECUTION_ARN, "status": "FAILED", "input": "nonsense"}
    assert invoked(stage, event) == {"reconciled": "UNCLAIMED"}
    assert stage.inbox.notices == ()


def test_a_store_that_is_down_fails_the_invocation_so_that_it_is_tried_again() -> None:
    """EventBridge tries again and then keeps the event on the function's dead-letter queue."""
    stage = a_crashed_stage()
    stage.worker_port("journal").fail("find_attempt", TransientError("down"))
    with pytest.raises(TransientError):
        invoked(stage, a_status_change("FAILED"))
    assert invoked(stage, a_status_change("FAILED")) == {"reconciled": "SETTLED"}


@pytest.mark.parametrize(
    "method", ["find_attempt", "advance", "settle", "find_outcome", "find_signal", "mark_published"]
)
def test_the_function_can_die_anywhere_and_the_next_run_finishes(method: str) -> None:
    """Killed at any store call, it leaves a record that the next event takes up."""
    stage = a_crashed_stage()
    stage.worker_port("journal").fail(method, Killed())
    with pytest.raises(Killed):
        invoked(stage, a_status_change("FAILED"))
    assert invoked(stage, a_status_change("FAILED")) == {"reconciled": "SETTLED"}
    assert len({signal.signal_id for signal in stage.publisher.published}) == 1
