"""Artifacts in memory."""

import re
from threading import Lock

from pydantic import JsonValue

from adapters.memory import warn_that_nothing_is_kept
from domain.model.canonical_json import canonical_json
from domain.model.identifiers import IDENTIFIER_PATTERN, IntentRef


class MemoryArtifactStore:
    """Keeps each document as its canonical text under a ``memory://`` reference."""

    def __init__(self) -> None:
        warn_that_nothing_is_kept(self)
        self._documents: dict[str, str] = {}
        self._lock = Lock()

    def put(self, ref: IntentRef, name: str, document: dict[str, JsonValue]) -> str:
        if not re.fullmatch(IDENTIFIER_PATTERN, name):
            raise ValueError("name becomes part of a key: give it letters, digits and ._:@+- only")
        reference = (
            f"memory://tenant/{ref.tenant_id}/account/{ref.account_id}/intent/{ref.action_intent_id}/{name}.json"
        )
        with self._lock:
            self._documents[reference] = canonical_json(document)
        return reference

    def text(self, reference: str) -> str | None:
        """Return the stored text behind a reference, or ``None``: for whoever inspects what was kept."""
        with self._lock:
            return self._documents.get(reference)
