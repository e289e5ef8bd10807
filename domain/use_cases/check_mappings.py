"""CheckMappings: whether the gateway's tools are still what the published mappings were published for."""

from dataclasses import dataclass

from domain.model.tool_mapping import ToolMapping
from domain.policies.drift import Drift, drift_of, is_pinned
from domain.use_cases.gateway_tools import GatewayTools
from ports.argument_schemas import ArgumentSchemas
from ports.mapping_registry import MappingRegistry
from ports.tool_catalogue import ToolCatalogue


@dataclass(frozen=True)
class Checked:
    """One published mapping, and how far its tools have moved."""

    mapping: ToolMapping
    drifts: tuple[Drift, ...]

    @property
    def is_deprecated(self) -> bool:
        """Whether nobody should be approving with it any more; its drift is told and alarms nobody."""
        return self.mapping.deprecated_at is not None

    @property
    def is_pinned(self) -> bool:
        """Whether it says which schemas it was published for."""
        return is_pinned(self.mapping)

    @property
    def has_drifted(self) -> bool:
        """Whether somebody has to look."""
        return bool(self.drifts) and not self.is_deprecated


@dataclass(frozen=True)
class CheckMappings:
    """Compares every published version with the live gateway; it changes nothing and calls no tool.

    Raises ``CatalogueUnavailable``, ``ConfigurationError`` and ``TransientError``: then nothing can be said.
    """

    registry: MappingRegistry
    catalogue: ToolCatalogue
    schemas: ArgumentSchemas

    def __call__(self) -> tuple[Checked, ...]:
        """Return every published mapping by action type and version, each with its drift."""
        tools = GatewayTools(self.catalogue, self.schemas)
        published = sorted(self.registry.published(), key=lambda mapping: (mapping.action_type, mapping.version))
        return tuple(Checked(mapping, drift_of(mapping, tools.facts_for(mapping))) for mapping in published)
