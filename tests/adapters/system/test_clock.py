"""The system clock against the machine's own."""

from datetime import UTC, datetime, timedelta

from adapters.system.clock import SystemClock


def test_the_system_clock_tells_the_machines_time() -> None:
    """Cut to the millisecond, so at most one behind."""
    before = datetime.now(UTC)
    told = SystemClock().now()
    after = datetime.now(UTC)

    assert before - timedelta(milliseconds=1) < told <= after
