"""Which planned fault meets which call, and how often."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from local.tool_server.faults import Fault, FaultKind, FaultPlan, FaultPlanError


@pytest.fixture
def plan(tmp_path: Path) -> FaultPlan:
    """An empty plan in a fresh database."""
    empty = FaultPlan(tmp_path / "tools.db")
    empty.clear()
    return empty


def test_a_fault_happens_as_often_as_planned(plan: FaultPlan) -> None:
    """Two times is two times, and then the calls go through."""
    plan.add(Fault(kind=FaultKind.UNAVAILABLE, times=2))
    taken = [plan.take("crm___create_task", "intent-1") for _ in range(3)]
    assert [fault and fault.kind for fault in taken] == ["UNAVAILABLE", "UNAVAILABLE", None]


def test_a_fault_waits_for_the_call_it_is_meant_for(plan: FaultPlan) -> None:
    """Other tools and other intents pass it by."""
    plan.add(Fault(kind=FaultKind.REFUSE, tool="crm___create_task", action_intent_id="intent-1"))
    assert plan.take("crm___create_task", "intent-2") is None
    assert plan.take("crm___delete_task", "intent-1") is None
    assert plan.take("crm___create_task", None) is None
    assert plan.take("crm___create_task", "intent-1") is not None


def test_racing_calls_never_share_the_last_occurrence(plan: FaultPlan) -> None:
    """Of sixteen calls at once, exactly five meet a fault planned for five."""
    plan.add(Fault(kind=FaultKind.REFUSE, times=5))
    with ThreadPoolExecutor(16) as callers:
        taken = list(callers.map(lambda _: plan.take("crm___create_task", "intent-1"), range(16)))
    assert sum(fault is not None for fault in taken) == 5


def test_a_plan_can_be_read_and_cleared(plan: FaultPlan) -> None:
    """What is pending counts down and disappears."""
    plan.add(Fault(kind=FaultKind.SLOW, seconds=0.5, times=3))
    plan.take("crm___create_task", "intent-1")
    assert plan.pending() == [Fault(kind=FaultKind.SLOW, seconds=0.5, times=2)]
    plan.clear()
    assert plan.pending() == []


def test_a_plan_can_be_loaded_from_a_file(plan: FaultPlan, tmp_path: Path) -> None:
    """The file holds a list, oldest first."""
    file = tmp_path / "faults.json"
    file.write_text('[{"kind": "RATE_LIMITED", "retry_after": 2}, {"kind": "REFUSE"}]')
    plan.add_file(file)
    assert [fault.kind for fault in plan.pending()] == ["RATE_LIMITED", "REFUSE"]


@pytest.mark.parametrize("content", ["not json", '{"kind": "REFUSE"}', '[{"kind": "EXPLODE"}]'])
def test_a_file_that_is_no_plan_is_named(plan: FaultPlan, tmp_path: Path, content: str) -> None:
    """Nothing of it is planned."""
    file = tmp_path / "faults.json"
    file.write_text(content)
    with pytest.raises(FaultPlanError, match=r"faults\.json is no list of faults"):
        plan.add_file(file)
    assert plan.pending() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "SLOW"},
        {"kind": "REFUSE", "seconds": 1},
        {"kind": "REFUSE", "retry_after": 1},
        {"kind": "REFUSE", "times": 0},
        {"kind": "REFUSE", "tol": "crm___create_task"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    """A fault that could never happen as written would make a test pass for nothing."""
    with pytest.raises(ValidationError):
        Fault.model_validate(fields)
