"""``ArgumentSchemas`` over the ``jsonschema`` library, tamed.

The library is right about what a schema means and generous with time, network and words; here it is given no way out
of the document (an empty registry), some keywords of its own are replaced by bounded ones, all of them are counted,
and none of its messages is passed on, for they quote the value at fault.

Source: JSON Schema 2020-12 Validation, section 7.2: ``format`` is an annotation, so it is left to the tool.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
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

from adapters.jsonschema.effort import TooMuchWork, afford, limited, spend
from adapters.jsonschema.patterns import mismatches, why_unchecked, work_of
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

DIALECTS: Final = frozenset(
    {
        DIALECT,
        "https://json-schema.org/draft/2019-09/schema",
        "http://json-schema.org/draft-07/schema",
        "http://json-schema.org/draft-06/schema",
    }
)
"""What is read. Older drafts spell ids, bounds and required names otherwise, and would be misunderstood."""


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
            with limited():
                errors = list(islice(_validator(schema).iter_errors(dict(arguments)), MOST_FAULTS))
        except (RecursionError, Unresolvable, ArithmeticError, TooMuchWork) as error:
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
    if not isinstance(dialect, str) or dialect.removesuffix("#") not in DIALECTS:
        return SchemaReview(unusable="its $schema names a dialect that is not known here")
    library: Any = validators.validator_for({"$schema": dialect})
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
    own = {
        "multipleOf": _multiple_of,
        "pattern": _pattern,
        "patternProperties": _pattern_properties(library.VALIDATORS["patternProperties"]),
        "required": _required,
        "uniqueItems": _unique_items,
    }
    return validators.extend(library, {name: _counted(rule) for name, rule in {**library.VALIDATORS, **own}.items()})


Rule = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]
"""A keyword as the library calls it: with the validator, the keyword's value, the value and the whole schema."""


def _counted(rule: Rule) -> Rule:
    def counted(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401  as Rule
        spend(1 + len(wanted) // 8 if isinstance(wanted, list) else 1)
        yield from rule(validator, wanted, value, schema) or ()

    return counted


def _pattern(_validator: object, pattern: str, value: JsonValue, _schema: object) -> Iterator[ValidationError]:
    # One that would take too long is left to the tool, as is one that is never applied.
    if isinstance(value, str) and afford(work_of(pattern, value)) and mismatches(pattern, value):
        yield ValidationError("")


def _pattern_properties(rule: Rule) -> Rule:
    def bounded(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401  as Rule
        # Twice: `additionalProperties` holds the same patterns against the same keys.
        for key in value if isinstance(value, dict) else ():
            spend(2 * sum(work_of(pattern, key) for pattern in wanted))
        yield from rule(validator, wanted, value, schema) or ()

    return bounded


def _required(_validator: object, wanted: list[str], value: JsonValue, _schema: object) -> Iterator[ValidationError]:
    # One fault for all that are missing: the library has one for each, which would push every other one out.
    if isinstance(value, dict) and any(name not in value for name in wanted):
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
