"""The ``Retry-After`` header in every shape a gateway can give it."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mcp.retry_after import retry_after_seconds
from tests.adapters.mcp.stand_in import Harness, replying
from tests.builders import NOW


@pytest.mark.parametrize(
    "header, seconds",
    [
        ("1", 1),
        ("30", 30),
        (" 30 ", 30),
        ("0", 1),
        ("901", 900),
        ("9" * 400, 900),
        (format_datetime(NOW + timedelta(seconds=45), usegmt=True), 45),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 1),
        (format_datetime(NOW + timedelta(days=1), usegmt=True), 900),
        ("Mon, 23 Nov 2026 10:01:00 -0000", 60),
        ("Monday, 23-Nov-26 10:01:00 GMT", 60),
        ("Mon, 23 Nov 2026 11:01:00 +0100", 60),
    ],
    ids=lambda value: str(value)[:40],
)
def test_seconds_and_dates_are_read_and_bounded(header: str, seconds: int) -> None:
    """Never less than a second, never more than a quarter of an hour."""
    assert retry_after_seconds(header, now=NOW) == seconds


@pytest.mark.parametrize(
    "header", [None, "", "-5", "1.5", "1e3", "soon", "٣", "5, 6", "Mon, 99 Nov 2026 10:00:00 GMT", "9" * 5_000]
)
def test_what_says_nothing_is_ignored(header: str | None) -> None:
    """Without a usable wish the caller's own schedule counts."""
    assert retry_after_seconds(header, now=NOW) is None


@given(st.text(max_size=80))
def test_no_header_breaks_it(header: str) -> None:
    """Whatever it holds, the answer is a wait within bounds or none."""
    wait = retry_after_seconds(header, now=NOW)
    assert wait is None or 1 <= wait <= 900


@pytest.mark.parametrize("status", [400, 429, 503])
def test_the_wish_of_any_refusal_is_reported(status: int) -> None:
    """A 503 may ask for patience as well as a 429."""
    assert Harness(replying(b"", status=status, headers={"Retry-After": "12"})).failure().retry_after_seconds == 12
