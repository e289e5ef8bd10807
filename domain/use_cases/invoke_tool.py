"""InvokeTool: send the action's call exactly once, and say what is then known.

Entered again after any crash, the step reads from the attempt what may have happened and never simply sends again:
``domain.policies.retry`` decides by effect safety. How a call is sent and recorded is ``tool_dispatch``'s matter.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.canonical_json import digest
from domain.model.errors import (
    CLASS_OF_CODE,
    ActionError,
    ApprovalMismatch,
    ConnectorBusy,
    ErrorCode,
    ExecutionHalted,
    ExecutionHeld,
    OwnershipLost,
    PermanentError,
    TransientError,
)
from domain.model.idempotency import tool_run_ref
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.tool_mapping import Verifiable
from domain.policies.capacity import deferral_wait
from domain.policies.classification import Evidence, Verdict
from domain.policies.decision import require
from domain.policies.preflight import switches_allow
from domain.policies.retry import Disposition, Move, after_reply, held_wait, on_entry, token_was_refused
from domain.use_cases.approved_action import ApprovedAction, read_approved_action
from domain.use_cases.map_action_to_tool import key_of
from domain.use_cases.required import section
from domain.use_cases.tool_dispatch import Sent, ToolDispatch, scopes_of
from ports.clock import Clock
from ports.execution_journal import ExecutionJournal
from ports.intent_store import IntentStore
from ports.kill_switches import KillSwitches
from ports.mapping_registry import MappingRegistry
from ports.steps.contract import FINISHING_SECONDS, MACHINE_TIMEOUT_SECONDS
from ports.steps.state import ExecutionState, InvocationSection

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InvokeTool:
    """Carries out the action: at most one call of the tool per run of the function.

    Raises ``TransientError`` where the same step may run again, ``PermanentError`` where the gateway refused for good
    and nothing was done, ``ExecutionHalted`` and ``IntentExpired`` before anything is sent, ``OwnershipLost`` if
    another execution has taken over.
    """

    intents: IntentStore
    registry: MappingRegistry
    journal: ExecutionJournal
    switches: KillSwitches
    dispatch: ToolDispatch
    clock: Clock

    def __call__(self, state: ExecutionState, *, seconds_left: float) -> InvocationSection:
        """Send the call, or answer from what the attempt already knows."""
        ends_at = self.clock.monotonic_seconds() + seconds_left
        attempt = self._own_attempt(state)
        if attempt.reply is not None:
            return _section(attempt.reply)
        action = read_approved_action(self.intents, self.registry, attempt.ref, attempt.action_digest)
        self._prove_unchanged(action, state)
        disposition = self._on_entry(attempt, action, state)
        seconds_left = ends_at - self.clock.monotonic_seconds()
        match disposition.move:
            case Move.VERIFY:
                return self._verify(attempt, action, seconds_left)
            case Move.DEFER:
                return self._waiting(
                    attempt, disposition.wait_seconds, "waiting until the tool can no longer be at work"
                )
            case Move.UNKNOWN:
                return self._unknown(attempt, _doubt_from_before())
            case _:
                return self._send(attempt, action, state, seconds_left)

    def _own_attempt(self, state: ExecutionState) -> Attempt:
        attempt = self.journal.find_attempt(state.intent_ref)
        if attempt is None:
            raise OwnershipLost(f"intent {state.intent_ref} has no attempt any more; somebody has deleted its claim")
        if attempt.is_terminal:
            raise OwnershipLost(f"intent {attempt.ref} is settled as {attempt.status}; nothing may be sent for it")
        return attempt.owned_by(state.execution_arn, state.fence)

    def _prove_unchanged(self, action: ApprovedAction, state: ExecutionState) -> None:
        mapped = section(state.mapping, "mapping")
        if (digest(action.arguments), key_of(action)) != (mapped.arguments_digest, mapped.idempotency_key):
            raise ApprovalMismatch(
                f"the arguments for intent {action.intent.ref} are not those that were mapped a step earlier; "
                "nothing was sent. Look for a deployment in between that maps differently",
                **action.intent.ref.model_dump(),
            )

    def _on_entry(self, attempt: Attempt, action: ApprovedAction, state: ExecutionState) -> Disposition:
        return on_entry(
            action.mapping.effect_safety,
            in_flight=attempt.status is AttemptStatus.DISPATCHED,
            seconds_since_first_send=self._seconds_since(attempt.first_dispatched_at) or 0.0,
            seconds_since_last_send=self._seconds_since(attempt.last_dispatched_at) or 0.0,
            seconds_since_call_ended=self._seconds_since(attempt.call_ended_at),
            seconds_to_end=self._seconds_to_end(state),
        )

    def _seconds_to_end(self, state: ExecutionState) -> float:
        """Return how long waiting can still be followed by a step: well before the machine's own end."""
        last_moment = state.started_at.timestamp() + MACHINE_TIMEOUT_SECONDS - FINISHING_SECONDS
        return last_moment - self.clock.now().timestamp()

    def _seconds_since(self, moment: datetime | None) -> float | None:
        return None if moment is None else (self.clock.now() - moment).total_seconds()

    def _send(
        self, attempt: Attempt, action: ApprovedAction, state: ExecutionState, seconds_left: float
    ) -> InvocationSection:
        try:
            sent = self.dispatch.send(attempt, action, seconds_left=seconds_left)
        except ExecutionHeld as held:
            return self._held(attempt, held, state)
        except ConnectorBusy as busy:
            return self._until_there_is_room(attempt, action, busy, state)
        if sent.reply is not None:
            return _section(sent.reply)
        disposition = self._after_reply(sent, action, state, attempt)
        match disposition.move:
            case Move.UNKNOWN:
                return self._unknown(sent.dispatched, sent.verdict, sent.artifact_ref)
            case Move.DEFER:
                return self._waiting(sent.dispatched, disposition.wait_seconds, sent.verdict.error_message or "")
            case _:
                raise _failure(disposition, sent.verdict, sent.dispatched)

    def _after_reply(self, sent: Sent, action: ApprovedAction, state: ExecutionState, before: Attempt) -> Disposition:
        return after_reply(
            sent.verdict,
            action.mapping.effect_safety,
            seconds_since_first_send=self._seconds_since(sent.dispatched.first_dispatched_at) or 0.0,
            seconds_to_expiry=sent.dispatched.expires_at_epoch - self.clock.now().timestamp(),
            seconds_to_end=self._seconds_to_end(state),
            sends=sent.dispatched.attempt_count,
            token_refused_before=token_was_refused(before.last_failure_code),
        )

    def _held(self, attempt: Attempt, held: ExecutionHeld, state: ExecutionState) -> InvocationSection:
        """Wait for the switch; nothing is written meanwhile, so the attempt says since when."""
        wait = held_wait(
            self._seconds_since(attempt.updated_at) or 0.0,
            seconds_to_expiry=attempt.expires_at_epoch - self.clock.now().timestamp(),
        )
        if wait >= self._seconds_to_end(state):
            raise ExecutionHalted(
                f"{held.message}; the execution ends before the switch was released", **attempt.ref.model_dump()
            ) from held
        return self._waiting(attempt, wait, held.message)

    def _until_there_is_room(
        self, attempt: Attempt, action: ApprovedAction, busy: ConnectorBusy, state: ExecutionState
    ) -> InvocationSection:
        """Wait for the connector, the longer the older the execution is: a send in between must not begin that anew.

        No dispatch asks the switches while it waits, and what is cancelled must not wait for its turn to be.
        """
        scopes = scopes_of(attempt, action.mapping)
        require(switches_allow(scopes, self.switches.find(scopes)), attempt.ref)
        wait = deferral_wait(
            busy.wait_seconds,
            str(attempt.ref),
            seconds_waited=self._seconds_since(state.started_at) or 0.0,
            seconds_to_expiry=attempt.expires_at_epoch - self.clock.now().timestamp(),
        )
        if wait >= self._seconds_to_end(state):
            raise PermanentError(
                f"{busy.message}; the execution ends before there was room",
                error_code=busy.error_code,
                **attempt.ref.model_dump(),
            ) from busy
        _log.info(
            "waiting for the connector",
            extra={"action_intent_id": attempt.action_intent_id, "wait_seconds": wait, "reason": busy.message},
        )
        return self._waiting(attempt, wait, busy.message)

    def _waiting(self, attempt: Attempt, wait_seconds: int, why: str) -> InvocationSection:
        return InvocationSection(
            status=InvocationStatus.DEFERRED,
            error_message=why,
            attempt_count=attempt.attempt_count,
            completed_at=self.clock.now(),
            retry_after_seconds=wait_seconds,
        )

    def _unknown(self, attempt: Attempt, verdict: Verdict, artifact_ref: str | None = None) -> InvocationSection:
        key = attempt.idempotency_key
        return InvocationSection(
            status=InvocationStatus.UNKNOWN,
            tool_run_ref=tool_run_ref(key, attempt.attempt_count) if key else None,
            raw_response_artifact_ref=artifact_ref,
            error_code=verdict.error_code,
            error_class=verdict.error_class,
            error_message=verdict.error_message,
            attempt_count=attempt.attempt_count,
            completed_at=self.clock.now(),
        )

    def _verify(self, attempt: Attempt, action: ApprovedAction, seconds_left: float) -> InvocationSection:
        """Ask whether the effect exists; conclude if it does, send again only where it is proved absent."""
        effect = action.mapping.effect_safety
        if not isinstance(effect, Verifiable):  # pragma: no cover  the policy verifies nothing else
            raise TransientError("only a VERIFIABLE tool can be asked")
        asked = self.dispatch.ask(attempt, action.mapping, effect, seconds_left=seconds_left)
        verification = asked.verification
        if verification.found is None:
            raise TransientError(f"{effect.verify_tool} could not say whether the effect exists: {verification.detail}")
        if verification.found:
            return _section(self.dispatch.found(attempt, action.mapping, asked)[1])
        self.dispatch.absent(attempt, effect)
        raise TransientError(
            f"{effect.verify_tool} proves that no effect exists; the call may be sent again", **attempt.ref.model_dump()
        )


def _section(reply: Invocation) -> InvocationSection:
    return InvocationSection.model_validate(reply.model_dump())


def _failure(disposition: Disposition, verdict: Verdict, attempt: Attempt) -> ActionError:
    """Return the error that tells Step Functions whether to enter the step again."""
    error = TransientError if disposition.move is Move.RETRY else PermanentError
    _log.warning(
        "tool invocation retry" if error is TransientError else "tool invocation given up",
        extra={
            "action_intent_id": attempt.action_intent_id,
            "attempt": attempt.attempt_count,
            "error_code": verdict.error_code,
            "evidence": verdict.evidence,
        },
    )
    return error(verdict.error_message or "", error_code=verdict.error_code, **attempt.ref.model_dump())


def _doubt_from_before() -> Verdict:
    code = ErrorCode.TIMEOUT
    return Verdict(
        Evidence.IN_DOUBT,
        error_code=code,
        error_class=CLASS_OF_CODE[code],
        error_message=(
            "an earlier run of this step may have sent the call and ended without an answer; the tool neither dedupes "
            "nor can be asked any more, so nothing was sent again. Check the tool's side and resolve by hand"
        ),
    )
