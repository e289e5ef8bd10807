"""What a failed call of an AWS service says about trying it again: the one reading of botocore's errors.

It chooses no error of ours and writes no message; that is for the room that knows what was asked of which service.
"""

from dataclasses import dataclass
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  botocore's, see _NO_ANSWER
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError

FAILED_CALLS: Final = (ClientError, BotoCoreError, ResponseParserError)
"""Everything that botocore raises for a call; the last one shares no root with the others."""

_TRANSIENT_CODES: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "ExpiredToken",
        "ExpiredTokenException",
        "InternalError",
        "InternalException",
        "InternalFailure",
        "InternalServerError",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Codes after which any service's same request may be sent again (AWS SDKs and Tools Reference Guide, "Retry behavior",
and the common errors of the services' API references). An expired token is among them: the next call has a new one."""

_NO_ANSWER: Final = (
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    CredentialRetrievalError,
    ResponseParserError,
)
"""botocore's own errors for an answer that did not come, or not whole; its ``ConnectionError`` is not Python's, and a
connect timeout is one while a read timeout is an ``HTTPClientError``."""

_TOO_MANY_REQUESTS: Final = 429
_FIRST_SERVER_ERROR: Final = 500


@dataclass(frozen=True)
class Fault:
    """Why a call failed, in one word, and whether the same call may succeed later."""

    code: str
    """The service's own code, or the name of botocore's error; never the text beside it, which can quote content."""
    passes: bool


def fault_of(error: Exception, *, also_transient: frozenset[str] = frozenset()) -> Fault:
    """Return the fault behind one of ``FAILED_CALLS``; ``also_transient`` are codes of this one service."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = error.response.get("Error", {}).get("Code", "")
        return fault_of_code(code, status=status, also_transient=also_transient)
    return Fault(type(error).__name__, passes=isinstance(error, _NO_ANSWER))


def fault_of_code(code: str, *, status: int = 0, also_transient: frozenset[str] = frozenset()) -> Fault:
    """Return the fault that a service names by its code and HTTP status; an unknown code does not pass."""
    known = code in _TRANSIENT_CODES or code in also_transient
    return Fault(code, passes=known or status == _TOO_MANY_REQUESTS or status >= _FIRST_SERVER_ERROR)
