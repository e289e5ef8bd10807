"""The clock that stands still."""

from datetime import datetime, timedelta, timezone

import pytest

from adapters.memory.clock import MemoryClock
from tests.builders import NOW


def test_time_passes_only_when_told() -> None:
    """Both readings move together, by exactly what was asked."""
    clock = MemoryClock(NOW)
    readings = [(clock.now(), clock.monotonic_seconds()) for _ in range(2)]
    clock.advance(90.5)

    assert readings == [(NOW, 0.0)] * 2
    assert (clock.now(), clock.monotonic_seconds()) == (NOW + timedelta(seconds=90.5), 90.5)


def test_time_never_goes_back() -> None:
    """A deadline that was over would be open again."""
    clock = MemoryClock(NOW)
    with pytest.raises(ValueError, match="only moves forward"):
        clock.advance(-1)

    assert clock.now() == NOW


def test_a_start_in_another_zone_is_told_in_utc() -> None:
    """The instant is the same."""
    start = NOW.astimezone(timezone(timedelta(hours=5)))

    assert MemoryClock(start).now().isoformat() == NOW.isoformat()


def test_a_start_without_a_zone_is_refused() -> None:
    """It would mean another instant on another machine."""
    with pytest.raises(ValueError, match="no time zone"):
        MemoryClock(datetime(2026, 11, 23))  # noqa: DTZ001  the point of the test
