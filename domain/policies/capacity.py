"""Capacity: whether one tenant may call one connector now, and what a call that has ended says for the next. Total.

Three limits stand before a send, each per tenant and connector: so many calls at once (leases, which free themselves),
so many a second (a token bucket), and none while the connector does not answer (a circuit breaker). A refusal is a
time to wait, never a failure: whoever was approved is sent later.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.model.connector_capacity import Breaker, BreakerState, ConnectorCapacity
from domain.model.tool_call import ToolAnswer, TransportFailure, TransportPhase
from domain.model.tool_mapping import LONGEST_CALL_SECONDS
from domain.policies.classification import Evidence, Verdict
from domain.policies.retry import clamp_wait

_CLOCKS_DIFFER_SECONDS: Final = 10
"""By how much the clocks of two functions may differ; a guess."""

LEASE_SECONDS: Final = LONGEST_CALL_SECONDS + _CLOCKS_DIFFER_SECONDS
"""How long a slot is kept for a holder that is not heard of again: no function outlives its call any longer."""

LONGEST_OPEN_SECONDS: Final = 900
"""The longest a breaker stays open before the connector is tried again: the longest wait of the machine's, too."""

KEPT_SECONDS: Final = 86_400
"""How long a state outlives the last call that was let through; far longer than any lease or open breaker."""

RETURN_SECONDS: Final = 5
"""When to ask again where a slot or a probe's answer is waited for: most calls take less; a guess."""

SPREAD_SECONDS: Final = 10
"""Over how long, at least, those who wait for the same thing come back, so that they do not all come at once; a
guess."""

CONTENDED_SECONDS: Final = 1
"""When to ask again where others changed the state faster than it could be replaced."""

_CLIENT_ERRORS: Final = range(400, 500)

_SHARE_OF_THE_WAIT: Final = 64
"""A wait is at least this part of what has been waited already: an execution's history ends at 25,000 events (AWS Step
Functions Developer Guide, "Avoid reaching the history quota") and a round is nine, so a wait of seven days must not
be spent in rounds of seconds. It needs about 1,300 of the 2,700 rounds, and after an hour still asks each minute."""


@dataclass(frozen=True)
class CapacityLimits:
    """What is allowed per tenant and connector; see ``infrastructure.settings`` for the bounds."""

    concurrency: int
    rate_per_second: int
    burst: int
    breaker_failures: int
    breaker_open_seconds: int


class Reason(StrEnum):
    """Why a call has to wait."""

    BREAKER_OPEN = "the connector does not answer this tenant, and is left alone for a while"
    PROBE_UNDERWAY = "one call is trying out whether the connector answers again"
    SLOTS_TAKEN = "as many calls as are allowed at once are under way"
    RATE = "as many calls as are allowed per second have been made"
    CONTENDED = "too many calls asked at the same moment"


class CallResult(StrEnum):
    """What the end of a call says about the connector, and nothing else."""

    ANSWERED = "ANSWERED"
    """The tool spoke, whatever it said: a refusal is the action's matter."""
    TROUBLE = "TROUBLE"
    """It could not be reached, broke off, or failed as a server fails."""
    SILENT = "SILENT"
    """Nothing is known of it: no call was made, no token was had, or the gateway itself refused the call."""


@dataclass(frozen=True)
class Admitted:
    """The call may go; ``state`` has to be stored first."""

    state: ConnectorCapacity
    lease: str


@dataclass(frozen=True)
class Deferred:
    """The call has to wait; nothing needs to be stored."""

    wait_seconds: float
    reason: Reason


def admit(state: ConnectorCapacity, lease: str, limits: CapacityLimits, now: datetime) -> Admitted | Deferred:
    """Decide whether a call may go now, and take its slot and its token.

    What ends later than twice its longest time was written by a wrong clock, and keeps nobody out until then.
    """
    live = {name: until for name, until in state.leases.items() if 0 < _seconds(until - now) <= 2 * LEASE_SECONDS}
    passed = _pass(state.breaker, lease, live, now)
    if isinstance(passed, Deferred):
        return passed
    others = [until for name, until in live.items() if name != lease]
    if len(others) >= limits.concurrency:
        return Deferred(min(_seconds(min(others) - now), RETURN_SECONDS), Reason.SLOTS_TAKEN)
    full_at = _take(state.bucket_full_at, limits, now)
    if isinstance(full_at, Deferred):
        return full_at
    following = state.model_copy(
        update={
            "version": state.version + 1,
            "leases": {**live, lease: now + timedelta(seconds=LEASE_SECONDS)},
            "bucket_full_at": full_at,
            "breaker": passed,
            "forget_at_epoch": int(now.timestamp()) + KEPT_SECONDS,
        }
    )
    return Admitted(following, lease)


def released(
    state: ConnectorCapacity, lease: str, result: CallResult, limits: CapacityLimits, now: datetime
) -> ConnectorCapacity:
    """Return the state after a call has ended; the same state where its lease is not known any more."""
    if lease not in state.leases:
        return state
    return state.model_copy(
        update={
            "version": state.version + 1,
            "leases": {name: until for name, until in state.leases.items() if name != lease},
            "breaker": _after_call(state.breaker, lease, result, limits, now),
        }
    )


def result_of(outcome: ToolAnswer | TransportFailure, verdict: Verdict) -> CallResult:
    """Return what a call's outcome says about the connector.

    A client's error (4xx) is about this call and not about the connector: a breaker that opened on it would let one
    kind of wrong request stop all others.
    """
    if isinstance(outcome, ToolAnswer):
        return CallResult.ANSWERED
    if outcome.phase is TransportPhase.TOKEN or outcome.http_status in _CLIENT_ERRORS:
        return CallResult.SILENT
    unreached = verdict.evidence is Evidence.NOT_DONE and verdict.transient
    return CallResult.TROUBLE if unreached or verdict.evidence is Evidence.IN_DOUBT else CallResult.SILENT


def deferral_wait(asked_seconds: float, who: str, *, seconds_waited: float, seconds_to_expiry: float) -> int:
    """Return how long the machine waits, in whole seconds: what a deferral asks for, spread out by ``who`` waits.

    The spread is the same whenever it is computed, and ends with the approval: whoever waits longer than that
    would wait for nothing.
    """
    spread = _share(who) * max(asked_seconds, SPREAD_SECONDS)
    wait = max(asked_seconds + spread, seconds_waited / _SHARE_OF_THE_WAIT)
    return clamp_wait(min(wait, seconds_to_expiry))


def open_seconds(openings: int, limits: CapacityLimits) -> int:
    """Return how long a breaker stays open that opens for the n-th time in a row: twice as long each time."""
    doublings = min(max(openings - 1, 0), LONGEST_OPEN_SECONDS.bit_length())
    return min(limits.breaker_open_seconds << doublings, LONGEST_OPEN_SECONDS)


def has_opened(before: ConnectorCapacity, after: ConnectorCapacity) -> bool:
    """Whether the breaker has opened from one state to the next."""
    return after.breaker.openings > before.breaker.openings


def _pass(breaker: Breaker, lease: str, live: Mapping[str, datetime], now: datetime) -> Breaker | Deferred:
    match breaker.state:
        case BreakerState.CLOSED:
            return breaker
        case BreakerState.OPEN:
            left = _seconds(breaker.open_until - now) if breaker.open_until else 0.0
            if 0 < left <= 2 * LONGEST_OPEN_SECONDS:
                return Deferred(left, Reason.BREAKER_OPEN)
        case BreakerState.HALF_OPEN:
            if breaker.probe != lease and breaker.probe in live:
                return Deferred(RETURN_SECONDS, Reason.PROBE_UNDERWAY)
    return breaker.model_copy(update={"state": BreakerState.HALF_OPEN, "open_until": None, "probe": lease})


def _take(full_at: datetime | None, limits: CapacityLimits, now: datetime) -> datetime | Deferred:
    """Take one token: the bucket is full one token's time later than it was.

    The generic cell rate algorithm (ITU-T I.371, annex A), which is a token bucket with one number to keep.
    """
    # Rounded up to the clock's microsecond, so that no window ever holds one call more than the rate allows.
    each = timedelta(microseconds=-(-1_000_000 // limits.rate_per_second))
    empty = now + each * limits.burst
    if full_at is None or full_at > empty + timedelta(seconds=_CLOCKS_DIFFER_SECONDS):
        full_at = now  # written by a wrong clock: a burst too many is less than a connector closed until it is right
    full_at = max(full_at, now) + each
    return Deferred(_seconds(full_at - empty), Reason.RATE) if full_at > empty else full_at


def _after_call(breaker: Breaker, lease: str, result: CallResult, limits: CapacityLimits, now: datetime) -> Breaker:
    match breaker.state:
        case BreakerState.CLOSED if result is CallResult.ANSWERED:
            return Breaker()
        case BreakerState.CLOSED if result is CallResult.TROUBLE:
            failures = breaker.failures + 1
            if failures >= limits.breaker_failures:
                return _opened(breaker, limits, now)
            return breaker.model_copy(update={"failures": failures})
        case BreakerState.HALF_OPEN if breaker.probe == lease:
            match result:
                case CallResult.ANSWERED:
                    return Breaker()
                case CallResult.TROUBLE:
                    return _opened(breaker, limits, now)
                case CallResult.SILENT:
                    return breaker.model_copy(update={"probe": None})
    # A call from before the breaker opened says nothing that the breaker has not acted upon.
    return breaker


def _opened(breaker: Breaker, limits: CapacityLimits, now: datetime) -> Breaker:
    openings = breaker.openings + 1
    return Breaker(
        state=BreakerState.OPEN,
        openings=openings,
        open_until=now + timedelta(seconds=open_seconds(openings, limits)),
    )


def _share(who: str) -> float:
    """Return a number from 0 to 1, always the same for the same text and evenly spread over different ones."""
    return int.from_bytes(hashlib.sha256(who.encode()).digest()[:4]) / 2**32


def _seconds(duration: timedelta) -> float:
    return duration / timedelta(seconds=1)
