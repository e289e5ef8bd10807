"""Intents and mappings as files that a person writes, read strictly and with errors that name line and field.

A file holds one document, or a list of them: ``{"action_intent": {…}}`` or ``{"tool_mapping": {…}}``. Two
conveniences spare a person from computing: ``expires_in_seconds`` instead of ``expires_at_epoch``, and
``approved_by`` alone instead of a whole approval (the digest is computed when the file is loaded).

Nothing is guessed: a key written twice, a lifetime beside an end, or an approver who is no identifier is refused
before anything is stored. No message repeats a value, which may be a secret in the wrong field.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from domain.model.identifiers import Identifier
from domain.model.intent import ActionIntent
from domain.model.tool_mapping import ToolMapping

IDENTIFIER_RULE: Final = (
    "must be 1 to 128 characters out of letters, digits and ._:@+-, the first of them a letter or digit"
)


class DocumentError(Exception):
    """A file cannot be used; the message names the file, the place and the fix."""


class _KeyWrittenTwice(Exception):
    """An object in a file has a key twice."""


@dataclass(frozen=True)
class IntentDocument:
    """An intent as a file states it, and who is to be recorded as its approver."""

    intent: ActionIntent
    approved_by: str | None


Document = IntentDocument | ToolMapping


def read_documents(file: Path, *, now: datetime) -> list[Document]:
    """Return the documents of a file, in order; raises ``DocumentError``."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{file}: cannot be read as UTF-8 text ({error.__class__.__name__})") from error
    parsed = _parsed(text, file)
    documents = parsed if isinstance(parsed, list) else [parsed]
    return [_document(item, f"{file}, document {number}", now) for number, item in enumerate(documents, start=1)]


def is_identifier(value: object) -> bool:
    """Whether a value can name somebody or something, e.g. an approver."""
    try:
        TypeAdapter(Identifier).validate_python(value)
    except ValidationError:
        return False
    return True


def _parsed(text: str, file: Path) -> object:
    try:
        return json.loads(text, object_pairs_hook=_object_without_repeats)
    except json.JSONDecodeError as error:
        raise DocumentError(f"{file}:{error.lineno}:{error.colno}: is not JSON: {error.msg}") from error
    except _KeyWrittenTwice as error:
        raise DocumentError(f"{file}: the key {error} is written twice in one object; keep one of the two") from error
    except RecursionError as error:
        raise DocumentError(f"{file}: is nested too deeply to be read") from error
    except ValueError as error:
        # The interpreter refuses to convert integers of more than some thousand digits.
        raise DocumentError(f"{file}: holds a number with too many digits to be read") from error


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for key, value in pairs:
        if key in read:
            raise _KeyWrittenTwice(json.dumps(key))
        read[key] = value
    return read


def _document(item: object, place: str, now: datetime) -> Document:
    if not isinstance(item, dict) or len(item) != 1 or next(iter(item)) not in {"action_intent", "tool_mapping"}:
        raise DocumentError(f'{place}: must be an object with the one key "action_intent" or "tool_mapping"')
    ((kind, content),) = item.items()
    if not isinstance(content, dict):
        raise DocumentError(f"{place}: {kind} must be an object, and is a {type(content).__name__}")
    try:
        return _intent(content, place, now) if kind == "action_intent" else _mapping(content, now)
    except ValidationError as error:
        raise DocumentError(f"{place}: {_faults(kind, error)}") from error


def _mapping(content: dict[str, Any], now: datetime) -> ToolMapping:
    return ToolMapping.model_validate({"created_at": now, **content})


def _intent(content: dict[str, Any], place: str, now: datetime) -> IntentDocument:
    fields = {"created_at": now, **content}
    if "expires_in_seconds" in fields:
        lifetime = fields.pop("expires_in_seconds")
        named = f"{place}: action_intent.expires_in_seconds"
        if "expires_at_epoch" in fields:
            raise DocumentError(f"{named}: must not be given together with expires_at_epoch; keep one of the two")
        if type(lifetime) is not int:  # a bool is an int too
            raise DocumentError(f"{named}: must be a whole number of seconds")
        fields["expires_at_epoch"] = int(now.timestamp()) + lifetime
    if "approved_by" in fields and not is_identifier(fields["approved_by"]):
        raise DocumentError(f"{place}: action_intent.approved_by: {IDENTIFIER_RULE}")
    approved_by = fields.pop("approved_by", None)
    return IntentDocument(ActionIntent.model_validate(fields), approved_by)


def _faults(kind: str, error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, (kind, *fault['loc'])))}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)
    )
