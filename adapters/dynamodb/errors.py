"""What botocore raises, in our errors: the only reader of its codes.

Messages name the operation, the table, the key and the service's own code; never an item's content. A condition that
does not hold is no failure, it is an answer: it is raised as ``ConditionRefused`` and caught within this room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  botocore's, see _NO_ANSWER
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError

from domain.model.errors import ActionError, ConfigurationError, TransientError

if TYPE_CHECKING:
    from adapters.dynamodb.item import Item

_TRANSIENT_CODES: Final = frozenset(
    {
        "ExpiredTokenException",
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""Codes after which the same request may be sent again (Amazon DynamoDB Developer Guide, "Error handling"; the short
spellings are cancellation reasons, API Reference, "TransactWriteItems")."""

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


class ConditionRefused(Exception):
    """A condition did not hold, so nothing was written.

    ``standing`` has one entry per write of the request: ``None`` where the condition held, else the item that is
    there (empty when there is none).
    """

    def __init__(self, standing: tuple[Item | None, ...]) -> None:
        super().__init__("a condition did not hold; nothing was written")
        self.standing = standing


@contextmanager
def translated(operation: str, place: str) -> Iterator[None]:
    """Turn what botocore raises inside the block into ``TransientError``, ``ConfigurationError`` or a refusal.

    ``operation`` and ``place`` (tables and keys, or the intent) are for the message.
    """
    try:
        yield
    except ClientError as error:
        raise _of_client_error(error, f"{operation} on {place}") from error
    except _NO_ANSWER as error:
        raise _transient(f"{operation} on {place}", type(error).__name__) from error
    except BotoCoreError as error:
        raise _configuration(f"{operation} on {place}", type(error).__name__) from error


def _of_client_error(error: ClientError, what: str) -> ActionError | ConditionRefused:
    # The stubs know the keys of every service's error; these two belong to DynamoDB's alone.
    response: Mapping[str, Any] = dict(error.response)
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "ConditionalCheckFailedException":
        return ConditionRefused((response.get("Item") or {},))
    if code == "TransactionCanceledException":
        return _of_cancellation(response.get("CancellationReasons") or [], what)
    if code in _TRANSIENT_CODES or status == _TOO_MANY_REQUESTS or status >= _FIRST_SERVER_ERROR:
        return _transient(what, code)
    return _configuration(what, code)


def _of_cancellation(reasons: list[Mapping[str, Any]], what: str) -> ActionError | ConditionRefused:
    codes = [str(reason.get("Code") or "None") for reason in reasons]
    refused = [code == "ConditionalCheckFailed" for code in codes]
    if any(refused):
        return ConditionRefused(
            tuple((reason.get("Item") or {}) if no else None for reason, no in zip(reasons, refused, strict=True))
        )
    faults = sorted({code for code in codes if code != "None"})
    if faults and not _TRANSIENT_CODES.issuperset(faults):
        return _configuration(what, ", ".join(faults))
    return _transient(what, ", ".join(faults) or "TransactionCanceledException")


def _transient(what: str, code: str) -> TransientError:
    return TransientError(f"{what} got no lasting answer ({code}); the step can be tried again")


def _configuration(what: str, code: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what} was refused ({code}); check that the table exists in this region with the expected keys, "
        "that the function's role may do this, and that the item is within the service's limits"
    )
