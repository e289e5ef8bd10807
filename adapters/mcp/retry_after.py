"""Reads the ``Retry-After`` header: a wish of the gateway, bounded before anybody waits for it."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

SHORTEST_SECONDS: Final = 1
LONGEST_SECONDS: Final = 900
"""A quarter of an hour: what the state machine is ready to wait; a longer outage is retried by its own schedule."""

_DIGITS: Final = re.compile(r"[0-9]{1,400}")
_DATE_CHARACTERS: Final = 64
"""Longer than any HTTP date, in characters."""


def retry_after_seconds(header: str | None, *, now: datetime) -> int | None:
    """Return the wait in whole seconds within [1, 900], or None where the header says nothing that can be used.

    Both forms of RFC 9110, section 10.2.3: seconds, and an HTTP date (compared with ``now``).
    """
    text = (header or "").strip(" \t")
    if _DIGITS.fullmatch(text):
        wait = int(text)
    elif 0 < len(text) <= _DATE_CHARACTERS:
        try:
            at = parsedate_to_datetime(text)
            if at.tzinfo is None:
                at = at.replace(tzinfo=UTC)
            wait = int((at - now).total_seconds())
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    else:
        return None
    return min(max(wait, SHORTEST_SECONDS), LONGEST_SECONDS)
