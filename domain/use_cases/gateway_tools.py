"""The gateway's tools as facts: listed once for each set of scopes, and each schema reviewed once."""

from dataclasses import dataclass, field

from pydantic import JsonValue

from domain.model.errors import ConfigurationError
from domain.model.identifiers import IntentRef
from domain.model.tool_call import execution_context_of
from domain.model.tool_description import ToolDescription
from domain.model.tool_mapping import RESERVED_ARGUMENT, ToolMapping
from domain.policies.argument_fit import VERIFY_ARGUMENT, ToolFacts
from domain.policies.publication import Facts
from ports.argument_schemas import ArgumentSchemas
from ports.tool_catalogue import ToolCatalogue

LISTING_SECONDS = 30.0
"""Longest that one listing of all tools may take: a person waits for it."""

_SAMPLE = IntentRef(tenant_id="tenant", account_id="account", action_intent_id="intent")
_KEY = "0" * 64


@dataclass(frozen=True)
class GatewayTools:
    """What the gateway lists, for the judging of many mappings; built for one judging and then thrown away.

    Raises what the catalogue raises: ``CatalogueUnavailable`` and ``ConfigurationError``.
    """

    catalogue: ToolCatalogue
    schemas: ArgumentSchemas
    _listed: dict[tuple[str, ...], Facts] = field(default_factory=dict)

    def facts_for(self, mapping: ToolMapping) -> Facts:
        """Return every tool that is listed to whoever has the mapping's scopes."""
        scopes = tuple(sorted(mapping.required_scopes))
        if scopes not in self._listed:
            tools = self.catalogue.tools(deadline_seconds=LISTING_SECONDS, scopes=scopes)
            self._listed[scopes] = {tool.name: self._facts(tool) for tool in tools}
        return self._listed[scopes]

    def _facts(self, tool: ToolDescription) -> ToolFacts:
        review = self.schemas.review(tool.input_schema)
        if review.unusable is not None:
            return ToolFacts(tool, unusable=review.unusable)
        sample: dict[str, JsonValue] = {RESERVED_ARGUMENT: execution_context_of(_SAMPLE, _KEY), VERIFY_ARGUMENT: _KEY}
        try:
            refused = [self._refused(tool, name, value) for name, value in sample.items()]
        except ConfigurationError:  # one odd tool must not keep all others from being judged
            return ToolFacts(tool, unusable="it could not be applied to a call")
        context_faults, key_faults = refused
        return ToolFacts(tool, unchecked=review.unchecked, context_faults=context_faults, key_faults=key_faults)

    def _refused(self, tool: ToolDescription, argument: str, value: JsonValue) -> tuple[str, ...]:
        """Return what a schema refuses about one argument."""
        faults = self.schemas.faults(tool.input_schema, {argument: value})
        return tuple(str(fault) for fault in faults if fault.path.split("/")[1:2] == [argument])
