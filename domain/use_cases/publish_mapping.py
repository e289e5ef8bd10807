"""PublishMapping: a mapping becomes something that can be approved, if the gateway's tools would honour it."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.model.tool_mapping import ToolMapping
from domain.policies.argument_fit import Finding
from domain.policies.publication import Judgement, judge
from domain.policies.schema_difference import differences
from domain.use_cases.gateway_tools import GatewayTools
from ports.argument_schemas import ArgumentSchemas
from ports.mapping_registry import MappingRegistry
from ports.tool_catalogue import ToolCatalogue

MOST_PARTS = 5
"""Changed places of a schema that are named when a publication is refused for them."""


@dataclass(frozen=True)
class PublishMapping:
    """Judges mappings against the live tools, pins the tools' schemas into them, and publishes all of them or none.

    What stands is never overwritten: the same content again is harmless, and a mapping whose tool has changed since it
    was published is refused as what it now is, another content under the same version. Raises
    ``CatalogueUnavailable``, ``ConfigurationError`` and, where somebody else publishes meanwhile, ``PermanentError``.
    """

    registry: MappingRegistry
    catalogue: ToolCatalogue
    schemas: ArgumentSchemas

    def __call__(self, mappings: Sequence[ToolMapping]) -> tuple[Judgement, ...]:
        """Return the judgement of each; all are published if none has a fault, and nothing is otherwise."""
        tools = GatewayTools(self.catalogue, self.schemas)
        judged = tuple(_once(mapping, mappings, self._judged(mapping, tools)) for mapping in mappings)
        if not any(one.faults for one in judged):
            for one in judged:
                self.registry.publish(one.mapping)
        return judged

    def _judged(self, mapping: ToolMapping, tools: GatewayTools) -> Judgement:
        judged = judge(mapping, tools.facts_for(mapping))
        standing = self.registry.find(mapping.action_type, mapping.version)
        if standing is None or (not judged.faults and standing.content_hash == judged.mapping.content_hash):
            return judged
        taken = _taken(standing, judged.mapping)
        return Judgement(judged.mapping, (*judged.findings, taken) if taken else judged.findings)


def _once(mapping: ToolMapping, given: Sequence[ToolMapping], judged: Judgement) -> Judgement:
    """Add the fault of a version that is given twice: the second could not be published after the first."""
    contents = {
        other.content_hash
        for other in given
        if (other.action_type, other.version) == (mapping.action_type, mapping.version)
    }
    if len(contents) == 1:
        return judged
    message = f"{mapping.version} of {mapping.action_type} is given twice with different contents; keep one of them"
    return Judgement(mapping, (*judged.findings, Finding(("version",), message)))


def _taken(standing: ToolMapping, wanted: ToolMapping) -> Finding | None:
    """Say why a published version cannot be published again as it is wanted."""
    said = f"{wanted.version} of {wanted.action_type} is published"
    if standing.without_pins.content_hash != wanted.without_pins.content_hash:
        return Finding(("version",), f"{said} with another content; publish this one as a new version")
    if wanted.tool_schema_hash is None:
        return None  # the file is the one that was published, and the other faults say what its tools have become
    if standing.tool_schema_hash is None:
        return Finding(("version",), f"{said} without its tool's schema; publish it as a new version to pin that")
    parts = _parts(standing, wanted)
    return Finding(("version",), f"{said}, and its tools have changed since ({parts}); publish it as a new version")


def _parts(standing: ToolMapping, wanted: ToolMapping) -> str:
    if standing.tool_schema_hash == wanted.tool_schema_hash:
        return "the schema of its verify or compensation tool"
    if standing.tool_input_schema is None or wanted.tool_input_schema is None:
        return "the input schema"
    found = differences(standing.tool_input_schema, wanted.tool_input_schema)
    more = f" and {len(found) - MOST_PARTS} more" if len(found) > MOST_PARTS else ""
    return ", ".join(map(str, found[:MOST_PARTS])) + more
