"""``ArgumentSchemas`` over the ``jsonschema`` library, tamed.

The library is right about what a schema means and generous with time, network and words; here it is given no way out
of the document (an empty registry), four keywords of its own are replaced by bounded ones, and none of its messages
is passed on, for they quote the value at fault.

Source: JSON Schema 2020-12 Validation, section 7.2: ``format`` is an annotation, so it is left to the tool.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from jsonschema import ValidationError, validators
from jsonschema.exceptions import SchemaError
from jsonschema.protocols import Validator
from pydantic import JsonValue
from referencing import Registry
from referencing.exceptions import Unresolvable

from adapters.jsonschema.patterns import mismatches, why_unchecked
from domain.model.canonical_json import JsonObject, canonical_json
from domain.model.errors import ConfigurationError
from domain.model.json_schema import ArgumentFault, InputSchema, SchemaReview, step, subschemas

MOST_FAULTS: Final = 10
"""Faults that are told at once; more do not help whoever corrects an intent."""

LONGEST_WANT: Final = 200
"""Characters of a schema's own words that are repeated."""

LONGEST_KEY: Final = 1_000
"""Longest key of an object in the arguments, in characters: patterns of names are held against each."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
"""What a schema is written in that does not say so (Model Context Protocol specification 2025-11-25, "Tools")."""


class JsonSchemaArguments:
    """Reviews and applies schemas; it remembers the last few, because a function sees the same ones again."""

    def __init__(self) -> None:
        self._reviewed: dict[str, SchemaReview] = {}

    def review(self, schema: JsonObject) -> SchemaReview:
        text = canonical_json(schema)
        # What was asked for last is remembered longest.
        review = self._reviewed.pop(text, None) or _reviewed(schema)
        self._reviewed[text] = review
        if len(self._reviewed) > _REMEMBERED:
            del self._reviewed[next(iter(self._reviewed))]
        return review

    def faults(self, schema: JsonObject, arguments: Mapping[str, JsonValue]) -> tuple[ArgumentFault, ...]:
        if (reason := self.review(schema).unusable) is not None:
            raise ConfigurationError(f"a schema that cannot be used is pinned: {reason}; publish a new version")
        known = frozenset(_names_in(schema))
        if (deep := _longest_key(arguments)) > LONGEST_KEY:
            wants = f"keys of at most {LONGEST_KEY} characters, and one has {deep}"
            return (ArgumentFault(path="", keyword="propertyNames", wants=wants),)
        try:
            errors = list(islice(_validator(schema).iter_errors(dict(arguments)), MOST_FAULTS))
        except (RecursionError, Unresolvable, ArithmeticError) as error:
            # Reviewed schemas do not do this as far as anybody knows; nothing was sent, and a person has to look.
            raise ConfigurationError(
                f"the pinned schema could not be applied ({type(error).__name__}); nothing was sent, and the tool's "
                "schema has to be looked at before a new version is published"
            ) from error
        found = (_fault(error, known) for error in errors)
        return tuple(dict.fromkeys(found))


_REMEMBERED: Final = 64


def _reviewed(schema: JsonObject) -> SchemaReview:
    if (defect := InputSchema(schema).defect()) is not None:
        return SchemaReview(unusable=defect)
    dialect = schema.get("$schema", DIALECT)
    library: Any = validators.validator_for({"$schema": dialect}, default=None)
    if library is None:
        return SchemaReview(unusable="its $schema names a dialect that is not known here")
    try:
        library.check_schema(schema)
    except SchemaError as error:
        place = "/".join(step(str(part)) for part in error.absolute_path)
        return SchemaReview(unusable=f"it is not valid JSON Schema at /{place}: {error.validator}")
    except (RecursionError, ArithmeticError):
        return SchemaReview(unusable="it is not valid JSON Schema")
    if InputSchema(schema).types_of(schema).isdisjoint({"object"}):
        return SchemaReview(unusable="it takes no object, and arguments are one")
    return _reviewed_patterns(schema)


def _reviewed_patterns(schema: JsonObject) -> SchemaReview:
    unchecked = []
    for pointer, node in subschemas(schema):
        if not isinstance(node, dict):
            continue
        named = node.get("patternProperties")
        for names in named if isinstance(named, dict) else {}:
            if (why := why_unchecked(names)) is not None:
                return SchemaReview(unusable=f"{pointer}/patternProperties has a pattern that is not applied: {why}")
        pattern = node.get("pattern")
        if isinstance(pattern, str) and (why := why_unchecked(pattern)) is not None:
            unchecked.append(f"{pointer}/pattern is left to the tool: {why}")
    return SchemaReview(unchecked=tuple(unchecked))


def _validator(schema: JsonObject) -> Validator:
    made: Validator = _tamed(str(schema.get("$schema", DIALECT)))(schema, registry=Registry())
    return made


@lru_cache(maxsize=8)
def _tamed(dialect: str) -> Any:  # noqa: ANN401  the library makes its classes at run time
    library: Any = validators.validator_for({"$schema": dialect})
    return validators.extend(library, {"pattern": _pattern, "uniqueItems": _unique_items, "multipleOf": _multiple_of})


def _pattern(_validator: object, pattern: str, value: JsonValue, _schema: object) -> Iterator[ValidationError]:
    if isinstance(value, str) and mismatches(pattern, value):
        yield ValidationError("")


def _unique_items(_validator: object, wanted: object, value: object, _schema: object) -> Iterator[ValidationError]:
    # The library compares each item with each other one where they cannot be sorted.
    if wanted is True and isinstance(value, list) and len({canonical_json(item) for item in value}) < len(value):
        yield ValidationError("")


def _multiple_of(_validator: object, step_: float, value: object, _schema: object) -> Iterator[ValidationError]:
    # The library divides doubles, by which 0.3 is no multiple of 0.1.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and (Fraction(repr(value)) / Fraction(repr(step_))).denominator != 1:
        yield ValidationError("")


def _fault(error: Any, known: frozenset[str]) -> ArgumentFault:  # noqa: ANN401  the library's class is generic
    parts = [str(part) if isinstance(part, int) or part in known else None for part in error.absolute_path]
    path = "".join(f"/{'*' if part is None else step(part)}" for part in parts)
    return ArgumentFault(path=path, keyword=str(error.validator), wants=_wanted(error))


def _wanted(error: Any) -> str:  # noqa: ANN401  as above
    """Say what the schema wants, in its own words and never in the value's."""
    match error.validator:
        case "required":
            return ", ".join(step(name) for name in error.validator_value if name not in error.instance)
        case "additionalProperties" | "unevaluatedProperties" | "unevaluatedItems" | "additionalItems" | None:
            return "nothing but what the schema lists"
        case "anyOf" | "oneOf" as keyword:
            which = "one" if keyword == "anyOf" else "exactly one"
            return f"what fits {which} of its {len(error.validator_value)} alternatives"
        case "not" | "if" | "then" | "else" | "contains" | "propertyNames" | "dependentSchemas" | "dependencies":
            return "what its condition says"
        case _:
            text = canonical_json(error.validator_value)
            shown = text if len(text) <= LONGEST_WANT else f"{text[:LONGEST_WANT]}…"
            return shown if shown.isprintable() else ascii(shown)


def _names_in(schema: JsonObject) -> Iterator[str]:
    for _, node in subschemas(schema):
        named = node.get("properties") if isinstance(node, dict) else None
        yield from named if isinstance(named, dict) else ()


def _longest_key(value: JsonValue | Mapping[str, JsonValue]) -> int:
    match value:
        case Mapping():
            return max((max(len(key), _longest_key(inner)) for key, inner in value.items()), default=0)
        case list():
            return max(map(_longest_key, value), default=0)
        case _:
            return 0
