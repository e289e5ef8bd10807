"""Argument fit: whether what a mapping would send is what a tool's schema takes, whatever the values turn out to be.

The same questions are asked of each tool that a mapping calls: is every argument listed, of a type it takes, and is
everything that it requires surely sent. Values are checked later, call by call.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from domain.model.json_schema import ALL_TYPES, InputSchema, Node, step
from domain.model.tool_description import ToolDescription
from domain.model.tool_mapping import RESERVED_ARGUMENT, ParameterRule, ParameterType, ToolMapping, Transform

Field = tuple[str | int, ...]
"""A place in a mapping, from the top: names and numbers."""

MOST_NAMES: Final = 20
"""Names of a list that are shown."""


VERIFY_ARGUMENT: Final = "idempotency_key"
"""What a verify tool is asked with."""


@dataclass(frozen=True)
class Finding:
    """One thing about a mapping that a tool would not honour, or that nobody can promise."""

    field: Field
    message: str
    """What is so, and what to do."""
    is_fault: bool = True
    """Whether the mapping is refused for it; else it is only said."""

    @property
    def place(self) -> str:
        """The field as a person finds it in a file."""
        return ".".join(map(str, self.field))


@dataclass(frozen=True)
class ToolFacts:
    """A listed tool, and what whoever applies schemas says of its one."""

    tool: ToolDescription
    unusable: str | None = None
    unchecked: tuple[str, ...] = ()
    context_faults: tuple[str, ...] = ()
    """What the schema refuses about the reserved argument as it is filled."""
    key_faults: tuple[str, ...] = ()
    """What the schema refuses about a key, if it is asked with one."""


@dataclass(frozen=True)
class Sent:
    """One argument of a call: where the mapping says so, what it can be, and whether every call has it."""

    argument: str
    field: Field
    types: frozenset[str]
    always: bool
    type_field: Field | None = None
    """Where its type is said; ``None`` where nobody chooses it."""


STRINGS: Final = frozenset({"string"})
TYPES: Final = {
    ParameterType.STRING: STRINGS,
    ParameterType.INTEGER: frozenset({"integer"}),
    ParameterType.NUMBER: frozenset({"integer", "fraction"}),
    ParameterType.BOOLEAN: frozenset({"boolean"}),
    ParameterType.ARRAY: frozenset({"array"}),
    ParameterType.OBJECT: frozenset({"object"}),
    ParameterType.ANY: ALL_TYPES - {"null"},
}


def sent_parameters(mapping: ToolMapping) -> list[Sent]:
    """Return what a call of the acting tool sends."""
    return [
        Sent(
            argument=rule.argument,
            field=("parameters", number, "argument"),
            types=TYPES[rule.type],
            always=rule.required,
            type_field=("parameters", number, "type"),
        )
        for number, rule in enumerate(mapping.parameters)
    ]


def fit(facts: ToolFacts, sent: Sequence[Sent], *, at: Field, passes_context: bool, acts: bool) -> Iterator[Finding]:
    """Yield what does not fit; ``at`` is where the mapping names the tool, ``acts`` whether it is the acting one."""
    name = facts.tool.name
    if facts.unusable is not None:
        yield Finding(at, f"the input schema of {name} cannot be used: {facts.unusable}; have the tool's owner mend it")
        return
    schema = InputSchema(facts.tool.input_schema)
    for one in sent:
        yield from _listed(schema, one, name)
        yield from _typed(schema, one, name)
    yield from _required(schema, sent, at, name)
    yield from _context(schema, facts, at, passes_context=passes_context, acts=acts)
    for rule in facts.unchecked:
        yield Finding(at, f"{name}: {rule}", is_fault=False)
    if schema.has_conditions:
        message = f"{name} has conditions between arguments; they are checked call by call and not here"
        yield Finding(at, message, is_fault=False)


def transforms_fit(mapping: ToolMapping, facts: ToolFacts) -> Iterator[Finding]:
    """Yield each transform after which no value could be one that the tool lists."""
    if facts.unusable is not None:
        return
    properties = InputSchema(facts.tool.input_schema).properties
    for number, rule in enumerate(mapping.parameters):
        listed = _listed_texts(properties.get(rule.argument))
        if listed and not any(_transformed(rule, text) == text for text in listed):
            yield Finding(
                ("parameters", number, "transform"),
                f"after {rule.transform} no value is one that {facts.tool.name} lists for {rule.argument}; "
                "choose another transform",
            )


def _transformed(rule: ParameterRule, text: str) -> str:
    match rule.transform:
        case Transform.UPPERCASE:
            return text.upper()
        case Transform.LOWERCASE:
            return text.lower()
        case Transform.PASSTHROUGH:
            return text


def _listed_texts(node: Node) -> list[str]:
    """Return the texts that are listed here; where several parts list some, those of the first."""
    if isinstance(node, dict) and "enum" not in node and isinstance(parts := node.get("allOf"), list):
        return next((found for found in map(_listed_texts, parts) if found), [])
    listed = node.get("enum") if isinstance(node, dict) else None
    return [text for text in listed if isinstance(text, str)] if isinstance(listed, list) else []


def _listed(schema: InputSchema, one: Sent, name: str) -> Iterator[Finding]:
    refused = schema.refuses(one.argument)
    if one.argument in schema.properties and not refused:
        return
    taken = {listed for listed in schema.properties if not schema.refuses(listed)}
    listed = shown(taken - {RESERVED_ARGUMENT})
    if refused:
        yield Finding(one.field, f"{name} takes no argument {one.argument!r}; it takes {listed}")
    else:
        message = f"{name} does not list an argument {one.argument!r} (it lists {listed}) and may ignore it"
        yield Finding(one.field, message, is_fault=False)


def _typed(schema: InputSchema, one: Sent, name: str) -> Iterator[Finding]:
    node = schema.properties.get(one.argument)
    if node is None:
        return
    taken = schema.types_of(node)
    if one.types <= taken:
        return
    field = one.type_field or one.field
    said = f"{name} takes for {one.argument!r} {_spelled(taken)}"
    if one.types == TYPES[ParameterType.ANY] and one.types & taken:
        yield Finding(field, f"{said}, and ANY promises nothing; say the type", is_fault=False)
    elif one.type_field is None:
        yield Finding(field, f"{said}, and {_spelled(one.types)} would be sent; name another argument")
    else:
        yield Finding(field, f"{said}, and {_spelled(one.types)} would be sent; correct the type")


def _required(schema: InputSchema, sent: Sequence[Sent], at: Field, name: str) -> Iterator[Finding]:
    by_name = {one.argument: one for one in sent}
    for argument in sorted(schema.required - {RESERVED_ARGUMENT}):
        one = by_name.get(argument)
        if one is None:
            yield Finding(at, f"{name} requires {step(argument)!r} and the mapping does not send it; map it")
        elif not one.always:
            field = (*one.field[:-1], "required") if one.type_field else one.field
            yield Finding(field, f"{name} requires {argument!r}, and it is not always sent; map what is always there")


def _context(
    schema: InputSchema, facts: ToolFacts, at: Field, *, passes_context: bool, acts: bool
) -> Iterator[Finding]:
    name, refused = facts.tool.name, schema.refuses(RESERVED_ARGUMENT)
    declared = RESERVED_ARGUMENT in schema.properties and not refused
    field: Field = ("passes_execution_context",) if acts else at
    if passes_context and declared:
        for fault in facts.context_faults:
            yield Finding(
                field,
                f"{name} declares {RESERVED_ARGUMENT!r} with another content than it is filled with ({fault}); "
                "if it means something else by it, set passes_execution_context to false",
            )
    elif passes_context:
        yield Finding(
            field,
            f"{name} does not declare {RESERVED_ARGUMENT!r}; set passes_execution_context to false "
            "(the context then travels in _meta only)",
            is_fault=acts or refused,
        )
    elif declared:
        is_required = RESERVED_ARGUMENT in schema.required
        message = (
            f"{name} declares {RESERVED_ARGUMENT!r}, and it would not be sent; set passes_execution_context to true"
        )
        yield Finding(field, message, is_fault=is_required)


def shown(names: "set[str] | frozenset[str] | Sequence[str]") -> str:
    """Return names as they may be printed, the first few of them."""
    listed = [step(name) for name in sorted(names)]
    more = f" and {len(listed) - MOST_NAMES} more" if len(listed) > MOST_NAMES else ""
    return (", ".join(listed[:MOST_NAMES]) or "none") + more


def _spelled(types: frozenset[str]) -> str:
    if types == ALL_TYPES:
        return "anything"
    names = set(types)
    if "fraction" in names:
        names = names - {"fraction", "integer"} | {"number"}
    return " or ".join(sorted(names)) or "nothing"
