"""What every handler test shares: loggers that are given back as they were found."""

from collections.abc import Iterator

import pytest

from tests.support.stage import log_levels, set_log_levels


@pytest.fixture(autouse=True)
def untouched_loggers() -> Iterator[None]:
    """Handlers set the levels of their process's loggers; here the process is shared."""
    levels = log_levels()
    yield
    set_log_levels(levels)
