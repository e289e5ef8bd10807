"""The system clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Reads the machine's clock, in the whole milliseconds that the stores keep."""

    def now(self) -> datetime:
        moment = datetime.now(UTC)
        return moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)

    def monotonic_seconds(self) -> float:
        return time.monotonic()
