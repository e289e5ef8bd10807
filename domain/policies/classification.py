"""Classification: what one reply of the gateway proves.

The verdict rests on the tool's typed contract and on how far the call got, never on the wording of a message: text
only chooses the error class that people read. What a failure proves stands in ``domain.policies.evidence``, once;
whatever is not proved undone is in doubt.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import JsonValue, ValidationError

from domain.model.errors import CLASS_OF_CODE, ErrorClass, ErrorCode
from domain.model.external_object import UNKNOWN_OBJECT_TYPE, ExternalObjectRef, system_of_tool
from domain.model.redaction import redact
from domain.model.tool_call import ToolAnswer, TransportFailure
from domain.policies.evidence import row_of


class Evidence(StrEnum):
    """What a reply proves about the effect."""

    SUCCEEDED = "SUCCEEDED"
    REFUSED = "REFUSED"
    """The tool's typed answer says it failed and names nothing that exists."""
    PARTIAL = "PARTIAL"
    NOT_DONE = "NOT_DONE"
    """The call did not reach the tool."""
    IN_DOUBT = "IN_DOUBT"


@dataclass(frozen=True)
class Verdict:
    """What a reply proves, with what people and policies need to know about it."""

    evidence: Evidence
    refs: tuple[ExternalObjectRef, ...] = ()
    error_code: ErrorCode | None = None
    error_class: ErrorClass | None = None
    error_message: str | None = None
    transient: bool = False
    """Only with NOT_DONE: whether the same call may succeed later."""
    retry_after_seconds: int | None = None
    token_refused: bool = False


_WORDS: Final = (
    (ErrorCode.AUTH_FAILED, ("authentication", "unauthorized", "unauthorised", "forbidden", "invalid_grant")),
    (ErrorCode.RATE_LIMIT, ("rate limit", "throttl", "too many requests")),
    (ErrorCode.TIMEOUT, ("timeout", "timed out")),
    (ErrorCode.VALIDATION_ERROR, ("validation", "invalid")),
)
"""R41's words, compared without case; the more specific come first (``invalid_grant`` is no validation error)."""


def classify(outcome: ToolAnswer | TransportFailure, tool_name: str) -> Verdict:
    """Return what the outcome of one call of ``tool_name`` proves."""
    if isinstance(outcome, TransportFailure):
        return _of_failure(outcome)
    return _of_answer(outcome, tool_name)


def code_of_text(message: str) -> ErrorCode:
    """Return the code whose words a message contains, for people; ``UNKNOWN_ERROR`` if none."""
    lowered = message.lower()
    return next((code for code, words in _WORDS if any(word in lowered for word in words)), ErrorCode.UNKNOWN_ERROR)


def _of_failure(failure: TransportFailure) -> Verdict:
    row = row_of(failure)
    code = row.code_of(failure)
    if not row.not_done:
        return _in_doubt(code, failure.detail)
    return Verdict(
        Evidence.NOT_DONE,
        error_code=code,
        error_class=CLASS_OF_CODE[code],
        error_message=redact(failure.detail),
        transient=row.transient,
        retry_after_seconds=failure.retry_after_seconds,
        token_refused=row.token_refused,
    )


def _in_doubt(code: ErrorCode, detail: str) -> Verdict:
    return Verdict(Evidence.IN_DOUBT, error_code=code, error_class=CLASS_OF_CODE[code], error_message=redact(detail))


def _of_answer(answer: ToolAnswer, tool_name: str) -> Verdict:
    contract = typed_contract(answer)
    if contract is None:
        text = " ".join(answer.texts)
        if answer.is_error:
            return _in_doubt(code_of_text(text), f"the tool reported an error without its typed contract: {text}")
        return _in_doubt(ErrorCode.MALFORMED_RESPONSE, "failed to parse the tool's answer: it holds no JSON object")
    refs = refs_in(contract, tool_name)
    if refs is None:
        return _in_doubt(
            ErrorCode.MALFORMED_RESPONSE,
            "the tool's answer names external objects in a shape that its contract does not allow",
        )
    success = contract.get("success", _implied_success(answer, contract, refs))
    if not isinstance(success, bool):
        return _in_doubt(
            ErrorCode.MALFORMED_RESPONSE,
            f"the tool's answer has no boolean 'success' (isError is {answer.is_error}); its contract requires one",
        )
    if success and (answer.is_error or _denied_elsewhere(answer)):
        return _in_doubt(
            ErrorCode.MALFORMED_RESPONSE,
            "the tool's answer contradicts itself: one part says success, another denies it",
        )
    if success:
        return Verdict(Evidence.SUCCEEDED, refs=refs)
    return _refusal(contract, refs)


def _implied_success(
    answer: ToolAnswer, contract: Mapping[str, JsonValue], refs: tuple[ExternalObjectRef, ...]
) -> bool | None:
    """Return ``True`` for an answer without ``success`` that is evidence all the same: it names what it created.

    An answer that speaks of an error, or is the envelope of another answer, is no evidence whatever it holds.
    """
    speaks_of_error = any(name.lower().startswith(_ERROR_WORDS) and value for name, value in contract.items())
    return True if refs and not answer.is_error and not speaks_of_error else None


_ERROR_WORDS: Final = ("error", "exception", "fault", "statuscode")


def _denied_elsewhere(answer: ToolAnswer) -> bool:
    """Whether a part of the answer beside the one that is read says that it did not succeed."""
    parts = [parsed for text in answer.texts if (parsed := _json_object(text)) is not None]
    return any(part.get("success") is False for part in parts)


def _refusal(contract: Mapping[str, JsonValue], refs: tuple[ExternalObjectRef, ...]) -> Verdict:
    raw_message, raw_code, raw_class = (contract.get(f"error_{part}") for part in ("message", "code", "class"))
    message = raw_message if isinstance(raw_message, str) and raw_message else "the tool gave no error message"
    code = ErrorCode(raw_code) if isinstance(raw_code, str) and raw_code in _TOOL_CODES else code_of_text(message)
    is_class = isinstance(raw_class, str) and raw_class in ErrorClass.__members__
    return Verdict(
        Evidence.PARTIAL if refs else Evidence.REFUSED,
        refs=refs,
        error_code=code,
        error_class=ErrorClass(str(raw_class)) if is_class else CLASS_OF_CODE[code],
        error_message=redact(message),
    )


_TOOL_CODES: Final = frozenset(
    code.value
    for code in (
        ErrorCode.AUTH_FAILED,
        ErrorCode.RATE_LIMIT,
        ErrorCode.VALIDATION_ERROR,
        ErrorCode.DOWNSTREAM_ERROR,
        ErrorCode.TIMEOUT,
        ErrorCode.UNKNOWN_ERROR,
    )
)
"""The codes a tool may choose from; the rest are this system's own words, which no tool can speak."""


def typed_contract(answer: ToolAnswer) -> Mapping[str, JsonValue] | None:
    """Return the answer's JSON object: the structured content, else the first text that is one (with a verdict)."""
    if answer.structured is not None:
        return answer.structured
    objects = [parsed for text in answer.texts if (parsed := _json_object(text)) is not None]
    return next((found for found in objects if "success" in found), objects[0] if objects else None)


def _json_object(text: str) -> Mapping[str, JsonValue] | None:
    """Return the text's JSON object, or ``None``; what two readers could read differently is no contract."""
    try:
        parsed = json.loads(text, object_pairs_hook=_each_key_once, parse_constant=_no_constant)
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
    listed = contract.get("external_objects") or []
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
    try:
        return ExternalObjectRef(
            system=system_of_tool(tool_name),
            object_type=item.get("object_type") or UNKNOWN_OBJECT_TYPE,  # type: ignore[arg-type]  # validated here
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


@dataclass(frozen=True)
class Verification:
    """What a verify tool said: ``found`` is ``None`` if it said nothing that can be relied on."""

    found: bool | None
    refs: tuple[ExternalObjectRef, ...] = ()
    detail: str = ""


def classify_verification(outcome: ToolAnswer | TransportFailure, tool_name: str) -> Verification:
    """Return what a verify call proves; only a well-formed, successful answer proves anything."""
    if isinstance(outcome, TransportFailure):
        return Verification(None, detail=redact(outcome.detail))
    contract = typed_contract(outcome)
    found = contract.get("found") if contract is not None else None
    if outcome.is_error or contract is None or contract.get("success") is not True or not isinstance(found, bool):
        return Verification(None, detail="the verify tool gave no answer of its contract")
    refs = refs_in(contract, tool_name)
    if refs is None:
        return Verification(None, detail="the verify tool named external objects in an illegal shape")
    return Verification(found, refs=refs if found else ())
