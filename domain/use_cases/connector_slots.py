"""Connector slots: a place for one call of a connector, taken before it is sent and given back when it has ended.

Taking one is part of the send: without it nothing goes. Giving it back is best effort, because by then the call has
ended and its end is on record: a place that is not given back frees itself. Only sends take one. Asking a tool what
became of a call, and undoing, finish what was begun, and go before what is to begin.
"""

import logging
from dataclasses import dataclass
from typing import Final

from domain.model.connector_capacity import BreakerState, CapacityKey, ConnectorCapacity
from domain.model.errors import ActionError, ConfigurationError, ConnectorBusy
from domain.model.identifiers import IntentRef
from domain.policies.capacity import (
    CONTENDED_SECONDS,
    UNUSABLE_SECONDS,
    CallResult,
    CapacityLimits,
    Deferred,
    Reason,
    admit,
    has_opened,
    released,
)
from ports.clock import Clock
from ports.connector_capacity import ConnectorCapacities
from ports.steps.contract import BREAKER_OPENED, CAPACITY_UNUSABLE

_log = logging.getLogger(__name__)

TRIES: Final = 4
"""How often a state is read and replaced before others, who were faster each time, are given a moment; a guess."""


@dataclass(frozen=True)
class Slot:
    """A place that was taken, and the state as it was stored then."""

    lease: str
    state: ConnectorCapacity


@dataclass(frozen=True)
class ConnectorSlots:
    """Takes places and gives them back, under the limits of this stack."""

    capacities: ConnectorCapacities
    limits: CapacityLimits
    clock: Clock

    def take(self, ref: IntentRef, connector: str, lease: str) -> Slot:
        """Take a place for one send.

        Raises ``ConnectorBusy`` where the call has to wait, and ``TransientError`` where the store cannot be reached;
        nothing was sent either way. A store that refuses for good makes wait too, and says so where an alarm hears it:
        what only spreads calls over time must not fail an approved action.
        """
        key = CapacityKey(tenant_id=ref.tenant_id, connector=connector)
        try:
            taken = self._try(key, lease)
        except ConfigurationError as error:
            _log.error(CAPACITY_UNUSABLE, extra={**key.model_dump(), "reason": error.message})
            taken = Deferred(UNUSABLE_SECONDS, Reason.UNUSABLE)
        if isinstance(taken, Slot):
            return taken
        raise ConnectorBusy(
            f"intent {ref} waits for {connector}: {taken.reason}; nothing was sent, and it is tried again",
            wait_seconds=taken.wait_seconds,
            connector=connector,
            **ref.model_dump(),
        )

    def _try(self, key: CapacityKey, lease: str) -> Slot | Deferred:
        for _ in range(TRIES):
            state = self.capacities.find(key) or ConnectorCapacity.untouched(key)
            admitted = admit(state, lease, self.limits, self.clock.now())
            if isinstance(admitted, Deferred):
                return admitted
            if self.capacities.replace(admitted.state):
                return Slot(lease, admitted.state)
        return Deferred(CONTENDED_SECONDS, Reason.CONTENDED)

    def give_back(self, slot: Slot, result: CallResult) -> None:
        """Give the place back and say what the call's end tells of the connector; never fails."""
        state = slot.state
        try:
            for _ in range(TRIES):
                following = released(state, slot.lease, result, self.limits, self.clock.now())
                if following is state:
                    return
                if self.capacities.replace(following):
                    _tell(state, following)
                    return
                state = self.capacities.find(state.key) or ConnectorCapacity.untouched(state.key)
            reason = "others were faster each time"
        except ActionError as error:
            reason = error.message
        _log.warning("a slot was not given back, it frees itself", extra={**_ids(slot.state), "reason": reason})


def _tell(before: ConnectorCapacity, after: ConnectorCapacity) -> None:
    if has_opened(before, after):
        _log.warning(
            BREAKER_OPENED,
            extra={**_ids(after), "openings": after.breaker.openings, "open_until": str(after.breaker.open_until)},
        )
    elif before.breaker.state is BreakerState.HALF_OPEN and after.breaker.state is BreakerState.CLOSED:
        _log.warning("circuit breaker closed", extra=_ids(after))


def _ids(state: ConnectorCapacity) -> dict[str, str]:
    return state.key.model_dump()
