"""The stacks that most tests look at, declared once."""

import pytest

from tests.infrastructure.program import Recording, run


@pytest.fixture(scope="session")
def dev() -> Recording:
    """What the program declares for a stack that owns everything it needs."""
    return run("dev")


@pytest.fixture(scope="session")
def prod() -> Recording:
    """What the program declares for a protected stack."""
    return run("prod", stage="prod")
