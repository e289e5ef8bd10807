"""The published mappings that drift is played on: over the reference tools' real schemas, and over made-up ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from domain.model.tool_description import ToolAnnotations, ToolDescription
from domain.model.tool_mapping import RESERVED_ARGUMENT, ToolMapping
from domain.policies.publication import judge
from domain.use_cases.gateway_tools import GatewayTools
from tests.support.gateway_tools import SCHEMAS, a_fitting_mapping, listing, reference_tools

Schema = dict[str, Any]

_ACTS: Final = ToolAnnotations(read_only=False, destructive=False, idempotent=True)
_VERIFY_TOOLS: Final = ("crm___find_task", "calendar___find_event")
_UNDO_TOOLS: Final = {"crm___delete_task": "task_id", "calendar___delete_event": "event_id"}
_TYPES: Final = {
    "string": "STRING",
    "integer": "INTEGER",
    "number": "NUMBER",
    "boolean": "BOOLEAN",
    "array": "ARRAY",
    "object": "OBJECT",
}
EFFECTS: Final = ("idempotent", "verifiable")


@dataclass(frozen=True)
class Subject:
    """A mapping as it was published, and the tools as they were then."""

    name: str
    mapping: ToolMapping
    tools: dict[str, ToolDescription]
    """Those that it calls."""

    @property
    def schema(self) -> Schema:
        """The acting tool's input schema."""
        return self.tools[self.mapping.tool_name].input_schema


def subject(name: str) -> Subject:
    """Return the subject of that name: ``tool.effect``, or ``seed-number.effect`` for a made-up schema.

    Raises ``ValueError`` for a name of none.
    """
    schema_name, _, effect = name.rpartition(".")
    reference = reference_tools()
    if schema_name in reference:
        acting = reference[schema_name].model_copy(update={"annotations": _ACTS})
    else:
        seed, _, number = schema_name.partition("-")
        if not (seed.isdecimal() and number.isdecimal()):
            raise ValueError(f"{name!r} is not written like tool.effect or seed-number.effect")
        random = Random(f"{int(seed)}-{int(number)}")  # noqa: S311  a choice, not a secret
        acting = ToolDescription(name="made___up", input_schema=_made_up(int(number), random), annotations=_ACTS)
    verify = next(tool for tool in _VERIFY_TOOLS if tool != acting.name)
    undo, argument = next(pair for pair in _UNDO_TOOLS.items() if pair[0] != acting.name)
    effects: dict[str, dict[str, Any]] = {
        "idempotent": {"kind": "IDEMPOTENT", "key_ttl_seconds": 86_400},
        "verifiable": {"kind": "VERIFIABLE", "verify_tool": verify, "server_bound_seconds": 5},
    }
    if effect not in effects:
        raise ValueError(name)
    mapping = a_fitting_mapping(
        tool_name=acting.name,
        parameters=list(_rules(acting.input_schema)),
        effect_safety=effects[effect],
        compensation={"strategy": "AUTOMATIC", "compensation_tool": undo, "arguments": {argument: "object_id"}},
    )
    tools = {**reference, acting.name: acting}
    judged = judge(mapping, GatewayTools(listing(*tools.values()), SCHEMAS).facts_for(mapping))
    if judged.faults:
        raise ValueError(f"{name} does not fit its own tools: {judged.faults}")
    called = {acting.name, undo, verify} if effect == "verifiable" else {acting.name, undo}
    return Subject(name, judged.mapping, {called_name: tools[called_name] for called_name in called})


def names(seed: int, made_up: int) -> Iterator[str]:
    """Yield the names of all subjects: the reference tools and made-up schemas, with the effects by turns."""
    for number, tool in enumerate(reference_tools()):
        yield f"{tool}.{EFFECTS[number % len(EFFECTS)]}"
    for number in range(made_up):
        yield f"{seed}-{number}.{EFFECTS[number % len(EFFECTS)]}"


def _rules(schema: Schema) -> Iterator[dict[str, Any]]:
    for name, node in schema["properties"].items():
        if name != RESERVED_ARGUMENT:
            kind = node.get("type") or node["anyOf"][0]["type"]
            yield {"parameter": name, "argument": name, "type": _TYPES[kind], "required": name in schema["required"]}


def _made_up(number: int, random: Random) -> Schema:
    # The first argument goes through every sort, so that a few schemas have them all.
    sorts = [
        number % len(_nodes(random)),
        *(random.randrange(len(_nodes(random))) for _ in range(random.randint(0, 5))),
    ]
    properties = {f"p{place}": _nodes(random)[sort] for place, sort in enumerate(sorts)}
    required = [name for name in properties if random.random() < 0.5]
    context = reference_tools()["crm___create_task"].input_schema["properties"]
    schema: Schema = {
        "type": "object",
        "properties": {**properties, RESERVED_ARGUMENT: dict(context)[RESERVED_ARGUMENT]},  # type: ignore[arg-type]  # it is an object
        "required": [*required, RESERVED_ARGUMENT],
    }
    return {**schema, "additionalProperties": False} if random.random() < 0.5 else schema


def _nodes(random: Random) -> list[Schema]:
    return [
        {"type": "string", "maxLength": random.randint(10, 500)},
        {"type": "string", "enum": random.sample(["LOW", "NORMAL", "HIGH", "URGENT"], 3)},
        {"type": "string", "format": "date", "description": "a day"},
        {"type": "integer", "minimum": 0, "maximum": random.randint(10, 1_000)},
        {"type": "number", "multipleOf": 0.5, "default": 1},
        {"type": "boolean"},
        {"type": "array", "items": {"type": "string", "maxLength": 50}, "maxItems": 9},
        {"type": "object", "properties": {"name": {"type": "string"}, "size": {"type": "integer"}}},
        {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
    ]
