"""The tool catalogue port."""

from collections.abc import Sequence
from typing import Protocol

from domain.model.tool_description import ToolDescription


class CatalogueUnavailable(Exception):
    """The gateway could not be asked for its tools, or gave no usable list; the message says why and what to do."""


class ToolCatalogue(Protocol):
    """Lists what the gateway offers; it calls no tool.

    Raises ``CatalogueUnavailable`` where no complete list came, and ``ConfigurationError`` where the gateway may not
    be asked at all or does not speak the configured protocol version.
    """

    def tools(self, *, deadline_seconds: float, scopes: Sequence[str] = ()) -> tuple[ToolDescription, ...]:
        """Return every tool of the gateway, all pages of the list, within ``deadline_seconds``."""
        ...
