"""The contract of ``ToolCatalogue``, held against every adapter.

The MCP adapter asks a mock gateway that gives out the memory adapter's tools, two on a page, in each way that the
protocol has to do so.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import httpx
import pytest
from pydantic import JsonValue

from adapters.mcp.tool_catalogue import McpToolCatalogue
from adapters.memory.clock import MemoryClock
from adapters.memory.tool_catalogue import MemoryToolCatalogue
from domain.model.tool_description import ToolAnnotations, ToolDescription
from ports.steps.resources import MCP_PROTOCOL_VERSIONS
from ports.tool_catalogue import CatalogueUnavailable, ToolCatalogue
from tests.adapters.mcp.stand_in import GATEWAY_URL, FixedTokens
from tests.builders import NOW

PAGE_SIZE = 2


def a_tool(number: int, **changes: object) -> ToolDescription:
    """One tool of many."""
    schema = {"type": "object", "properties": {f"argument_{number}": {"type": "string"}}}
    return ToolDescription.model_validate({"name": f"crm___tool_{number}", "input_schema": schema, **changes})


class Subject(Protocol):
    """One adapter, and the tools of the gateway that it asks."""

    catalogue: ToolCatalogue
    listed: MemoryToolCatalogue


class Memory:
    """The memory adapter."""

    def __init__(self) -> None:
        self.listed = MemoryToolCatalogue()
        self.catalogue: ToolCatalogue = self.listed


class Mcp:
    """The MCP adapter before a mock gateway that lists the memory adapter's tools."""

    def __init__(self, version: str, *, streams: bool) -> None:
        self.listed = MemoryToolCatalogue()
        self._version = version
        self._streams = streams
        self.catalogue: ToolCatalogue = McpToolCatalogue(
            httpx.Client(transport=httpx.MockTransport(self._handle), trust_env=False),
            gateway_url=GATEWAY_URL,
            protocol_version=version,
            tokens=FixedTokens(),
            clock=MemoryClock(NOW),
        )

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if self.listed.down is not None:
            return httpx.Response(503)
        if request.method == "DELETE":
            return httpx.Response(204)
        message = json.loads(request.content)
        match message["method"]:
            case "initialize":
                result: dict[str, JsonValue] = {"protocolVersion": self._version, "capabilities": {}}
                return self._response(message["id"], result)
            case "notifications/initialized":
                return httpx.Response(202)
            case _:
                return self._response(message["id"], self._page(int(message["params"].get("cursor", "0"))))

    def _page(self, start: int) -> dict[str, JsonValue]:
        tools = self.listed.tools(deadline_seconds=1)
        end = start + PAGE_SIZE
        return {
            "tools": [_on_the_wire(tool) for tool in tools[start:end]],
            **({"nextCursor": str(end)} if end < len(tools) else {}),
        }

    def _response(self, request_id: str, result: JsonValue) -> httpx.Response:
        message = {"jsonrpc": "2.0", "id": request_id, "result": result}
        headers = {"Mcp-Session-Id": "session-1"}
        if not self._streams:
            return httpx.Response(200, json=message, headers=headers)
        text = f"event: message\ndata: {json.dumps(message)}\n\n"
        return httpx.Response(200, text=text, headers={**headers, "Content-Type": "text/event-stream"})


def _on_the_wire(tool: ToolDescription) -> dict[str, Any]:
    hints = tool.annotations
    annotations = {
        "title": "a title that nobody reads",
        "readOnlyHint": hints.read_only,
        "destructiveHint": hints.destructive,
        "idempotentHint": hints.idempotent,
    }
    found: dict[str, Any] = {"name": tool.name, "inputSchema": tool.input_schema, "description": "text"}
    if tool.output_schema is not None:
        found["outputSchema"] = tool.output_schema
    if hints != ToolAnnotations():
        found["annotations"] = {name: value for name, value in annotations.items() if value is not None}
    return found


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "memory": Memory,
    **{f"mcp-{version}-json": partial(Mcp, version, streams=False) for version in MCP_PROTOCOL_VERSIONS},
    **{f"mcp-{version}-sse": partial(Mcp, version, streams=True) for version in MCP_PROTOCOL_VERSIONS},
}


@pytest.fixture(params=list(SUBJECTS.values()), ids=list(SUBJECTS))
def subject(request: pytest.FixtureRequest) -> Subject:
    """One adapter at a time."""
    make: Callable[[], Subject] = request.param
    return make()


@pytest.mark.parametrize("count", [0, 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE])
def test_every_tool_is_listed_in_the_gateways_order(subject: Subject, count: int) -> None:
    """However many pages they fill."""
    subject.listed.listed = tuple(a_tool(number) for number in range(count))
    assert subject.catalogue.tools(deadline_seconds=20) == subject.listed.listed


def test_schemas_and_hints_arrive_as_the_tool_gives_them(subject: Subject) -> None:
    """What a tool does not say stays unsaid: no hint is made up."""
    tools = (
        a_tool(1, annotations={"read_only": True}),
        a_tool(2, annotations={"destructive": False, "idempotent": True}, output_schema={"type": "object"}),
        a_tool(3),
    )
    subject.listed.listed = tools
    found = subject.catalogue.tools(deadline_seconds=20, scopes=("tools/invoke",))
    assert found == tools
    assert [tool.schema_hash for tool in found] == [tool.schema_hash for tool in tools]


def test_a_gateway_that_cannot_be_asked_is_told_as_such(subject: Subject) -> None:
    """No list is not an empty list."""
    subject.listed.down = "it is away"
    with pytest.raises(CatalogueUnavailable):
        subject.catalogue.tools(deadline_seconds=20)
    subject.listed.down = None
    assert subject.catalogue.tools(deadline_seconds=20) == ()


@pytest.mark.parametrize("seconds", [0, -1])
def test_without_time_left_nothing_is_asked(subject: Subject, seconds: float) -> None:
    """A caller that is out of time is not made to wait."""
    with pytest.raises(CatalogueUnavailable, match="deadline"):
        subject.catalogue.tools(deadline_seconds=seconds)


_MEMORY_CONFORMS: Callable[[], ToolCatalogue] = MemoryToolCatalogue
_MCP_CONFORMS: Callable[..., ToolCatalogue] = McpToolCatalogue
