"""The mapping registry port."""

from collections.abc import Iterator
from typing import Protocol

from domain.model.tool_mapping import ToolMapping


class MappingRegistry(Protocol):
    """Holds the versioned, immutable tool mappings.

    All methods raise ``TransientError`` when the registry cannot be reached and ``ConfigurationError`` when access
    is denied.
    """

    def find(self, action_type: str, version: str) -> ToolMapping | None:
        """Return exactly this version, or ``None``; there is no "latest"."""
        ...

    def publish(self, mapping: ToolMapping) -> None:
        """Add a version, once.

        Publishing the same content again is harmless; another content under a published version raises
        ``PermanentError``: publish it as a new version instead.
        """
        ...

    def published(self) -> Iterator[ToolMapping]:
        """Yield every version of every mapping, deprecated ones too, in no promised order.

        It reads the whole registry, a page at a time, so it is for people and checks and for no step.
        """
        ...
