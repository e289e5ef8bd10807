"""The tools on offer: their gateway names, their strict schemas and what they may do.

Owns what a caller may send. It exists as data, so that `tools/list`, the check of the arguments and the
implementation cannot disagree.

It will not touch the database. Names follow the gateway's rule, target and tool joined by three underscores.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from mcp_types import Tool as McpTool
from mcp_types import ToolAnnotations
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, model_validator

from local.tool_server.answers import Answer, ObjectRef

EXECUTION_CONTEXT = "execution_context"
"""The reserved argument in which the caller's identity and key travel; no tool has a field of that name."""

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=256)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
LongText = Annotated[str, StringConstraints(max_length=20_000)]


class Operation(StrEnum):
    """What a tool does to the system of record."""

    CREATE = "CREATE"
    DELETE = "DELETE"
    FIND = "FIND"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ExecutionContext(_Strict):
    """Who acts, for which approved intent, under which key. The key makes a repeat of the call harmless."""

    idempotency_key: Identifier
    action_intent_id: Identifier
    tenant_id: Identifier
    account_id: Identifier


class ToolArguments(_Strict):
    """The arguments that every tool has."""

    execution_context: ExecutionContext


class CreateTask(ToolArguments):
    """A task in the CRM."""

    title: ShortText
    description: LongText | None = None
    due_date: date | None = None
    priority: Literal["LOW", "NORMAL", "HIGH"] = "NORMAL"
    assignee: ShortText | None = None


class DraftEvent(ToolArguments):
    """An event in the calendar; its times carry an offset from UTC, and it ends after it starts."""

    title: ShortText
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    attendees: list[ShortText] = []

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be later than starts_at")
        return self


class CreateNote(ToolArguments):
    """An internal note."""

    title: ShortText
    body: LongText = ""


class DeleteTask(ToolArguments):
    """The task to delete."""

    task_id: Identifier


class DeleteEvent(ToolArguments):
    """The event to delete."""

    event_id: Identifier


class DeleteNote(ToolArguments):
    """The note to delete."""

    note_id: Identifier


class FindByKey(ToolArguments):
    """The key of the call whose effect is asked about; the execution context carries the question's own key."""

    idempotency_key: Identifier


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: its name, the prefix of its ids, and where a person would look at it."""

    object_type: str
    id_prefix: str
    web_folder: str

    def ref(self, object_id: str) -> ObjectRef:
        """Return the reference to the object of this kind with that id."""
        return ObjectRef(object_type=self.object_type, object_id=object_id, object_url=f"{self.web_folder}/{object_id}")


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: its gateway name, its purpose, what it does to which kind, and its arguments."""

    name: str
    description: str
    operation: Operation
    kind: Kind
    arguments: type[ToolArguments]

    def described(self) -> McpTool:
        """Return the tool as `tools/list` shows it."""
        return McpTool(
            name=self.name,
            description=self.description,
            input_schema=_without_references(self.arguments.model_json_schema()),
            output_schema=_without_references(Answer.model_json_schema()),
            annotations=ToolAnnotations(
                read_only_hint=self.operation is Operation.FIND,
                destructive_hint=self.operation is Operation.DELETE,
                idempotent_hint=True,
                open_world_hint=False,
            ),
        )


TASK = Kind("Task", "task", "https://crm.example.test/tasks")
EVENT = Kind("Event", "event", "https://calendar.example.test/events")
NOTE = Kind("Note", "note", "https://notes.example.test/notes")

_TOOLS = (
    Tool("crm___create_task", "Create a task in the CRM.", Operation.CREATE, TASK, CreateTask),
    Tool("crm___delete_task", "Delete a task from the CRM.", Operation.DELETE, TASK, DeleteTask),
    Tool("crm___find_task", "Tell whether a call's task exists.", Operation.FIND, TASK, FindByKey),
    Tool("calendar___draft_event", "Draft a calendar event.", Operation.CREATE, EVENT, DraftEvent),
    Tool("calendar___delete_event", "Delete a calendar event.", Operation.DELETE, EVENT, DeleteEvent),
    Tool("calendar___find_event", "Tell whether a call's event exists.", Operation.FIND, EVENT, FindByKey),
    Tool("internal___create_note", "Create an internal note.", Operation.CREATE, NOTE, CreateNote),
    Tool("internal___delete_note", "Delete an internal note.", Operation.DELETE, NOTE, DeleteNote),
    Tool("internal___find_note", "Tell whether a call's note exists.", Operation.FIND, NOTE, FindByKey),
)

CATALOGUE: Mapping[str, Tool] = MappingProxyType({tool.name: tool for tool in _TOOLS})
"""Every tool by its gateway name."""

TARGETS = frozenset(name.split("___", 1)[0] for name in CATALOGUE)
"""The gateway targets that the tools belong to."""


def _without_references(schema: dict[str, Any]) -> dict[str, Any]:
    # Definitions are written out where they are used: not every client of tools/list follows `$ref`.
    definitions = schema.pop("$defs", {})

    def written_out(node: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(node, list):
            return [written_out(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return written_out(definitions[node["$ref"].rsplit("/", 1)[1]])
        return {key: written_out(value) for key, value in node.items()}

    plain: dict[str, Any] = written_out(schema)
    return plain
