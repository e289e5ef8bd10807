"""Schema difference: what has changed between two versions of a tool's input schema, place by place.

Two schemas of one digest have no difference, and two of different digests have at least one: what no rule below
recognises is told as ``OTHER``. It says what changed, not whether a call still fits; that is judged anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.model.canonical_json import JsonObject, canonical_json
from domain.model.json_schema import LISTS_OF_SCHEMAS, MAPS_OF_SCHEMAS, SCHEMAS, Node, step

MOST_DIFFERENCES: Final = 50
"""Differences that are told of one schema."""


class Change(StrEnum):
    """What kind of thing about a schema is another."""

    WORDING = "WORDING"
    """Titles, descriptions, examples, order or notation: the same arguments are taken, and mean what the text says."""
    PROPERTY_ADDED = "PROPERTY_ADDED"
    PROPERTY_REMOVED = "PROPERTY_REMOVED"
    REQUIRED_ADDED = "REQUIRED_ADDED"
    REQUIRED_REMOVED = "REQUIRED_REMOVED"
    TYPE = "TYPE"
    VALUES = "VALUES"
    """``enum`` or ``const``."""
    BOUNDS = "BOUNDS"
    FORM = "FORM"
    """``pattern``, ``format`` and what a text contains."""
    DEFAULT = "DEFAULT"
    """What an argument that is not sent means."""
    CLOSED = "CLOSED"
    """Arguments that are not listed are refused now."""
    OPENED = "OPENED"
    OTHER = "OTHER"


@dataclass(frozen=True)
class Difference:
    """One difference: where, as a JSON pointer into the schema, and of which kind."""

    pointer: str
    change: Change

    @property
    def is_harmless(self) -> bool:
        """Whether the same arguments are taken as before."""
        return self.change is Change.WORDING

    def __str__(self) -> str:
        """Return the difference as one phrase."""
        return f"{self.change} at {self.pointer or '/'}"


_WORDS: Final = frozenset(
    {"title", "description", "$comment", "examples", "deprecated", "readOnly", "writeOnly", "$schema", "$id"}
)
_KEYWORDS: Final = {
    **dict.fromkeys(_WORDS - {"$schema", "$id"}, Change.WORDING),
    **dict.fromkeys(("enum", "const"), Change.VALUES),
    **dict.fromkeys(
        (
            *("minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
            *("minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "minProperties", "maxProperties"),
        ),
        Change.BOUNDS,
    ),
    **dict.fromkeys(("pattern", "format", "contentEncoding", "contentMediaType"), Change.FORM),
    "default": Change.DEFAULT,
    "type": Change.TYPE,
}
_SETS: Final = frozenset({"type", "enum", "required"})
"""Lists whose order says nothing."""

_ABSENT: Final = object()


def differences(before: JsonObject, after: JsonObject) -> tuple[Difference, ...]:
    """Return how two schemas differ, the first ``MOST_DIFFERENCES`` of it; nothing if their digests are one."""
    found = dict.fromkeys(_between(before, after, ""))
    # What may matter comes first, so that it is not the part that is left out.
    ordered = sorted(found, key=lambda difference: difference.is_harmless)
    return tuple(ordered[:MOST_DIFFERENCES])


def _between(before: Node, after: Node, pointer: str) -> Iterator[Difference]:
    if _same(before, after):
        return
    if not (isinstance(before, dict) and isinstance(after, dict)):
        yield Difference(pointer, Change.OTHER)
        return
    for keyword in sorted(before.keys() | after.keys()):
        old, new = before.get(keyword, _ABSENT), after.get(keyword, _ABSENT)
        if _same(old, new):
            continue
        place = f"{pointer}/{step(keyword)}"
        within = list(_within(keyword, old, new, pointer))
        yield from within or [Difference(place, _KEYWORDS.get(keyword, Change.OTHER))]


def _within(keyword: str, old: object, new: object, pointer: str) -> Iterator[Difference]:
    """Yield what differs inside a keyword's value; nothing where the keyword as a whole is what differs."""
    place = f"{pointer}/{step(keyword)}"
    if keyword == "required":
        yield from _required(old, new, place)
    elif keyword in _SETS and _as_set(old) is not None and _as_set(old) == _as_set(new):
        yield Difference(place, Change.WORDING)
    elif keyword == "additionalProperties":
        yield from _closing(old, new, place)
    elif keyword in MAPS_OF_SCHEMAS:
        yield from _named(keyword, old, new, place)
    elif keyword in SCHEMAS and isinstance(old, dict) and isinstance(new, dict):
        yield from _between(old, new, place)
    elif keyword in {*LISTS_OF_SCHEMAS, "items"}:
        yield from _one_by_one(old, new, place)


def _required(old: object, new: object, place: str) -> Iterator[Difference]:
    before, after = (value if isinstance(value, list) else [] for value in (old, new))
    added = [name for name in after if name not in before]
    removed = [name for name in before if name not in after]
    for names, change in ((added, Change.REQUIRED_ADDED), (removed, Change.REQUIRED_REMOVED)):
        yield from (Difference(f"{place}/{step(str(name))}", change) for name in names)
    if not added and not removed:
        yield Difference(place, Change.WORDING)


def _closing(old: object, new: object, place: str) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _between(old, new, place)
    elif new is False:
        yield Difference(place, Change.CLOSED)
    elif old is False:
        yield Difference(place, Change.OPENED)
    elif not isinstance(old, dict) and not isinstance(new, dict):
        yield Difference(place, Change.WORDING)  # absent and true say the same


def _named(keyword: str, old: object, new: object, place: str) -> Iterator[Difference]:
    before, after = (value if isinstance(value, dict) else {} for value in (old, new))
    listed = keyword == "properties"
    for name in sorted(before.keys() | after.keys()):
        where = f"{place}/{step(name)}"
        if name not in before:
            yield Difference(where, Change.PROPERTY_ADDED if listed else Change.OTHER)
        elif name not in after:
            yield Difference(where, Change.PROPERTY_REMOVED if listed else Change.OTHER)
        else:
            yield from _between(before[name], after[name], where)


def _one_by_one(old: object, new: object, place: str) -> Iterator[Difference]:
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _between(one, other, f"{place}/{number}")


def _as_set(value: object) -> frozenset[str] | None:
    if isinstance(value, str):
        return frozenset({canonical_json(value)})
    return frozenset(map(canonical_json, value)) if isinstance(value, list) else None


def _same(one: object, other: object) -> bool:
    """Whether two values are written alike; in Python ``True`` would equal ``1``."""
    if one is _ABSENT or other is _ABSENT:
        return one is other
    return canonical_json(one) == canonical_json(other)
