"""The MCP handlers: list the catalogue, and carry out a call unless a fault says otherwise.

Owns the way from a `tools/call` to an answer. It exists on the SDK's low-level server because the schemas and the
typed refusals are ours, down to the last key.

It will not read HTTP: a planned fault that concerns the transport was dealt with in `wire` before this runs.
"""

import json
from typing import Any

import anyio.to_thread
from mcp.server import Server, ServerRequestContext
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)
from pydantic import ValidationError

from local.tool_server.answers import Answer
from local.tool_server.catalogue import CATALOGUE, Tool
from local.tool_server.faults import Fault, FaultKind
from local.tool_server.system_of_record import Caller, SystemOfRecord
from local.tool_server.wire import fault_of

EXECUTION_META = "cc-native/execution"
"""The `_meta` key under which a caller names its own run; `tool_run_ref` of it goes into the log."""


def build_mcp_server(system: SystemOfRecord) -> Server:
    """Return the MCP server whose tools act on `system`."""
    # Once, because the SDK asks for the list again at every call, to check the call's headers against it.
    offered = [tool.described() for tool in CATALOGUE.values()]

    async def list_tools(_context: ServerRequestContext, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=offered)

    async def call_tool(context: ServerRequestContext, params: CallToolRequestParams) -> CallToolResult:
        tool = CATALOGUE.get(params.name)
        if tool is None:
            return _plain(f"Unknown tool: {params.name}", is_error=True)
        fault = fault_of(context.request.scope) if context.request is not None else None
        if fault is not None and fault.kind is FaultKind.NOT_JSON:
            return _plain(fault.message or "<html>The tool is being looked after.</html>", is_error=False)
        if fault is not None and fault.kind is FaultKind.UNTYPED_ERROR:
            return _plain(fault.message or "Something went wrong.", is_error=True)
        tool_run_ref = _tool_run_ref(params.meta)
        answer = await anyio.to_thread.run_sync(_answer, system, tool, params.arguments or {}, tool_run_ref, fault)
        return _typed(answer)

    return Server("reference-tools", version="1", on_list_tools=list_tools, on_call_tool=call_tool)


def _answer(
    system: SystemOfRecord,
    tool: Tool,
    raw_arguments: dict[str, Any],
    tool_run_ref: str | None,
    fault: Fault | None,
) -> Answer:
    caller = Caller.of(raw_arguments, tool_run_ref)
    if fault is not None and fault.kind is FaultKind.REFUSE:
        return system.refuse(tool, caller, fault.message or "The tool refuses this request.")
    try:
        # From JSON, for only then does strict mode take a date for what JSON can say of one.
        arguments = tool.arguments.model_validate_json(json.dumps(raw_arguments))
    except ValidationError as error:
        return system.refuse(tool, caller, _explained(error))
    answer = system.carry_out(tool, arguments, tool_run_ref)
    if fault is not None and fault.kind is FaultKind.FAIL_AFTER_WRITE and answer.success:
        return answer.failed_after_writing(fault.message or "The tool failed after it had written.")
    return answer


def _explained(error: ValidationError) -> str:
    # The place and the rule, never the value: arguments may be confidential, and messages reach logs.
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, p['loc'])) or 'arguments'}: {p['msg']}" for p in problems)


def _tool_run_ref(meta: object) -> str | None:
    execution = meta.get(EXECUTION_META) if isinstance(meta, dict) else None
    named = execution.get("tool_run_ref") if isinstance(execution, dict) else None
    return named if isinstance(named, str) else None


def _typed(answer: Answer) -> CallToolResult:
    content = answer.as_json()
    return CallToolResult(
        content=[TextContent(text=json.dumps(content))],
        structured_content=content,
        is_error=not answer.success,
    )


def _plain(text: str, *, is_error: bool) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=is_error)
