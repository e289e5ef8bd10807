"""Preflight: each rule lets exactly the approved, unchanged, unexpired and unstopped action pass."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model.errors import ApprovalMismatch, ExecutionHalted, IntentExpired, IntentNotApproved
from domain.model.intent import IntentStatus
from domain.model.kill_switch import SwitchKind, SwitchScope, SwitchState
from domain.policies.decision import Allowed, Refused, require
from domain.policies.preflight import (
    approval_present,
    approval_unexpired,
    digest_matches,
    mapping_as_approved,
    switches_allow,
)
from tests.builders import NOW, a_mapping, a_ref, a_switch, an_approval, an_approved_intent

SCOPES = (
    *SwitchScope.before_mapping(tenant_id="tenant-1", action_type="CREATE_CRM_TASK", action_intent_id="intent-1"),
    *SwitchScope.of_tool(tool_name="crm___create_task", connector="crm"),
)
RUNNING = a_switch()


def test_an_approved_intent_passes_the_first_rule() -> None:
    """Status and approval are both there."""
    assert approval_present(an_approved_intent()) == Allowed()


@pytest.mark.parametrize("status", [IntentStatus.PROPOSED, IntentStatus.REVOKED])
def test_an_intent_that_is_not_approved_is_refused_though_it_carries_an_approval(status: IntentStatus) -> None:
    """A revoked intent keeps its old approval, which permits nothing any more."""
    decision = approval_present(an_approved_intent().model_copy(update={"status": status}))
    assert isinstance(decision, Refused)
    assert decision.error is IntentNotApproved
    assert f"is {status}, not APPROVED" in decision.reason


def test_a_status_without_an_approval_is_refused() -> None:
    """A row that somebody set to APPROVED by hand is no approval."""
    forged = an_approved_intent().model_copy(update={"approval": None})
    decisions = approval_present(forged), digest_matches(forged)
    assert all(isinstance(decision, Refused) and decision.error is IntentNotApproved for decision in decisions)


@pytest.mark.parametrize(
    "seconds, allowed", [(-3_600, True), (-1, True), (-0.001, True), (0, False), (0.5, False), (86_400, False)]
)
def test_an_approval_permits_nothing_from_the_second_it_expires(seconds: float, *, allowed: bool) -> None:
    """The edge belongs to the refusal (D83)."""
    decision = approval_unexpired(int(NOW.timestamp()), NOW + timedelta(seconds=seconds))
    assert (decision == Allowed()) is allowed


@given(st.integers(1, 253_402_300_799), st.datetimes(timezones=st.just(NOW.tzinfo)))
def test_expiry_is_decided_for_every_moment(expires_at_epoch: int, now: object) -> None:
    """Total over all times; a refusal says how late it is."""
    decision = approval_unexpired(expires_at_epoch, now)  # type: ignore[arg-type]  # a datetime with NOW's zone
    if isinstance(decision, Refused):
        assert decision.error is IntentExpired
        assert "expired" in decision.reason


def test_an_untouched_intent_matches_its_approval() -> None:
    """Digest and mapping are those that were approved."""
    intent = an_approved_intent()
    assert digest_matches(intent) == mapping_as_approved(intent, a_mapping()) == Allowed()


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"title": "Wire the money", "priority": "high"}},
        {"account_id": "account-2"},
        {"action_type": "DELETE_CRM_TASK"},
        {"registry_version": "v9"},
        {"expires_at_epoch": 1_999_999_999},
    ],
    ids=str,
)
def test_an_intent_changed_after_its_approval_is_refused(change: dict[str, object]) -> None:
    """Whoever changes the stored intent needs a new approval under a new id."""
    decision = digest_matches(an_approved_intent().model_copy(update=change))
    assert isinstance(decision, Refused)
    assert decision.error is ApprovalMismatch
    assert "have the action approved again" in decision.reason


def test_another_mapping_under_the_approved_version_is_refused() -> None:
    """A registry that was tampered with cannot redirect an approved action (D53)."""
    decision = mapping_as_approved(an_approved_intent(), a_mapping(tool_name="crm___delete_everything"))
    assert isinstance(decision, Refused)
    assert decision.error is ApprovalMismatch


def test_an_approval_of_another_mapping_hash_is_refused() -> None:
    """Exchanging the mapping hash inside the approval breaks the digest."""
    intent = an_approved_intent()
    forged = an_approval(intent, a_mapping()).model_copy(update={"mapping_hash": "b" * 64})
    assert isinstance(digest_matches(intent.model_copy(update={"approval": forged})), Refused)


def test_a_missing_global_switch_stops_everything() -> None:
    """An empty table fails closed and says how to go on."""
    decision = switches_allow(SCOPES, ())
    assert isinstance(decision, Refused)
    assert decision.error is ExecutionHalted
    assert "write it as RUNNING" in decision.reason


def test_a_running_global_switch_alone_lets_everything_pass() -> None:
    """The other rows need not exist."""
    assert switches_allow(SCOPES, (RUNNING,)) == Allowed()


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_each_halted_scope_stops_the_action(scope: SwitchScope) -> None:
    """Whatever the scope, the refusal names it, who halted it and why (D83)."""
    halted = a_switch(state=SwitchState.CANCEL).model_copy(update={"scope": scope})
    found = (halted,) if scope.must_exist else (RUNNING, halted)
    decision = switches_allow(SCOPES, found)
    assert isinstance(decision, Refused)
    assert decision.error is ExecutionHalted
    assert all(part in decision.reason for part in (str(scope), "operator-1", "set by a test"))


SUBJECTED = [kind for kind in SwitchKind if kind is not SwitchKind.GLOBAL]


@given(
    st.dictionaries(
        st.sampled_from(SCOPES) | st.builds(SwitchScope, kind=st.sampled_from(SUBJECTED), subject=st.just("other")),
        st.sampled_from(SwitchState),
    )
)
def test_the_switches_are_decided_for_every_combination(states: dict[SwitchScope, SwitchState]) -> None:
    """It passes exactly if a global row exists and no row in scope cancels; a hold is the dispatch's matter."""
    found = [a_switch(state=state).model_copy(update={"scope": scope}) for scope, state in states.items()]
    passes = SCOPES[0] in states and not any(states.get(scope) is SwitchState.CANCEL for scope in SCOPES)
    assert (switches_allow(SCOPES, found) == Allowed()) is passes


def test_a_refusal_raises_its_error_with_the_ids_it_concerns() -> None:
    """A policy returns data; only the use case raises, and the error can be joined with the intent."""
    require(Allowed(), a_ref())
    with pytest.raises(IntentExpired) as caught:
        require(Refused(IntentExpired, "too late"), a_ref())
    assert caught.value.ids == a_ref().model_dump()
