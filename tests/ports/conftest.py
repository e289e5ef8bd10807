"""Every engine's stores, one after the other, for the contract suites."""

from collections.abc import Iterator

import pytest

from tests.ports.stores import Stores, dynamodb_stores, memory_stores
from tests.ports.tables import dynamodb_with_tables


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Empty stores of one engine."""
    if request.param == "memory":
        yield memory_stores()
    else:
        with dynamodb_with_tables() as client:
            yield dynamodb_stores(client)
