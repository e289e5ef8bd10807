"""ReconcileExecution: finish what an execution left open, and find out what it left unknown.

It goes through the same doors as an execution: the same dispatch with its kill switches, the same undo, the same
record. What makes it safe beside a step that is still alive is the fence, raised before anything else is written:
whoever held the lower one is refused from then on. It acts on records as they are, so a crash of its own at any
moment leaves an intent that the next run takes up where it stands.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.errors import (
    CLASS_OF_CODE,
    ActionError,
    ApprovalMismatch,
    ErrorClass,
    ErrorCode,
    FailureReport,
    IntentNotApproved,
    IntentNotFound,
    InvalidParameters,
    OwnershipLost,
    PermanentError,
    TransientError,
)
from domain.model.execution_status import ExecutionStatus
from domain.model.idempotency import compensation_key
from domain.model.identifiers import IntentRef
from domain.model.invocation import InvocationStatus
from domain.model.notice import Notice, NoticeKind
from domain.model.outcome import Compensation, Outcome, OutcomeStatus, ResolutionMethod
from domain.model.tool_mapping import ToolMapping, Verifiable
from domain.policies.reconciliation import (
    Remedy,
    after_its_execution,
    notice_kind,
    of_unknown,
    seconds_to_next_try,
)
from domain.policies.settlement import answer_of, settle
from domain.use_cases.approved_action import read_approved_action
from domain.use_cases.recording import Recording
from domain.use_cases.tool_dispatch import ToolDispatch
from domain.use_cases.undoing import Undoing
from ports.clock import Clock
from ports.execution_journal import ExecutionJournal
from ports.executions import Executions
from ports.intent_store import IntentStore
from ports.mapping_registry import MappingRegistry
from ports.operator_inbox import OperatorInbox
from ports.run_ids import RunIds

_log = logging.getLogger(__name__)

RECONCILER: Final = "reconciler"
"""Who takes over and resolves, in ledger and outcome."""


_FOR_GOOD: Final = (IntentNotFound, IntentNotApproved, ApprovalMismatch, InvalidParameters)
"""What no later try can go otherwise after: the approval that would permit it is gone."""


class Reconciled(StrEnum):
    """What one look at an intent came to."""

    UNCLAIMED = "UNCLAIMED"
    """No attempt exists: the event named nothing that was ever begun."""
    AT_WORK = "AT_WORK"
    """Its execution still runs, or a call of it may still be on its way."""
    SETTLED = "SETTLED"
    """An outcome stands, and its signal is published."""
    WAITING = "WAITING"
    """UNKNOWN stands: the next look has its time, or a person has it."""
    NOTIFIED = "NOTIFIED"
    """UNKNOWN stands, and a person was told now."""
    OVERTAKEN = "OVERTAKEN"
    """Somebody else wrote meanwhile; the next look sees what."""


@dataclass(frozen=True)
class ReconcileExecution:
    """Brings one intent as far as evidence and time allow.

    Raises ``TransientError`` where a store cannot be reached; everything that had been written stands, and the same
    look can be taken again.
    """

    intents: IntentStore
    registry: MappingRegistry
    journal: ExecutionJournal
    executions: Executions
    dispatch: ToolDispatch
    undoing: Undoing
    recording: Recording
    inbox: OperatorInbox
    run_ids: RunIds
    clock: Clock

    def __call__(self, ref: IntentRef, *, seconds_left: float) -> Reconciled:
        """Look at the intent once and do what is due."""
        attempt = self.journal.find_attempt(ref)
        if attempt is None:
            return Reconciled.UNCLAIMED
        try:
            return self._reconcile(attempt, seconds_left)
        except OwnershipLost as overtaken:
            _log.info("overtaken: %s", overtaken.message, extra={"action_intent_id": ref.action_intent_id})
            return Reconciled.OVERTAKEN

    def _reconcile(self, attempt: Attempt, seconds_left: float) -> Reconciled:
        if not attempt.is_terminal:
            execution = self.executions.status(attempt.owner)
            remedy = after_its_execution(attempt, execution, self.clock.now())
            if remedy is Remedy.WAIT:
                return Reconciled.AT_WORK
            attempt = self._take_over(attempt, execution.value)
            compensation = self._undone(attempt, seconds_left) if remedy is Remedy.FINISH else None
            attempt = self._reread(attempt)
            self.recording.record(
                attempt, invocation=None, compensation=compensation, failure=_lost(attempt, execution)
            )
            attempt = self._reread(attempt)
        outcome = self.recording.standing_outcome(attempt)
        if attempt.status is not AttemptStatus.UNKNOWN:
            self.recording.publish(outcome)
            return Reconciled.SETTLED
        untold = self._news_untold(outcome)
        found = self._resolve(attempt, outcome, seconds_left)
        if untold is not None:
            raise untold
        return found

    def _news_untold(self, outcome: Outcome) -> ActionError | None:
        """Publish the news that nothing is known, and return what kept it from the bus.

        A bus that is down must not keep anybody from asking the tool while it remembers, nor from telling a person.
        """
        try:
            self.recording.publish(outcome)
        except ActionError as error:
            return error
        return None

    def _take_over(self, attempt: Attempt, execution: str) -> Attempt:
        """Raise the fence; of two runs that do so at once, one finds the record moved and ends here."""
        run, now = self.run_ids.new(), self.clock.now()
        following, entry = attempt.taken_over(by=RECONCILER, run=run, execution_status=execution, now=now)
        self.journal.advance(attempt, following, entry)
        return following

    def _undone(self, attempt: Attempt, seconds_left: float) -> Compensation | None:
        """Undo what the answer names; ``None`` where that could not be finished now.

        No error but a takeover keeps the outcome from being recorded: each next try would only lengthen the ledger.
        """
        reply = attempt.reply
        if reply is None or reply.status is InvocationStatus.SUCCEEDED:
            return None
        try:
            mapping = self.registry.find(attempt.action_type, attempt.mapping_version)
            return self.undoing.undo(attempt, mapping, reply, seconds_left=seconds_left) if mapping else None
        except OwnershipLost:
            raise
        except ActionError as error:
            _log.warning("undo: %s", error.message, extra={"action_intent_id": attempt.action_intent_id})
            return None

    def _reread(self, attempt: Attempt) -> Attempt:
        standing = self.journal.find_attempt(attempt.ref)
        if standing is None or standing.fence != attempt.fence:
            raise OwnershipLost(f"the attempt of {attempt.ref} was taken over from this run of the reconciler")
        return standing

    def _resolve(self, attempt: Attempt, outcome: Outcome, seconds_left: float) -> Reconciled:
        """Try once to make an UNKNOWN outcome known."""
        if self._settled(attempt, outcome, None, ResolutionMethod.ANSWER, "The tool's answer, kept on the attempt."):
            return Reconciled.SETTLED
        mapping = self.registry.find(attempt.action_type, attempt.mapping_version)
        remedy = of_unknown(attempt, mapping, self.clock.now())
        if remedy is Remedy.WAIT:
            return Reconciled.WAITING
        if remedy is Remedy.TELL or mapping is None:
            self._tell(attempt, outcome)
            return Reconciled.NOTIFIED
        attempt = self._take_over(attempt, "RECORDED")
        hopeless = False
        try:
            method, compensation, detail = self._try(attempt, mapping, remedy, seconds_left)
        except (TransientError, PermanentError) as error:
            if isinstance(error, OwnershipLost):
                raise
            method, compensation, detail = ResolutionMethod.ANSWER, None, str(error)
            hopeless = isinstance(error, _FOR_GOOD)
        attempt = self._reread(attempt)
        if attempt.status is not AttemptStatus.UNKNOWN:
            return Reconciled.OVERTAKEN  # a person has resolved it meanwhile
        if self._settled(attempt, outcome, compensation, method, detail):
            return Reconciled.SETTLED
        now = self.clock.now()
        delay = timedelta(seconds=seconds_to_next_try(attempt.resolution_tries + 1))
        following, entry = attempt.tried(detail=detail, next_try_at=now + delay, now=now)
        self.journal.advance(attempt, following, entry)
        if hopeless:
            self._tell(following, outcome)
            return Reconciled.NOTIFIED
        return Reconciled.WAITING

    def _try(
        self, attempt: Attempt, mapping: ToolMapping, remedy: Remedy, seconds_left: float
    ) -> tuple[ResolutionMethod, Compensation | None, str]:
        """Ask, send again or undo, once; what came of it is on the attempt afterwards."""
        effect = mapping.effect_safety
        if remedy is Remedy.ASK and isinstance(effect, Verifiable):
            asked = self.dispatch.ask(attempt, mapping, effect, seconds_left=seconds_left)
            found = asked.verification.found
            if found is None:
                return ResolutionMethod.VERIFIED, None, f"{effect.verify_tool}: {asked.verification.detail}"
            if found:
                self.dispatch.found(attempt, mapping, asked)
            else:
                self.dispatch.absent(attempt, effect)
            said = "the effect exists" if found else "no effect exists"
            return ResolutionMethod.VERIFIED, None, f"{effect.verify_tool} says that {said}."
        if remedy is Remedy.UNDO:
            undone = self.undoing.undo(attempt, mapping, attempt.reply, seconds_left=seconds_left)
            return ResolutionMethod.UNDONE, undone, undone.reason
        action = read_approved_action(self.intents, self.registry, attempt.ref, attempt.action_digest)
        sent = self.dispatch.send(attempt, action, seconds_left=seconds_left)
        said = sent.reply.status.value if sent.reply else sent.verdict.error_message or "no answer"
        return (
            ResolutionMethod.RESENT,
            None,
            f"Sent again under the same key, as send {sent.dispatched.attempt_count}: {said}",
        )

    def _settled(
        self,
        attempt: Attempt,
        outcome: Outcome,
        compensation: Compensation | None,
        method: ResolutionMethod,
        evidence: str,
    ) -> bool:
        """Resolve the outcome if what is on the attempt allows a statement."""
        settlement = settle(attempt, invocation=None, compensation=compensation, failure=_failure_in(outcome))
        if settlement.status is OutcomeStatus.UNKNOWN:
            return False
        invocation = answer_of(attempt, None)
        self.recording.resolve(attempt, settlement, invocation, method, resolved_by=RECONCILER, evidence=evidence)
        return True

    def _tell(self, attempt: Attempt, outcome: Outcome) -> None:
        """Tell a person, then record that they were told: told twice is better than never."""
        kind, now = notice_kind(attempt), self.clock.now()
        advice = (
            "Look at the tool's side for this idempotency key, then resolve the intent with what you saw."
            if kind is NoticeKind.ATTENTION
            else "Undo these objects at the tool's side, then resolve the intent as FAILED with what you did."
        )
        notice = Notice.about_intent(
            kind,
            attempt.ref,
            reason=f"{outcome.error_code}: {outcome.error_message} (compensation {outcome.compensation_status})",
            advice=advice,
            execution_arn=attempt.owner,
            now=now,
            refs=tuple(
                ref
                for ref in outcome.external_object_refs
                if compensation_key(attempt.idempotency_key or "", ref) not in attempt.undone
            ),
        )
        self.inbox.put(notice)
        self.journal.advance(attempt, *attempt.operator_notified(kind=kind.value, notice_id=notice.notice_id, now=now))


def _lost(attempt: Attempt, execution: ExecutionStatus) -> FailureReport:
    code = ErrorCode.EXECUTION_LOST
    return FailureReport(
        error_name=code.value,
        error_code=code,
        error_class=CLASS_OF_CODE[code],
        error_message=(
            f"the execution ended as {execution} without a record; its last word is {attempt.status} "
            f"after {attempt.attempt_count} call(s)"
        ),
    )


def _failure_in(outcome: Outcome) -> FailureReport:
    """Return why the outcome was UNKNOWN: what it is called if it turns out that nothing was done."""
    code = ErrorCode.__members__.get(outcome.error_code or "", ErrorCode.UNKNOWN_ERROR)
    return FailureReport(
        error_name=code.value,
        error_code=code,
        error_class=outcome.error_class or ErrorClass.UNKNOWN,
        error_message=outcome.error_message or "without a message",
    )
