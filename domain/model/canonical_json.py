"""Canonical JSON: one text per value, so that digests and idempotency keys mean the same everywhere.

The form, stable across Python versions and independent of key order:

* objects: keys are strings, sorted by Unicode code point, no duplicates possible; no insignificant white space;
* object keys are not empty (DynamoDB keeps no empty attribute name);
* strings: as they are (no normalisation, no ASCII escaping), lone surrogates refused;
* integers: plain digits, within ±(2^53 - 1), the range every JSON reader keeps exact (RFC 8259 section 6);
* other numbers: an integral float is written as its integer (``1.0`` is ``1``); the rest as the shortest text that
  reads back as the same IEEE 754 double (``repr``); NaN, the infinities and magnitudes a DynamoDB number cannot
  hold (Amazon DynamoDB Developer Guide, "Data types": 1E-130 … 9.99E+125) are refused.

It does not follow RFC 8785 to the letter (key order, exponent form): nobody outside this system recomputes it.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BeforeValidator, JsonValue

MAX_EXACT_INTEGER: Final = 2**53 - 1
MAX_DOCUMENT_DEPTH: Final = 32
"""Deepest document written, in levels: room for the envelopes around a value."""

MAX_DEPTH: Final = 24
"""Deepest nesting accepted, in levels: what is wrapped around a value on its way (an item, a request) must still fit
DynamoDB's own 32 (Amazon DynamoDB Developer Guide, "Quotas", nested attributes)."""

_SMALLEST, _LARGEST = 1e-130, 9.99e125


def normalise(value: object, *, path: str = "$", depth: int = 0, max_depth: int = MAX_DEPTH) -> JsonValue:
    """Return ``value`` as plain JSON data in canonical numbers, or raise ``ValueError`` naming the path at fault."""
    if depth > max_depth:
        msg = f"{path} is nested deeper than {max_depth} levels"
        raise ValueError(msg)
    match value:
        case None | bool():
            return value
        case str():
            return _text(value, path)
        case int():
            return _integer(value, path)
        case float():
            return _real(value, path)
        case Mapping():
            below = {"depth": depth + 1, "max_depth": max_depth}
            return {_key(key, path): normalise(item, path=f"{path}.{key}", **below) for key, item in value.items()}
        case list() | tuple():
            below = {"depth": depth + 1, "max_depth": max_depth}
            return [normalise(item, path=f"{path}[{at}]", **below) for at, item in enumerate(value)]
        case _:
            msg = f"{path} is a {type(value).__name__}, which JSON cannot hold"
            raise ValueError(msg)


def _key(value: object, path: str) -> str:
    key = _text(value, f"{path} (key)")
    if not key:
        msg = f"{path} has an empty key; give the field a name"
        raise ValueError(msg)
    return key


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        msg = f"{path} is a {type(value).__name__}; object keys must be strings"
        raise ValueError(msg)  # noqa: TRY004  pydantic turns only ValueError into a field error
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        msg = f"{path} holds half of a surrogate pair, which is not valid Unicode text"
        raise ValueError(msg)
    return value


def _integer(value: int, path: str) -> int:
    if abs(value) > MAX_EXACT_INTEGER:
        msg = f"{path} is beyond ±(2^53 - 1); send it as a string, other JSON readers would round it"
        raise ValueError(msg)
    return int(value)


def _real(value: float, path: str) -> int | float:
    if not math.isfinite(value):
        msg = f"{path} is {value}, which JSON cannot hold"
        raise ValueError(msg)
    if value.is_integer() and abs(value) <= MAX_EXACT_INTEGER:
        return int(value)
    if not _SMALLEST <= abs(value) <= _LARGEST:
        msg = f"{path} is outside the range that the stores keep (1E-130 to 9.99E+125)"
        raise ValueError(msg)
    return float(value)


def canonical_json(value: object) -> str:
    """Return the one canonical text of ``value``; raises ``ValueError`` naming the path that JSON cannot hold."""
    return json.dumps(
        normalise(value, max_depth=MAX_DOCUMENT_DEPTH),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def digest(value: object) -> str:
    """Return the SHA-256 (64 hex digits) of ``value``'s canonical JSON in UTF-8."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _normalise_object(value: object) -> object:
    return normalise(value) if isinstance(value, Mapping) else value


JsonObject = Annotated[dict[str, JsonValue], BeforeValidator(_normalise_object)]
"""A JSON object in canonical numbers, as a model field."""
