"""A tool's input schema as data: where its sub-schemas stand, where a reference leads, which JSON types a place takes.

It exists because three things read schemas and must read them alike: what judges a mapping before it is published,
what compares two schemas, and what applies one to the arguments of a call. A schema comes from the gateway, so it may
be absurd: nothing here follows a reference out of the document, and what would cost without bound is named a defect.

Source: JSON Schema 2020-12 Core and Validation, and the older spellings of draft-07 (``definitions``, an ``items``
list).
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Final
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, JsonValue

from domain.model.canonical_json import JsonObject, canonical_json

MAX_SCHEMA_BYTES: Final = 65_536
"""Largest schema that is pinned, in bytes of canonical JSON. A mapping is one DynamoDB item of 400 KB at most (Amazon
DynamoDB Developer Guide, "Quotas"), and the reference tools' schemas take about one thousand; a guess between."""

MAX_EXPANSIONS: Final = 2_000
"""Most schemas that one place of the arguments may be held against, references followed: a few dozen references that
each name the next one twice would otherwise take until the end of time."""

MAPS_OF_SCHEMAS: Final = frozenset(
    {"properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "dependencies"}
)
LISTS_OF_SCHEMAS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMAS: Final = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
IN_PLACE: Final = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"}
)
"""Keywords whose schemas are held against the same value as the schema they stand in."""

ALL_TYPES: Final = frozenset({"null", "boolean", "object", "array", "string", "integer", "fraction"})
"""JSON's types, with its one number type divided in two: ``number`` is both."""

Node = JsonValue
"""A schema: an object, or a boolean that takes everything or nothing."""


class SchemaReview(BaseModel):
    """Whether a schema can be applied to arguments, and which of its rules will not be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unusable: str | None = None
    """Why no mapping may rest on it."""
    unchecked: tuple[str, ...] = ()
    """Rules that only the tool itself will check, each as a sentence."""


class ArgumentFault(BaseModel):
    """One thing about arguments that a schema refuses; it holds no value of theirs, which may be a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    """Where, as a JSON pointer; a key that the schema does not know is shown as ``*``."""
    keyword: str
    wants: str
    """What the schema wants there."""

    def __str__(self) -> str:
        """Return the fault as one phrase."""
        return f"{self.path or 'the arguments'}: {self.keyword}: {self.wants}"


class InputSchema:
    """One schema document, with its references resolved inside itself."""

    def __init__(self, document: JsonObject) -> None:
        self.document = document
        # Drafts 06 and 07 have no anchors; what applies them would find nothing there.
        has_anchors = "/draft-0" not in str(document.get("$schema", ""))
        self._anchors = {
            node["$anchor"]: node
            for _, node in subschemas(document)
            if isinstance(node, dict) and has_anchors and isinstance(node.get("$anchor"), str)
        }

    @cached_property
    def properties(self) -> dict[str, Node]:
        """The arguments by name, those that ``allOf`` and references add included."""
        found: dict[str, list[Node]] = {}
        for part in self._parts:
            named = part.get("properties")
            for name, node in named.items() if isinstance(named, dict) else ():
                found.setdefault(name, []).append(node)
        return {name: nodes[0] if len(nodes) == 1 else {"allOf": nodes} for name, nodes in found.items()}

    @cached_property
    def _parts(self) -> tuple[dict[str, JsonValue], ...]:
        """What arguments must all fulfil, each once however often it is referred to."""
        return tuple({id(part): part for part in self._conjuncts(self.document)}.values())

    @property
    def required(self) -> frozenset[str]:
        """The arguments without which no call is accepted."""
        return frozenset(
            name for part in self._parts for name in _listed(part.get("required")) if isinstance(name, str)
        )

    def refuses(self, name: str) -> bool:
        """Whether no call may have an argument of this name; what patterns of names let in is not read."""
        for part in self._parts:
            if part.get("patternProperties"):
                continue
            # `additionalProperties` sees what stands beside it only, whatever another part lists.
            beside = part.get("properties")
            if part.get("additionalProperties") is False and not (isinstance(beside, dict) and name in beside):
                return True
            if part.get("unevaluatedProperties") is False and name not in self.properties:
                return True
        return False

    @property
    def has_conditions(self) -> bool:
        """Whether more is asked for than properties say: by alternatives, conditions or patterns of names."""
        asked = IN_PLACE - {"allOf"} | {"patternProperties", "dependentRequired", "dependencies", "propertyNames"}
        return any(asked & part.keys() for part in self._parts)

    def types_of(self, node: Node) -> frozenset[str]:
        """Return the types (of ``ALL_TYPES``) that a value here may have; ``not`` and conditions are not read."""
        if not isinstance(node, dict):
            return frozenset() if node is False else ALL_TYPES
        taken = ALL_TYPES
        if "type" in node:
            taken &= _named_types(node["type"])
        if "const" in node:
            taken &= {_type_of(node["const"])}
        if isinstance(node.get("enum"), list):
            taken &= {_type_of(value) for value in _listed(node["enum"])}
        if "$ref" in node:
            taken &= self.types_of(self.target(node["$ref"]))
        for part in _listed(node.get("allOf")):
            taken &= self.types_of(part)
        for keyword in ("anyOf", "oneOf"):
            if keyword in node:
                taken &= frozenset().union(*(self.types_of(part) for part in _listed(node[keyword])))
        return taken

    def target(self, reference: Node) -> Node:
        """Return what a reference leads to; raises ``LookupError`` where that is not in this document."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise LookupError("it leads out of the document")
        pointer = unquote(reference[1:])
        if pointer and not pointer.startswith("/"):
            return self._anchors[pointer]
        found: Node = self.document
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict):
                found = found[key]
            elif isinstance(found, list) and key.isdecimal():
                found = found[int(key)]
            else:
                raise LookupError("it leads to nothing")
        return found

    def defect(self) -> str | None:
        """Return why this cannot be used whatever the arguments are, or ``None``."""
        size = len(canonical_json(self.document).encode())
        if size > MAX_SCHEMA_BYTES:
            return f"it takes {size} bytes, and at most {MAX_SCHEMA_BYTES} are kept"
        walked = {id(node) for _, node in subschemas(self.document) if isinstance(node, dict)}
        for pointer, node in subschemas(self.document):
            if isinstance(node, dict) and (found := self._fault_of(pointer, node, walked)):
                return found
        counted: dict[int, int] = {}
        try:
            most = max(self._expansions(node, counted, ()) for _, node in subschemas(self.document))
        except RecursionError:
            return "its references lead back to themselves without an end"
        if most > MAX_EXPANSIONS:
            return f"its references multiply: one value would be held against more than {MAX_EXPANSIONS} schemas"
        return None

    def _fault_of(self, pointer: str, node: dict[str, JsonValue], walked: set[int]) -> str | None:
        place = pointer or "the top"
        if pointer and ("$id" in node or "$schema" in node):
            return f"{place} has an $id or $schema of its own, so it is another document"
        for keyword in ("$dynamicRef", "$recursiveRef"):
            if keyword in node:
                return f"{place} has {keyword}, which is not followed here"
        if "$ref" in node:
            try:
                target = self.target(node["$ref"])
            except (LookupError, ValueError):
                return f"{place} has a $ref that leads out of the document or to nothing, and none is followed there"
            # What stands elsewhere, e.g. under a keyword of somebody's own, is no schema that anybody has looked at.
            if not isinstance(target, bool) and id(target) not in walked:
                return f"{place} has a $ref that leads to what is no schema; keep shared ones in $defs"
        return None

    def _expansions(self, node: Node, counted: dict[int, int], above: tuple[int, ...]) -> int:
        """Return how many schemas a value is held against here; raises ``RecursionError`` where that has no end."""
        if not isinstance(node, dict):
            return 1
        if id(node) in above:
            raise RecursionError
        if id(node) not in counted:
            inner = [*self._in_place(node)]
            counted[id(node)] = 1 + sum(self._expansions(one, counted, (*above, id(node))) for one in inner)
        return counted[id(node)]

    def _in_place(self, node: dict[str, JsonValue]) -> Iterator[Node]:
        if "$ref" in node:
            yield self.target(node["$ref"])
        for keyword in IN_PLACE & node.keys():
            match node[keyword]:
                case list(schemas):
                    yield from schemas
                case dict(named) if keyword in MAPS_OF_SCHEMAS:
                    yield from (inner for inner in named.values() if not isinstance(inner, list))
                case schema:
                    yield schema

    def _conjuncts(self, node: Node) -> Iterator[dict[str, JsonValue]]:
        """Yield every schema that arguments must all fulfil."""
        if isinstance(node, dict):
            yield node
            if "$ref" in node:
                yield from self._conjuncts(self.target(node["$ref"]))
            for part in _listed(node.get("allOf")):
                yield from self._conjuncts(part)


def subschemas(node: Node, pointer: str = "") -> Iterator[tuple[str, Node]]:
    """Yield a schema and every schema in it, each with its JSON pointer; a property called ``$ref`` is no reference."""
    yield pointer, node
    if not isinstance(node, dict):
        return
    for keyword, value in node.items():
        below = f"{pointer}/{step(keyword)}"
        if keyword in MAPS_OF_SCHEMAS and isinstance(value, dict):
            for name, inner in value.items():
                if not isinstance(inner, list):  # draft-07's dependencies may list names
                    yield from subschemas(inner, f"{below}/{step(name)}")
        elif isinstance(value, list) and (keyword in LISTS_OF_SCHEMAS or keyword == "items"):
            for number, inner in enumerate(value):
                yield from subschemas(inner, f"{below}/{number}")
        elif keyword in SCHEMAS and isinstance(value, dict | bool):
            yield from subschemas(value, below)


def step(name: str) -> str:
    """Return a name as one step of a JSON pointer (RFC 6901), fit to be printed: bounded, and of one line."""
    shown = name if len(name) <= 64 else f"{name[:63]}…"  # noqa: PLR2004  longer than any name a person gave
    printable = shown if shown.isprintable() else ascii(shown)[1:-1]
    return printable.replace("~", "~0").replace("/", "~1")


def _listed(value: Node) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _named_types(value: Node) -> frozenset[str]:
    names = {value} if isinstance(value, str) else {name for name in _listed(value) if isinstance(name, str)}
    return frozenset(names - {"number"} | ({"integer", "fraction"} if "number" in names else set())) & ALL_TYPES


def _type_of(value: JsonValue) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "fraction"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
