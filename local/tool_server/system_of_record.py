"""The system behind the tools: objects that exist, and a log of everything that was done to them.

Owns creating, deleting and finding, each in one transaction with its log entry. It exists so that a repeat with
the same idempotency key finds the first answer instead of writing twice, whatever happened to that answer on
its way back.

It will not show or touch an object of another tenant or account: to such a caller the object does not exist.
"""

import hashlib
import json
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.tool_server import database
from local.tool_server.answers import Answer
from local.tool_server.catalogue import EXECUTION_CONTEXT, ExecutionContext, Operation, Tool, ToolArguments

_Act = Callable[[sqlite3.Connection], tuple[str, Answer]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is written into the log, as far as the request said so."""

    idempotency_key: str | None = None
    action_intent_id: str | None = None
    tenant_id: str | None = None
    account_id: str | None = None
    tool_run_ref: str | None = None

    @classmethod
    def of(cls, arguments: dict[str, Any], tool_run_ref: str | None) -> "Caller":
        """Read the caller out of raw arguments, leaving out whatever is not text."""
        context = arguments.get(EXECUTION_CONTEXT)
        known = context if isinstance(context, dict) else {}
        named = {name: known.get(name) for name in ExecutionContext.model_fields}
        return cls(**{k: v for k, v in named.items() if isinstance(v, str)}, tool_run_ref=tool_run_ref)


class SystemOfRecord:
    """Carries out one tool call on the SQLite file; safe to use from several threads and processes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def carry_out(self, tool: Tool, arguments: ToolArguments, tool_run_ref: str | None) -> Answer:
        """Do what the tool does, once per idempotency key, tenant and account.

        A repeat with the same key and arguments returns the first answer, deduplicated, even when its object
        has been deleted since. The same key with other arguments, or for another tool, is refused.
        """
        context = arguments.execution_context
        caller = Caller(**context.model_dump(), tool_run_ref=tool_run_ref)
        fields = arguments.model_dump(mode="json", exclude={EXECUTION_CONTEXT})
        match tool.operation:
            case Operation.CREATE:
                return self._once(tool, caller, fields, lambda db: _create(db, tool, context, fields))
            case Operation.DELETE:
                [object_id] = fields.values()
                return self._once(tool, caller, fields, lambda db: _delete(db, tool, context, object_id))
            case Operation.FIND:
                return self._find(tool, context, fields["idempotency_key"])

    def refuse(self, tool: Tool, caller: Caller, message: str) -> Answer:
        """Log and return the refusal of a call that changed nothing."""
        with database.writing(self._file) as db:
            _log(db, tool, "REFUSE", None, caller)
        return Answer.refused(message)

    def _once(self, tool: Tool, caller: Caller, fields: dict[str, Any], act: _Act) -> Answer:
        digest = _digest(tool, fields)
        key = (caller.tenant_id, caller.account_id, caller.idempotency_key)
        with database.writing(self._file) as db:
            first = db.execute(
                "SELECT arguments_digest, answer FROM answers"
                " WHERE tenant_id = ? AND account_id = ? AND idempotency_key = ?",
                key,
            ).fetchone()
            if first is None:
                operation, answer = act(db)
                _log(db, tool, operation, answer.external_object_id, caller)
                db.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", (*key, digest, answer.model_dump_json()))
                return answer
            if first["arguments_digest"] != digest:
                _log(db, tool, "REFUSE", None, caller)
                return Answer.refused(
                    "This idempotency key was used with other arguments. Use a new key for another call.",
                    "IDEMPOTENCY_KEY_REUSED",
                )
            answer = Answer.model_validate_json(first["answer"])
            _log(db, tool, "DEDUPE", answer.external_object_id, caller)
            return answer.repeated()

    def _find(self, tool: Tool, context: ExecutionContext, idempotency_key: str) -> Answer:
        with database.reading(self._file) as db:
            rows = db.execute(
                "SELECT object_id FROM objects"
                " WHERE tenant_id = ? AND account_id = ? AND object_type = ? AND idempotency_key = ?",
                (context.tenant_id, context.account_id, tool.kind.object_type, idempotency_key),
            ).fetchall()
        return Answer.lookup(tuple(tool.kind.ref(row["object_id"]) for row in rows))


def _create(
    db: sqlite3.Connection, tool: Tool, context: ExecutionContext, fields: dict[str, Any]
) -> tuple[str, Answer]:
    ref = tool.kind.ref(f"{tool.kind.id_prefix}-{uuid.uuid4().hex}")
    db.execute(
        "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            ref.object_id,
            ref.object_type,
            tool.name,
            context.tenant_id,
            context.account_id,
            context.action_intent_id,
            context.idempotency_key,
            json.dumps(fields, sort_keys=True),
            _now(),
        ),
    )
    return "CREATE", Answer.created(ref)


def _delete(db: sqlite3.Connection, tool: Tool, context: ExecutionContext, object_id: str) -> tuple[str, Answer]:
    deleted = db.execute(
        "DELETE FROM objects WHERE object_id = ? AND object_type = ? AND tenant_id = ? AND account_id = ?",
        (object_id, tool.kind.object_type, context.tenant_id, context.account_id),
    ).rowcount
    answer = Answer.gone(tool.kind.ref(object_id), deduplicated=not deleted)
    return ("DELETE" if deleted else "DEDUPE"), answer


def _log(db: sqlite3.Connection, tool: Tool, operation: str, object_id: str | None, caller: Caller) -> None:
    db.execute(
        "INSERT INTO effect_log (at, tool, operation, object_id, idempotency_key, tenant_id, account_id,"
        " action_intent_id, tool_run_ref) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            _now(),
            tool.name,
            operation,
            object_id,
            caller.idempotency_key,
            caller.tenant_id,
            caller.account_id,
            caller.action_intent_id,
            caller.tool_run_ref,
        ),
    )


def _digest(tool: Tool, fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([tool.name, fields], sort_keys=True).encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
