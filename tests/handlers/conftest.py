"""What handler tests share: an untouched root logger, and states as the machine would pass them."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def root_level() -> Iterator[None]:
    """Handlers set the level of their process's root logger; give it back as it was."""
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)
