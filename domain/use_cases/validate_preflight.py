"""ValidatePreflight: everything that must hold before any tool is looked up."""

from dataclasses import dataclass

from domain.model.kill_switch import SwitchScope
from domain.policies.decision import Decision, require
from domain.policies.preflight import approval_unexpired, switches_allow
from domain.use_cases.approved_action import RULES_OF_READING, read_intent
from domain.use_cases.required import section
from ports.clock import Clock
from ports.intent_store import IntentStore
from ports.kill_switches import KillSwitches
from ports.steps.state import ExecutionState, PreflightSection


@dataclass(frozen=True)
class ValidatePreflight:
    """Refuses an action that is not approved, has changed, has expired, or is stopped.

    It only reads, so entering it again is harmless. The switches and the expiry are checked once more, atomically
    with the dispatch; this check gives the earlier and clearer refusal. Raises ``IntentNotApproved``,
    ``ApprovalMismatch``, ``IntentExpired``, ``ExecutionHalted``.
    """

    intents: IntentStore
    switches: KillSwitches
    clock: Clock

    def __call__(self, state: ExecutionState) -> PreflightSection:
        """Apply the rules in order; the first refusal is raised."""
        ref, start = state.intent_ref, section(state.start, "start")
        intent, approval = read_intent(self.intents, ref, start.action_digest)
        now = self.clock.now()
        scopes = SwitchScope.before_mapping(
            tenant_id=ref.tenant_id, action_type=intent.action_type, action_intent_id=ref.action_intent_id
        )
        rules: dict[str, Decision] = {
            "approval_unexpired": approval_unexpired(intent.expires_at_epoch, now),
            "switches_allow": switches_allow(scopes, self.switches.find(scopes)),
        }
        for decision in rules.values():
            require(decision, ref)
        return PreflightSection(
            checked_at=now,
            approved_by=approval.approved_by,
            approved_at=approval.approved_at,
            rules_passed=(*RULES_OF_READING, *rules),
        )
