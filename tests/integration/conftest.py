"""One running stack for all integration tests: starting it takes seconds, and every test brings its own intents."""

from collections.abc import Iterator

import pytest

from local.stack import LocalStack

WAIT_SCALE = 0.01
"""Step Functions waits a hundredth of what is declared; the declared numbers are checked without waiting."""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The whole stack: emulator, deployed program, reference tool server."""
    with LocalStack(tmp_path_factory.mktemp("stack"), wait_scale=WAIT_SCALE) as running:
        yield running
