"""Intents and mappings as files that a person writes, read strictly and with errors that name line and field.

A file holds one document, or a list of them: ``{"action_intent": {…}}`` or ``{"tool_mapping": {…}}``. Two
conveniences spare a person from computing: ``expires_in_seconds`` instead of ``expires_at_epoch``, and
``approved_by`` alone instead of a whole approval (the digest is computed when the file is loaded).
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.model.intent import ActionIntent
from domain.model.tool_mapping import ToolMapping


class DocumentError(Exception):
    """A file cannot be used; the message names the file, the place and the fix."""


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
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError(f"{file}:{error.lineno}:{error.colno}: is not JSON: {error.msg}") from error
    documents = parsed if isinstance(parsed, list) else [parsed]
    return [_document(item, f"{file}, document {number}", now) for number, item in enumerate(documents, start=1)]


def _document(item: object, place: str, now: datetime) -> Document:
    if not isinstance(item, dict) or len(item) != 1 or next(iter(item)) not in {"action_intent", "tool_mapping"}:
        raise DocumentError(f'{place}: must be an object with the one key "action_intent" or "tool_mapping"')
    ((kind, content),) = item.items()
    if not isinstance(content, dict):
        raise DocumentError(f"{place}: {kind} must be an object, and is a {type(content).__name__}")
    try:
        return _intent(content, now) if kind == "action_intent" else _mapping(content, now)
    except ValidationError as error:
        raise DocumentError(f"{place}: {_faults(kind, error)}") from error


def _mapping(content: dict[str, Any], now: datetime) -> ToolMapping:
    return ToolMapping.model_validate({"created_at": now, **content})


def _intent(content: dict[str, Any], now: datetime) -> IntentDocument:
    fields = {"created_at": now, **content}
    approved_by = fields.pop("approved_by", None)
    lifetime = fields.pop("expires_in_seconds", None)
    if isinstance(lifetime, int) and "expires_at_epoch" not in fields:
        fields["expires_at_epoch"] = int(now.timestamp()) + lifetime
    return IntentDocument(ActionIntent.model_validate(fields), approved_by)


def _faults(kind: str, error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, (kind, *fault['loc'])))}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)
    )
