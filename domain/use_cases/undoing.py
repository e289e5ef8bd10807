"""Undoing: take back what a failed action left behind, object by object, last created first.

Shared by CompensateAction and the reconciler, so that an undo that was begun by one can be carried on by the other.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from domain.model.attempt import ARTIFACT_MISSING, Attempt
from domain.model.errors import TransientError
from domain.model.external_object import ExternalObjectRef
from domain.model.idempotency import compensation_key, tool_run_ref
from domain.model.invocation import Invocation
from domain.model.ledger import LedgerEventType
from domain.model.outcome import Compensation, CompensationStatus, RefCompensation
from domain.model.tool_call import CallPurpose, ToolCall
from domain.model.tool_mapping import CompensationStrategy, ToolMapping
from domain.policies.classification import Verdict, classify
from domain.policies.compensation import (
    Undo,
    UndoMove,
    after_undo,
    existing_refs,
    plan,
    total,
    undo_arguments,
    undo_status,
)
from domain.use_cases.gateway_exchange import GatewayExchange
from ports.clock import Clock
from ports.execution_journal import ExecutionJournal
from ports.external_writes import ExternalWrites

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Undoing:
    """Undoes objects through the gateway.

    What exists is established from evidence: the tool's answer and the external write record. Every undo is recorded
    before and after its call under its own key; entered again, what is proved undone is skipped. Raises
    ``TransientError`` where an undo is to be tried again, ``OwnershipLost`` where another took the attempt over.
    """

    journal: ExecutionJournal
    external_writes: ExternalWrites
    exchange: GatewayExchange
    clock: Clock

    def undo(
        self, attempt: Attempt, mapping: ToolMapping, invocation: Invocation | None, *, seconds_left: float
    ) -> Compensation:
        """Undo every object that the evidence names, as far as the mapping's policy allows."""
        answered = invocation.external_object_refs if invocation else ()
        step = plan(
            mapping.compensation,
            existing_refs(answered, self._recorded_refs(attempt)),
            attempt=attempt,
            invocation=invocation,
        )
        if isinstance(step, Undo):
            return total(self._undo_all(attempt, mapping, step, seconds_left))
        if mapping.compensation.strategy is CompensationStrategy.NONE:
            _log.warning("compensation: %s", step.reason, extra={"action_intent_id": attempt.action_intent_id})
        return step

    def _recorded_refs(self, attempt: Attempt) -> tuple[ExternalObjectRef, ...]:
        recorded = self.external_writes.find(attempt.idempotency_key) if attempt.idempotency_key else None
        return recorded.external_object_refs if recorded else ()

    def _undo_all(
        self, attempt: Attempt, mapping: ToolMapping, undo: Undo, seconds_left: float
    ) -> list[RefCompensation]:
        results: list[RefCompensation] = []
        started = self.clock.monotonic_seconds()
        for ref in undo.refs:
            key = compensation_key(attempt.idempotency_key or "", ref)
            if key in attempt.undone:
                results.append(RefCompensation(ref=ref, status=CompensationStatus.COMPLETED, idempotency_key=key))
                continue
            left = seconds_left - (self.clock.monotonic_seconds() - started)
            attempt, result = self._undo_one(attempt, mapping, ref, key, left)
            results.append(result)
        return results

    def _undo_one(
        self, attempt: Attempt, mapping: ToolMapping, ref: ExternalObjectRef, key: str, seconds_left: float
    ) -> tuple[Attempt, RefCompensation]:
        tool = mapping.compensation.compensation_tool
        if tool is None or self.exchange.deadline_seconds(seconds_left) <= 0:
            raise TransientError("no time is left to undo the next object safely; the rest follows on the next try")
        run_ref = tool_run_ref(key, attempt.ledger_seq + 1)
        attempt = self._note(attempt, LedgerEventType.COMPENSATION_DISPATCHED, ref, key, {"tool_run_ref": run_ref})
        call = ToolCall(
            purpose=CallPurpose.COMPENSATE,
            ref=attempt.ref,
            tool_name=tool,
            arguments=undo_arguments(mapping.compensation, ref),
            idempotency_key=key,
            tool_run_ref=run_ref,
            trace_id=attempt.execution_trace_id,
            passes_execution_context=mapping.passes_execution_context,
        )
        exchange = self.exchange.send(call, mapping, seconds_left=seconds_left)
        verdict = classify(exchange.reply.outcome, tool, mapping.result.of_an_undo)
        status = undo_status(verdict)
        outcome = {
            "status": status.value,
            "error_code": verdict.error_code,
            "detail": verdict.error_message,
            "raw_response_artifact_ref": exchange.artifact_ref or ARTIFACT_MISSING,
        }
        undone = (*attempt.undone, key) if status is CompensationStatus.COMPLETED else attempt.undone
        attempt = self._note(attempt, LedgerEventType.COMPENSATION_REPLIED, ref, key, outcome, undone=undone)
        if after_undo(verdict) is UndoMove.RETRY:
            raise TransientError(_retry_text(tool, verdict), error_code=verdict.error_code, **attempt.ref.model_dump())
        return attempt, RefCompensation(ref=ref, status=status, idempotency_key=key, detail=verdict.error_message)

    def _note(
        self,
        attempt: Attempt,
        event: LedgerEventType,
        ref: ExternalObjectRef,
        key: str,
        facts: Mapping[str, object],
        **changes: object,
    ) -> Attempt:
        data = {"object": ref.model_dump(mode="json"), "idempotency_key": key, **facts}
        following, entry = attempt.advance(attempt.status, event, data, now=self.clock.now(), **changes)
        self.journal.advance(attempt, following, entry)
        return following


def _retry_text(tool: str, verdict: Verdict) -> str:
    return f"{tool} gave no proof that the object is undone ({verdict.error_message}); it is harmless to ask again"
