"""The artifact store port."""

from typing import Protocol

from pydantic import JsonValue

from domain.model.identifiers import IntentRef


class ArtifactStore(Protocol):
    """Keeps redacted requests and raw responses, outside the state and the outcome, which only refer to them."""

    def put(self, ref: IntentRef, name: str, document: dict[str, JsonValue]) -> str:
        """Store the document under the intent's own prefix and return its reference (a URI).

        The same document under the same name yields the same reference. Raises ``TransientError`` if it cannot be
        stored and ``ConfigurationError`` when access is denied; a caller that has acted must not fail because of it.
        """
        ...
