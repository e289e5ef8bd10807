"""Models as DynamoDB items and back, without loss.

Items carry native attributes named as the model's fields, so that operators and other systems can read them. Numbers
travel as decimal text: an integral one within ±(2^53 - 1) comes back as an ``int``, any other as the same ``float``
(the canonical form of ``domain.model.canonical_json``). A field that is ``None`` is left out; a null inside free JSON
(parameters, event data) is content and stays. Moments are ISO 8601 in UTC with ``Z``, in milliseconds, or in
microseconds where they have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from domain.model.canonical_json import MAX_EXACT_INTEGER
from domain.model.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from adapters.dynamodb.keys import ItemKey

    Item: TypeAlias = dict[str, AttributeValueTypeDef]

OPEN_STATUS: Final = "open_status"
"""Key of the sparse index over attempts that still need somebody's attention."""

UNPUBLISHED: Final = "unpublished"
"""Key of the sparse index over signals that are not known to be published."""

_NOT_OF_THE_MODEL: Final = frozenset({"pk", "sk", OPEN_STATUS, UNPUBLISHED})

_Model = TypeVar("_Model", bound=BaseModel)


def item_of(model: BaseModel, key: ItemKey, **index_keys: str) -> Item:
    """Return the whole item of a model: its key, its index keys and its fields."""
    return {**key_attributes(key), **{name: {"S": text} for name, text in index_keys.items()}, **_fields(model)}


def key_attributes(key: ItemKey) -> Item:
    """Return a key as attributes."""
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def model_of(kind: type[_Model], item: Mapping[str, AttributeValueTypeDef], *, table: str) -> _Model:
    """Return the model that an item holds.

    An item that is not one (a missing, malformed or unknown attribute) was not written by this system:
    ``ConfigurationError`` names the table, the key and the attributes at fault, never their content.
    """
    try:
        return kind.model_validate(
            {name: from_attribute(value) for name, value in item.items() if name not in _NOT_OF_THE_MODEL}
        )
    except ValidationError as error:
        faults = ", ".join(sorted({".".join(map(str, fault["loc"])) or "the whole" for fault in error.errors()}))
    except TypeError:
        faults = "an attribute of a type that is never written"
    key = " / ".join(item.get(name, {}).get("S", "?") for name in ("pk", "sk"))
    raise ConfigurationError(
        f"{table} holds an item at {key} that is not a {kind.__name__} (at fault: {faults}); correct or restore it"
    )


def attribute_of(value: object) -> AttributeValueTypeDef:
    """Return a value as an attribute; raises ``TypeError`` for what no model of ours holds."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}
        case int():
            return {"N": str(value)}
        case float():
            return {"N": str(Decimal(repr(value)))}
        case datetime():
            return {"S": moment(value)}
        case BaseModel():
            return {"M": _fields(value)}
        case Mapping():
            return {"M": {name: attribute_of(inner) for name, inner in value.items()}}
        case list() | tuple():
            return {"L": [attribute_of(inner) for inner in value]}
        case _:
            msg = f"a {type(value).__name__} has no place in an item"
            raise TypeError(msg)


def from_attribute(attribute: Mapping[str, object]) -> object:
    """Return the plain value of an attribute; raises ``TypeError`` for the binary and set types, never written here."""
    match attribute:
        case {"S": value} | {"BOOL": value}:
            return value
        case {"N": str(text)}:
            return _number(text)
        case {"M": Mapping() as fields}:
            return {name: from_attribute(inner) for name, inner in fields.items()}
        case {"L": list(values)}:
            return [from_attribute(inner) for inner in values]
        case {"NULL": True}:
            return None
        case _:
            msg = f"an attribute of type {', '.join(attribute)} has no place in a model"
            raise TypeError(msg)


def moment(value: datetime) -> str:
    """Return a moment as the text that is stored; texts of whole milliseconds sort as the moments do."""
    precision = "microseconds" if value.microsecond % 1_000 else "milliseconds"
    return value.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def _fields(model: BaseModel) -> Item:
    return {name: attribute_of(value) for name, value in model if value is not None}


def _number(text: str) -> int | float:
    exact = Decimal(text)
    if abs(exact) <= MAX_EXACT_INTEGER and exact == exact.to_integral_value():
        return int(exact)
    return float(exact)
