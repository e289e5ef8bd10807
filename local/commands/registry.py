"""``check``: whether the published mappings still fit the live gateway."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from domain.model.errors import ActionError
from local.commands.arguments import add_json
from local.commands.running import running_stack
from local.stack_info import StackError
from ports.tool_catalogue import CatalogueUnavailable

if TYPE_CHECKING:
    from domain.use_cases.check_mappings import Checked
    from local.commands.arguments import Commands

DRIFT: Final = 1
"""Exit code: at least one mapping has drifted."""
CANNOT_SAY: Final = 2
"""Exit code: the gateway or the registry could not be asked."""


def add(commands: "Commands") -> None:
    """Add this command."""
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


def _check(options: argparse.Namespace) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    from local.operations import Operations

    try:
        checked = Operations(running_stack()).check()
    except (ActionError, BotoCoreError, CatalogueUnavailable, ClientError, StackError) as error:
        return _cannot_say(str(error), as_json=options.json)
    drifted = [one for one in checked if one.has_drifted]
    if options.json:
        result = {"status": "drift" if drifted else "none", "mappings": [_as_json(one) for one in checked]}
        print(json.dumps(result, indent=2))
    else:
        for one in checked:
            print("\n".join(_as_text(one)))
        print(f"{len(checked)} published version(s) checked, {len(drifted)} drifted")
    return DRIFT if drifted else 0


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
