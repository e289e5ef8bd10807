"""``tools`` and ``check``: what the live gateway offers, and whether the published mappings still fit it."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from domain.model.errors import ActionError
from local.commands.arguments import add_json
from local.commands.running import running_stack
from local.stack_info import StackError
from ports.tool_catalogue import CatalogueUnavailable

if TYPE_CHECKING:
    from domain.model.tool_description import ToolDescription
    from domain.use_cases.check_mappings import Checked
    from local.commands.arguments import Commands
    from local.operations import Operations

DRIFT: Final = 1
"""Exit code: at least one mapping has drifted."""
CANNOT_SAY: Final = 2
"""Exit code: the gateway or the registry could not be asked."""


_Found = TypeVar("_Found")


def add(commands: "Commands") -> None:
    """Add these commands."""
    tools = commands.add_parser(
        "tools",
        help="list what the live gateway offers, as a mapping has to name it",
        description="List each tool with its arguments (* is required) and what it says of itself. Exit code 2: the "
        "gateway does not answer.",
    )
    add_json(tools, "each tool with its whole schemas")
    tools.set_defaults(run=_tools)

    check = commands.add_parser(
        "check",
        help="compare the published mappings with the live gateway",
        description="List what has moved since each mapping was published: a tool that is gone, a schema that is "
        "another (and where), a tool whose hints no longer allow its mapping. Exit code 0: nothing; 1: drift, each "
        "printed; 2: it cannot be said, because the gateway or the registry does not answer. Deprecated versions are "
        "listed and do not count.",
    )
    add_json(check, "the findings")
    check.set_defaults(run=_check)


def _tools(options: argparse.Namespace) -> int:
    return _asked(lambda operations: operations.tools(), _print_tools, as_json=options.json)


def _print_tools(tools: "tuple[ToolDescription, ...]", *, as_json: bool) -> int:
    if as_json:
        print(json.dumps([tool.model_dump(mode="json") for tool in tools], indent=2))
        return 0
    for tool in tools:
        print(f"{tool.name}({_arguments(tool)}){_hints(tool)}")
    print(f"{len(tools)} tool(s)")
    return 0


def _arguments(tool: "ToolDescription") -> str:
    """Say what a tool takes, in plain words: a schema is the gateway's text, and a terminal obeys control codes."""
    listed, required = tool.input_schema.get("properties"), tool.input_schema.get("required")
    named = listed if isinstance(listed, dict) else {}
    wanted = required if isinstance(required, list) else []
    return ", ".join(f"{_plain(name)}{'*' if name in wanted else ''}" for name in named)


def _plain(text: str) -> str:
    return text if text.isprintable() else ascii(text)


def _hints(tool: "ToolDescription") -> str:
    said = [
        name if value else f"not {name}" for name, value in tool.annotations.model_dump().items() if value is not None
    ]
    return f"  {', '.join(said).replace('_', ' ')}" if said else ""


def _check(options: argparse.Namespace) -> int:
    return _asked(lambda operations: operations.check(), _print_checked, as_json=options.json)


def _print_checked(checked: "tuple[Checked, ...]", *, as_json: bool) -> int:
    drifted = [one for one in checked if one.has_drifted]
    if as_json:
        result = {"status": "drift" if drifted else "none", "mappings": [_as_json(one) for one in checked]}
        print(json.dumps(result, indent=2))
    else:
        for one in checked:
            print("\n".join(_as_text(one)))
        print(f"{len(checked)} published version(s) checked, {len(drifted)} drifted")
    return DRIFT if drifted else 0


def _asked(ask: "Callable[[Operations], _Found]", tell: Callable[..., int], *, as_json: bool) -> int:
    """Ask the running stack, and tell what was found or why nothing can be said."""
    from botocore.exceptions import BotoCoreError, ClientError

    from local.operations import Operations

    try:
        found = ask(Operations(running_stack()))
    except (ActionError, BotoCoreError, CatalogueUnavailable, ClientError, StackError) as error:
        return _cannot_say(str(error), as_json=as_json)
    return tell(found, as_json=as_json)


def _cannot_say(reason: str, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"status": "unknown", "reason": reason}, indent=2))
    else:
        print(f"error: {reason}", file=sys.stderr)
    return CANNOT_SAY


def _as_json(one: "Checked") -> dict[str, Any]:
    return {
        "action_type": one.mapping.action_type,
        "version": one.mapping.version,
        "tool_name": one.mapping.tool_name,
        "deprecated": one.is_deprecated,
        "pinned": one.is_pinned,
        "drift": [
            {
                "kind": drift.kind,
                "role": drift.role,
                "tool_name": drift.tool_name,
                "part": drift.part,
                "message": drift.message,
            }
            for drift in one.drifts
        ],
    }


def _as_text(one: "Checked") -> list[str]:
    notes = [note for note, holds in (("deprecated", one.is_deprecated), ("not pinned", not one.is_pinned)) if holds]
    name = f"{one.mapping.action_type} {one.mapping.version} -> {one.mapping.tool_name}"
    state = "drifted" if one.drifts else "fits"
    noted = f"  ({', '.join(notes)})" if notes else ""
    lines = [f"{state:<8} {name}{noted}"]
    return lines + [f"         {drift.kind} {drift.part or '-'}: {drift.message}" for drift in one.drifts]
