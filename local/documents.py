"""Intents and mappings as files that a person writes, read strictly and with errors that name line and field.

A file (JSON, or YAML if its name ends in ``.yaml`` or ``.yml``) holds one document, or a list of them:
``{"action_intent": {…}}`` or ``{"tool_mapping": {…}}``. Two conveniences spare a person from computing:
``expires_in_seconds`` instead of ``expires_at_epoch``, and ``approved_by`` alone instead of a whole approval (the
digest is computed when the file is loaded). A ``$schema`` beside the document is for editors and says nothing here.

Nothing is guessed: a key written twice, a lifetime beside an end, or an approver who is no identifier is refused
before anything is stored. No message repeats a value, which may be a secret in the wrong field.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from domain.model.identifiers import Identifier
from domain.model.intent import ActionIntent
from domain.model.tool_mapping import ToolMapping
from local.marked_text import DocumentError as DocumentError  # noqa: PLC0414  what reading a document raises
from local.marked_text import Field, Marked, read_marked

IDENTIFIER_RULE: Final = (
    "must be 1 to 128 characters out of letters, digits and ._:@+-, the first of them a letter or digit"
)

_Item = TypeVar("_Item")

KINDS: Final = frozenset({"action_intent", "tool_mapping"})
EDITORS_KEY: Final = "$schema"


@dataclass(frozen=True)
class Source:
    """Where a document was read, so that whoever judges it later can still name line and field."""

    marked: Marked
    at: Field
    """The document's content in the file."""

    def fault(self, field: Field, message: str) -> str:
        """Return a message about a field as ``file:line: field: message``."""
        return f"{self.marked.place((*self.at, *field))}: {self.name(field)}: {message}"

    def name(self, field: Field) -> str:
        """Return a field's name, without what is not a part of the file (pydantic names the kind of a union)."""
        whole = (*self.at, *field)
        written = self.marked.written(whole)
        missing = whole[-1:] if field and written[-1:] != whole[-1:] else ()
        return ".".join(map(str, (*written[len(self.at) - 1 :], *missing)))


@dataclass(frozen=True)
class IntentDocument:
    """An intent as a file states it, and who is to be recorded as its approver."""

    intent: ActionIntent
    approved_by: str | None
    expiry_counts_from_now: bool = False
    """Whether its end is counted from the moment of loading, so that it is another one each time."""
    source: Source | None = None


@dataclass(frozen=True)
class MappingDocument:
    """A mapping as a file states it."""

    mapping: ToolMapping
    source: Source | None = None

    def fault(self, field: Field, message: str) -> str:
        """Return a message about a field, with its line if the mapping was read from a file."""
        if self.source is not None:
            return self.source.fault(field, message)
        named = ".".join(map(str, field))
        return f"{self.mapping.action_type} {self.mapping.version}: tool_mapping.{named}: {message}"


Document = IntentDocument | MappingDocument


def read_documents(file: Path, *, now: datetime) -> list[Document]:
    """Return the documents of a file, in order; raises ``DocumentError``."""
    marked = read_marked(file)
    if isinstance(marked.value, list):
        return all_or_every_fault(enumerate(marked.value), lambda item: [_document(item[1], marked, (item[0],), now)])
    return [_document(marked.value, marked, (), now)]


def all_or_every_fault(items: Iterable[_Item], read: Callable[[_Item], list[Document]]) -> list[Document]:
    """Return what is read from all items; raises one ``DocumentError`` with every fault, to be mended in one pass."""
    documents: list[Document] = []
    faults: list[str] = []
    for item in items:
        try:
            documents += read(item)
        except DocumentError as error:
            faults.append(str(error))
    if faults:
        raise DocumentError("\n".join(faults))
    return documents


def is_identifier(value: object) -> bool:
    """Whether a value can name somebody or something, e.g. an approver."""
    try:
        TypeAdapter(Identifier).validate_python(value)
    except ValidationError:
        return False
    return True


def _document(item: object, marked: Marked, at: Field, now: datetime) -> Document:
    kinds = item.keys() - {EDITORS_KEY} if isinstance(item, dict) else set()
    if not isinstance(item, dict) or len(kinds) != 1 or not kinds <= KINDS:
        raise DocumentError(f'{marked.place(at)}: must be an object with the one key "action_intent" or "tool_mapping"')
    (kind,) = kinds
    source, content = Source(marked, (*at, kind)), item[kind]
    if not isinstance(content, dict):
        raise DocumentError(f"{marked.place(source.at)}: {kind} must be an object, and is a {type(content).__name__}")
    try:
        return _intent(content, source, now) if kind == "action_intent" else _mapping(content, source, now)
    except ValidationError as error:
        raise DocumentError(_faults(source, content, error)) from error


def _mapping(content: dict[str, Any], source: Source, now: datetime) -> MappingDocument:
    return MappingDocument(ToolMapping.model_validate({"created_at": now, **content}), source)


def _intent(content: dict[str, Any], source: Source, now: datetime) -> IntentDocument:
    fields = {"created_at": now, **content}
    if "expires_in_seconds" in fields:
        lifetime = fields.pop("expires_in_seconds")
        if "expires_at_epoch" in fields:
            message = "must not be given together with expires_at_epoch; keep one of the two"
            raise DocumentError(source.fault(("expires_in_seconds",), message))
        if type(lifetime) is not int:  # a bool is an int too
            raise DocumentError(source.fault(("expires_in_seconds",), "must be a whole number of seconds"))
        fields["expires_at_epoch"] = int(now.timestamp()) + lifetime
    if "approved_by" in fields and not is_identifier(fields["approved_by"]):
        raise DocumentError(source.fault(("approved_by",), IDENTIFIER_RULE))
    approved_by = fields.pop("approved_by", None)
    counts = "expires_in_seconds" in content
    return IntentDocument(ActionIntent.model_validate(fields), approved_by, counts, source)


_PLAINLY: Final = {
    "missing": "is missing; add it",
    "extra_forbidden": "is no field that this may have; correct its name, or remove it",
}
"""What a library's words leave to the reader: what to do about it."""

_NAMED: Final = re.compile(r"Value error, (?P<field>[a-z_]+(?:\.[a-z_]+)*): (?P<message>.*)", re.DOTALL)
"""A rule over several fields begins with the name of the one at fault."""


def _faults(source: Source, content: Mapping[str, Any], error: ValidationError) -> str:
    told = []
    for fault in error.errors(include_input=False, include_url=False):
        field, message = tuple(fault["loc"]), fault["msg"]
        if (named := _NAMED.fullmatch(message)) is not None:
            field, message = (*field, *named["field"].split(".")), named["message"]
        message = _PLAINLY.get(fault["type"], message)
        if fault["type"] == "union_tag_invalid":  # whose own words repeat the value
            field, message = (*field, "kind"), f"must be one of {fault['ctx']['expected_tags']}"
        if fault["type"] == "string_type" and isinstance(_value(content, field), int | float):
            message = f"{message}; put it in quotes"
        told.append(source.fault(field, message))
    return "\n".join(told)


def _value(content: Any, field: Field) -> Any:  # noqa: ANN401  whatever a file holds
    for part in field:
        match content:
            case dict() if part in content:
                content = content[part]
            case list() if isinstance(part, int):
                content = content[part]
            case _:
                pass  # pydantic names the kind of a union between the field and what is in it
    return content
