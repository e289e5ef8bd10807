"""ValidatePreflight stops what is not exactly what was approved, what is too late, and what is switched off."""

import pytest

from domain.model.errors import (
    ApprovalMismatch,
    ExecutionHalted,
    IntentExpired,
    IntentNotApproved,
    IntentNotFound,
    TransientError,
)
from domain.model.intent import IntentStatus
from domain.model.kill_switch import KillSwitch, SwitchScope
from domain.model.outcome import OutcomeStatus
from tests.builders import an_approved_intent
from tests.domain.use_cases.world import FAIL, PREFLIGHT, START, World, after

SCOPES = SwitchScope.before_mapping(tenant_id="tenant-1", action_type="CREATE_CRM_TASK", action_intent_id="intent-1")


def test_an_approved_action_passes_with_its_approval_on_record() -> None:
    """The section says which rules passed and who approved (D56)."""
    world = World()
    preflight = world.run(world.a_state(), START, PREFLIGHT).preflight
    assert preflight is not None
    assert preflight.approved_by == "approver-1"
    assert preflight.rules_passed == ("approval_present", "digest_matches", "approval_unexpired", "switches_allow")


def test_parameters_changed_after_the_claim_are_refused() -> None:
    """Whoever edits the stored intent changes nothing but its fate."""
    world = World()
    state = world.run(world.a_state(), START)
    tampered = an_approved_intent(world.mapping).model_copy(update={"parameters": {"title": "Wire the money"}})
    world.intents.put(tampered)
    with pytest.raises(ApprovalMismatch) as caught:
        world.run(state, PREFLIGHT)
    assert "has changed since approver-1 approved it" in caught.value.message


def test_parameters_changed_before_the_claim_are_refused() -> None:
    """The digest in the approval is compared, not only the one in the claim; the outcome is FAILED, nothing sent."""
    tampered = an_approved_intent().model_copy(update={"parameters": {"title": "Wire the money"}})
    world = World(intent=tampered)
    state = world.run(world.a_state(), START)
    with pytest.raises(ApprovalMismatch) as caught:
        world.run(state, PREFLIGHT)
    world.run(after(state, caught.value), FAIL)
    assert (world.outcome().status, world.outcome().error_code) == (OutcomeStatus.FAILED, "APPROVAL_MISMATCH")
    assert world.tools.sends == []


def test_an_intent_approved_anew_with_other_content_needs_a_new_id() -> None:
    """A valid approval of something else does not continue this execution."""
    world = World()
    state = world.run(world.a_state(), START)
    world.intents.put(an_approved_intent(world.mapping, parameters={"title": "Something else"}))
    with pytest.raises(ApprovalMismatch, match="approved anew with another content") as caught:
        world.run(state, PREFLIGHT)
    assert "new intent id" in caught.value.message


def test_a_revoked_intent_is_stopped_after_its_claim() -> None:
    """Revoking takes the permission away up to the last check."""
    world = World()
    state = world.run(world.a_state(), START)
    world.intents.put(an_approved_intent(world.mapping).model_copy(update={"status": IntentStatus.REVOKED}))
    with pytest.raises(IntentNotApproved) as caught:
        world.run(state, PREFLIGHT)
    assert "REVOKED" in caught.value.message


def test_an_intent_deleted_after_its_claim_is_reported_missing() -> None:
    """The message says that it existed when it was claimed (R61)."""
    world = World()
    state = world.run(world.a_state(), START)
    emptied = World()
    emptied.intents = World(intent=an_approved_intent(account_id="account-2")).intents
    with pytest.raises(IntentNotFound, match="ActionIntent not found: intent-1") as caught:
        emptied.run(state, PREFLIGHT)
    assert "deleted it since" in caught.value.message


@pytest.mark.parametrize("seconds, expired", [(3_599, False), (3_600, True), (40 * 86_400, True)])
def test_an_expired_approval_cancels_the_action(seconds: float, *, expired: bool) -> None:
    """From the second it expires, however late the event comes; the outcome is CANCELLED (D83)."""
    world = World()
    state = world.run(world.a_state(), START)
    world.clock.advance(seconds)
    if not expired:
        assert world.run(state, PREFLIGHT).preflight is not None
        return
    with pytest.raises(IntentExpired) as caught:
        world.run(state, PREFLIGHT)
    world.run(after(state, caught.value), FAIL)
    assert (world.outcome().status, world.outcome().error_code) == (OutcomeStatus.CANCELLED, "EXPIRED")


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_each_kill_switch_cancels_the_action(scope: SwitchScope) -> None:
    """Global, tenant, action type or intent: halted means CANCELLED, and nothing was sent (D83)."""
    world = World()
    world.halt(scope)
    state = world.run(world.a_state(), START)
    with pytest.raises(ExecutionHalted, match="kill switch") as caught:
        world.run(state, PREFLIGHT)
    world.run(after(state, caught.value), FAIL)
    assert str(scope) in caught.value.message
    assert world.outcome().status is OutcomeStatus.CANCELLED
    assert world.tools.sends == []


def test_an_empty_switch_table_stops_everything() -> None:
    """A new deployment runs nothing until somebody says so."""
    world = World()
    empty: dict[SwitchScope, KillSwitch] = {}
    vars(world.switchboard)["_switches"] = empty
    state = world.run(world.a_state(), START)
    with pytest.raises(ExecutionHalted) as caught:
        world.run(state, PREFLIGHT)
    assert "has no row, which counts as stopped" in caught.value.message


def test_switches_that_cannot_be_read_let_nothing_pass() -> None:
    """A store that is down is not an answer."""
    world = World()
    state = world.run(world.a_state(), START)
    world.switches.fail("find", TransientError("the store did not answer"))
    with pytest.raises(TransientError) as caught:
        world.run(state, PREFLIGHT)
    assert caught.value.error_code == "TRANSIENT_ERROR"
