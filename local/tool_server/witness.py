"""What really happened at the tools, read from their own database.

Owns the reading side of the evidence. It exists so that a demo or a test can hold what the system says of itself
against a witness that the system cannot write to; it works from any process, while the server runs and after.

It will not write, not even by accident: its connections are read-only.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from local.tool_server import database

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class WitnessedObject:
    """One object that exists now. `created_at` is ISO 8601 in UTC, as are the other times here."""

    object_id: str
    object_type: str
    tool: str
    tenant_id: str
    account_id: str
    action_intent_id: str
    idempotency_key: str
    fields: dict[str, Any]
    created_at: str


@dataclass(frozen=True, slots=True)
class WitnessedEffect:
    """One entry of the append-only log: `operation` is CREATE, DELETE, DEDUPE or REFUSE."""

    seq: int
    at: str
    tool: str
    operation: str
    object_id: str | None
    idempotency_key: str | None
    tenant_id: str | None
    account_id: str | None
    action_intent_id: str | None
    tool_run_ref: str | None


@dataclass(frozen=True, slots=True)
class WitnessedRequest:
    """One `tools/call` that arrived; `http_status` is `None` when its connection was cut without an answer.

    `protocol_version` is the version of MCP that the caller said it speaks.
    """

    seq: int
    at: str
    tool: str | None
    action_intent_id: str | None
    fault: str | None
    http_status: int | None
    protocol_version: str | None = None


class Witness:
    """Reads the evidence of one database, of one intent or, without one, of all."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def objects(self, action_intent_id: str | None = None) -> list[WitnessedObject]:
        """Return the objects that exist now, oldest first."""
        return self._rows("objects ORDER BY rowid", action_intent_id, _object)

    def effects(self, action_intent_id: str | None = None) -> list[WitnessedEffect]:
        """Return what was done, refused or recognised as a repeat, oldest first."""
        return self._rows("effect_log ORDER BY seq", action_intent_id, lambda row: WitnessedEffect(**row))

    def requests(self, action_intent_id: str | None = None) -> list[WitnessedRequest]:
        """Return every attempt that arrived, the unauthorised and the faulted included, oldest first."""
        return self._rows("request_log ORDER BY seq", action_intent_id, lambda row: WitnessedRequest(**row))

    def _rows(self, table: str, action_intent_id: str | None, made: Callable[[dict[str, Any]], _Row]) -> list[_Row]:
        name, order = table.split(" ", 1)
        query = f"SELECT * FROM {name} WHERE ?1 IS NULL OR action_intent_id = ?1 {order}"  # noqa: S608 - our own names
        try:
            with database.reading(self._file) as db:
                return [made(dict(row)) for row in db.execute(query, (action_intent_id,))]
        except sqlite3.OperationalError as error:
            raise FileNotFoundError(f"{self._file} is no tool server's database ({error}).") from error


def _object(row: dict[str, Any]) -> WitnessedObject:
    return WitnessedObject(**{**row, "fields": json.loads(row["fields"])})
