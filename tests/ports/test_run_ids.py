"""The contract of run ids, over every adapter: each is new."""

import re

import pytest

from adapters.memory.run_ids import MemoryRunIds
from adapters.system.run_ids import SystemRunIds
from ports.run_ids import RunIds


@pytest.mark.parametrize("adapter", [MemoryRunIds, SystemRunIds])
def test_no_id_comes_twice(adapter: type[RunIds]) -> None:
    """And each can stand in a record and in a log as it is."""
    ids = adapter()
    drawn = [ids.new() for _ in range(1_000)]
    assert len(set(drawn)) == 1_000
    assert all(re.fullmatch(r"[A-Za-z0-9-]{1,64}", one) for one in drawn)
