"""Tool dispatch: record that a call will be sent, send it exactly once, record what is then known.

The order is the safety: a slot at the connector is taken before anything is written; a dispatch is recorded, atomically
with the kill switches, *before* the call; what the call came to is recorded *before* anything else is done with it.
Both InvokeTool and the reconciler send through this one door; which of them may send, and when, is decided by
``domain.policies``.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from domain.model.attempt import ARTIFACT_MISSING, Attempt
from domain.model.errors import ActionError, ConfigurationError, ErrorCode, OwnershipLost, TransientError
from domain.model.external_write import ExternalWrite
from domain.model.idempotency import tool_run_ref
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.kill_switch import SwitchScope
from domain.model.tool_call import CallPurpose, ToolCall
from domain.model.tool_mapping import EffectSafety, ToolMapping, Verifiable
from domain.policies.capacity import CallResult, result_of
from domain.policies.classification import (
    Evidence,
    Verdict,
    Verification,
    classify,
    classify_verification,
)
from domain.policies.decision import require
from domain.policies.preflight import approval_unexpired
from domain.policies.retry import answer_ends_doubt
from domain.use_cases.approved_action import ApprovedAction
from domain.use_cases.connector_slots import ConnectorSlots
from domain.use_cases.gateway_exchange import GatewayExchange
from domain.use_cases.map_action_to_tool import key_of
from ports.clock import Clock
from ports.execution_journal import ExecutionJournal
from ports.external_writes import ExternalWrites

_log = logging.getLogger(__name__)

_STATUS: Final = {
    Evidence.SUCCEEDED: InvocationStatus.SUCCEEDED,
    Evidence.REFUSED: InvocationStatus.FAILED,
    Evidence.PARTIAL: InvocationStatus.PARTIAL,
}


@dataclass(frozen=True)
class Sent:
    """What one send came to; ``dispatched`` is the attempt as recorded before the call, ``attempt`` after it."""

    dispatched: Attempt
    attempt: Attempt
    verdict: Verdict
    artifact_ref: str | None
    reply: Invocation | None
    """The tool's own answer; ``None`` where none of its contract came."""


@dataclass(frozen=True)
class Asked:
    """What a verify tool said, and where that is archived."""

    verification: Verification
    artifact_ref: str | None


def scopes_of(attempt: Attempt, mapping: ToolMapping) -> tuple[SwitchScope, ...]:
    """Return every kill switch that can stop this action's call."""
    return (
        *SwitchScope.before_mapping(
            tenant_id=attempt.tenant_id, action_type=attempt.action_type, action_intent_id=attempt.action_intent_id
        ),
        *SwitchScope.of_tool(tool_name=mapping.tool_name, connector=mapping.connector),
    )


@dataclass(frozen=True)
class ToolDispatch:
    """Sends calls and asks about them, each exactly once and on record."""

    journal: ExecutionJournal
    external_writes: ExternalWrites
    exchange: GatewayExchange
    slots: ConnectorSlots
    clock: Clock

    def send(self, attempt: Attempt, action: ApprovedAction, *, seconds_left: float) -> Sent:
        """Send the action's call once.

        Raises, with nothing sent: ``TransientError`` (no time is left, or the dispatch could not be recorded),
        ``ConnectorBusy``, ``ExecutionHalted``, ``ExecutionHeld``, ``IntentExpired``, ``OwnershipLost``,
        ``ConfigurationError``; and ``TransientError`` too where the proof that nothing was done could not be recorded.
        """
        ends_at = self.clock.monotonic_seconds() + seconds_left
        if self.exchange.deadline_seconds(seconds_left) <= 0:
            raise TransientError(f"no time is left to call {action.mapping.tool_name} safely; nothing was sent")
        # Asked before the slot, too: an approval that is over must end, and not wait for a connector.
        require(approval_unexpired(attempt.expires_at_epoch, self.clock.now()), attempt.ref)
        lease = tool_run_ref(key_of(action), attempt.attempt_count + 1)
        slot = self.slots.take(attempt.ref, action.mapping.connector, lease)
        try:
            sent, result = self._send(attempt, action, ends_at)
        except OwnershipLost:
            raise  # whoever has taken over may be sending under the same lease
        except ActionError:
            self.slots.give_back(slot, CallResult.SILENT)
            raise
        self.slots.give_back(slot, result)
        return sent

    def _send(self, attempt: Attempt, action: ApprovedAction, ends_at: float) -> tuple[Sent, CallResult]:
        dispatched, call = self._dispatch(attempt, action)
        # What the stores took is gone: a call begun too late to be recorded would leave doubt where there is none.
        left = ends_at - self.clock.monotonic_seconds()
        try:
            exchange = self.exchange.send(call, action.mapping, seconds_left=left)
        except ConfigurationError as error:
            self._take_back(dispatched, error.error_code, error.message)
            raise
        verdict = classify(exchange.reply.outcome, call.tool_name, action.mapping.result)
        artifact, result = exchange.artifact_ref, result_of(exchange.reply.outcome, verdict)
        match verdict.evidence:
            case Evidence.IN_DOUBT:
                noted = self._note_doubt(dispatched, verdict, artifact)
                return Sent(dispatched, noted, verdict, artifact, None), result
            case Evidence.NOT_DONE:
                code = verdict.error_code or ErrorCode.UNKNOWN_ERROR
                taken_back = self._take_back(
                    dispatched, code, verdict.error_message or "", artifact or ARTIFACT_MISSING
                )
                return Sent(dispatched, taken_back, verdict, artifact, None), result
            case _:
                reply = self._reply(dispatched, call, verdict, artifact)
                ends_doubt = self._ends_doubt(dispatched, action.mapping.effect_safety)
                kept = self._keep(dispatched, call, reply, ends_doubt)
                return Sent(dispatched, kept, verdict, artifact, reply), result

    def ask(self, attempt: Attempt, mapping: ToolMapping, effect: Verifiable, *, seconds_left: float) -> Asked:
        """Ask once whether the effect of the attempt's key exists; sends nothing that could act."""
        key = attempt.idempotency_key or ""
        call = self._call(attempt, mapping, key).model_copy(
            update={
                "purpose": CallPurpose.VERIFY,
                "tool_name": effect.verify_tool,
                "arguments": {"idempotency_key": key},
                "tool_run_ref": tool_run_ref(f"verify:{key}", attempt.ledger_seq),
            }
        )
        exchange = self.exchange.send(call, mapping, seconds_left=seconds_left)
        return Asked(classify_verification(exchange.reply.outcome, mapping.tool_name), exchange.artifact_ref)

    def found(self, attempt: Attempt, mapping: ToolMapping, asked: Asked) -> tuple[Attempt, Invocation]:
        """Record that the effect exists; it is that of the last send, so the record names that call."""
        call = self._call(attempt, mapping, attempt.idempotency_key or "")
        evidence = Verdict(Evidence.SUCCEEDED, refs=asked.verification.refs)
        reply = self._reply(attempt, call, evidence, asked.artifact_ref)
        return self._keep(attempt, call, reply, ends_doubt=True), reply

    def absent(self, attempt: Attempt, effect: Verifiable) -> Attempt:
        """Record that no effect exists."""
        following, entry = attempt.verified_absent(verify_tool=effect.verify_tool, now=self.clock.now())
        self.journal.advance(attempt, following, entry)
        return following

    def _dispatch(self, attempt: Attempt, action: ApprovedAction) -> tuple[Attempt, ToolCall]:
        """Record the send, atomically with the kill switches; nothing has left yet when this raises."""
        now, mapping, key = self.clock.now(), action.mapping, key_of(action)
        require(approval_unexpired(attempt.expires_at_epoch, now), attempt.ref)
        following, entry = attempt.dispatch(
            key=key,
            tool_name=mapping.tool_name,
            tool_schema_version=mapping.tool_schema_version,
            run_ref=tool_run_ref(key, attempt.attempt_count + 1),
            now=now,
        )
        self.journal.dispatch(attempt, following, entry, scopes_of(attempt, mapping))
        return following, self._call(following, mapping, key).model_copy(update={"arguments": action.arguments})

    def _call(self, attempt: Attempt, mapping: ToolMapping, key: str) -> ToolCall:
        return ToolCall(
            purpose=CallPurpose.INVOKE,
            ref=attempt.ref,
            tool_name=mapping.tool_name,
            arguments={},
            idempotency_key=key,
            tool_run_ref=tool_run_ref(key, attempt.attempt_count),
            trace_id=attempt.execution_trace_id,
            passes_execution_context=mapping.passes_execution_context,
        )

    def _reply(self, attempt: Attempt, call: ToolCall, verdict: Verdict, artifact_ref: str | None) -> Invocation:
        return Invocation(
            status=_STATUS[verdict.evidence],
            tool_run_ref=call.tool_run_ref,
            external_object_refs=verdict.refs,
            raw_response_artifact_ref=artifact_ref,
            error_code=verdict.error_code,
            error_class=verdict.error_class,
            error_message=verdict.error_message,
            attempt_count=attempt.attempt_count,
            completed_at=self.clock.now(),
        )

    def _ends_doubt(self, dispatched: Attempt, effect: EffectSafety) -> bool:
        sent, doubtful = dispatched.last_dispatched_at, dispatched.doubtful_until
        quiet = (sent - doubtful).total_seconds() if sent and doubtful else None
        return answer_ends_doubt(effect, seconds_of_quiet=quiet)

    def _keep(self, attempt: Attempt, call: ToolCall, reply: Invocation, ends_doubt: bool) -> Attempt:  # noqa: FBT001  named at each call
        """Keep the answer as evidence, on the attempt and under its key.

        A store that is down must not turn a done action into a failed one: the answer is also returned and is settled
        from there, so what is lost is a second witness.
        """
        following, entry = attempt.replied(reply, now=reply.completed_at, ends_doubt=ends_doubt)
        kept = self._best_effort(attempt, lambda: self.journal.advance(attempt, following, entry))
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
        return following if kept else attempt

    def _best_effort(self, attempt: Attempt, write: Callable[[], object]) -> bool:
        try:
            write()
        except TransientError as error:
            _log.warning(
                "a witness of the call is missing: its end could not be kept on the attempt",
                extra={"action_intent_id": attempt.action_intent_id, "reason": error.message},
            )
            return False
        return True

    def _note_doubt(self, attempt: Attempt, verdict: Verdict, artifact_ref: str | None) -> Attempt:
        """Record that the send has ended without proof; without the record it counts as still on its way."""
        following, entry = attempt.doubted(
            code=verdict.error_code or ErrorCode.UNKNOWN_ERROR,
            detail=verdict.error_message or "",
            now=self.clock.now(),
            artifact=artifact_ref or ARTIFACT_MISSING,
        )
        noted = self._best_effort(attempt, lambda: self.journal.advance(attempt, following, entry))
        return following if noted else attempt

    def _take_back(self, attempt: Attempt, code: ErrorCode, detail: str, artifact: str | None = None) -> Attempt:
        """Take the dispatch back where it is proved that nothing was done; earlier doubt is left as it stands."""
        following, entry = attempt.not_done(code=code, detail=detail, now=self.clock.now(), artifact=artifact)
        self.journal.advance(attempt, following, entry)
        return following
