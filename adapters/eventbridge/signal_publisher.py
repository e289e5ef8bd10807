"""Signals on an EventBridge bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  botocore's: a connect timeout is one, a read timeout an HTTPClientError
    CredentialRetrievalError,
    HTTPClientError,
)

from domain.model.canonical_json import canonical_json
from domain.model.errors import ActionError, ConfigurationError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

    from domain.model.signal import Signal

SOURCE: Final = "cc-native"
"""The ``source`` of every signal; consumers' rules match it together with the signal type as ``detail-type``."""

_TRANSIENT_CODES: Final = frozenset(
    {
        "ExpiredTokenException",
        "InternalException",
        "InternalFailure",
        "LimitExceededException",
        "RequestTimeout",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
    }
)
"""Codes of the request or of its one entry after which the same event may be sent again
(Amazon EventBridge API Reference, "PutEvents" and "PutEventsResultEntry")."""

_FIRST_SERVER_ERROR: Final = 500


class EventBridgeSignalPublisher:
    """Sends one event per signal and believes only the entry's own result: a 200 can hold a refused entry."""

    def __init__(self, client: EventBridgeClient, bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def publish(self, signal: Signal) -> None:
        try:
            answer = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": self._bus_name,
                        "Source": SOURCE,
                        "DetailType": signal.signal_type.value,
                        "Detail": _detail(signal),
                        "Time": signal.created_at,
                    }
                ]
            )
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code = error.response.get("Error", {}).get("Code", "")
            raise self._refused(signal, code, transient=status >= _FIRST_SERVER_ERROR) from error
        except (ConnectionError, HTTPClientError, CredentialRetrievalError) as error:
            raise self._refused(signal, type(error).__name__, transient=True) from error
        except BotoCoreError as error:
            raise self._refused(signal, type(error).__name__, transient=False) from error
        if answer["FailedEntryCount"]:
            codes = [entry.get("ErrorCode", "no code") for entry in answer["Entries"]]
            raise self._refused(signal, ", ".join(codes), transient=False)

    def _refused(self, signal: Signal, code: str, *, transient: bool) -> ActionError:
        what = f"the bus {self._bus_name} did not take signal {signal.signal_id} of intent {signal.ref} ({code})"
        if transient or code in _TRANSIENT_CODES:
            return TransientError(
                f"{what}; it stays in the outbox and can be published again",
                signal_id=signal.signal_id,
                tenant_id=signal.tenant_id,
            )
        return ConfigurationError(
            f"{what}; check that the bus exists in this region and that the function's role may put events on it. "
            "The signal stays in the outbox",
            signal_id=signal.signal_id,
            tenant_id=signal.tenant_id,
        )


def _detail(signal: Signal) -> str:
    return canonical_json(
        {
            "signal_id": signal.signal_id,
            "signal_type": signal.signal_type.value,
            "tenant_id": signal.tenant_id,
            "account_id": signal.account_id,
            "action_intent_id": signal.action_intent_id,
            "trace_id": signal.trace_id,
            "created_at": signal.model_dump(mode="json")["created_at"],
            "data": signal.data,
        }
    )
