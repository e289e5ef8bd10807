"""Publication: whether the gateway's tools would honour a mapping, judged before it can be approved.

Every fault is told, each with the field it is about and the fix, so that a person corrects a file once. What a tool
says of itself can refuse a mapping and never makes a call safer than the mapping declares. A tool is found by the name
that the gateway lists and by no other; names that look alike are only shown, because the gateway's own documentation
joins target and tool by two underscores in one place and by three in another.

Source of the annotations: Model Context Protocol specification 2026-07-28, ``ToolAnnotations``; an absent hint is
taken for what it is, nothing said.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from domain.model.external_object import system_of_tool
from domain.model.tool_mapping import (
    CompensationStrategy,
    Idempotent,
    RefField,
    ResultEvidence,
    RiskClass,
    ToolMapping,
    Verifiable,
)
from domain.policies.argument_fit import (
    STRINGS,
    VERIFY_ARGUMENT,
    Field,
    Finding,
    Sent,
    ToolFacts,
    fit,
    sent_parameters,
    transforms_fit,
)

_FEW_TOOLS: Final = 5
"""So many are named whole in a message: with a server of one's own, seeing them is seeing what to write."""

_ACTING: Final[Field] = ("tool_name",)
_VERIFYING: Final[Field] = ("effect_safety", "verify_tool")
_UNDOING: Final[Field] = ("compensation", "compensation_tool")

Facts = Mapping[str, ToolFacts]
"""Every tool that the gateway lists, by its name."""


@dataclass(frozen=True)
class Judgement:
    """A mapping as it would be published, and everything that is to be said about it."""

    mapping: ToolMapping
    """With the tools' schemas pinned, if there are no faults."""
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Why it is refused; nothing where it may be published."""
        return tuple(finding for finding in self.findings if finding.is_fault)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What nobody can promise."""
        return tuple(finding for finding in self.findings if not finding.is_fault)


def judge(mapping: ToolMapping, facts: Facts) -> Judgement:
    """Judge a mapping against what the gateway lists, and pin what it was judged by."""
    findings = (
        *_acting(mapping, facts),
        *_answering(mapping, facts),
        *_verifying(mapping, facts),
        *_undoing(mapping, facts),
    )
    judged = Judgement(mapping, findings)
    return judged if judged.faults else Judgement(_pinned(mapping, facts), findings)


def named_tools(mapping: ToolMapping) -> tuple[str, ...]:
    """Return every tool that a mapping may call."""
    named = (mapping.tool_name, mapping.verify_tool, mapping.compensation.compensation_tool)
    return tuple(name for name in named if name is not None)


def _acting(mapping: ToolMapping, facts: Facts) -> Iterator[Finding]:
    found = facts.get(mapping.tool_name)
    if found is None:
        yield _not_listed(_ACTING, mapping.tool_name, facts)
        return
    passes, said = mapping.passes_execution_context, found.tool.annotations
    yield from fit(found, sent_parameters(mapping), at=_ACTING, passes_context=passes, acts=True)
    yield from transforms_fit(mapping, found)
    yield from _pins_agree(mapping.tool_schema_hash, found, ("tool_schema_hash",))
    if mapping.tool_schema_hash is None and mapping.tool_input_schema is not None:
        pinned_anew = mapping.model_copy(update={"tool_input_schema": found.tool.input_schema})
        if pinned_anew.content_hash != mapping.content_hash:
            yield Finding(("tool_input_schema",), f"is not what {found.tool.name} has; leave it out, it is filled in")
    if said.read_only:
        yield Finding(_ACTING, f"{found.tool.name} says that it only reads, so it cannot act; name the tool that acts")
    if isinstance(mapping.effect_safety, Idempotent):
        yield from _repeats(found, ("effect_safety", "kind"), "IDEMPOTENT would send it again; declare UNSAFE")
        if not mapping.passes_execution_context:
            message = "without the execution context the key is in _meta only; make sure that the tool dedupes by that"
            yield Finding(("effect_safety", "kind"), message, is_fault=False)
    if said.destructive and mapping.risk_class in {RiskClass.MINIMAL, RiskClass.LOW}:
        message = f"{found.tool.name} says that it destroys; approvers see {mapping.risk_class}, say at least MEDIUM"
        yield Finding(("risk_class",), message, is_fault=False)


def _answering(mapping: ToolMapping, facts: Facts) -> Iterator[Finding]:
    """Tell of an answer that the mapping's contract could not read: the first action would be done, and UNKNOWN."""
    found = facts.get(mapping.tool_name)
    schema = found.tool.output_schema if found is not None else None
    listed = schema.get("properties") if schema is not None else None
    if not isinstance(listed, dict) or not listed:
        return
    shown = ", ".join(list(listed)[:_MOST_NAMES])
    if mapping.result.evidence is ResultEvidence.TYPED and not _CONTRACT_NAMES & listed.keys():
        message = (
            f"{mapping.tool_name} says that it answers with {shown}: none of the typed contract, so what it did would "
            "be UNKNOWN; say NO_ERROR, and by object_id where its answer names what it created"
        )
        yield Finding(("result", "evidence"), message, is_fault=False)
    pointer = mapping.result.object_id
    if pointer is not None and pointer.split("/")[1].replace("~1", "/").replace("~0", "~") not in listed:
        message = f"{mapping.tool_name} says that it answers with {shown}; without its object's id it would be UNKNOWN"
        yield Finding(("result", "object_id"), message, is_fault=False)


_CONTRACT_NAMES: Final = frozenset({"success", "external_object_id", "external_objects"})
"""Fields of which a typed answer has at least one (``domain.policies.classification``)."""

_MOST_NAMES: Final = 5
"""Fields of an answer that a warning names."""


def _verifying(mapping: ToolMapping, facts: Facts) -> Iterator[Finding]:
    effect = mapping.effect_safety
    if not isinstance(effect, Verifiable):
        return
    found = facts.get(effect.verify_tool)
    if found is None:
        yield _not_listed(_VERIFYING, effect.verify_tool, facts)
        return
    asked = [Sent(VERIFY_ARGUMENT, _VERIFYING, STRINGS, always=True)]
    yield from fit(found, asked, at=_VERIFYING, passes_context=mapping.passes_execution_context, acts=False)
    yield from _pins_agree(effect.verify_tool_schema_hash, found, ("effect_safety", "verify_tool_schema_hash"))
    said, name = found.tool.annotations, found.tool.name
    for fault in found.key_faults:
        message = f"{name} takes no key of ours, which has 64 hexadecimal digits ({fault}); name a tool that does"
        yield Finding(_VERIFYING, message)
    if said.read_only is False or said.destructive:
        yield Finding(_VERIFYING, f"{name} says that it changes something, so asking it would act; name one that reads")
    elif said.read_only is None:
        yield Finding(_VERIFYING, f"{name} does not say that it only reads; make sure that it does", is_fault=False)


def _undoing(mapping: ToolMapping, facts: Facts) -> Iterator[Finding]:
    policy = mapping.compensation
    if policy.strategy is not CompensationStrategy.AUTOMATIC or policy.compensation_tool is None:
        return
    if mapping.result.evidence is ResultEvidence.NO_ERROR and mapping.result.object_id is None:
        message = "without it no answer names what was created, so AUTOMATIC could undo nothing; say where the id is"
        yield Finding(("result", "object_id"), message)
    undone_in = system_of_tool(policy.compensation_tool)
    if undone_in is not mapping.system:
        message = f"acts on {undone_in} and would be given an id of {mapping.system}; make sure that it knows those"
        yield Finding(_UNDOING, f"{policy.compensation_tool} {message}", is_fault=False)
    found = facts.get(policy.compensation_tool)
    if found is None:
        yield _not_listed(_UNDOING, policy.compensation_tool, facts)
        return
    sent = [
        Sent(argument, ("compensation", "arguments", argument), STRINGS, always=source is not RefField.OBJECT_URL)
        for argument, source in policy.arguments.items()
    ]
    yield from fit(found, sent, at=_UNDOING, passes_context=mapping.passes_execution_context, acts=False)
    pinned = policy.compensation_tool_schema_hash
    yield from _pins_agree(pinned, found, ("compensation", "compensation_tool_schema_hash"))
    yield from _repeats(found, _UNDOING, "AUTOMATIC may send it again for the same object; declare MANUAL")
    if found.tool.annotations.read_only:
        yield Finding(_UNDOING, f"{found.tool.name} says that it only reads, so it undoes nothing; name one that does")


def _repeats(found: ToolFacts, field: Field, consequence: str) -> Iterator[Finding]:
    name = found.tool.name
    if found.tool.annotations.idempotent is False:
        yield Finding(field, f"{name} says that a repeat acts again, and {consequence}")
    elif found.tool.annotations.idempotent is None:
        message = f"{name} does not say that a repeat is harmless; make sure of it, for {consequence} otherwise"
        yield Finding(field, message, is_fault=False)


def _pins_agree(pinned: str | None, found: ToolFacts, field: Field) -> Iterator[Finding]:
    if pinned not in (None, found.tool.schema_hash):
        message = f"is not the digest of the input schema that {found.tool.name} has; leave it out, it is filled in"
        yield Finding(field, message)


def _not_listed(field: Field, name: str, facts: Facts) -> Finding:
    alike = list(dict.fromkeys([*_same_but_underscores(name, facts), *get_close_matches(name, facts, n=3)]))
    shown = (
        f": {', '.join(facts)}"
        if 0 < len(facts) <= _FEW_TOOLS
        else f", the nearest {', '.join(alike)}"
        if alike
        else ""
    )
    listed = f"which lists {len(facts)} tool(s){shown}"
    return Finding(field, f"no tool {name} is listed by the gateway, {listed}; name one exactly as it is listed")


def _same_but_underscores(name: str, facts: Facts) -> list[str]:
    wanted = re.sub("_+", "_", name)
    return [listed for listed in facts if re.sub("_+", "_", listed) == wanted]


def _pinned(mapping: ToolMapping, facts: Facts) -> ToolMapping:
    acting = facts[mapping.tool_name].tool
    effect, compensation = mapping.effect_safety, mapping.compensation
    if isinstance(effect, Verifiable):
        verifying = facts[effect.verify_tool].tool
        effect = effect.model_copy(update={"verify_tool_schema_hash": verifying.schema_hash})
    if compensation.compensation_tool is not None:
        undoing = facts[compensation.compensation_tool].tool
        compensation = compensation.model_copy(update={"compensation_tool_schema_hash": undoing.schema_hash})
    pins = {"tool_input_schema": acting.input_schema, "tool_schema_hash": acting.schema_hash}
    return mapping.model_copy(update={**pins, "effect_safety": effect, "compensation": compensation})
