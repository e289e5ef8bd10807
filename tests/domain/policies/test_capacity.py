"""Capacity: what is admitted, over every sequence of calls, crashes and waits, and what a call's end says."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model.connector_capacity import Breaker, BreakerState, CapacityKey, ConnectorCapacity
from domain.model.tool_call import ToolAnswer, TransportFailure, TransportPhase
from domain.model.tool_mapping import LONGEST_CALL_SECONDS
from domain.policies.capacity import (
    LEASE_SECONDS,
    LONGEST_OPEN_SECONDS,
    RETURN_SECONDS,
    SPREAD_SECONDS,
    Admitted,
    CallResult,
    CapacityLimits,
    Deferred,
    Reason,
    admit,
    deferral_wait,
    has_opened,
    open_seconds,
    released,
    result_of,
)
from domain.policies.classification import classify
from domain.policies.retry import MAX_WAIT_SECONDS, MIN_WAIT_SECONDS
from ports.steps.contract import MACHINE_TIMEOUT_SECONDS
from tests.builders import NOW, TENANT, later
from tests.strategies import any_answers, transport_failures

LIMITS: Final = CapacityLimits(concurrency=3, rate_per_second=4, burst=2, breaker_failures=3, breaker_open_seconds=30)
UNTOUCHED: Final = ConnectorCapacity.untouched(CapacityKey(tenant_id=TENANT, connector="crm"))
A, T, S = CallResult.ANSWERED, CallResult.TROUBLE, CallResult.SILENT
CLOSED, OPEN, HALF_OPEN = BreakerState
HISTORY_ROUNDS: Final = 25_000 // 9


def let_in(state: ConnectorCapacity, lease: str, now: datetime, limits: CapacityLimits = LIMITS) -> ConnectorCapacity:
    """The state after a call that is sure to be admitted."""
    found = admit(state, lease, limits, now)
    assert isinstance(found, Admitted), found
    return found.state


def kept_out(state: ConnectorCapacity, lease: str, now: datetime, limits: CapacityLimits = LIMITS) -> Deferred:
    """Why, and how long, a call that is sure to wait has to."""
    found = admit(state, lease, limits, now)
    assert isinstance(found, Deferred), found
    return found


def after_calls(*results: CallResult, state: ConnectorCapacity = UNTOUCHED, seconds: float = 0) -> ConnectorCapacity:
    """The state after these calls, one after the other, a second each."""
    for number, result in enumerate(results):
        begun = later(seconds + number)
        state = let_in(state, f"run-{seconds}-{number}", begun)
        state = released(state, f"run-{seconds}-{number}", result, LIMITS, begun)
    return state


@dataclass
class Connector:
    """What really happens at one connector: who was let in, when, and who is still at it."""

    limits: CapacityLimits
    state: ConnectorCapacity = UNTOUCHED
    now: datetime = NOW
    running: dict[str, datetime] = field(default_factory=dict)
    """Who was let in, and until when nobody can be sure that they are not at work."""
    begun: list[datetime] = field(default_factory=list)
    names: int = 0

    def call(self) -> Admitted | Deferred:
        """Ask for one more call."""
        self.names += 1
        found = admit(self.state, f"run-{self.names}", self.limits, self.now)
        if isinstance(found, Admitted):
            assert found.state.version == self.state.version + 1
            self.state = found.state
            self.begun.append(self.now)
            self.running[found.lease] = self.now + timedelta(seconds=LONGEST_CALL_SECONDS)
        return found

    def at_work(self) -> int:
        """How many may be at work just now."""
        return sum(until > self.now for until in self.running.values())


steps = st.one_of(
    st.just("call"),
    st.sampled_from(CallResult),
    st.floats(min_value=0, max_value=2),
    st.sampled_from([30.0, 60.0, 71.0, 900.0]),
)
all_limits = st.builds(
    CapacityLimits,
    concurrency=st.integers(1, 4),
    rate_per_second=st.integers(1, 7),
    burst=st.integers(1, 5),
    breaker_failures=st.integers(1, 4),
    breaker_open_seconds=st.integers(1, 900),
)


@given(all_limits, st.lists(steps, max_size=60), st.randoms(use_true_random=False))
def test_no_sequence_of_calls_crashes_and_waits_goes_beyond_a_limit(
    limits: CapacityLimits, story: list[str | CallResult | float], chance: Random
) -> None:
    """Never more at once than there are slots, never more in any window than the rate, one probe at most."""
    connector = Connector(limits)
    for step in story:
        match step:
            case "call":
                connector.call()
            case CallResult() if connector.state.leases:
                name = chance.choice(sorted(connector.state.leases))
                connector.state = released(connector.state, name, step, limits, connector.now)
                connector.running.pop(name, None)
            case float():
                connector.now += timedelta(seconds=step)
        assert connector.at_work() <= limits.concurrency
        assert len(connector.state.leases) <= limits.concurrency
        assert (connector.state.breaker.state is OPEN) == (connector.state.breaker.open_until is not None)
    for first, begun in enumerate(connector.begun):
        for count, ended in enumerate(connector.begun[first:], start=1):
            assert count <= limits.burst + (ended - begun).total_seconds() * limits.rate_per_second


@given(all_limits, st.lists(steps, max_size=40))
def test_whoever_has_to_wait_is_let_in_after_the_last_of_their_waits(
    limits: CapacityLimits, story: list[str | CallResult | float]
) -> None:
    """However many holders have crashed, asking again when told to comes to an end: nothing is kept out for good."""
    connector = Connector(limits)
    for step in story:
        match step:
            case "call":
                connector.call()
            case CallResult() if connector.state.leases:
                connector.state = released(connector.state, min(connector.state.leases), step, limits, connector.now)
            case float():
                connector.now += timedelta(seconds=step)
    end = connector.now + timedelta(seconds=LONGEST_OPEN_SECONDS + LEASE_SECONDS + 5)
    while isinstance(found := connector.call(), Deferred):
        assert found.wait_seconds > 0
        connector.now += timedelta(seconds=found.wait_seconds)
        assert connector.now < end


def test_a_crashed_holders_slot_frees_itself_and_not_before_its_call_must_be_over() -> None:
    """Longer than any function that holds one can live, and no longer than the margin for clocks that differ."""
    limits = CapacityLimits(1, 1_000, 1_000, 3, 30)
    state = let_in(UNTOUCHED, "crashed", NOW, limits)

    assert kept_out(state, "next", later(LONGEST_CALL_SECONDS), limits).reason is Reason.SLOTS_TAKEN
    assert kept_out(state, "next", later(LEASE_SECONDS - 1), limits).wait_seconds == 1
    assert let_in(state, "next", later(LEASE_SECONDS), limits).leases.keys() == {"next"}
    assert LONGEST_CALL_SECONDS < LEASE_SECONDS <= LONGEST_CALL_SECONDS + 30


def test_a_send_that_is_tried_again_finds_its_own_slot() -> None:
    """A step whose reply was lost does not stand in its own way."""
    limits = CapacityLimits(1, 1_000, 1_000, 3, 30)
    state = let_in(UNTOUCHED, "mine", NOW, limits)

    assert let_in(state, "mine", later(1), limits).leases == {"mine": later(1 + LEASE_SECONDS)}


def test_the_bucket_gives_a_burst_and_then_its_rate() -> None:
    """Two at once, then one each quarter of a second, and the burst again after a rest."""
    limits = CapacityLimits(100, 4, 2, 3, 30)
    state = let_in(let_in(UNTOUCHED, "a", NOW, limits), "b", NOW, limits)

    refused = kept_out(state, "c", NOW, limits)
    assert (refused.reason, refused.wait_seconds) == (Reason.RATE, 0.25)
    state = let_in(state, "c", later(0.25), limits)
    assert kept_out(state, "d", later(0.4), limits).wait_seconds == pytest.approx(0.1)
    rested = let_in(let_in(state, "d", later(9), limits), "e", later(9), limits)
    assert kept_out(rested, "f", later(9), limits).reason is Reason.RATE


def test_a_clock_that_was_far_ahead_empties_the_bucket_for_nobody() -> None:
    """One function's wrong clock must not stop the others until theirs has caught up."""
    limits = CapacityLimits(100, 4, 2, 3, 30)
    ahead = let_in(UNTOUCHED, "ahead", later(3_600), limits)

    assert let_in(ahead, "next", NOW, limits).bucket_full_at == later(0.25)


def test_clocks_that_differ_a_little_give_nothing_away() -> None:
    """Whoever is a second behind waits that second, too."""
    limits = CapacityLimits(100, 4, 2, 3, 30)
    emptied = let_in(let_in(UNTOUCHED, "a", later(1), limits), "b", later(1), limits)
    wait = kept_out(emptied, "c", NOW, limits).wait_seconds

    assert wait == 1.25
    let_in(emptied, "c", later(wait), limits)


def test_slots_and_a_breaker_of_a_clock_that_was_far_ahead_keep_nobody_out() -> None:
    """A function whose clock is hours ahead must not close a connector for hours."""
    limits = CapacityLimits(concurrency=1, rate_per_second=100, burst=100, breaker_failures=1, breaker_open_seconds=900)
    taken = let_in(UNTOUCHED, "ahead", later(18_000), limits)
    opened = released(taken, "ahead", CallResult.TROUBLE, limits, later(18_000))

    assert "next" in let_in(taken, "next", NOW, limits).leases
    assert let_in(opened, "next", NOW, limits).breaker.probe == "next"
    # A minute's difference between clocks is none that matters.
    assert kept_out(taken, "next", later(17_940), limits).reason is Reason.SLOTS_TAKEN
    assert kept_out(opened, "next", later(17_940), limits).reason is Reason.BREAKER_OPEN


def test_a_breaker_opens_after_so_many_calls_in_a_row_without_an_answer() -> None:
    """And nothing goes until its time is over."""
    state = after_calls(T, T)
    assert (state.breaker.state, state.breaker.failures) == (CLOSED, 2)

    opened = after_calls(T, state=state, seconds=10)
    assert (opened.breaker.state, opened.breaker.open_until) == (OPEN, later(10 + 30))
    assert has_opened(state, opened)
    assert not has_opened(UNTOUCHED, state)
    refused = kept_out(opened, "next", later(20))
    assert (refused.reason, refused.wait_seconds) == (Reason.BREAKER_OPEN, 20)


def test_one_answer_ends_the_row_and_silence_does_not() -> None:
    """A call that was never made, or that the gateway itself refused, says nothing of the connector."""
    assert after_calls(T, T, A, T, T).breaker == Breaker(failures=2)
    assert after_calls(T, S, S, S, T).breaker == Breaker(failures=2)
    assert after_calls(T, S, T, S, T).breaker.state is OPEN


def test_no_number_of_calls_without_trouble_opens_a_breaker() -> None:
    """Neither refusals of the tool nor the gateway's 4xx."""
    assert after_calls(*[S, A] * 20, *[S] * 20).breaker == Breaker()


def test_a_half_open_breaker_lets_exactly_one_through() -> None:
    """The first that asks; the others ask again soon."""
    probing = let_in(after_calls(T, T, T), "probe", later(60))

    assert (probing.breaker.state, probing.breaker.probe) == (HALF_OPEN, "probe")
    refused = kept_out(probing, "other", later(61))
    assert (refused.reason, refused.wait_seconds) == (Reason.PROBE_UNDERWAY, RETURN_SECONDS)
    assert let_in(probing, "probe", later(61)).breaker == probing.breaker


@pytest.mark.parametrize(
    "result, expected",
    [
        (A, Breaker()),
        (T, Breaker(state=OPEN, openings=2, open_until=later(65 + 60))),
        (S, Breaker(state=HALF_OPEN, openings=1)),
    ],
)
def test_the_probe_decides_and_only_what_it_says_of_the_connector(result: CallResult, expected: Breaker) -> None:
    """An answer closes, trouble opens for twice as long, silence leaves it to the next probe."""
    probing = let_in(after_calls(T, T, T), "probe", later(60))
    decided = released(probing, "probe", result, LIMITS, later(65))

    assert decided.breaker == expected
    if result is S:
        assert let_in(decided, "next", later(66)).breaker.probe == "next"


def test_a_probe_that_crashed_is_replaced_when_its_slot_is_free() -> None:
    """A breaker cannot stay half open for ever."""
    probing = let_in(after_calls(T, T, T), "crashed", later(60))

    assert kept_out(probing, "next", later(60 + LEASE_SECONDS - 1)).reason is Reason.PROBE_UNDERWAY
    assert let_in(probing, "next", later(60 + LEASE_SECONDS)).breaker.probe == "next"


@pytest.mark.parametrize("result", CallResult)
def test_a_call_from_before_the_breaker_opened_changes_nothing(result: CallResult) -> None:
    """It neither closes what others have opened, nor keeps it open longer, nor speaks for the probe."""
    old = let_in(UNTOUCHED, "old", NOW)
    opened = after_calls(T, T, T, state=old, seconds=1)
    probing = let_in(opened, "probe", later(40))

    for state in (opened, probing):
        following = released(state, "old", result, LIMITS, later(41))
        assert following.breaker == state.breaker
        assert "old" not in following.leases


def test_giving_back_twice_is_giving_back_once() -> None:
    """A repeat after a lost reply counts no failure twice."""
    state = released(let_in(UNTOUCHED, "run", NOW), "run", T, LIMITS, later(1))

    assert released(state, "run", T, LIMITS, later(2)) is state


def test_the_open_time_doubles_up_to_a_quarter_of_an_hour() -> None:
    """However often it opens."""
    assert [open_seconds(times, LIMITS) for times in (1, 2, 3, 5, 6, 7, 10_000)] == [30, 60, 120, 480, 900, 900, 900]
    longest = CapacityLimits(1, 1, 1, 1, LONGEST_OPEN_SECONDS)
    assert open_seconds(1, longest) == open_seconds(9, longest) == LONGEST_OPEN_SECONDS


def failure(phase: TransportPhase, **details: object) -> TransportFailure:
    """No answer, and how far the call got."""
    return TransportFailure.model_validate({"phase": phase, "detail": "it failed", **details})


def status(code: int) -> TransportFailure:
    """The gateway's own answer."""
    return failure(TransportPhase.HTTP_STATUS, http_status=code)


def _spelled(outcome: TransportFailure) -> str:
    late = "late-" if outcome.timed_out else ""
    return f"{late}{outcome.phase}-{outcome.http_status}-{outcome.rpc_code}"


@pytest.mark.parametrize(
    "outcome, expected",
    [
        (failure(TransportPhase.TOKEN), S),
        (failure(TransportPhase.CONNECT), T),
        (failure(TransportPhase.CONNECT, timed_out=True), T),
        (failure(TransportPhase.RESPONSE_HEAD), T),
        (failure(TransportPhase.RESPONSE_HEAD, timed_out=True), T),
        (failure(TransportPhase.MALFORMED), T),
        (failure(TransportPhase.RPC_ERROR, rpc_code=-32603), T),
        (failure(TransportPhase.RPC_ERROR, rpc_code=-32602), S),
        (failure(TransportPhase.RPC_ERROR, rpc_code=-32603, http_status=400), S),
        *((status(code), S) for code in (400, 401, 403, 404, 408, 409, 413, 422, 425, 429, 499)),
        *((status(code), T) for code in (500, 502, 503, 504, 599)),
    ],
    ids=lambda value: getattr(value, "value", None) or _spelled(value),
)
def test_only_what_speaks_of_the_connector_counts(outcome: TransportFailure, expected: CallResult) -> None:
    """Not reached, broken off, failed as a server fails; never a client's error, and never our own token."""
    assert result_of(outcome, classify(outcome, "crm___create_task")) is expected


@given(any_answers)
def test_whatever_a_tool_says_it_has_answered(answer: ToolAnswer) -> None:
    """A typed refusal, an untyped error, nonsense: the action's matter, never the connector's."""
    assert result_of(answer, classify(answer, "crm___create_task")) is A


@given(transport_failures)
def test_no_failure_is_an_answer(outcome: TransportFailure) -> None:
    """And every one has a meaning."""
    assert result_of(outcome, classify(outcome, "crm___create_task")) in {T, S}


@given(
    st.floats(min_value=0.001, max_value=LONGEST_OPEN_SECONDS),
    st.text(),
    st.floats(min_value=0, max_value=MACHINE_TIMEOUT_SECONDS),
    st.floats(min_value=-10, max_value=MACHINE_TIMEOUT_SECONDS),
)
def test_a_wait_is_bounded_and_the_same_whenever_it_is_computed(
    asked: float, who: str, waited: float, to_expiry: float
) -> None:
    """Not before there may be room, unless the approval ends first, and within what the machine waits."""
    wait = deferral_wait(asked, who, seconds_waited=waited, seconds_to_expiry=to_expiry)

    assert wait == deferral_wait(asked, who, seconds_waited=waited, seconds_to_expiry=to_expiry)
    assert MIN_WAIT_SECONDS <= wait <= MAX_WAIT_SECONDS
    assert wait >= min(asked, to_expiry, MAX_WAIT_SECONDS)
    assert wait <= max(to_expiry, 0) + 1


def test_a_herd_does_not_return_at_once() -> None:
    """A thousand who wait for the same thing come back evenly over the time that they are spread."""
    waits = [deferral_wait(30, f"intent-{n}", seconds_waited=0, seconds_to_expiry=3_600) for n in range(1_000)]
    soon = [deferral_wait(1, f"intent-{n}", seconds_waited=0, seconds_to_expiry=3_600) for n in range(1_000)]

    assert (min(waits), max(waits)) == (31, 60)
    assert max(waits.count(second) for second in set(waits)) < 60
    assert max(soon) == 1 + SPREAD_SECONDS


def test_seven_days_of_waiting_fit_an_executions_history() -> None:
    """The shortest rounds that a wait can have are still few enough."""
    waited, rounds = 0.0, 0
    while waited < MACHINE_TIMEOUT_SECONDS:
        waited += deferral_wait(0.001, "0", seconds_waited=waited, seconds_to_expiry=MACHINE_TIMEOUT_SECONDS)
        rounds += 1

    assert rounds < HISTORY_ROUNDS * 3 / 4
