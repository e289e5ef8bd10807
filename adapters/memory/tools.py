"""A CRM, a calendar and notes in memory: the effects that the memory gateway's calls have.

The tools keep the same promises as real ones must: a repeat under one idempotency key returns the first answer, and
nobody sees another tenant's or account's objects. What was done is kept in an effect log that only grows, so that a
test can count effects instead of believing an answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import RLock
from typing import Final

from pydantic import JsonValue

from domain.model.canonical_json import digest
from domain.model.idempotency import tool_run_ref
from domain.model.tool_call import ToolAnswer, ToolCall


class EffectKind(StrEnum):
    """What one call did."""

    CREATED = "CREATED"
    DELETED = "DELETED"
    DEDUPLICATED = "DEDUPLICATED"
    """Recognised as a repeat, or nothing was left to delete; nothing changed."""
    REFUSED = "REFUSED"


@dataclass(frozen=True)
class Effect:
    """One entry of the effect log."""

    kind: EffectKind
    tool_name: str
    tenant_id: str
    account_id: str
    action_intent_id: str
    idempotency_key: str
    object_id: str | None = None


@dataclass(frozen=True)
class StoredObject:
    """One object that exists now."""

    object_id: str
    object_type: str
    tenant_id: str
    account_id: str
    idempotency_key: str
    fields: Mapping[str, JsonValue]


@dataclass(frozen=True)
class _Kind:
    object_type: str
    folder: str
    id_argument: str

    def ref(self, object_id: str) -> dict[str, JsonValue]:
        return {
            "object_type": self.object_type,
            "object_id": object_id,
            "object_url": f"https://{self.folder}/{object_id}",
        }


_TASK: Final = _Kind("Task", "crm.example.test/tasks", "task_id")
_EVENT: Final = _Kind("Event", "calendar.example.test/events", "event_id")
_NOTE: Final = _Kind("Note", "notes.example.test/notes", "note_id")
_CREATE: Final = {"crm___create_task": _TASK, "calendar___draft_event": _EVENT, "internal___create_note": _NOTE}
_DELETE: Final = {"crm___delete_task": _TASK, "calendar___delete_event": _EVENT, "internal___delete_note": _NOTE}
_FIND: Final = {"crm___find_task": _TASK, "calendar___find_event": _EVENT, "internal___find_note": _NOTE}

MEMORY_TOOLS: Final = frozenset({*_CREATE, *_DELETE, *_FIND})
"""Every tool by its gateway name."""

_Key = tuple[str, str, str]


class MemoryTools:
    """Carries out calls, one at a time."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._objects: dict[str, StoredObject] = {}
        self._answers: dict[_Key, tuple[str, dict[str, JsonValue]]] = {}
        self._effects: list[Effect] = []

    @property
    def effects(self) -> list[Effect]:
        """What was done, oldest first; a copy."""
        with self._lock:
            return list(self._effects)

    @property
    def objects(self) -> list[StoredObject]:
        """What exists now, oldest first; a copy."""
        with self._lock:
            return list(self._objects.values())

    def carry_out(self, call: ToolCall) -> ToolAnswer:
        """Do what the tool does and return its answer."""
        with self._lock:
            name = call.tool_name
            if name in _FIND:
                return _answer(self._find(call, _FIND[name]))
            if name in _CREATE or name in _DELETE:
                return _answer(self._once(call))
            return ToolAnswer(is_error=True, texts=(f"Unknown tool: {name}",))

    def _once(self, call: ToolCall) -> dict[str, JsonValue]:
        key = (call.ref.tenant_id, call.ref.account_id, call.idempotency_key)
        asked = digest([call.tool_name, call.arguments])
        first = self._answers.get(key)
        if first is None:
            kind = _CREATE.get(call.tool_name)
            content = self._create(call, kind) if kind else self._delete(call, _DELETE[call.tool_name])
            if content["success"]:
                self._answers[key] = (asked, content)
            return content
        if first[0] != asked:
            return self._refuse(call, "this idempotency key was used with other arguments; use a new one")
        self._log(EffectKind.DEDUPLICATED, call, first[1].get("external_object_id"))
        return {**first[1], "deduplicated": True}

    def _create(self, call: ToolCall, kind: _Kind) -> dict[str, JsonValue]:
        # Derived from the call, so that two runs of a test tell the same story.
        owner = digest([call.ref.model_dump(), call.idempotency_key])
        object_id = f"{kind.object_type.lower()}-{tool_run_ref(owner, 1)[-12:]}"
        self._objects[object_id] = StoredObject(
            object_id=object_id,
            object_type=kind.object_type,
            tenant_id=call.ref.tenant_id,
            account_id=call.ref.account_id,
            idempotency_key=call.idempotency_key,
            fields=call.arguments,
        )
        self._log(EffectKind.CREATED, call, object_id)
        ref = kind.ref(object_id)
        return {**_named(ref), "success": True, "external_objects": [ref], "deduplicated": False}

    def _delete(self, call: ToolCall, kind: _Kind) -> dict[str, JsonValue]:
        object_id = call.arguments.get(kind.id_argument)
        if not isinstance(object_id, str):
            return self._refuse(call, f"{kind.id_argument}: a text is required")
        there = self._visible(call, kind, object_id)
        if there:
            del self._objects[object_id]
        self._log(EffectKind.DELETED if there else EffectKind.DEDUPLICATED, call, object_id)
        return {**_named(kind.ref(object_id)), "success": True, "external_objects": [], "deduplicated": not there}

    def _find(self, call: ToolCall, kind: _Kind) -> dict[str, JsonValue]:
        wanted = call.arguments.get("idempotency_key")
        if not isinstance(wanted, str):
            return self._refuse(call, "idempotency_key: a text is required")
        refs: list[JsonValue] = [
            kind.ref(found.object_id)
            for found in self._objects.values()
            if found.idempotency_key == wanted and self._visible(call, kind, found.object_id)
        ]
        return {"success": True, "found": bool(refs), "external_objects": refs}

    def _visible(self, call: ToolCall, kind: _Kind, object_id: str) -> bool:
        found = self._objects.get(object_id)
        return found is not None and (found.object_type, found.tenant_id, found.account_id) == (
            kind.object_type,
            call.ref.tenant_id,
            call.ref.account_id,
        )

    def _refuse(self, call: ToolCall, message: str) -> dict[str, JsonValue]:
        self._log(EffectKind.REFUSED, call, None)
        return {
            "success": False,
            "external_objects": [],
            "error_code": "VALIDATION_ERROR",
            "error_class": "VALIDATION",
            "error_message": message,
        }

    def _log(self, kind: EffectKind, call: ToolCall, object_id: JsonValue) -> None:
        self._effects.append(
            Effect(
                kind=kind,
                tool_name=call.tool_name,
                tenant_id=call.ref.tenant_id,
                account_id=call.ref.account_id,
                action_intent_id=call.ref.action_intent_id,
                idempotency_key=call.idempotency_key,
                object_id=object_id if isinstance(object_id, str) else None,
            )
        )


def _named(ref: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {
        "external_object_id": ref["object_id"],
        "object_type": ref["object_type"],
        "object_url": ref["object_url"],
    }


def _answer(content: dict[str, JsonValue]) -> ToolAnswer:
    return ToolAnswer(is_error=content["success"] is not True, structured=content)
