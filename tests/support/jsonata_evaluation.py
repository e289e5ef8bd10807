"""JSONata as Step Functions evaluates it: an undefined value is an error, a null is a value.

The library alone would answer ``None`` to both, and would leave an unassigned variable out of an object without a
word. It is the only place that knows how the library spells null.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

_VARIABLE: Final = re.compile(r"\$([A-Za-z_]\w*)\b(?!\s*\()")


class Undefined(Exception):
    """The expression has no value, or uses a variable that nothing has assigned."""


@lru_cache(maxsize=512)
def _parsed(text: str) -> tuple[Jsonata, Jsonata, frozenset[str]]:
    names = frozenset(_VARIABLE.findall(re.sub(r"'[^']*'", "''", text)))
    return Jsonata(text), Jsonata(f"$exists({text})"), names


def evaluate(text: str, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401  JSON of any shape
    """Return the value of one expression, without its delimiters; raises ``Undefined``."""
    expression, exists, names = _parsed(text)
    if unassigned := names - variables.keys():
        raise Undefined(f"{text!r} uses {', '.join(sorted(unassigned))}, which nothing has assigned")
    values = []
    for parsed in (exists, expression):
        frame = parsed.create_frame()
        for name in names:
            frame.bind(name, _with_nulls(variables[name]))
        values.append(parsed.evaluate(None, frame))
    if values[0] is not True:
        raise Undefined(f"{text!r} is undefined")
    return values[1]


def _with_nulls(value: Any) -> Any:  # noqa: ANN401  JSON of any shape
    """JSON's null as the library spells it; Python's ``None`` means undefined there."""
    match value:
        case None:
            return Utils.NULL_VALUE
        case Mapping():
            return {key: _with_nulls(item) for key, item in value.items()}
        case list():
            return [_with_nulls(item) for item in value]
        case _:
            return value
