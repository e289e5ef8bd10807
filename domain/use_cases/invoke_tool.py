"""InvokeTool: record that a call will be sent, send it exactly once, and say what is then known.

The order is the safety: a dispatch is recorded, atomically with the kill switches, *before* the call; the tool's
answer is recorded *before* anything else is done with it. Entered again after any crash, the step reads from the
attempt what may have happened and never simply sends again: ``domain.policies.retry`` decides by effect safety.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.canonical_json import digest
from domain.model.errors import (
    CLASS_OF_CODE,
    ActionError,
    ApprovalMismatch,
    ConfigurationError,
    ErrorCode,
    OwnershipLost,
    PermanentError,
    TransientError,
)
from domain.model.external_write import ExternalWrite
from domain.model.idempotency import tool_run_ref
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.kill_switch import SwitchScope
from domain.model.tool_call import CallPurpose, ToolCall
from domain.model.tool_mapping import Verifiable
from domain.policies.classification import Evidence, Verdict, classify, classify_verification
from domain.policies.decision import require
from domain.policies.preflight import approval_unexpired
from domain.policies.retry import Disposition, Move, after_reply, on_entry, token_was_refused
from domain.use_cases.approved_action import ApprovedAction, read_approved_action
from domain.use_cases.gateway_exchange import Exchange, GatewayExchange
from domain.use_cases.map_action_to_tool import key_of
from domain.use_cases.required import section
from ports.clock import Clock
from ports.execution_journal import ExecutionJournal
from ports.external_writes import ExternalWrites
from ports.intent_store import IntentStore
from ports.mapping_registry import MappingRegistry
from ports.steps.contract import FINISHING_SECONDS, MACHINE_TIMEOUT_SECONDS
from ports.steps.state import ExecutionState, InvocationSection

_log = logging.getLogger(__name__)

_STATUS = {
    Evidence.SUCCEEDED: InvocationStatus.SUCCEEDED,
    Evidence.REFUSED: InvocationStatus.FAILED,
    Evidence.PARTIAL: InvocationStatus.PARTIAL,
}


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
    external_writes: ExternalWrites
    exchange: GatewayExchange
    clock: Clock

    def __call__(self, state: ExecutionState, *, seconds_left: float) -> InvocationSection:
        """Send the call, or answer from what the attempt already knows."""
        attempt = self._own_attempt(state)
        if attempt.reply is not None:
            return _section(attempt.reply)
        action = read_approved_action(self.intents, self.registry, attempt.ref, section(state.start, "start"))
        self._prove_unchanged(action, state)
        disposition = self._on_entry(attempt, action, state)
        match disposition.move:
            case Move.VERIFY:
                return self._verify(attempt, action, seconds_left)
            case Move.DEFER:
                return self._waiting(attempt, disposition, "waiting until the tool's side can no longer be at work")
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
        return attempt.owned_by(state.execution_arn)

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
        if self.exchange.deadline_seconds(seconds_left) <= 0:
            raise TransientError(f"no time is left to call {action.mapping.tool_name} safely; nothing was sent")
        dispatched, call = self._dispatch(attempt, action)
        try:
            exchange = self.exchange.send(call, seconds_left=seconds_left, scopes=action.mapping.required_scopes)
        except ConfigurationError as error:
            self._take_back(dispatched, error.error_code, error.message)
            raise
        verdict = classify(exchange.reply.outcome, call.tool_name)
        disposition = after_reply(
            verdict,
            action.mapping.effect_safety,
            seconds_since_first_send=self._seconds_since(dispatched.first_dispatched_at) or 0.0,
            seconds_to_expiry=dispatched.expires_at_epoch - self.clock.now().timestamp(),
            seconds_to_end=self._seconds_to_end(state),
            sends=dispatched.attempt_count,
            token_refused_before=token_was_refused(attempt.last_failure_code),
        )
        if verdict.evidence is Evidence.IN_DOUBT:
            self._note_doubt(dispatched, verdict)
        match disposition.move:
            case Move.CONCLUDE:
                return self._conclude(dispatched, call, verdict, exchange)
            case Move.UNKNOWN:
                return self._unknown(dispatched, verdict, exchange.artifact_ref)
            case Move.DEFER:
                self._note_not_done(dispatched, verdict)
                return self._waiting(dispatched, disposition, verdict.error_message or "")
            case _:
                self._note_not_done(dispatched, verdict)
                raise _failure(disposition, verdict, dispatched)

    def _dispatch(self, attempt: Attempt, action: ApprovedAction) -> tuple[Attempt, ToolCall]:
        """Record the send, atomically with the kill switches; nothing has left yet when this raises."""
        now = self.clock.now()
        require(approval_unexpired(attempt.expires_at_epoch, now), attempt.ref)
        mapping, key = action.mapping, key_of(action)
        run_ref = tool_run_ref(key, attempt.attempt_count + 1)
        following, entry = attempt.dispatch(
            key=key,
            tool_name=mapping.tool_name,
            tool_schema_version=mapping.tool_schema_version,
            run_ref=run_ref,
            now=now,
        )
        scopes = (
            *SwitchScope.before_mapping(
                tenant_id=attempt.tenant_id,
                action_type=attempt.action_type,
                action_intent_id=attempt.action_intent_id,
            ),
            *SwitchScope.of_tool(tool_name=mapping.tool_name, connector=mapping.connector),
        )
        self.journal.dispatch(attempt, following, entry, scopes)
        return following, ToolCall(
            purpose=CallPurpose.INVOKE,
            ref=attempt.ref,
            tool_name=mapping.tool_name,
            arguments=action.arguments,
            idempotency_key=key,
            tool_run_ref=run_ref,
            trace_id=attempt.execution_trace_id,
            passes_execution_context=mapping.passes_execution_context,
        )

    def _conclude(self, attempt: Attempt, call: ToolCall, verdict: Verdict, exchange: Exchange) -> InvocationSection:
        now = self.clock.now()
        reply = Invocation(
            status=_STATUS[verdict.evidence],
            tool_run_ref=call.tool_run_ref,
            external_object_refs=verdict.refs,
            raw_response_artifact_ref=exchange.artifact_ref,
            error_code=verdict.error_code,
            error_class=verdict.error_class,
            error_message=verdict.error_message,
            attempt_count=attempt.attempt_count,
            completed_at=now,
        )
        self._keep(attempt, call, reply)
        return _section(reply)

    def _keep(self, attempt: Attempt, call: ToolCall, reply: Invocation) -> None:
        """Keep the answer as evidence, on the attempt and under its key.

        A store that is down must not turn a done action into a failed one: the answer also travels in the state and is
        settled from there, so what is lost is a second witness.
        """
        self._best_effort(
            attempt, lambda: self.journal.advance(attempt, *attempt.replied(reply, now=reply.completed_at))
        )
        if reply.external_object_refs:
            write = ExternalWrite(
                idempotency_key=call.idempotency_key,
                **call.ref.model_dump(),
                tool_name=call.tool_name,
                tool_run_ref=call.tool_run_ref,
                external_object_refs=reply.external_object_refs,
                recorded_at=reply.completed_at,
            )
            self._best_effort(attempt, lambda: self.external_writes.record(write))

    def _best_effort(self, attempt: Attempt, write: Callable[[], object]) -> None:
        try:
            write()
        except TransientError as error:
            _log.warning(
                "a witness of the call is missing: its end could not be kept on the attempt",
                extra={"action_intent_id": attempt.action_intent_id, "reason": error.message},
            )

    def _note_not_done(self, attempt: Attempt, verdict: Verdict) -> None:
        if verdict.evidence is Evidence.NOT_DONE:
            code = verdict.error_code or ErrorCode.UNKNOWN_ERROR
            self._take_back(attempt, code, verdict.error_message or "")

    def _note_doubt(self, attempt: Attempt, verdict: Verdict) -> None:
        """Record that the send has ended without proof; without the record it counts as still on its way."""
        following, entry = attempt.doubted(
            code=verdict.error_code or ErrorCode.UNKNOWN_ERROR,
            detail=verdict.error_message or "",
            now=self.clock.now(),
        )
        self._best_effort(attempt, lambda: self.journal.advance(attempt, following, entry))

    def _take_back(self, attempt: Attempt, code: ErrorCode, detail: str) -> None:
        """Take the dispatch back where it is proved that nothing was done; earlier doubt is left as it stands."""
        self.journal.advance(attempt, *attempt.not_done(code=code, detail=detail, now=self.clock.now()))

    def _waiting(self, attempt: Attempt, disposition: Disposition, why: str) -> InvocationSection:
        return InvocationSection(
            status=InvocationStatus.DEFERRED,
            error_message=why,
            attempt_count=attempt.attempt_count,
            completed_at=self.clock.now(),
            retry_after_seconds=disposition.wait_seconds,
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
        key = key_of(action)
        call = ToolCall(
            purpose=CallPurpose.VERIFY,
            ref=attempt.ref,
            tool_name=effect.verify_tool,
            arguments={"idempotency_key": key},
            idempotency_key=key,
            tool_run_ref=tool_run_ref(f"verify:{key}", attempt.ledger_seq),
            trace_id=attempt.execution_trace_id,
            passes_execution_context=action.mapping.passes_execution_context,
        )
        exchange = self.exchange.send(call, seconds_left=seconds_left, scopes=action.mapping.required_scopes)
        found = classify_verification(exchange.reply.outcome, action.mapping.tool_name)
        if found.found is None:
            raise TransientError(f"{effect.verify_tool} could not say whether the effect exists: {found.detail}")
        if found.found:
            # The effect is that of the last send, so the record names that call and not the question about it.
            sent = {"tool_name": action.mapping.tool_name, "tool_run_ref": tool_run_ref(key, attempt.attempt_count)}
            verdict = Verdict(Evidence.SUCCEEDED, refs=found.refs)
            return self._conclude(attempt, call.model_copy(update=sent), verdict, exchange)
        absent, entry = attempt.verified_absent(verify_tool=effect.verify_tool, now=self.clock.now())
        self.journal.advance(attempt, absent, entry)
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
