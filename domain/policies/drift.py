"""Drift: how the gateway's tools have moved away from what a published mapping was published for.

A published mapping never changes, so each difference is told and none is mended here: whoever owns the mapping looks
at the tool and publishes a new version. That a description changed is told too, as harmless; it may be the first sign
of a tool that became another one under the same name (OWASP MCP Top 10, tool poisoning).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from domain.model.tool_mapping import ToolMapping
from domain.policies.argument_fit import ToolFacts
from domain.policies.publication import Facts, judge
from domain.policies.schema_difference import differences


class DriftKind(StrEnum):
    """What has become of a tool since a mapping was published for it."""

    TOOL_GONE = "TOOL_GONE"
    SCHEMA_CHANGED = "SCHEMA_CHANGED"
    WORDING_CHANGED = "WORDING_CHANGED"
    """The schema is another and takes the same arguments."""
    NOT_HONOURED = "NOT_HONOURED"
    """The mapping would be refused if it were published today: by the schema, or by what the tool says of itself."""


class ToolRole(StrEnum):
    """What a mapping calls a tool for."""

    ACT = "ACT"
    VERIFY = "VERIFY"
    COMPENSATE = "COMPENSATE"


@dataclass(frozen=True)
class Drift:
    """One thing that is not as it was when the mapping was published."""

    kind: DriftKind
    role: ToolRole
    tool_name: str
    part: str
    """Where: a place in the tool's schema, or the field of the mapping that it no longer honours."""
    message: str


def drift_of(mapping: ToolMapping, facts: Facts) -> tuple[Drift, ...]:
    """Return everything that has moved; nothing where the tools are what they were."""
    return (*_changes(mapping, facts), *_not_honoured(mapping, facts))


def is_pinned(mapping: ToolMapping) -> bool:
    """Whether a mapping says which schema it was published for; one that does not can only be judged anew."""
    return mapping.tool_schema_hash is not None


def _roles(mapping: ToolMapping) -> Iterator[tuple[ToolRole, str, str | None]]:
    yield ToolRole.ACT, mapping.tool_name, mapping.tool_schema_hash
    if mapping.verify_tool is not None:
        pinned = getattr(mapping.effect_safety, "verify_tool_schema_hash", None)
        yield ToolRole.VERIFY, mapping.verify_tool, pinned
    if mapping.compensation.compensation_tool is not None:
        undoing = mapping.compensation
        yield ToolRole.COMPENSATE, mapping.compensation.compensation_tool, undoing.compensation_tool_schema_hash


def _changes(mapping: ToolMapping, facts: Facts) -> Iterator[Drift]:
    for role, name, pinned in _roles(mapping):
        found = facts.get(name)
        if found is None:
            message = f"{name} is not listed by the gateway any more"
            yield Drift(DriftKind.TOOL_GONE, role, name, "", message)
        elif pinned is not None and found.tool.schema_hash != pinned:
            yield from _changed(mapping, role, found)


def _changed(mapping: ToolMapping, role: ToolRole, found: ToolFacts) -> Iterator[Drift]:
    name = found.tool.name
    if role is not ToolRole.ACT or mapping.tool_input_schema is None:
        message = f"the input schema of {name} is not the one that was pinned"
        yield Drift(DriftKind.SCHEMA_CHANGED, role, name, "", message)
        return
    for one in differences(mapping.tool_input_schema, found.tool.input_schema):
        kind = DriftKind.WORDING_CHANGED if one.is_harmless else DriftKind.SCHEMA_CHANGED
        yield Drift(kind, role, name, one.pointer or "/", f"{one.change} in the input schema of {name}")


def _not_honoured(mapping: ToolMapping, facts: Facts) -> Iterator[Drift]:
    names = {role: name for role, name, _ in _roles(mapping)}
    for fault in judge(mapping.without_pins, facts).faults:
        role = _ROLE_OF.get(str(fault.field[0]), ToolRole.ACT)
        if role is ToolRole.VERIFY and fault.field[-1] == "kind":
            role = ToolRole.ACT
        name = names.get(role, mapping.tool_name)
        if name in facts:  # one that is gone is told as that
            yield Drift(DriftKind.NOT_HONOURED, role, name, fault.place, fault.message)


_ROLE_OF = {"effect_safety": ToolRole.VERIFY, "compensation": ToolRole.COMPENSATE}
