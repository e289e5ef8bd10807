"""The contract of the clock, over every adapter."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.memory.clock import MemoryClock
from adapters.system.clock import SystemClock
from ports.clock import Clock

START = datetime(2026, 11, 23, 10, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture(params=["system", "memory"])
def clock(request: pytest.FixtureRequest) -> Clock:
    """One clock after the other."""
    return SystemClock() if request.param == "system" else MemoryClock(START)


def test_the_time_is_utc(clock: Clock) -> None:
    """Aware, with no offset."""
    assert clock.now().utcoffset() == timedelta()


def test_the_time_is_in_whole_milliseconds(clock: Clock) -> None:
    """The stores keep no more, and what was written must equal what is read."""
    assert {clock.now().microsecond % 1_000 for _ in range(200)} == {0}


def test_monotonic_seconds_never_go_back(clock: Clock) -> None:
    """Deadlines are measured by them."""
    readings = [clock.monotonic_seconds() for _ in range(200)]

    assert readings == sorted(readings)
