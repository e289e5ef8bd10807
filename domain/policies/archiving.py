"""Archiving: what may be kept of an exchange with the gateway, and what is withheld from every store.

An archive is read by more people than the systems that it speaks of. What a parameter marked as sensitive holds is
withheld; of a tool's answer only what the outcome states anyway is kept in clear (ids, types and addresses of
objects, codes), and the shape of the rest. Digests of the whole request and response are kept beside it, so that
either side's own record can be proved against the archive.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from pydantic import JsonValue

from domain.model.errors import ErrorClass, ErrorCode
from domain.model.external_object import ExternalObjectRef
from domain.model.redaction import redact, redact_document
from domain.model.tool_call import CallPurpose, ToolAnswer, ToolCall
from domain.model.tool_mapping import ErrorText, ResultContract, ResultEvidence, ToolMapping
from domain.policies.answers import json_object, ref_at, refs_in, typed_contract

WITHHELD: Final = "[withheld]"

_NAMES_OF_THE_CONTRACT: Final = frozenset(
    {
        "success",
        "found",
        "deduplicated",
        "external_object_id",
        "external_objects",
        "object_id",
        "object_type",
        "object_url",
        "error_code",
        "error_class",
        "error_message",
    }
)
"""Field names that a tool's typed answer may use; any other name is the tool's own text."""

_DEEPEST: Final = 24
"""Levels of an answer that are described; what lies below is withheld as a whole."""


@dataclass(frozen=True)
class ArchiveRules:
    """What one mapping lets an archive keep."""

    sensitive_arguments: frozenset[str]
    result: ResultContract

    @classmethod
    def of(cls, mapping: ToolMapping) -> Self:
        """Return the rules of a mapping's calls."""
        return cls(frozenset(rule.argument for rule in mapping.parameters if rule.sensitive), mapping.result)

    def request(self, call: ToolCall) -> dict[str, JsonValue]:
        """Return the call as it may be kept; only the action itself has arguments that can be sensitive."""
        sensitive = self.sensitive_arguments if call.purpose is CallPurpose.INVOKE else frozenset()
        arguments = {
            name: WITHHELD if name in sensitive else _filtered(value) for name, value in call.arguments.items()
        }
        return {"tool_name": call.tool_name, "arguments": arguments, "execution_context": call.execution_context}

    def answer(self, answer: ToolAnswer, tool_name: str) -> dict[str, JsonValue]:
        """Return the shape of an answer, with nothing of it in clear that the outcome does not state."""
        contract = typed_contract(answer)
        kept = _stated(contract, self.result, tool_name) if contract is not None else frozenset()
        texts = [_text_or_shape(text, kept) for text in answer.texts]
        structured = None if answer.structured is None else _shape(answer.structured, kept)
        message = contract.get("error_message") if contract is not None else None
        kept_words = self.result.error_text is ErrorText.KEPT and isinstance(message, str)
        return {
            "is_error": answer.is_error,
            "structured": structured,
            "texts": texts,
            **({"error_message": redact(str(message))} if kept_words else {}),
        }


def _stated(contract: Mapping[str, JsonValue], reading: ResultContract, tool_name: str) -> frozenset[str]:
    """Return the strings that the outcome of this answer would hold anyway."""
    refs: tuple[ExternalObjectRef, ...]
    if reading.evidence is ResultEvidence.NO_ERROR:
        # Such a tool does not speak our contract: a field that is called as one of its fields is the tool's own.
        pointed = ref_at(contract, reading, tool_name)
        refs = (pointed,) if pointed else ()
    else:
        refs = refs_in(contract, tool_name) or ()
    said = {text for part in ("code", "class") if isinstance(text := contract.get(f"error_{part}"), str)}
    codes = said & ({code.value for code in ErrorCode} | {kind.value for kind in ErrorClass})
    return frozenset(
        text
        for text in (*(part for ref in refs for part in (ref.object_id, ref.object_type, ref.object_url)), *codes)
        if isinstance(text, str)
    )


def _text_or_shape(text: str, kept: frozenset[str]) -> JsonValue:
    parsed = json_object(text)
    return _shape(text if parsed is None else dict(parsed), kept)


def _shape(value: JsonValue, kept: frozenset[str], depth: int = 0) -> JsonValue:
    match value:
        case None | bool():
            return value
        case str():
            return value if value in kept else f"[withheld: {len(value)} characters]"
        case dict() if depth < _DEEPEST:
            return {
                name if name in _NAMES_OF_THE_CONTRACT else f"[field {number}]": _shape(item, kept, depth + 1)
                for number, (name, item) in enumerate(value.items(), start=1)
            }
        case list() if depth < _DEEPEST:
            return [_shape(item, kept, depth + 1) for item in value]
        case _:
            return WITHHELD


def _filtered(value: JsonValue) -> JsonValue:
    match value:
        case str():
            return redact_document(value)
        case dict():
            return {name: _filtered(item) for name, item in value.items()}
        case list():
            return [_filtered(item) for item in value]
        case _:
            return value
