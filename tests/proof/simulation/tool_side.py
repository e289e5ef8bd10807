"""The other side: tools that do exactly what their effect safety promises, and a log of what they really did.

An IDEMPOTENT tool recognises a key for as long as it promised; a VERIFIABLE one acts each time and can be asked; an
UNSAFE one acts each time and cannot be. So a call too many shows here and nowhere else: the log is the judge's, and
no code under test reads it. What a tool does next is scripted by the flow.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import JsonValue

from domain.model.tool_call import CallPurpose, ToolAnswer, ToolCall


class Doing(StrEnum):
    """What a tool does with a call that reaches it."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    """Does nothing, and says so by its contract."""
    PARTIAL = "partial"
    """Acts, then says that it failed and names what exists."""
    MUTTER = "mutter"
    """Acts, then reports an error outside its contract; asked again under its key, it answers by it."""
    GRUMBLE = "grumble"
    """Does nothing, and reports an error outside its contract."""
    HEDGE = "hedge"
    """Does nothing, and answers without an error that its contract has no place for."""


class Act(NamedTuple):
    """One entry of the log: something changed at the tool's side."""

    purpose: CallPurpose
    key: str
    run_ref: str
    object_ids: tuple[str, ...]
    at_seconds: float
    tenant_id: str


class _Late(NamedTuple):
    due_seconds: float
    call: ToolCall
    doing: Doing


class Remembered(NamedTuple):
    """What a tool answered under a key, and when it first did."""

    since_seconds: float
    answer: ToolAnswer


@dataclass
class ToolSide:
    """Every tool of one intent's mapping."""

    remembers_seconds: float | None
    """How long keys are recognised; ``None``: never."""
    objects_each: int = 1
    doings: deque[Doing] = field(default_factory=deque)
    """What the next acting calls come to; ACCEPT when it is used up."""
    undoings: deque[Doing] = field(default_factory=deque)
    """The same for undoing calls, where GRUMBLE is a failure that says nothing."""
    acts: list[Act] = field(default_factory=list)
    existing: dict[str, str] = field(default_factory=dict)
    """Every object that exists now, with the key it was made under."""
    remembered: dict[str, Remembered] = field(default_factory=dict)
    late: list[_Late] = field(default_factory=list)
    calls: list[tuple[CallPurpose, str]] = field(default_factory=list)
    """Everything that arrived: purpose and run ref."""

    def carry_out(self, call: ToolCall, now: float) -> ToolAnswer:
        """Do what the call asks and return the answer."""
        return self._arrived(call, now, self._next_doing(call))

    def carry_out_later(self, call: ToolCall, due: float) -> None:
        """Do it only when ``due`` has come, in seconds."""
        self.late.append(_Late(due, call, self._next_doing(call)))

    def catch_up(self, now: float) -> None:
        """Let what was late land, in the order of its time."""
        for one in sorted(one for one in self.late if one.due_seconds <= now):
            self.late.remove(one)
            self._arrived(one.call, one.due_seconds, one.doing)

    def _next_doing(self, call: ToolCall) -> Doing:
        script = {CallPurpose.INVOKE: self.doings, CallPurpose.COMPENSATE: self.undoings}.get(call.purpose)
        return script.popleft() if script else Doing.ACCEPT

    def _arrived(self, call: ToolCall, now: float, doing: Doing) -> ToolAnswer:
        self.calls.append((call.purpose, call.tool_run_ref))
        match call.purpose:
            case CallPurpose.INVOKE:
                return self._invoke(call, now, doing)
            case CallPurpose.COMPENSATE:
                return self._undo(call, now, doing)
            case CallPurpose.VERIFY:
                return self._find(call)

    def _invoke(self, call: ToolCall, now: float, doing: Doing) -> ToolAnswer:
        key = call.idempotency_key
        known = self.remembered.get(key)
        if self.remembers_seconds is not None and known and now - known.since_seconds < self.remembers_seconds:
            return known.answer
        if doing is Doing.REFUSE:
            return _REFUSED
        if doing is Doing.GRUMBLE:
            return _GRUMBLED
        if doing is Doing.HEDGE:
            return _HEDGED
        ids = tuple(f"task-{len(self.acts) + 1}-{n + 1}" for n in range(self.objects_each))
        self.existing.update(dict.fromkeys(ids, key))
        self._log(call, ids, now)
        answer = _half_done(ids) if doing is Doing.PARTIAL else _created(ids)
        self.remembered.setdefault(key, Remembered(now, answer))
        return _GRUMBLED if doing is Doing.MUTTER else answer

    def _undo(self, call: ToolCall, now: float, doing: Doing) -> ToolAnswer:
        if doing is Doing.REFUSE:
            return _REFUSED
        if doing is Doing.GRUMBLE:
            return _GRUMBLED
        object_id = str(call.arguments["task_id"])
        if self.existing.pop(object_id, None) is not None:
            self._log(call, (object_id,), now)
        return _GRUMBLED if doing is Doing.MUTTER else _created((), object_id)

    def _find(self, call: ToolCall) -> ToolAnswer:
        wanted = call.arguments["idempotency_key"]
        found = [_named(object_id) for object_id, key in self.existing.items() if key == wanted]
        return ToolAnswer(
            is_error=False, structured={"success": True, "found": bool(found), "external_objects": list(found)}
        )

    def _log(self, call: ToolCall, ids: tuple[str, ...], now: float) -> None:
        self.acts.append(Act(call.purpose, call.idempotency_key, call.tool_run_ref, ids, now, call.ref.tenant_id))

    @property
    def created(self) -> list[Act]:
        """The acts that made something."""
        return [act for act in self.acts if act.purpose is CallPurpose.INVOKE]

    def mark(self) -> tuple[object, ...]:
        """Return what decides everything that can still happen here."""
        return (
            tuple(self.doings),
            tuple(self.undoings),
            tuple(self.acts),
            tuple(self.existing.items()),
            tuple((key, known.since_seconds, known.answer.is_error) for key, known in self.remembered.items()),
            tuple((one.due_seconds, one.call.tool_run_ref, one.doing) for one in self.late),
        )


def _named(object_id: str) -> JsonValue:
    return {"object_type": "Task", "object_id": object_id, "object_url": f"https://crm.example.test/tasks/{object_id}"}


def _created(ids: tuple[str, ...], deleted_id: str | None = None) -> ToolAnswer:
    content: dict[str, JsonValue] = {"success": True, "external_objects": [_named(object_id) for object_id in ids]}
    if deleted_id:
        content["external_object_id"] = deleted_id
    return ToolAnswer(is_error=False, structured=content)


def _half_done(ids: tuple[str, ...]) -> ToolAnswer:
    return ToolAnswer(
        is_error=True,
        structured={"success": False, "external_objects": [_named(object_id) for object_id in ids]},
    )


_REFUSED: Final = ToolAnswer(
    is_error=True,
    structured={"success": False, "error_code": "VALIDATION_ERROR", "error_message": "the title is too long"},
)
_GRUMBLED: Final = ToolAnswer(is_error=True, texts=("something broke",))
_HEDGED: Final = ToolAnswer(is_error=False, structured={"success": "see the log", "external_objects": []})
