"""Tool mappings in memory."""

from collections.abc import Iterator
from threading import Lock

from adapters.memory import warn_that_nothing_is_kept
from domain.model.errors import PermanentError
from domain.model.tool_mapping import ToolMapping


class MemoryMappingRegistry:
    """Keeps each version once; what makes two versions equal is their ``content_hash``."""

    def __init__(self) -> None:
        warn_that_nothing_is_kept(self)
        self._mappings: dict[tuple[str, str], ToolMapping] = {}
        self._lock = Lock()

    def find(self, action_type: str, version: str) -> ToolMapping | None:
        with self._lock:
            return self._mappings.get((action_type, version))

    def publish(self, mapping: ToolMapping) -> None:
        with self._lock:
            standing = self._mappings.setdefault((mapping.action_type, mapping.version), mapping.model_copy(deep=True))
        if standing.content_hash != mapping.content_hash:
            raise PermanentError(
                f"version {mapping.version} of {mapping.action_type} is published with another content; "
                "publish this one as a new version",
                action_type=mapping.action_type,
                version=mapping.version,
            )

    def published(self) -> Iterator[ToolMapping]:
        with self._lock:
            standing = list(self._mappings.values())
        yield from standing
