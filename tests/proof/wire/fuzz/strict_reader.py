"""A second reader of JSON, written from RFC 8259 and from nothing of the product: it says what any reader would read.

It refuses what two readers may understand differently: repeated keys, numbers beyond a double, half surrogate pairs.
"""

import math
import re
from typing import Any, Final

Json = Any

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PLAIN: Final = re.compile(r'[^"\\\x00-\x1f]*')
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEX: Final = re.compile(r"[0-9a-fA-F]{4}")
_WORDS: Final[tuple[tuple[str, Json], ...]] = (("true", True), ("false", False), ("null", None))
_MOST_DIGITS: Final = 4_300
DEEPEST: Final = 64


class Unreadable(Exception):
    """No JSON that everybody reads alike."""


def read_json(text: str) -> Json:
    """Return the one value in a text; raises ``Unreadable``."""
    value, at = _value(text, _skip(text, 0), 0)
    if _skip(text, at) != len(text):
        raise Unreadable("something follows")
    return value


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int, depth: int) -> tuple[Json, int]:
    if depth > DEEPEST:
        raise Unreadable("too deep")
    match text[at : at + 1]:
        case "{":
            return _object(text, at, depth)
        case "[":
            return _list(text, at, depth)
        case '"':
            return _string(text, at)
        case _:
            return _plain(text, at)


def _plain(text: str, at: int) -> tuple[Json, int]:
    for word, value in _WORDS:
        if text.startswith(word, at):
            return value, at + len(word)
    found = _NUMBER.match(text, at)
    if not found:
        raise Unreadable("no value")
    digits, is_float = found.group(), found.group(1) or found.group(2)
    if not is_float:
        if len(digits) > _MOST_DIGITS:
            raise Unreadable("too long a number")
        return int(digits), found.end()
    number = float(digits)
    if not math.isfinite(number):
        raise Unreadable("too large a number")
    return number, found.end()


def _list(text: str, at: int, depth: int) -> tuple[list[Json], int]:
    found: list[Json] = []
    at = _skip(text, at + 1)
    if text.startswith("]", at):
        return found, at + 1
    while True:
        value, at = _value(text, _skip(text, at), depth + 1)
        found.append(value)
        at = _skip(text, at)
        if text.startswith("]", at):
            return found, at + 1
        at = _expect(text, at, ",")


def _object(text: str, at: int, depth: int) -> tuple[dict[str, Json], int]:
    found: dict[str, Json] = {}
    at = _skip(text, at + 1)
    if text.startswith("}", at):
        return found, at + 1
    while True:
        at = _skip(text, at)
        if not text.startswith('"', at):
            raise Unreadable("no key")
        key, at = _string(text, at)
        if key in found:
            raise Unreadable("a key twice")
        at = _expect(text, _skip(text, at), ":")
        found[key], at = _value(text, _skip(text, at), depth + 1)
        at = _skip(text, at)
        if text.startswith("}", at):
            return found, at + 1
        at = _expect(text, at, ",")


def _expect(text: str, at: int, mark: str) -> int:
    if not text.startswith(mark, at):
        raise Unreadable(f"no {mark}")
    return at + 1


def _string(text: str, at: int) -> tuple[str, int]:
    parts: list[str] = []
    at += 1
    while True:
        plain = _PLAIN.match(text, at)
        at = plain.end() if plain else at
        parts.append(plain.group() if plain else "")
        match text[at : at + 1]:
            case '"':
                return _whole("".join(parts)), at + 1
            case "\\":
                part, at = _escape(text, at + 1)
                parts.append(part)
            case _:
                raise Unreadable("an open string, or a control character in it")


def _escape(text: str, at: int) -> tuple[str, int]:
    mark = text[at : at + 1]
    if mark in _ESCAPES:
        return _ESCAPES[mark], at + 1
    found = _HEX.match(text, at + 1) if mark == "u" else None
    if not found:
        raise Unreadable("no such escape")
    return chr(int(found.group(), 16)), found.end()


def _whole(text: str) -> str:
    """Join surrogate pairs, and refuse halves."""
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise Unreadable("half a surrogate pair") from None
