"""Preflight: is this intent, as it stands now, still exactly what was approved, and may it run?

Each rule is a named, total function over what it needs. The order in which use cases apply them is the order in
which an operator should hear of problems: approval first, then its content, then its time, then the switches.
"""

from collections.abc import Sequence
from datetime import datetime

from domain.model.errors import (
    ApprovalMismatch,
    ExecutionHalted,
    IntentExpired,
    IntentNotApproved,
)
from domain.model.intent import ActionIntent, IntentStatus, action_digest
from domain.model.kill_switch import KillSwitch, SwitchScope, SwitchState
from domain.model.tool_mapping import ToolMapping
from domain.policies.decision import Allowed, Decision, Refused


def approval_present(intent: ActionIntent) -> Decision:
    """An event is no permission: the stored intent must say that it is approved."""
    if intent.status is not IntentStatus.APPROVED or intent.approval is None:
        return Refused(
            IntentNotApproved,
            f"intent {intent.ref} is {intent.status}, not APPROVED; approve it, then send the event again",
        )
    return Allowed()


def approval_unexpired(expires_at_epoch: int, now: datetime) -> Decision:
    """An approval permits nothing from the second it expires."""
    late_seconds = int(now.timestamp()) - expires_at_epoch
    if late_seconds >= 0:
        return Refused(
            IntentExpired,
            f"the approval expired {late_seconds} s ago (expires_at_epoch {expires_at_epoch}); "
            "propose the action again under a new intent id if it is still wanted",
        )
    return Allowed()


def digest_matches(intent: ActionIntent) -> Decision:
    """What would run must be what was approved, to the letter."""
    approval = intent.approval
    if approval is None:
        return Refused(IntentNotApproved, f"intent {intent.ref} carries no approval to compare with")
    found = action_digest(intent, approval.mapping_hash)
    if found != approval.action_digest:
        return Refused(
            ApprovalMismatch,
            f"intent {intent.ref} has changed since {approval.approved_by} approved it: its digest is "
            f"{found[:12]}…, approved was {approval.action_digest[:12]}…; find out who changed it, and have the "
            "action approved again under a new intent id",
        )
    return Allowed()


def mapping_as_approved(intent: ActionIntent, mapping: ToolMapping) -> Decision:
    """The mapping must be the one that was part of the approval, though its version still exists."""
    approved = intent.approval.mapping_hash if intent.approval else None
    if mapping.content_hash != approved:
        return Refused(
            ApprovalMismatch,
            f"mapping {mapping.action_type} version {mapping.version} is not the one approved with intent "
            f"{intent.ref}; a published version never changes, so the registry or the approval was tampered with",
        )
    return Allowed()


def switches_allow(scopes: Sequence[SwitchScope], found: Sequence[KillSwitch]) -> Decision:
    """No switch in scope may cancel the action; a missing global switch cancels.

    A switch that holds is no refusal: the dispatch, which sees the switches at the very moment, makes the action wait.
    """
    standing = {switch.scope: switch for switch in found}
    for scope in scopes:
        switch = standing.get(scope)
        if switch is None and scope.must_exist:
            return Refused(
                ExecutionHalted,
                f"kill switch {scope} has no row, which counts as stopped; write it as RUNNING to go on",
            )
        if switch is not None and switch.state is SwitchState.CANCEL:
            return Refused(
                ExecutionHalted,
                f"kill switch {scope} is {switch.state} since {switch.changed_at.isoformat()} "
                f"by {switch.changed_by} ({switch.reason})",
            )
    return Allowed()
