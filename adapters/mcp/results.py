"""What stands in a result: a tool's answer, the version of a handshake, a page of tools.

Each reader takes the ``result`` of a well-formed response and raises ``MalformedAnswer`` where a part of it is not
what the protocol says; nothing is guessed, and nothing that it does not know is believed.
"""

from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue, TypeAdapter, ValidationError

from adapters.mcp.messages import MalformedAnswer
from domain.model.tool_call import ToolAnswer
from domain.model.tool_description import ToolAnnotations, ToolDescription
from domain.model.tool_mapping import ToolName

MAX_CONTENT_BLOCKS: Final = 256
"""Most content blocks of one answer: a tool answers with one typed object; more is a dump that nobody reads."""


def _object(result: JsonValue) -> dict[str, JsonValue]:
    if not isinstance(result, dict):
        raise MalformedAnswer("its result is no object")
    # Absent means complete; anything else (input_required, a task) is a result still to come.
    if result.get("resultType", "complete") != "complete":
        raise MalformedAnswer("its result is not complete")
    return result


def tool_answer(result: JsonValue) -> ToolAnswer:
    """Return the answer of a tool. Blocks that are no text (images, resources, links) are data that nobody reads."""
    found = _object(result)
    is_error = found.get("isError", False)
    if not isinstance(is_error, bool):
        raise MalformedAnswer("its isError is no boolean")
    structured = found.get("structuredContent")
    if structured is not None and not isinstance(structured, dict):
        raise MalformedAnswer("its structuredContent is no object")
    return ToolAnswer(is_error=is_error, structured=structured, texts=_texts(found.get("content")))


def _texts(content: JsonValue) -> tuple[str, ...]:
    if not isinstance(content, list):
        raise MalformedAnswer("its content is no list")
    if len(content) > MAX_CONTENT_BLOCKS:
        raise MalformedAnswer(f"it has more than {MAX_CONTENT_BLOCKS} content blocks")
    texts = []
    for block in content:
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise MalformedAnswer("a content block has no type")
        if block["type"] == "text":
            text = block.get("text")
            if not isinstance(text, str):
                raise MalformedAnswer("a text block has no text")
            texts.append(text)
    return tuple(texts)


def agreed_version(result: JsonValue) -> str:
    """Return the version that the server answered a handshake with."""
    version = _object(result).get("protocolVersion")
    if not isinstance(version, str):
        raise MalformedAnswer("its protocolVersion is no text")
    return version


@dataclass(frozen=True)
class ToolsPage:
    """One page of the gateway's tools, and where the next one begins (``None`` on the last)."""

    tools: tuple[ToolDescription, ...]
    next_cursor: str | None


def tools_page(result: JsonValue) -> ToolsPage:
    """Return one page of tools."""
    found = _object(result)
    listed, cursor = found.get("tools"), found.get("nextCursor")
    if not isinstance(listed, list):
        raise MalformedAnswer("its tools are no list")
    if cursor is not None and not isinstance(cursor, str):
        raise MalformedAnswer("its nextCursor is no text")
    return ToolsPage(tuple(tool for item in listed if (tool := _tool(item)) is not None), cursor)


_NAMES: Final = TypeAdapter(ToolName)


def _tool(item: JsonValue) -> ToolDescription | None:
    """Return the tool, or ``None`` for one whose name no mapping could hold, so that none can ever call it."""
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise MalformedAnswer("a tool has no name")
    try:
        _NAMES.validate_python(item["name"])
    except ValidationError:
        return None
    hints = item.get("annotations")
    if hints is None:
        hints = {}
    if not isinstance(hints, dict):
        raise MalformedAnswer("a tool's annotations are no object")
    try:
        return ToolDescription.model_validate(
            {
                "name": item.get("name"),
                "input_schema": item.get("inputSchema"),
                "output_schema": item.get("outputSchema"),
                "annotations": ToolAnnotations(
                    read_only=_hint(hints, "readOnlyHint"),
                    destructive=_hint(hints, "destructiveHint"),
                    idempotent=_hint(hints, "idempotentHint"),
                ),
            }
        )
    except ValidationError:
        raise MalformedAnswer("a tool has no usable input schema, or another output schema than an object") from None


def _hint(hints: dict[str, JsonValue], name: str) -> bool | None:
    hint = hints.get(name)
    if hint is not None and not isinstance(hint, bool):
        raise MalformedAnswer("a tool's hint is no boolean")
    return hint
