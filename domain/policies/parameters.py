"""Parameter mapping: an intent's parameters become a tool's arguments, all of them or none.

Nothing is dropped, coerced or invented: an unknown parameter, a missing required one or a wrong type is refused,
because an approver saw these parameters and nothing else may be done in their name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from domain.model.errors import InvalidParameters
from domain.model.tool_mapping import ParameterRule, ParameterType, ToolMapping, Transform
from domain.policies.decision import Refused


@dataclass(frozen=True)
class Mapped:
    """The tool's arguments, without the reserved namespace."""

    arguments: dict[str, JsonValue]


def map_parameters(mapping: ToolMapping, parameters: Mapping[str, JsonValue]) -> Mapped | Refused:
    """Return the arguments, or the refusal that names every parameter at fault and its fix."""
    rules = {rule.parameter: rule for rule in mapping.parameters}
    faults = [
        f"{name!r} is not a parameter of this mapping (it has {_listed(rules)})" for name in parameters.keys() - rules
    ]
    faults += [
        f"{rule.parameter!r} is required and missing"
        for rule in mapping.parameters
        if rule.required and parameters.get(rule.parameter) is None
    ]
    present = {name: value for name, value in parameters.items() if name in rules and value is not None}
    faults += [fault for name, value in present.items() if (fault := _type_fault(rules[name], value))]
    if faults:
        return Refused(
            InvalidParameters,
            f"parameters of {mapping.action_type} version {mapping.version}: {'; '.join(sorted(faults))}. "
            "Nothing was sent; propose the action again with parameters that fit",
        )
    return Mapped({rules[name].argument: _transformed(rules[name], value) for name, value in present.items()})


def _listed(rules: Mapping[str, ParameterRule]) -> str:
    return ", ".join(sorted(rules)) or "none"


def _type_fault(rule: ParameterRule, value: JsonValue) -> str | None:
    if _has_type(rule.type, value):
        return None
    return f"{rule.parameter!r} must be of type {rule.type} and is {_type_name(value)}"


def _has_type(wanted: ParameterType, value: JsonValue) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match wanted:
        case ParameterType.STRING:
            return isinstance(value, str)
        case ParameterType.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case ParameterType.NUMBER:
            return is_number
        case ParameterType.BOOLEAN:
            return isinstance(value, bool)
        case ParameterType.ARRAY:
            return isinstance(value, list)
        case ParameterType.OBJECT:
            return isinstance(value, dict)
        case ParameterType.ANY:
            return True


def _type_name(value: JsonValue) -> str:
    names = {str: "STRING", bool: "BOOLEAN", int: "INTEGER", float: "NUMBER", list: "ARRAY", dict: "OBJECT"}
    return names.get(type(value), "null")


def _transformed(rule: ParameterRule, value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        match rule.transform:
            case Transform.UPPERCASE:
                return value.upper()
            case Transform.LOWERCASE:
                return value.lower()
            case Transform.PASSTHROUGH:
                return value
    return value
