"""No adapter that forgets everything can slip into a deployment silently."""

from collections.abc import Callable

import pytest

from adapters.memory import DevelopmentAdapterWarning
from adapters.memory.artifact_store import MemoryArtifactStore
from adapters.memory.backlog import MemoryBacklog
from adapters.memory.clock import MemoryClock
from adapters.memory.connector_capacity import MemoryConnectorCapacities
from adapters.memory.execution_journal import MemoryExecutionJournal
from adapters.memory.executions import MemoryExecutions
from adapters.memory.external_writes import MemoryExternalWrites
from adapters.memory.intent_store import MemoryIntentStore
from adapters.memory.kill_switches import MemoryKillSwitches
from adapters.memory.mapping_registry import MemoryMappingRegistry
from adapters.memory.operator_inbox import MemoryOperatorInbox
from adapters.memory.signal_publisher import MemorySignalPublisher
from tests.builders import NOW

BUILD = {
    "MemoryArtifactStore": MemoryArtifactStore,
    "MemoryBacklog": lambda: MemoryBacklog(MemoryExecutionJournal(MemoryKillSwitches())),
    "MemoryClock": lambda: MemoryClock(NOW),
    "MemoryConnectorCapacities": MemoryConnectorCapacities,
    "MemoryExecutionJournal": lambda: MemoryExecutionJournal(MemoryKillSwitches()),
    "MemoryExecutions": MemoryExecutions,
    "MemoryExternalWrites": MemoryExternalWrites,
    "MemoryIntentStore": MemoryIntentStore,
    "MemoryKillSwitches": MemoryKillSwitches,
    "MemoryMappingRegistry": MemoryMappingRegistry,
    "MemoryOperatorInbox": MemoryOperatorInbox,
    "MemorySignalPublisher": MemorySignalPublisher,
}


@pytest.mark.parametrize("name, build", BUILD.items(), ids=BUILD)
def test_building_a_memory_adapter_warns_with_its_name_at_the_line_that_builds_it(
    name: str, build: Callable[[], object]
) -> None:
    """Whoever reads the log knows which adapter it is and where it comes from."""
    with pytest.warns(DevelopmentAdapterWarning) as warned:
        build()

    about_it = [warning for warning in warned if str(warning.message).startswith(name)]
    assert len(about_it) == 1
    assert "development and tests" in str(about_it[0].message)
    assert about_it[0].filename.endswith("test_development_warning.py")
