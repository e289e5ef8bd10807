"""What is on record about one intent, for a person at a terminal: outcome, ledger, notices, executions.

It reads the stores and the execution history as they are, changes nothing, and judges only whether the records prove
each other, by the domain's own audit.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from domain.model.attempt import Attempt
from domain.model.identifiers import IntentRef
from domain.model.ledger import LedgerEntry, LedgerEventType
from domain.model.outcome import Outcome
from domain.policies.audit import findings
from local.stack_info import StackInfo
from local.stores import journal_of


@dataclass(frozen=True)
class ExecutionFacts:
    """How one execution of the intent stands; ``cause`` is what Step Functions shows."""

    name: str
    status: str
    error: str | None
    cause: str | None


@dataclass(frozen=True)
class IntentRecord:
    """Everything on record about one intent."""

    attempt: Attempt | None
    outcome: Outcome | None
    ledger: tuple[LedgerEntry, ...]
    executions: tuple[ExecutionFacts, ...] = ()

    @property
    def findings(self) -> tuple[str, ...]:
        """Every disagreement between the records, each a sentence; none means that they prove each other."""
        return findings(self.attempt, self.outcome, self.ledger)

    @property
    def notices(self) -> list[dict[str, str]]:
        """When a person was told what of this intent, as the ledger has it."""
        return [
            {
                "kind": str(entry.data.get("notice_kind")),
                "notice_id": str(entry.data.get("notice_id")),
                "told_at": entry.occurred_at.isoformat(timespec="seconds"),
            }
            for entry in self.ledger
            if entry.event_type is LedgerEventType.OPERATOR_NOTIFIED
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return {
            "attempt": self.attempt.model_dump(mode="json") if self.attempt else None,
            "outcome": self.outcome.model_dump(mode="json") if self.outcome else None,
            "ledger": [entry.model_dump(mode="json") for entry in self.ledger],
            "findings": list(self.findings),
            "notices": self.notices,
            "executions": [asdict(one) for one in self.executions],
        }

    def as_text(self) -> str:
        """Return the record as lines for a terminal."""
        lines = [self._headline()]
        if self.outcome:
            lines += [f"  {ref.system} {ref.object_type} {ref.object_id}" for ref in self.outcome.external_object_refs]
            lines.append(f"  compensation {self.outcome.compensation_status}: {self.outcome.compensation_reason}")
            lines += self._resolution(self.outcome)
        lines += [f"  told a person ({one['kind']}) at {one['told_at']}" for one in self.notices]
        lines += [f"  {entry.occurred_at:%H:%M:%S}  {entry.seq}  {entry.event_type}" for entry in self.ledger]
        lines += [f"  {line}" for line in self.verdict()]
        lines += [f"  execution {one.name}  {one.status}  {one.error or ''}".rstrip() for one in self.executions]
        return "\n".join(lines)

    def verdict(self) -> list[str]:
        """Return what the audit says, as lines; nothing where there is nothing to audit."""
        found = self.findings
        if found:
            return ["audit: FINDINGS", *(f"  {finding}" for finding in found)]
        if self.attempt and self.outcome is None:
            return ["audit: ledger and attempt prove each other; there is no outcome yet"]
        return ["audit: ledger, attempt and outcome prove each other"] if self.attempt else []

    def _headline(self) -> str:
        if self.outcome is None:
            return f"no outcome yet, attempt {self.attempt.status}" if self.attempt else "nothing on record"
        why = f"  {self.outcome.error_code}: {self.outcome.error_message}" if self.outcome.error_code else ""
        return f"{self.outcome.status} after {self.outcome.attempt_count} call(s){why}"

    @staticmethod
    def _resolution(outcome: Outcome) -> list[str]:
        resolved = outcome.resolution
        if resolved is None:
            return []
        when = resolved.resolved_at.isoformat(timespec="seconds")
        return [f"  was UNKNOWN until {when}: {resolved.method} by {resolved.resolved_by}: {resolved.evidence}"]


def read_record(info: StackInfo, ref: IntentRef) -> IntentRecord:
    """Return what is on record about the intent."""
    journal = journal_of(info)
    return IntentRecord(
        journal.find_attempt(ref), journal.find_outcome(ref), journal.ledger(ref), tuple(_executions(info, ref))
    )


def read_proof(info: StackInfo, ref: IntentRef) -> IntentRecord:
    """Return what the audit needs of the intent: its records, and no executions."""
    journal = journal_of(info)
    return IntentRecord(journal.find_attempt(ref), journal.find_outcome(ref), journal.ledger(ref))


def _executions(info: StackInfo, ref: IntentRef) -> list[ExecutionFacts]:
    steps = info.client("stepfunctions")
    pages = steps.get_paginator("list_executions").paginate(stateMachineArn=info.state_machine_arn)
    described = [
        steps.describe_execution(executionArn=one["executionArn"]) for page in pages for one in page["executions"]
    ]
    return [
        ExecutionFacts(one["name"], one["status"], one.get("error"), one.get("cause"))
        for one in sorted(described, key=lambda one: one["startDate"])
        if _ids(one["input"]) == ref.model_dump()
    ]


def _ids(text: str) -> dict[str, object]:
    try:
        approval = json.loads(text)
    except (ValueError, RecursionError):
        # Anybody who may send an event may have started it; it must not hide every other intent's executions.
        return {}
    return {name: approval.get(name) for name in IntentRef.model_fields} if isinstance(approval, dict) else {}
