"""The JSON Schema of mapping files, for editors, written from the model that reads them.

``python -m local.mapping_schema`` prints what ``docs/reference/tool-mapping.schema.json`` holds; a test proves that it
is today's. It says what a file may look like; what the gateway's tools would make of it is said when it is published.
"""

import json
from typing import Any

from domain.model.tool_mapping import ToolMapping
from local.documents import EDITORS_KEY

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def mapping_schema() -> dict[str, Any]:
    """Return the schema of a file that holds one mapping, or a list of them."""
    mapping = ToolMapping.model_json_schema(ref_template="#/$defs/{model}")
    definitions = mapping.pop("$defs")
    # A file says nothing of when it is published; that is the moment of loading.
    mapping["required"] = [name for name in mapping["required"] if name != "created_at"]
    document = {
        "type": "object",
        "properties": {EDITORS_KEY: {"type": "string"}, "tool_mapping": {"$ref": "#/$defs/ToolMapping"}},
        "required": ["tool_mapping"],
        "additionalProperties": False,
    }
    return {
        "$schema": DIALECT,
        "title": "Tool mappings",
        "description": "How versions of action types become tool calls; see docs/reference/registry.md.",
        "oneOf": [{"$ref": "#/$defs/Document"}, {"type": "array", "items": {"$ref": "#/$defs/Document"}}],
        "$defs": {"Document": document, "ToolMapping": mapping, **dict(sorted(definitions.items()))},
    }


def page() -> str:
    """Return the schema as it stands in the repository."""
    return json.dumps(mapping_schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(page(), end="")
