"""A tool catalogue in memory."""

from collections.abc import Sequence

from domain.model.tool_description import ToolDescription
from ports.tool_catalogue import CatalogueUnavailable


class MemoryToolCatalogue:
    """Answers with the tools it was given; ``down`` says why it cannot, for as long as it is set."""

    def __init__(self, tools: Sequence[ToolDescription] = ()) -> None:
        self.listed = tuple(tools)
        self.down: str | None = None

    def tools(self, *, deadline_seconds: float, scopes: Sequence[str] = ()) -> tuple[ToolDescription, ...]:
        del scopes
        if deadline_seconds <= 0:
            raise CatalogueUnavailable("The deadline was over before the gateway was asked.")
        if self.down is not None:
            raise CatalogueUnavailable(self.down)
        return self.listed
