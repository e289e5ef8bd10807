"""Reading a tool's answer as data: its JSON object, and the external objects that it names.

Nothing here decides what an answer proves. What two readers could read differently is not read at all, and a tool
can name objects of its own system only.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import JsonValue, ValidationError

from domain.model.external_object import UNKNOWN_OBJECT_TYPE, ExternalObjectRef, system_of_tool
from domain.model.tool_call import ToolAnswer
from domain.model.tool_mapping import ResultContract


def typed_contract(answer: ToolAnswer) -> Mapping[str, JsonValue] | None:
    """Return the answer's JSON object: the structured content, else the first text that is one (with a verdict)."""
    if answer.structured is not None:
        return answer.structured
    objects = objects_in(answer)
    return next((found for found in objects if "success" in found), objects[0] if objects else None)


def objects_in(answer: ToolAnswer) -> tuple[Mapping[str, JsonValue], ...]:
    """Return every JSON object that an answer holds, the structured content first: they must not disagree."""
    told = [parsed for text in answer.texts if (parsed := json_object(text)) is not None]
    return tuple(told) if answer.structured is None else (answer.structured, *told)


def json_object(text: str) -> Mapping[str, JsonValue] | None:
    """Return the text's JSON object, or ``None``; what two readers could read differently is no contract."""
    try:
        parsed = json.loads(text, object_pairs_hook=_each_key_once, parse_constant=_no_constant)
        # Written again, numbers beyond a double and halves of surrogate pairs show.
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _each_key_once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a key occurs twice")
    return read


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def refs_in(contract: Mapping[str, JsonValue], tool_name: str) -> tuple[ExternalObjectRef, ...] | None:
    """Return the objects that a contract names, in order, each once; ``None`` if one has an illegal shape.

    Their system comes from the tool's name: a tool cannot name objects of another system.
    """
    listed = contract.get("external_objects")
    listed = [] if listed is None else listed
    if not isinstance(listed, Sequence) or isinstance(listed, str) or len(listed) > MAX_REFS:
        return None
    refs: dict[tuple[str, str], ExternalObjectRef] = {}
    single = _single(contract)
    for item in (*listed, *([single] if single else [])):
        ref = _ref(item, tool_name)
        if ref is None:
            return None
        if item in listed or all(ref.object_id != known.object_id for known in refs.values()):
            refs.setdefault((ref.object_type, ref.object_id), ref)
    return tuple(refs.values())


def _ref(item: JsonValue, tool_name: str) -> ExternalObjectRef | None:
    if not isinstance(item, Mapping):
        return None
    kind = item.get("object_type")
    try:
        return ExternalObjectRef(
            system=system_of_tool(tool_name),
            object_type=UNKNOWN_OBJECT_TYPE if kind in (None, "") else kind,  # type: ignore[arg-type]  # validated here
            object_id=item.get("object_id"),  # type: ignore[arg-type]  # validated here
            object_url=item.get("object_url"),  # type: ignore[arg-type]  # validated here
        )
    except ValidationError:
        return None


MAX_REFS: Final = 16
"""Objects one call may name: at about 1.4 kB each, twice over (created and undone), they fit a 64 KiB state."""


def _single(contract: Mapping[str, JsonValue]) -> dict[str, JsonValue] | None:
    if contract.get("external_object_id") is None:
        return None
    return {
        "object_id": contract["external_object_id"],
        "object_type": contract.get("object_type"),
        "object_url": contract.get("object_url"),
    }


def ref_at(
    contract: Mapping[str, JsonValue] | None, reading: ResultContract, tool_name: str
) -> ExternalObjectRef | None:
    """Return the object that an untyped answer names where the mapping points (RFC 6901), or ``None``."""
    if reading.object_id is None:
        return None
    return _ref({"object_id": _pointed_at(contract, reading.object_id), "object_type": reading.object_type}, tool_name)


def _pointed_at(contract: Mapping[str, JsonValue] | None, pointer: str) -> str | None:
    """Return the name that the pointer leads to: a string, or a whole number as text."""
    found: object = contract
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        match found:
            case Mapping():
                found = found.get(name)
            case list() if name.isdecimal() and len(name) <= _INDEX_DIGITS:
                found = found[int(name)] if int(name) < len(found) else None
            case _:
                return None
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found if isinstance(found, str) else None


_INDEX_DIGITS: Final = 6
