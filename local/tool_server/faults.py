"""The fault plan: which calls shall go wrong, how, and how often.

Owns the faults that are still to happen, in the server's own SQLite file, so that any process can add one while
the server runs. It exists because a system that must survive a tool's failures needs a tool that fails on demand.

It will not act: `wire` and `tools` make the fault happen; here it is only chosen and counted down.
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from local.tool_server import database


class FaultKind(StrEnum):
    """What goes wrong, and whether the effect happens before it does."""

    REFUSE = "REFUSE"  # the tool's typed refusal; nothing is written
    FAIL_AFTER_WRITE = "FAIL_AFTER_WRITE"  # written, then the tool's typed failure with the references
    DROP_BEFORE_WRITE = "DROP_BEFORE_WRITE"  # the connection is cut without an answer; nothing is written
    DROP_AFTER_WRITE = "DROP_AFTER_WRITE"  # written, then the connection is cut without an answer
    SLOW = "SLOW"  # the normal answer, `seconds` late
    SLOW_AFTER_WRITE = "SLOW_AFTER_WRITE"  # written, then the normal answer `seconds` late, while anybody waits for it
    RATE_LIMITED = "RATE_LIMITED"  # HTTP 429 with Retry-After; nothing is written
    UNAVAILABLE = "UNAVAILABLE"  # HTTP 503; nothing is written
    UNAVAILABLE_AFTER_WRITE = "UNAVAILABLE_AFTER_WRITE"  # written, then HTTP 503
    NOT_JSON = "NOT_JSON"  # the tool answers text that is not JSON, without an error mark; nothing is written
    UNTYPED_ERROR = "UNTYPED_ERROR"  # the tool's error is plain text; nothing is written


class Fault(BaseModel):
    """One planned fault for the next `times` calls that match; an unset `tool` or intent matches every call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    times: Annotated[int, Field(ge=1)] = 1
    tool: str | None = None
    action_intent_id: str | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None
    retry_after: Annotated[int, Field(ge=0)] | None = None
    message: str | None = None

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if (self.kind in {FaultKind.SLOW, FaultKind.SLOW_AFTER_WRITE}) != (self.seconds is not None):
            raise ValueError("seconds is needed by SLOW and SLOW_AFTER_WRITE and has no meaning for another kind")
        if self.retry_after is not None and self.kind not in {FaultKind.RATE_LIMITED, FaultKind.UNAVAILABLE}:
            raise ValueError("retry_after has a meaning only for RATE_LIMITED and UNAVAILABLE")
        return self


class FaultPlanError(Exception):
    """The fault plan's file cannot be used; the message names the file and the entry."""


_FILE = TypeAdapter(list[Fault])


class FaultPlan:
    """The faults still to happen, oldest first; safe to share between threads and processes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, fault: Fault) -> None:
        """Plan one fault after those already planned."""
        database.prepare(self._file)
        with database.writing(self._file) as db:
            db.execute(
                "INSERT INTO faults (remaining, tool, action_intent_id, fault) VALUES (?, ?, ?, ?)",
                (fault.times, fault.tool, fault.action_intent_id, fault.model_dump_json()),
            )

    def add_file(self, file: Path) -> None:
        """Plan every fault of a JSON file that holds a list of them; raises `FaultPlanError`."""
        try:
            faults = _FILE.validate_json(file.read_bytes())
        except (OSError, json.JSONDecodeError, ValidationError) as error:
            raise FaultPlanError(f"{file} is no list of faults: {error}") from error
        for fault in faults:
            self.add(fault)

    def clear(self) -> None:
        """Forget every fault that has not happened yet."""
        database.prepare(self._file)
        with database.writing(self._file) as db:
            db.execute("DELETE FROM faults")

    def pending(self) -> list[Fault]:
        """Return the faults still to happen; `times` is what is left of each."""
        database.prepare(self._file)
        with database.reading(self._file) as db:
            rows = db.execute("SELECT fault, remaining FROM faults ORDER BY seq").fetchall()
        return [Fault.model_validate_json(row["fault"]).model_copy(update={"times": row["remaining"]}) for row in rows]

    def take(self, tool: str | None, action_intent_id: str | None) -> Fault | None:
        """Return the oldest fault that matches the call and count it down, or `None`.

        One transaction under the only write lock, so that two calls never share the last occurrence.
        """
        with database.writing(self._file) as db:
            row = db.execute(
                "SELECT seq, remaining, fault FROM faults WHERE (tool IS NULL OR tool = ?)"
                " AND (action_intent_id IS NULL OR action_intent_id = ?) ORDER BY seq LIMIT 1",
                (tool, action_intent_id),
            ).fetchone()
            if row is None:
                return None
            if row["remaining"] > 1:
                db.execute("UPDATE faults SET remaining = remaining - 1 WHERE seq = ?", (row["seq"],))
            else:
                db.execute("DELETE FROM faults WHERE seq = ?", (row["seq"],))
            return Fault.model_validate_json(row["fault"])
