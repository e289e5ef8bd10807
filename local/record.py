"""What is on record about one intent, for a person at a terminal: outcome, ledger, executions.

It reads the stores and the execution history as they are; nothing is judged or changed here.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from adapters.dynamodb.execution_journal import DynamoDbExecutionJournal
from domain.model.attempt import Attempt
from domain.model.identifiers import IntentRef
from domain.model.ledger import LedgerEntry, first_broken_entry
from domain.model.outcome import Outcome
from local.stack_info import StackInfo


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
    executions: tuple[ExecutionFacts, ...]

    @property
    def ledger_holds(self) -> bool:
        """Whether the ledger is an unbroken chain that ends where the attempt says."""
        ends = self.attempt is None or len(self.ledger) == self.attempt.ledger_seq
        return first_broken_entry(self.ledger) is None and ends

    def as_json(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return {
            "attempt": self.attempt.model_dump(mode="json") if self.attempt else None,
            "outcome": self.outcome.model_dump(mode="json") if self.outcome else None,
            "ledger": [entry.model_dump(mode="json") for entry in self.ledger],
            "ledger_holds": self.ledger_holds,
            "executions": [asdict(one) for one in self.executions],
        }

    def as_text(self) -> str:
        """Return the record as lines for a terminal."""
        lines = [self._headline()]
        if self.outcome:
            lines += [f"  {ref.system} {ref.object_type} {ref.object_id}" for ref in self.outcome.external_object_refs]
            lines.append(f"  compensation {self.outcome.compensation_status}: {self.outcome.compensation_reason}")
        lines += [f"  {entry.occurred_at:%H:%M:%S}  {entry.seq}  {entry.event_type}" for entry in self.ledger]
        if self.ledger:
            lines.append(f"  ledger: {'unbroken' if self.ledger_holds else 'BROKEN'}")
        lines += [f"  execution {one.name}  {one.status}  {one.error or ''}".rstrip() for one in self.executions]
        return "\n".join(lines)

    def _headline(self) -> str:
        if self.outcome is None:
            return f"no outcome yet, attempt {self.attempt.status}" if self.attempt else "nothing on record"
        why = f"  {self.outcome.error_code}: {self.outcome.error_message}" if self.outcome.error_code else ""
        return f"{self.outcome.status} after {self.outcome.attempt_count} call(s){why}"


def read_record(info: StackInfo, ref: IntentRef) -> IntentRecord:
    """Return what is on record about the intent."""
    tables = info.tables
    journal = DynamoDbExecutionJournal(
        info.client("dynamodb"),
        attempts_table=tables["execution-attempts"],
        outcomes_table=tables["execution-outcomes"],
        ledger_table=tables["ledger"],
        signals_table=tables["signals"],
        kill_switches_table=tables["kill-switches"],
    )
    return IntentRecord(
        journal.find_attempt(ref), journal.find_outcome(ref), journal.ledger(ref), tuple(_executions(info, ref))
    )


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
    approval = json.loads(text)
    return {name: approval.get(name) for name in IntentRef.model_fields} if isinstance(approval, dict) else {}
