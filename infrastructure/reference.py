"""The reference of a stack's configuration, written from the settings model itself.

``python -m infrastructure.reference`` prints what ``docs/configuration.md`` holds; a test proves that it is today's.
"""

from enum import Enum
from typing import Final

from infrastructure.settings import CONSEQUENCES, StackSettings

HEADER: Final = """# Configuration

Each setting is a Pulumi config value of the stack: `pulumi config set KEY VALUE`. A wrong value is refused at
preview with the key, the value and what it would have led to. `aws:region` is the region. Where the default is a
dash the setting is optional: what it would name is created or derived. This page is printed by
`python -m infrastructure.reference`.

| key | default | if it is wrong |
|---|---|---|
"""


def page() -> str:
    """Return the page."""
    fields = {field.alias or name: field for name, field in StackSettings.model_fields.items()}
    rows = [
        f"| `{key}` | {'required' if fields[key].is_required() else _default(fields[key].default)} | {consequence} |"
        for key, consequence in CONSEQUENCES.items()
        if key in fields
    ]
    return HEADER + "\n".join(rows) + "\n"


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
