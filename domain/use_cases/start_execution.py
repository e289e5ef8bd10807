"""StartExecution: claim the intent, once and for ever."""

import logging
from dataclasses import dataclass

from domain.model.attempt import Attempt
from domain.model.errors import IntentNotApproved, IntentNotFound
from domain.model.intent import action_digest
from domain.policies.decision import require
from domain.policies.ownership import claim_stands
from domain.policies.preflight import approval_present
from ports.clock import Clock
from ports.execution_journal import ExecutionJournal
from ports.intent_store import IntentStore
from ports.steps.state import ExecutionState, StartSection

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StartExecution:
    """Makes this execution the owner of the intent, or ends it.

    Only an approved intent is claimed: a claim is for ever, so claiming for an event without an approval would let
    anybody who can send events burn an intent that is approved later. Entered again, it recognises its own claim and
    returns the same section. Raises ``InvalidEvent``, ``IntentNotFound``, ``IntentNotApproved`` (nothing written),
    ``DuplicateExecution`` (nothing written) and ``ApprovalMismatch``.
    """

    intents: IntentStore
    journal: ExecutionJournal
    clock: Clock

    def __call__(self, state: ExecutionState) -> StartSection:
        """Claim the intent that the event names."""
        ref = state.intent_ref
        intent = self.intents.find(ref)
        if intent is None:
            raise IntentNotFound(
                f"ActionIntent not found: {ref.action_intent_id} (tenant {ref.tenant_id}, account {ref.account_id}); "
                "the three ids must name one stored intent together",
                **ref.model_dump(),
            )
        require(approval_present(intent), ref)
        if intent.approval is None:  # pragma: no cover  the rule above refuses it; this tells the type checker
            raise IntentNotApproved(f"intent {ref} carries no approval", **ref.model_dump())
        wanted, entry = Attempt.claim(
            intent,
            intent.approval,
            owner=state.execution_arn,
            action_digest=action_digest(intent, intent.approval.mapping_hash),
            trace_id=state.trace_id,
            now=self.clock.now(),
        )
        standing = self.journal.claim(wanted, entry)
        require(claim_stands(wanted, standing), ref)
        _log.info("claimed", extra={"action_intent_id": ref.action_intent_id, "trace_id": state.trace_id})
        return StartSection(
            action_type=standing.action_type,
            registry_version=standing.mapping_version,
            action_digest=standing.action_digest,
            trace_id=standing.execution_trace_id,
            decision_trace_id=standing.decision_trace_id,
            fence=standing.fence,
            attempt_count=standing.attempt_count,
            started_at=standing.started_at,
            expires_at_epoch=standing.expires_at_epoch,
        )
