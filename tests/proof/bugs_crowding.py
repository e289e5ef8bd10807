"""Defects in what stands before a busy or broken connector: whose room it is, how much, and what opens a breaker."""

from datetime import datetime, timedelta
from typing import Final

from domain.model.connector_capacity import Breaker, BreakerState, CapacityKey, ConnectorCapacity
from domain.model.errors import PermanentError
from domain.model.tool_call import ToolAnswer, TransportFailure
from domain.policies import capacity
from domain.policies.capacity import Admitted, CallResult, CapacityLimits, Deferred
from domain.policies.classification import Verdict
from domain.policies.decision import Allowed
from domain.use_cases import connector_slots, invoke_tool, tool_dispatch
from domain.use_cases.connector_slots import ConnectorSlots, Slot
from domain.use_cases.invoke_tool import InvokeTool
from tests.proof.bugs import Bug, Swap
from tests.proof.looks import Crowds, Plans
from tests.proof.simulation.flows import Safety

_CROWD: Final = (Crowds(),)
_admit, _released = capacity.admit, capacity.released


def _the_same_key(*, tenant_id: str, connector: str) -> CapacityKey:
    del tenant_id
    return CapacityKey(tenant_id="everybody", connector=connector)


def _never_kept_out(state: ConnectorCapacity, lease: str, limits: CapacityLimits, now: datetime) -> Admitted | Deferred:
    boundless = CapacityLimits(100_000, 100_000, 100_000, limits.breaker_failures, limits.breaker_open_seconds)
    return _admit(state, lease, boundless, now)


def _no_breaker(state: ConnectorCapacity, lease: str, limits: CapacityLimits, now: datetime) -> Admitted | Deferred:
    return _admit(state.model_copy(update={"breaker": Breaker()}), lease, limits, now)


def _all_pass_again(breaker: Breaker, _lease: str, _live: dict[str, datetime], now: datetime) -> Breaker | Deferred:
    left = (breaker.open_until - now) / timedelta(seconds=1) if breaker.open_until else 0.0
    if left > 0:
        return Deferred(left, capacity.Reason.BREAKER_OPEN)
    return breaker.model_copy(update={"state": BreakerState.CLOSED, "open_until": None})


def _any_failure_is_trouble(outcome: ToolAnswer | TransportFailure, _verdict: Verdict) -> CallResult:
    return CallResult.ANSWERED if isinstance(outcome, ToolAnswer) else CallResult.TROUBLE


def _give_up(*_: object) -> None:
    raise PermanentError("the connector is busy")


def _keep_it(_self: ConnectorSlots, _slot: Slot, _result: CallResult) -> None:
    """Give nothing back."""


BUGS: Final = (
    Bug(
        "one-room-for-all-tenants",
        "one tenant's calls of a connector take the room of all",
        (Swap(connector_slots, "CapacityKey", _the_same_key),),
        _CROWD,
    ),
    Bug(
        "no-limit-on-calls",
        "as many calls are let through as ask",
        (Swap(connector_slots, "admit", _never_kept_out),),
        _CROWD,
    ),
    Bug(
        "breaker-never-asked",
        "a connector that does not answer is called on and on",
        (Swap(connector_slots, "admit", _no_breaker),),
        _CROWD,
    ),
    Bug(
        "every-waiter-probes",
        "when a breaker's time is over, everybody who waited is let through at once",
        (Swap(capacity, "_pass", _all_pass_again),),
        _CROWD,
    ),
    Bug(
        "client-errors-open-the-breaker",
        "what a client did wrong counts against the connector",
        (Swap(tool_dispatch, "result_of", _any_failure_is_trouble),),
        _CROWD,
    ),
    Bug(
        "a-busy-connector-fails-the-action",
        "an action that finds no room is given up",
        (Swap(InvokeTool, "_until_there_is_room", _give_up),),
        _CROWD,
    ),
    Bug(
        "switches-not-asked-while-waiting",
        "an action that waits for a connector is not cancelled before its turn comes",
        (Swap(invoke_tool, "switches_allow", lambda *_: Allowed()),),
        (Plans("cancelled-while-shut-out", Safety.UNSAFE),),
    ),
    Bug(
        "slots-of-the-dead-stay-taken",
        "a slot does not free itself when its holder has died",
        (Swap(capacity, "LEASE_SECONDS", 7 * 86_400),),
        _CROWD,
    ),
    Bug(
        "slots-are-not-given-back",
        "a slot is kept until its lease ends, and nobody hears of the call's end",
        (Swap(ConnectorSlots, "give_back", _keep_it),),
        _CROWD,
    ),
)
