"""What botocore raises, in our errors: the only place in this room that reads it.

Messages name the operation, the table, the key and the service's own code; never an item's content. A condition that
does not hold is no failure, it is an answer: it is raised as ``ConditionRefused`` and caught within this room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from adapters.aws.faults import FAILED_CALLS, Fault, fault_of, fault_of_code
from domain.model.errors import ActionError, ConfigurationError, TransientError

if TYPE_CHECKING:
    from adapters.dynamodb.item import Item

_TRANSIENT_CODES: Final = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ReplicatedWriteConflictException",
        "ThrottlingError",
        "TransactionConflict",
        "TransactionConflictException",
    }
)
"""DynamoDB's own codes after which the same request may be sent again (Amazon DynamoDB Developer Guide, "Error
handling"; the short spellings are cancellation reasons, API Reference, "TransactWriteItems")."""


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
    except FAILED_CALLS as error:
        raise _translation(error, f"{operation} on {place}") from error


def _translation(error: Exception, what: str) -> ActionError | ConditionRefused:
    fault = fault_of(error, also_transient=_TRANSIENT_CODES)
    if isinstance(error, ClientError):
        # The stubs know the keys of every service's error; these two belong to DynamoDB's alone.
        response: Mapping[str, Any] = dict(error.response)
        if fault.code == "ConditionalCheckFailedException":
            return ConditionRefused((response.get("Item") or {},))
        if fault.code == "TransactionCanceledException":
            return _of_cancellation(response.get("CancellationReasons") or [], what)
    return _failed(what, fault)


def _of_cancellation(reasons: list[Mapping[str, Any]], what: str) -> ActionError | ConditionRefused:
    codes = [str(reason.get("Code") or "None") for reason in reasons]
    refused = [code == "ConditionalCheckFailed" for code in codes]
    if any(refused):
        return ConditionRefused(
            tuple((reason.get("Item") or {}) if no else None for reason, no in zip(reasons, refused, strict=True))
        )
    reported = sorted({code for code in codes if code != "None"})
    passing = all(fault_of_code(code, also_transient=_TRANSIENT_CODES).passes for code in reported)
    return _failed(what, Fault(", ".join(reported) or "TransactionCanceledException", passes=passing))


def _failed(what: str, fault: Fault) -> ActionError:
    if fault.passes:
        return TransientError(f"{what} got no lasting answer ({fault.code}); the step can be tried again")
    return ConfigurationError(
        f"{what} was refused ({fault.code}); check that the table exists in this region with the expected keys, "
        "that the function's role may do this, and that the item is within the service's limits"
    )
