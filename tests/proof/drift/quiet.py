"""What is no drift: the same tools in another dress, and changes that a mapping does not rest on."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from domain.model.tool_description import ToolAnnotations, ToolDescription
from tests.proof.drift.kinds import Drifted, Kind
from tests.proof.drift.subjects import Subject
from tests.support.gateway_tools import reference_tools


def _redressed(change: Callable[[Any, Random], Any]) -> Kind:
    def drift(subject: Subject, random: Random) -> Drifted:
        tools = {
            name: ToolDescription(
                name=name, input_schema=change(tool.input_schema, random), annotations=tool.annotations
            )
            for name, tool in subject.tools.items()
        }
        return Drifted(tools)

    return drift


def _same(value: Any, _random: Random) -> Any:  # noqa: ANN401  any JSON
    return value


def _shuffled(value: Any, random: Random) -> Any:  # noqa: ANN401  as above
    """Return the same data with every object's keys in another order."""
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: _shuffled(value[key], random) for key in keys}
    return [_shuffled(item, random) for item in value] if isinstance(value, list) else value


def _as_floats(value: Any, random: Random) -> Any:  # noqa: ANN401  as above
    """Return the same numbers as another writer of JSON spells them."""
    if isinstance(value, dict):
        return {key: _as_floats(item, random) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_floats(item, random) for item in value]
    return float(value) if type(value) is int else value


def _others_changed(subject: Subject, _random: Random) -> Drifted:
    others = {name: tool for name, tool in reference_tools().items() if name not in subject.tools}
    changed = {name: tool.model_copy(update={"input_schema": {"type": "object"}}) for name, tool in others.items()}
    return Drifted({**changed, **subject.tools})


def _output_described(subject: Subject, _random: Random) -> Drifted:
    tools = subject.tools.items()
    return Drifted({name: tool.model_copy(update={"output_schema": {"type": "object"}}) for name, tool in tools})


def _says_less(subject: Subject, _random: Random) -> Drifted:
    tools = subject.tools.items()
    return Drifted({name: tool.model_copy(update={"annotations": ToolAnnotations()}) for name, tool in tools})


QUIET: Final[dict[str, Kind]] = {
    "the-same": _redressed(_same),
    "keys-in-another-order": _redressed(_shuffled),
    "numbers-spelled-otherwise": _redressed(_as_floats),
    "other-tools-changed": _others_changed,
    "output-described": _output_described,
    "hints-withdrawn": _says_less,
}
