"""The reference tools as a gateway lists them, for whoever judges mappings: real schemas, changed in one thing."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from adapters.jsonschema.argument_schemas import JsonSchemaArguments
from adapters.memory.tool_catalogue import MemoryToolCatalogue
from domain.model.tool_description import ToolAnnotations, ToolDescription
from domain.model.tool_mapping import ToolMapping
from domain.policies.publication import Facts
from domain.use_cases.gateway_tools import GatewayTools
from local.tool_server.catalogue import CATALOGUE
from tests.builders import a_mapping

SCHEMAS = JsonSchemaArguments()


def reference_tools() -> dict[str, ToolDescription]:
    """Every tool of the reference server by name, as its own ``tools/list`` describes it."""
    return dict(_described())


@cache
def _described() -> dict[str, ToolDescription]:
    described = (tool.described() for tool in CATALOGUE.values())
    return {
        tool.name: ToolDescription(
            name=tool.name,
            input_schema=tool.input_schema,
            annotations=ToolAnnotations(
                read_only=tool.annotations.read_only_hint if tool.annotations else None,
                destructive=tool.annotations.destructive_hint if tool.annotations else None,
                idempotent=tool.annotations.idempotent_hint if tool.annotations else None,
            ),
        )
        for tool in described
    }


def a_tool(
    name: str = "crm___create_task",
    *,
    hints: dict[str, bool | None] | None = None,
    **schema: Any,  # noqa: ANN401  a schema's keywords
) -> ToolDescription:
    """A reference tool with some keywords of its schema, or some of its hints, replaced; ``None`` takes one away."""
    tool = reference_tools()[name]
    changed = {key: value for key, value in {**tool.input_schema, **schema}.items() if value is not None}
    annotations = ToolAnnotations(**{**tool.annotations.model_dump(), **(hints or {})})
    return tool.model_copy(update={"input_schema": changed, "annotations": annotations})


def listing(*changed: ToolDescription, without: Iterable[str] = ()) -> MemoryToolCatalogue:
    """A catalogue of the reference tools, with some replaced and some gone."""
    tools = {**reference_tools(), **{tool.name: tool for tool in changed}}
    return MemoryToolCatalogue([tool for name, tool in tools.items() if name not in set(without)])


def facts(*changed: ToolDescription, without: Iterable[str] = ()) -> Facts:
    """What is known of those tools."""
    return GatewayTools(listing(*changed, without=without), SCHEMAS).facts_for(a_mapping())


def a_fitting_mapping(**changes: Any) -> ToolMapping:  # noqa: ANN401  a mapping's fields
    """A mapping that the reference tools honour without a word."""
    title = {"parameter": "title", "argument": "title", "type": "STRING", "required": True}
    return a_mapping(**{"parameters": [title], **changes})
