"""The reference of a stack's configuration, written from the settings model itself.

``python -m infrastructure.reference`` prints what ``docs/configuration.md`` holds; a test proves that it is today's.
"""

from enum import Enum
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from infrastructure.gateway_settings import GatewaySettings
from infrastructure.refusals import CONSEQUENCES, INNER_CONSEQUENCES
from infrastructure.settings import StackSettings

HEADER: Final = """# Configuration

Each setting is a Pulumi config value of the stack: `pulumi config set KEY VALUE`. A wrong value is refused at
preview with the key, the value and what it would have led to. `aws:region` is the region. Where the default is a
dash the setting is optional. A key with a dot is inside a structured setting, which is an object in
`Pulumi.<stack>.yaml`; `Pulumi.gateway.yaml` shows one. This page is printed by `python -m infrastructure.reference`.

| key | what it is | default | if it is wrong |
|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    fields = _fields(StackSettings) | {f"gateway.{key}": field for key, field in _fields(GatewaySettings).items()}
    rows = [_row(key, fields[key], consequence) for key, consequence in _consequences().items()]
    return HEADER + "\n".join(rows) + "\n"


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _consequences() -> dict[str, str]:
    """Return every key's consequence, what is inside a structured setting right below it."""
    found: dict[str, str] = {}
    for key, consequence in CONSEQUENCES.items():
        inner = {path: text for path, text in INNER_CONSEQUENCES.items() if path.startswith(f"{key}.")}
        found |= {key: consequence, **inner}
    return found


def _row(key: str, field: FieldInfo, consequence: str) -> str:
    what = " ".join((field.description or "").replace("``", "`").split())
    default = "required" if field.is_required() else _default(field.default)
    return f"| `{'aws:region' if key == 'region' else key}` | {what} | {default} | {consequence} |"


def _default(value: object) -> str:
    match value:
        case None | "" | ():
            return "—"
        case Enum():
            return f"`{value.value}`"
        case _:
            return f"`{value}`"


def main() -> int:
    """Print the page."""
    print(page(), end="")  # noqa: T201  printing is its purpose
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
