"""Classification: what one reply of the gateway proves.

The verdict rests on the tool's typed contract and on how far the call got, never on the wording of a message: text
only chooses the error class that people read. What a failure proves stands in ``domain.policies.evidence``, once;
whatever is not proved undone is in doubt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import JsonValue

from domain.model.errors import CLASS_OF_CODE, ErrorClass, ErrorCode
from domain.model.external_object import ExternalObjectRef
from domain.model.redaction import redact
from domain.model.tool_call import ToolAnswer, TransportFailure
from domain.model.tool_mapping import ErrorText, ResultContract, ResultEvidence
from domain.policies.answers import objects_in, ref_at, refs_in, typed_contract
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


_TYPED: Final = ResultContract()


def classify(outcome: ToolAnswer | TransportFailure, tool_name: str, contract: ResultContract = _TYPED) -> Verdict:
    """Return what the outcome of one call of ``tool_name`` proves, its answer read as the mapping's contract says."""
    if isinstance(outcome, TransportFailure):
        return _of_failure(outcome)
    if contract.evidence is ResultEvidence.NO_ERROR:
        return _of_untyped_answer(outcome, tool_name, contract)
    return _of_answer(outcome, tool_name, contract)


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


def _of_answer(answer: ToolAnswer, tool_name: str, reading: ResultContract) -> Verdict:
    contract = typed_contract(answer)
    if contract is None:
        if answer.is_error:
            return _untold_error(answer, reading)
        return _in_doubt(ErrorCode.MALFORMED_RESPONSE, "failed to parse the tool's answer: it holds no JSON object")
    refs = refs_in(contract, tool_name)
    if refs is None:
        return _in_doubt(
            ErrorCode.MALFORMED_RESPONSE,
            "the tool's answer names external objects in a shape that its contract does not allow",
        )
    success = contract.get("success", _implied_success(answer, refs))
    if not isinstance(success, bool):
        return _in_doubt(
            ErrorCode.MALFORMED_RESPONSE,
            f"the tool's answer has no boolean 'success' (isError is {answer.is_error}); its contract requires one",
        )
    if (success and answer.is_error) or _disputed(answer, success=success):
        return _contradiction()
    if success:
        return Verdict(Evidence.SUCCEEDED, refs=refs)
    if any(_names_more(part, refs, tool_name) for part in objects_in(answer)):
        return _contradiction()
    return _refusal(contract, refs, reading)


def _of_untyped_answer(answer: ToolAnswer, tool_name: str, reading: ResultContract) -> Verdict:
    """Judge the answer of a tool that knows nothing of this system: it is done unless it is an error.

    What speaks of a failure all the same is in doubt, and so is an answer that does not name its object where the
    mapping says that it does: without the name, nothing could be undone later.
    """
    if answer.is_error:
        return _untold_error(answer, reading)
    if _disputed(answer, success=True) or any(map(_speaks_of_error, objects_in(answer))):
        return _contradiction()
    if reading.object_id is None:
        return Verdict(Evidence.SUCCEEDED)
    ref = ref_at(typed_contract(answer), reading, tool_name)
    if ref is None:
        return _in_doubt(
            ErrorCode.MALFORMED_RESPONSE,
            f"the tool's answer names no object at {reading.object_id}, where its mapping says that it does",
        )
    return Verdict(Evidence.SUCCEEDED, refs=(ref,))


def _untold_error(answer: ToolAnswer, reading: ResultContract) -> Verdict:
    text = " ".join(answer.texts)
    return _in_doubt(
        code_of_text(text), f"the tool reported an error without its typed contract: {_words(text, reading)}"
    )


def _words(text: str, reading: ResultContract) -> str:
    """Return what may be recorded of a tool's own words: a tool can say anything, so by default only their length."""
    return text if reading.error_text is ErrorText.KEPT else f"its words ({len(text)} characters) are withheld"


def _contradiction() -> Verdict:
    return _in_doubt(
        ErrorCode.MALFORMED_RESPONSE,
        "the tool's answer contradicts itself: one part says success, another denies it",
    )


def _implied_success(answer: ToolAnswer, refs: tuple[ExternalObjectRef, ...]) -> bool | None:
    """Return ``True`` for an answer without ``success`` that is evidence all the same: it names what it created.

    An answer that speaks of an error, or is the envelope of another answer, is no evidence whatever it holds.
    """
    return True if refs and not (answer.is_error or any(map(_speaks_of_error, objects_in(answer)))) else None


def _speaks_of_error(contract: Mapping[str, JsonValue]) -> bool:
    return any(name.lower().startswith(_ERROR_WORDS) and value for name, value in contract.items())


_ERROR_WORDS: Final = ("error", "exception", "fault", "statuscode")


def _disputed(answer: ToolAnswer, *, success: bool) -> bool:
    """Whether any part of the answer has another word on success than this one, were it ``null`` or a text."""
    return any(part.get("success", success) is not success for part in objects_in(answer))


def _names_more(part: Mapping[str, JsonValue], refs: tuple[ExternalObjectRef, ...], tool_name: str) -> bool:
    """Whether a part of the answer names objects beside ``refs``, or names them so that nobody can tell."""
    named = refs_in(part, tool_name)
    return named is None or not {ref.object_id for ref in named} <= {ref.object_id for ref in refs}


def _refusal(
    contract: Mapping[str, JsonValue], refs: tuple[ExternalObjectRef, ...], reading: ResultContract
) -> Verdict:
    raw_message, raw_code, raw_class = (contract.get(f"error_{part}") for part in ("message", "code", "class"))
    message = raw_message if isinstance(raw_message, str) else ""
    code = ErrorCode(raw_code) if isinstance(raw_code, str) and raw_code in TOOL_CODES else code_of_text(message)
    is_class = isinstance(raw_class, str) and raw_class in ErrorClass.__members__
    return Verdict(
        Evidence.PARTIAL if refs else Evidence.REFUSED,
        refs=refs,
        error_code=code,
        error_class=ErrorClass(str(raw_class)) if is_class else CLASS_OF_CODE[code],
        error_message=redact(_refusal_text(message, reading)),
    )


def _refusal_text(message: str, reading: ResultContract) -> str:
    if not message:
        return "the tool gave no error message"
    return message if reading.error_text is ErrorText.KEPT else f"the tool refused; {_words(message, reading)}"


TOOL_CODES: Final = frozenset(
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
    parts = objects_in(outcome)
    disputed = _disputed(outcome, success=True) or any(part.get("found", found) is not found for part in parts)
    if disputed or not (found or all(_is_of_nothing(part, tool_name) for part in parts)):
        return Verification(None, detail="the verify tool's answer contradicts itself")
    return Verification(found, refs=refs if found else ())


def _is_of_nothing(part: Mapping[str, JsonValue], tool_name: str) -> bool:
    """Whether a part of a "not found" speaks of nothing else: a name or an error beside it is no proof of absence."""
    return not (_names_more(part, (), tool_name) or _speaks_of_error(part))
