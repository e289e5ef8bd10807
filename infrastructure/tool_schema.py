"""The schema of a Lambda target's tools: plain JSON Schema in the configuration, pulumi-aws's blocks in the program.

An AgentCore gateway knows five keywords of JSON Schema and six types (Amazon Bedrock AgentCore Control Plane API
Reference, ``SchemaDefinition``). Everything else is refused here: a keyword that the gateway drops would be a rule
that nobody keeps. pulumi-aws spells the schema out as blocks down to the second level, and takes it as JSON text below
(``AgentcoreGatewayTarget``, ``items_json`` and ``properties_json``).
"""

import json
from collections.abc import Mapping
from typing import Any, Final

JsonObject = Mapping[str, Any]

KEYWORDS: Final = ("type", "description", "properties", "required", "items")
TYPES: Final = ("string", "number", "integer", "boolean", "array", "object")


def checked_schema(schema: JsonObject) -> JsonObject:
    """Return the schema of a tool's input or output, or raise ``ValueError`` with the place and the fix."""
    if schema.get("type") != "object":
        raise ValueError("a tool takes and gives an object: its schema's type must be 'object'")
    _check(schema, "")
    return schema


def schema_blocks(schema: JsonObject) -> dict[str, Any]:
    """Return a checked schema as the provider's blocks."""
    return {**_head(schema), "properties": _properties(schema, _property)}


def _check(schema: object, place: str) -> None:
    where = place or "the schema"
    if not isinstance(schema, Mapping):
        raise ValueError(f"{where} must be an object with a type")  # noqa: TRY004  a value's fault, not a caller's
    unknown = [key for key in schema if key not in KEYWORDS]
    if unknown:
        raise ValueError(
            f"{where} holds {unknown[0]!r}, which the gateway does not know; keep to {', '.join(KEYWORDS)}"
        )
    kind = schema.get("type")
    if kind not in TYPES:
        raise ValueError(f"{where} needs a type out of {', '.join(TYPES)}")
    if not isinstance(schema.get("description", ""), str):
        raise ValueError(f"{where}: its description must be text")  # noqa: TRY004  as above
    _check_belongs(schema, "properties", "object", where)
    _check_belongs(schema, "required", "object", where)
    _check_belongs(schema, "items", "array", where)
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping):
        raise ValueError(f"{where}: properties must be an object of schemas")  # noqa: TRY004  as above
    _check_required(schema.get("required", []), properties, where)
    for name, inner in properties.items():
        _check(inner, f"{place}/{name}")
    if kind == "array":
        if "items" not in schema:
            raise ValueError(f"{where} is an array and needs items")
        _check(schema["items"], f"{place}/items")


def _check_required(required: object, properties: JsonObject, where: str) -> None:
    # A text would be read letter by letter.
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise ValueError(f"{where}: required must be a list of names")
    missing = [name for name in required if name not in properties]
    if missing:
        raise ValueError(f"{where} requires {missing[0]!r}, which is none of its properties")


def _check_belongs(schema: JsonObject, key: str, kind: str, where: str) -> None:
    if key in schema and schema["type"] != kind:
        raise ValueError(f"{where} has {key} and is no {kind}")


def _head(schema: JsonObject) -> dict[str, Any]:
    return {key: schema[key] for key in ("type", "description") if key in schema}


def _properties(schema: JsonObject, block: Any) -> list[dict[str, Any]]:  # noqa: ANN401  one of the two below
    required = schema.get("required", ())
    return [
        {"name": name, "required": name in required, **block(inner)}
        for name, inner in sorted(schema.get("properties", {}).items())
    ]


def _property(schema: JsonObject) -> dict[str, Any]:
    block = _head(schema)
    if "properties" in schema:
        block["properties"] = _properties(schema, _leaf)
    if "items" in schema:
        block["items"] = _items(schema["items"])
    return block


def _items(schema: JsonObject) -> dict[str, Any]:
    block = _head(schema)
    if "properties" in schema:
        block["properties"] = _properties(schema, _leaf)
    if "items" in schema:
        block["items"] = _leaf(schema["items"])
    return block


def _leaf(schema: JsonObject) -> dict[str, Any]:
    block = _head(schema)
    if "properties" in schema:
        inner = {key: schema[key] for key in ("properties", "required") if key in schema}
        block["properties_json"] = json.dumps(inner, sort_keys=True)
    if "items" in schema:
        block["items_json"] = json.dumps(schema["items"], sort_keys=True)
    return block
