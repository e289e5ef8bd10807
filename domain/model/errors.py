"""The error tree, and the one pair of functions that carries an error over the wire and back.

Step Functions matches error names as plain strings and knows no inheritance, so the *class names* below are a
contract: the state machine lists them, and a test proves that none is missing and none is invented. Every error
keeps its ids as attributes, has a stable ``error_code`` and a message that says what is true and what to do next.

Two branches state the disposition: a ``TransientError`` proves that trying again is safe; a ``PermanentError`` says
that trying again cannot help. An ambiguous result is neither: it is *returned* as the status UNKNOWN, never raised,
because an exception invites a retry.
"""

import json
import re
from enum import StrEnum
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from domain.model.redaction import redact


class ErrorClass(StrEnum):
    """The coarse class that consumers of outcomes and signals branch on."""

    AUTH = "AUTH"
    RATE_LIMIT = "RATE_LIMIT"
    VALIDATION = "VALIDATION"
    DOWNSTREAM = "DOWNSTREAM"
    TIMEOUT = "TIMEOUT"
    UNKNOWN = "UNKNOWN"


class ErrorCode(StrEnum):
    """The stable code of one situation; each has exactly one class (see ``CLASS_OF_CODE``)."""

    AUTH_FAILED = "AUTH_FAILED"
    RATE_LIMIT = "RATE_LIMIT"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    DOWNSTREAM_ERROR = "DOWNSTREAM_ERROR"
    TIMEOUT = "TIMEOUT"
    UNKNOWN_ERROR = "UNKNOWN_ERROR"
    MALFORMED_RESPONSE = "MALFORMED_RESPONSE"
    PERMANENT_ERROR = "PERMANENT_ERROR"
    TRANSIENT_ERROR = "TRANSIENT_ERROR"
    DUPLICATE_EXECUTION = "DUPLICATE_EXECUTION"
    INVALID_EVENT = "INVALID_EVENT"
    INTENT_NOT_FOUND = "INTENT_NOT_FOUND"
    INTENT_NOT_APPROVED = "INTENT_NOT_APPROVED"
    EXPIRED = "EXPIRED"
    APPROVAL_MISMATCH = "APPROVAL_MISMATCH"
    EXECUTION_HALTED = "EXECUTION_HALTED"
    EXECUTION_HELD = "EXECUTION_HELD"
    CONNECTOR_BUSY = "CONNECTOR_BUSY"
    EXECUTION_LOST = "EXECUTION_LOST"
    TOOL_MAPPING_NOT_FOUND = "TOOL_MAPPING_NOT_FOUND"
    INVALID_PARAMETERS = "INVALID_PARAMETERS"
    CONFIGURATION_ERROR = "CONFIGURATION_ERROR"
    OWNERSHIP_LOST = "OWNERSHIP_LOST"


CLASS_OF_CODE: Final[dict[ErrorCode, ErrorClass]] = {
    ErrorCode.AUTH_FAILED: ErrorClass.AUTH,
    ErrorCode.RATE_LIMIT: ErrorClass.RATE_LIMIT,
    ErrorCode.VALIDATION_ERROR: ErrorClass.VALIDATION,
    ErrorCode.DOWNSTREAM_ERROR: ErrorClass.DOWNSTREAM,
    ErrorCode.TIMEOUT: ErrorClass.TIMEOUT,
    ErrorCode.UNKNOWN_ERROR: ErrorClass.UNKNOWN,
    ErrorCode.MALFORMED_RESPONSE: ErrorClass.DOWNSTREAM,
    ErrorCode.PERMANENT_ERROR: ErrorClass.DOWNSTREAM,
    ErrorCode.TRANSIENT_ERROR: ErrorClass.DOWNSTREAM,
    ErrorCode.DUPLICATE_EXECUTION: ErrorClass.VALIDATION,
    ErrorCode.INVALID_EVENT: ErrorClass.VALIDATION,
    ErrorCode.INTENT_NOT_FOUND: ErrorClass.VALIDATION,
    ErrorCode.INTENT_NOT_APPROVED: ErrorClass.AUTH,
    ErrorCode.EXPIRED: ErrorClass.TIMEOUT,
    ErrorCode.APPROVAL_MISMATCH: ErrorClass.AUTH,
    ErrorCode.EXECUTION_HALTED: ErrorClass.UNKNOWN,
    ErrorCode.EXECUTION_HELD: ErrorClass.UNKNOWN,
    ErrorCode.CONNECTOR_BUSY: ErrorClass.RATE_LIMIT,
    ErrorCode.EXECUTION_LOST: ErrorClass.UNKNOWN,
    ErrorCode.TOOL_MAPPING_NOT_FOUND: ErrorClass.VALIDATION,
    ErrorCode.INVALID_PARAMETERS: ErrorClass.VALIDATION,
    ErrorCode.CONFIGURATION_ERROR: ErrorClass.UNKNOWN,
    ErrorCode.OWNERSHIP_LOST: ErrorClass.UNKNOWN,
}


class ActionError(Exception):
    """Root of every error that this system raises on purpose.

    ``str(error)`` is ``CODE: message``: the code survives Lambda's error envelope, which keeps only the class name
    and the message, and an operator reads it first.
    """

    default_code: ClassVar[ErrorCode] = ErrorCode.UNKNOWN_ERROR

    def __init__(self, message: str, *, error_code: ErrorCode | None = None, **ids: str | None) -> None:
        """Keep the redacted message, the code (the class's own by default) and the ids it concerns."""
        self.error_code = error_code or self.default_code
        self.message = redact(message)
        self.ids = {name: value for name, value in ids.items() if value is not None}
        super().__init__(f"{self.error_code}: {self.message}")

    @property
    def error_class(self) -> ErrorClass:
        """The coarse class of this error's code."""
        return CLASS_OF_CODE[self.error_code]


class TransientError(ActionError):
    """Nothing was decided and trying the same step again is safe; Step Functions retries it by this name."""

    default_code = ErrorCode.TRANSIENT_ERROR


class ExecutionHeld(TransientError):
    """A kill switch makes this action wait: nothing was sent, and asking again later is all there is to do."""

    default_code = ErrorCode.EXECUTION_HELD


class ConnectorBusy(TransientError):
    """The tenant's calls of this connector leave no room for one more now: nothing was sent, and it is sent later."""

    default_code = ErrorCode.CONNECTOR_BUSY

    def __init__(
        self,
        message: str,
        *,
        error_code: ErrorCode | None = None,
        wait_seconds: float = 1.0,
        **ids: str | None,
    ) -> None:
        """Keep, beside what every error has, after how many seconds there may be room."""
        super().__init__(message, error_code=error_code, **ids)
        self.wait_seconds = wait_seconds


class PermanentError(ActionError):
    """Trying again cannot help: the gateway or a store refused for good, and nothing was done by this call."""

    default_code = ErrorCode.PERMANENT_ERROR


class DuplicateExecution(PermanentError):
    """Another execution owns this intent, for ever; this one must end without changing anything."""

    default_code = ErrorCode.DUPLICATE_EXECUTION


class InvalidEvent(PermanentError):
    """The approval event lacks an id, or an id has an illegal shape; nothing can be looked up by it."""

    default_code = ErrorCode.INVALID_EVENT


class IntentNotFound(PermanentError):
    """No intent exists under this tenant, account and id together."""

    default_code = ErrorCode.INTENT_NOT_FOUND


class IntentNotApproved(PermanentError):
    """The stored intent carries no approval, so the event is not a permission to act."""

    default_code = ErrorCode.INTENT_NOT_APPROVED


class IntentExpired(PermanentError):
    """The approval's time is over."""

    default_code = ErrorCode.EXPIRED


class ApprovalMismatch(PermanentError):
    """What would run is not what was approved: parameters, mapping or scope differ from the approved digest."""

    default_code = ErrorCode.APPROVAL_MISMATCH


class ExecutionHalted(PermanentError):
    """A kill switch stops this action."""

    default_code = ErrorCode.EXECUTION_HALTED


class ToolMappingNotFound(PermanentError):
    """The registry has no mapping for this action type and version."""

    default_code = ErrorCode.TOOL_MAPPING_NOT_FOUND


class InvalidParameters(PermanentError):
    """The intent's parameters do not fit the mapping: one is missing, unknown, or of the wrong type."""

    default_code = ErrorCode.INVALID_PARAMETERS


class ConfigurationError(PermanentError):
    """The deployment lacks a setting, or has a wrong one; a person must correct it and redeploy."""

    default_code = ErrorCode.CONFIGURATION_ERROR


class OwnershipLost(PermanentError):
    """The attempt belongs to another execution or has moved on, so this one may not write."""

    default_code = ErrorCode.OWNERSHIP_LOST


def _leaves(root: type[ActionError]) -> list[type[ActionError]]:
    found = [root]
    for child in root.__subclasses__():
        found.extend(_leaves(child))
    return found


CROSSING_ERRORS: Final[dict[str, type[ActionError]]] = {
    kind.__name__: kind for kind in _leaves(ActionError) if kind is not ActionError
}
"""Every error name that can cross from a Lambda function into the state machine."""


class FailureReport(BaseModel):
    """An error as it is recorded: its wire name, code, class and a redacted message."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    error_name: str
    error_code: ErrorCode
    error_class: ErrorClass
    error_message: str


_CODED: Final = re.compile(r"^(?P<code>[A-Z][A-Z0-9_]+): (?P<message>.*)$", re.DOTALL)

_TIMEOUT_NAMES: Final = frozenset({"States.Timeout", "Sandbox.Timedout", "States.HeartbeatTimeout"})
"""How a function's timeout is spelled; the name differs by runtime and by place, so it only chooses a class.

Source: AWS Step Functions Developer Guide, "Handling errors"; AWS Lambda Developer Guide, "Timeouts"."""


def report_of(error: ActionError) -> FailureReport:
    """Describe an error that is still at hand."""
    return FailureReport(
        error_name=type(error).__name__,
        error_code=error.error_code,
        error_class=error.error_class,
        error_message=error.message,
    )


def report_from_wire(error_name: str, cause: str) -> FailureReport:
    """Rebuild the report of an error from Step Functions' ``Error`` and ``Cause``; total over any text.

    ``Cause`` of a Lambda task is the JSON ``{"errorMessage", "errorType", "stackTrace"}``
    (AWS Lambda Developer Guide, "Python function errors"); of Step Functions' own errors it is a sentence.
    """
    text = _message_in(cause)
    coded = _CODED.match(text)
    kind = CROSSING_ERRORS.get(error_name)
    if coded and coded["code"] in ErrorCode.__members__:
        code, text = ErrorCode(coded["code"]), coded["message"]
    elif kind is not None:
        code = kind.default_code
    else:
        code = ErrorCode.TIMEOUT if error_name in _TIMEOUT_NAMES else ErrorCode.UNKNOWN_ERROR
    return FailureReport(
        error_name=redact(error_name),
        error_code=code,
        error_class=CLASS_OF_CODE[code],
        error_message=redact(text) or redact(f"without a message: {redact(error_name)}"),
    )


def _message_in(cause: str) -> str:
    try:
        parsed = json.loads(cause)
    except (ValueError, RecursionError):
        return cause
    if isinstance(parsed, dict) and isinstance(parsed.get("errorMessage"), str):
        return str(parsed["errorMessage"])
    return cause
