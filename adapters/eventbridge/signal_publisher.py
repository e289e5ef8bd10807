"""Signals on an EventBridge bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.aws.faults import FAILED_CALLS, Fault, fault_of, fault_of_code
from domain.model.canonical_json import canonical_json
from domain.model.errors import ActionError, ConfigurationError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

    from domain.model.signal import Signal

SOURCE: Final = "cc-native"
"""The ``source`` of every signal; consumers' rules match it together with the signal type as ``detail-type``."""


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
        except FAILED_CALLS as error:
            raise self._refused(signal, fault_of(error)) from error
        if answer["FailedEntryCount"]:
            codes = ", ".join(entry.get("ErrorCode", "no code") for entry in answer["Entries"])
            raise self._refused(signal, fault_of_code(codes))

    def _refused(self, signal: Signal, fault: Fault) -> ActionError:
        what = f"the bus {self._bus_name} did not take signal {signal.signal_id} of intent {signal.ref} ({fault.code})"
        if fault.passes:
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
