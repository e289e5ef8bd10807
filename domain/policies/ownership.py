"""Ownership: one execution owns an intent, for ever; a retried starter recognises its own claim."""

from domain.model.attempt import Attempt
from domain.model.errors import ApprovalMismatch, DuplicateExecution, OwnershipLost
from domain.policies.decision import Allowed, Decision, Refused


def claim_stands(wanted: Attempt, standing: Attempt) -> Decision:
    """Judge the attempt that stands after a claim: mine with the same digest, or not mine."""
    if standing.owner != wanted.owner:
        return Refused(
            DuplicateExecution,
            f"intent {wanted.ref} is owned by {standing.owner} since {standing.started_at.isoformat()} "
            f"(status {standing.status}); this execution changes nothing",
        )
    if standing.fence != wanted.fence:
        return Refused(
            OwnershipLost,
            f"intent {wanted.ref} was taken over from this execution (fence {standing.fence}, status "
            f"{standing.status}); it goes on without it",
        )
    if standing.action_digest != wanted.action_digest:
        return Refused(
            ApprovalMismatch,
            f"intent {wanted.ref} changed between two tries of its own execution: claimed was digest "
            f"{standing.action_digest[:12]}…, found is {wanted.action_digest[:12]}…",
        )
    return Allowed()
