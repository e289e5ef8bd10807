"""Reads JSON that someone else wrote, refusing whatever two readers could understand differently.

It exists because Python's own reader accepts NaN, infinite numbers, repeated keys and half surrogate pairs, and
because a result is archived, hashed and shown by others. It does not know what the JSON means.
"""

import json
import math
from typing import Final, NoReturn

from pydantic import JsonValue

MAX_DEPTH: Final = 64
"""Deepest nesting that is read: twice what an argument may have, far below Python's recursion limit."""


class NotStrictJson(ValueError):
    """The text is not JSON that every reader understands alike; the message says why and quotes nothing."""


def read_strict_json(text: str) -> JsonValue:
    """Return the one value in ``text``, or raise ``NotStrictJson``."""
    try:
        value: JsonValue = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
    except NotStrictJson:
        raise
    except RecursionError:
        raise NotStrictJson("it is nested too deeply") from None
    except ValueError:
        # Covers json.JSONDecodeError and integers longer than Python converts; both would quote the text.
        raise NotStrictJson("it is not JSON") from None
    _check(value)
    return value


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotStrictJson("an object names a key twice")
    return found


def _no_constant(_: str) -> NoReturn:
    raise NotStrictJson("it holds NaN or an infinity, which JSON has not")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotStrictJson("it holds a number beyond the range of a double")
    return number


def _check(value: JsonValue) -> None:
    waiting: list[tuple[JsonValue, int]] = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise NotStrictJson(f"it is nested deeper than {MAX_DEPTH} levels")
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, dict):
            for key, inner in item.items():
                _check_text(key)
                waiting.append((inner, depth + 1))
        elif isinstance(item, list):
            waiting.extend((inner, depth + 1) for inner in item)


def _check_text(text: str) -> None:
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise NotStrictJson("a text holds half of a surrogate pair")
