"""A plan as text: each planned resource with its key properties, then every output.

Owns how a plan reads on a terminal. It will not run a program or choose what belongs to a plan.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

_VALUE_LIMIT: Final = 60
"""Characters of a value that are shown; `--json` shows everything."""


def render(plan: Mapping[str, Any], account_id: str) -> list[str]:
    """Return the lines of a plan (`ProgramRun.as_json`); `account_id` is named as made up."""
    resources = [one for one in plan["resources"] if not one["component"]]
    components = len(plan["resources"]) - len(resources)
    types = {one["type"] for one in resources}
    where = f"{plan['project']}, stack {plan['stack']}, {plan['region']}"
    lines = [f"{where}: nothing is created, and account {account_id} stands for yours", ""]
    for one in resources:
        lines.append(f"+ {one['type']}  {one['name']}")
        lines.append(f"    {_properties(one['inputs'])}")
    lines += ["", f"{len(resources)} resources of {len(types)} types, in {components} components", "", "Outputs"]
    for key, value in plan["outputs"].items():
        lines += _output(key, value)
    return lines


def _properties(inputs: Mapping[str, Any]) -> str:
    return "  ".join(f"{key}={_short(value)}" for key, value in sorted(inputs.items()) if value is not None)


def _output(key: str, value: object) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"  {key}: {', '.join(map(str, value)) if isinstance(value, list) else value}"]
    return [f"  {key}:", *(f"    {inner}: {item}" for inner, item in value.items())]


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        inner = [f"{key}: {_short(item)}" for key, item in value.items()]
        text = f"{{{', '.join(inner)}}}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        text = f"[{', '.join(map(_short, value))}]"
    elif isinstance(value, bool):
        text = str(value).lower()
    else:
        text = str(value)
    if len(text) <= _VALUE_LIMIT:
        return text
    # A document says nothing in one line; of a sentence or an ARN the beginning does.
    return f"{text[0]}…" if text[0] in "{[" else f"{text[: _VALUE_LIMIT - 1]}…"
