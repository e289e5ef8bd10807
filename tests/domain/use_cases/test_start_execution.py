"""StartExecution claims what is approved, once and for ever, and burns nothing else."""

import pytest
from pydantic import JsonValue

from domain.model.attempt import AttemptStatus
from domain.model.errors import (
    ApprovalMismatch,
    ConfigurationError,
    IntentNotApproved,
    IntentNotFound,
    InvalidEvent,
    TransientError,
)
from domain.model.intent import ActionIntent, IntentStatus
from tests.builders import OTHER_EXECUTION_ARN, a_mapping, a_ref, an_approved_intent, an_intent
from tests.domain.use_cases.world import PREFLIGHT, START, World
from tests.support.faulty import When


def test_a_claim_says_which_trace_version_and_time_the_rest_runs_with() -> None:
    """What later steps need is in the section: both traces, the version, the start (D11, D55)."""
    world = World()
    start = world.run(world.a_state(), START).start
    attempt = world.attempt()
    assert start is not None
    assert (start.trace_id, start.decision_trace_id) == ("execution-1", "decision-trace-1")
    assert (start.registry_version, start.attempt_count, start.started_at) == ("v1", 0, attempt.started_at)
    assert (attempt.status, attempt.owner) == (AttemptStatus.CLAIMED, world.a_state().execution_arn)


def test_an_unknown_intent_is_named_in_the_error() -> None:
    """R23's words; and the same id under another account is as unknown (R10)."""
    world = World()
    with pytest.raises(IntentNotFound, match="ActionIntent not found: intent-1") as caught:
        world.run(world.a_state(ref=a_ref(account_id="account-2")), START)
    assert caught.value.ids["account_id"] == "account-2"


@pytest.mark.parametrize(
    "intent",
    [
        an_intent(),
        an_intent(status=IntentStatus.REVOKED),
        an_approved_intent().model_copy(update={"status": IntentStatus.PROPOSED}),
        an_approved_intent().model_copy(update={"status": IntentStatus.REVOKED}),
    ],
    ids=["proposed", "revoked", "proposed again", "revoked after its approval"],
)
def test_an_unapproved_intent_is_not_claimed_and_can_be_approved_later(intent: ActionIntent) -> None:
    """An event that anybody may send burns nothing; after the approval the next event claims."""
    world = World(intent=intent)
    empty = world.everything()
    with pytest.raises(IntentNotApproved) as caught:
        world.run(world.a_state(), START)
    assert caught.value.ids == a_ref().model_dump()
    assert world.everything() == empty
    world.intents.put(an_approved_intent(world.mapping))
    assert world.run(world.a_state(owner=OTHER_EXECUTION_ARN), START).start is not None


@pytest.mark.parametrize(
    "approval",
    [
        None,
        "text",
        [],
        {},
        {"tenant_id": "tenant-1", "account_id": "account-1"},
        {"tenant_id": "tenant-1", "account_id": "account-1", "action_intent_id": 7},
        {"tenant_id": "tenant#1", "account_id": "account-1", "action_intent_id": "intent-1"},
        {"tenant_id": "tenant-1\n", "account_id": "account-1", "action_intent_id": "intent-1"},
        {"tenant_id": "tenant-1", "account_id": "../account", "action_intent_id": "intent-1"},
        {"tenant_id": "tenant-1", "account_id": "account-1", "action_intent_id": "a" * 129},
    ],
)
def test_an_event_that_names_no_intent_is_refused_and_nothing_is_read(approval: JsonValue) -> None:
    """Not even a look-up is made with an illegal id, and the id is not repeated in the message."""
    world = World()
    asked = len(world.intents.calls)
    with pytest.raises(InvalidEvent) as caught:
        world.run(world.a_state().model_copy(update={"approval": approval}), START)
    assert len(world.intents.calls) == asked
    assert "tenant#1" not in str(caught.value)


def test_whatever_else_an_event_says_is_ignored() -> None:
    """Nothing in an event is a permission: the stored intent decides."""
    world = World()
    event = {**a_ref().model_dump(), "parameters": {"title": "forged"}, "approved_by": "mallory", "gateway_url": "x"}
    world.run(world.a_state().model_copy(update={"approval": event}), START)
    assert world.attempt().approved_by == "approver-1"


@pytest.mark.parametrize("when", When)
def test_a_starter_that_dies_at_the_claim_recognises_it_on_the_next_try(when: When) -> None:
    """Before the write nothing is claimed; after it the claim is its own (D22)."""
    world = World()
    world.journal.fail("claim", TransientError("the store did not answer"), when=when)
    with pytest.raises(TransientError) as caught:
        world.run(world.a_state(), START)
    world.clock.advance(3)
    assert world.run(world.a_state(), START).start is not None
    assert len(world.records.ledger(a_ref())) == 1
    assert "did not answer" in caught.value.message


def test_an_intent_changed_between_two_tries_is_not_carried_on_with() -> None:
    """The claim is bound to what was approved when it was made."""
    world = World()
    world.run(world.a_state(), START)
    world.intents.put(an_approved_intent(world.mapping, parameters={"title": "Something else"}))
    with pytest.raises(ApprovalMismatch) as caught:
        world.run(world.a_state(), START)
    assert "changed between two tries" in caught.value.message


def test_a_state_without_its_section_is_a_deployment_error() -> None:
    """A machine and functions of two revisions are told apart from a problem of the intent."""
    world = World()
    with pytest.raises(ConfigurationError, match="no section 'start'") as caught:
        world.run(world.a_state(), PREFLIGHT)
    assert "deploy both" in caught.value.message


def test_a_pinned_version_is_the_one_that_runs() -> None:
    """The registry version fixed at approval is used though the parameters' own version exists (R19, D53)."""
    second = a_mapping(version="v2", tool_schema_version="v2")
    world = World(intent=an_approved_intent(second, registry_version="v2"))
    world.registry.publish(second)
    start = world.run(world.a_state(), START).start
    assert start is not None
    assert start.registry_version == "v2"
