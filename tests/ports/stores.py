"""All stores of one engine together, and the race that tells whether they admit one winner.

This owns which adapters the contract suites run over; adding an engine here runs every suite over it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import TYPE_CHECKING, TypeVar

from adapters.dynamodb.backlog import DynamoDbBacklog
from adapters.dynamodb.connector_capacity import DynamoDbConnectorCapacities
from adapters.dynamodb.execution_journal import DynamoDbExecutionJournal
from adapters.dynamodb.external_writes import DynamoDbExternalWrites
from adapters.dynamodb.intent_store import DynamoDbIntentStore
from adapters.dynamodb.kill_switches import DynamoDbKillSwitches
from adapters.dynamodb.mapping_registry import DynamoDbMappingRegistry
from adapters.memory.backlog import MemoryBacklog
from adapters.memory.connector_capacity import MemoryConnectorCapacities
from adapters.memory.execution_journal import MemoryExecutionJournal
from adapters.memory.external_writes import MemoryExternalWrites
from adapters.memory.intent_store import MemoryIntentStore
from adapters.memory.kill_switches import MemoryKillSwitches
from adapters.memory.mapping_registry import MemoryMappingRegistry
from domain.model.attempt import Attempt
from domain.model.errors import ActionError
from ports.backlog import Backlog
from ports.connector_capacity import ConnectorCapacities
from ports.execution_journal import ExecutionJournal
from ports.external_writes import ExternalWrites
from ports.intent_store import IntentStore
from ports.kill_switches import KillSwitches
from ports.mapping_registry import MappingRegistry
from tests.builders import a_claim, a_dispatch, a_switch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Stores:
    """One engine's adapters of every store port."""

    intents: IntentStore
    mappings: MappingRegistry
    switches: KillSwitches
    writes: ExternalWrites
    capacities: ConnectorCapacities
    journal: ExecutionJournal
    backlog: Backlog
    truly_parallel: bool
    """Whether calls may run in threads. Moto checks and writes without a lock, so there the calls of a race run one
    after the other, which still is a race: all of them were prepared from the same reading."""

    def race(self, calls: Sequence[Callable[[], _Result]]) -> list[_Result | ActionError]:
        """Make all calls at once and return what each came to, errors of ours included."""
        if not self.truly_parallel:
            return [_outcome_of(call) for call in calls]
        start = Barrier(len(calls))

        def run(call: Callable[[], _Result]) -> _Result | ActionError:
            start.wait()
            return _outcome_of(call)

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(run, calls))


def memory_stores() -> Stores:
    """Empty stores in memory."""
    switches = MemoryKillSwitches()
    journal = MemoryExecutionJournal(switches)
    return Stores(
        intents=MemoryIntentStore(),
        mappings=MemoryMappingRegistry(),
        switches=switches,
        writes=MemoryExternalWrites(),
        capacities=MemoryConnectorCapacities(),
        journal=journal,
        backlog=MemoryBacklog(journal),
        truly_parallel=True,
    )


def dynamodb_stores(client: DynamoDBClient, *, truly_parallel: bool = False) -> Stores:
    """Stores on the tables of ``tests.ports.tables``; only a real server's transactions stand threads."""
    return Stores(
        intents=DynamoDbIntentStore(client, "action-intents"),
        mappings=DynamoDbMappingRegistry(client, "action-type-registry"),
        switches=DynamoDbKillSwitches(client, "kill-switches"),
        writes=DynamoDbExternalWrites(client, "external-write-dedupe"),
        capacities=DynamoDbConnectorCapacities(client, "connector-capacity"),
        journal=a_dynamodb_journal(client),
        backlog=a_dynamodb_backlog(client),
        truly_parallel=truly_parallel,
    )


def a_dynamodb_journal(client: DynamoDBClient) -> DynamoDbExecutionJournal:
    """A journal that was given every table."""
    return DynamoDbExecutionJournal(
        client,
        attempts_table="execution-attempts",
        outcomes_table="execution-outcomes",
        ledger_table="ledger",
        signals_table="signals",
        kill_switches_table="kill-switches",
    )


def a_dynamodb_backlog(client: DynamoDBClient) -> DynamoDbBacklog:
    """A backlog over the same tables."""
    return DynamoDbBacklog(client, attempts_table="execution-attempts", signals_table="signals")


def dispatched(stores: Stores) -> Attempt:
    """A stored claim of the sample intent whose call is recorded as sent."""
    current = stores.journal.claim(*a_claim())
    following, entry = a_dispatch(current)
    stores.switches.flip(a_switch())
    stores.journal.dispatch(current, following, entry, (a_switch().scope,))
    return following


def _outcome_of(call: Callable[[], _Result]) -> _Result | ActionError:
    try:
        return call()
    except ActionError as error:
        return error
