"""The stores' contract suites once more, on the emulator's DynamoDB: a real server, real transactions, real threads.

The suites are those of ``tests/ports``, not a line of them is repeated. Each test gets an account of its own in the
emulator, which is what a twelve-digit access key means to it, so it starts with empty tables.
"""

from collections.abc import Iterator
from itertools import count

import pytest

from local.aws_clients import Credentials
from local.stack import LocalStack
from tests.ports.stores import Stores, dynamodb_stores
from tests.ports.tables import create_tables
from tests.ports.test_backlog import *  # noqa: F403  collecting them here runs them here
from tests.ports.test_connector_capacity import *  # noqa: F403  as above
from tests.ports.test_dispatch_under_kill_switches import *  # noqa: F403  as above
from tests.ports.test_execution_journal import *  # noqa: F403  as above
from tests.ports.test_external_writes import *  # noqa: F403  as above
from tests.ports.test_kill_switches import *  # noqa: F403  as above
from tests.ports.test_mapping_registry import *  # noqa: F403  as above
from tests.ports.test_settling import *  # noqa: F403  as above

_ACCOUNTS = count(200_000_000_000)


@pytest.fixture
def stores(stack: LocalStack) -> Iterator[Stores]:
    """Empty stores in a new account of the emulator."""
    client = stack.info.client_as("dynamodb", Credentials(str(next(_ACCOUNTS)), "test"))
    try:
        create_tables(client)
        yield dynamodb_stores(client, truly_parallel=True)
    finally:
        client.close()
