"""The row notices a check that misses, that invents, and that says less than is so."""

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from domain.policies import drift as policy
from domain.policies.schema_difference import Change, Difference, differences
from tests.proof.drift.row import explore

SUBJECT = "crm___create_task.verifiable"


def _blind_to(change: Change) -> Callable[..., tuple[Difference, ...]]:
    return lambda before, after: tuple(one for one in differences(before, after) if one.change is not change)


def _inventing(before: Any, after: Any) -> tuple[Difference, ...]:  # noqa: ANN401  schemas
    return (*differences(before, after), Difference("/made/up", Change.OTHER))


@pytest.mark.parametrize("change", [Change.REQUIRED_ADDED, Change.BOUNDS, Change.WORDING, Change.PROPERTY_REMOVED])
def test_a_check_that_is_blind_to_one_kind_is_noticed(change: Change) -> None:
    """Whichever kind it is."""
    with mock.patch.object(policy, "differences", _blind_to(change)):
        assert explore(SUBJECT).missed > 0


def test_a_check_that_invents_is_noticed() -> None:
    """One difference too many."""
    with mock.patch.object(policy, "differences", _inventing):
        assert explore(SUBJECT).invented > 0


@pytest.mark.parametrize("forgotten", ["_not_honoured", "_changes"])
def test_a_check_that_leaves_out_half_is_noticed(forgotten: str) -> None:
    """What changed, and what a mapping no longer survives, are both told."""
    with mock.patch.object(policy, forgotten, return_value=()):
        assert explore(SUBJECT).missed > 0


def test_a_check_that_compares_nothing_but_the_acting_tool_is_noticed() -> None:
    """Verify and compensation tools are needed when something has already gone wrong."""
    shipped = policy._roles  # noqa: SLF001  the defect is put where it would be
    with mock.patch.object(policy, "_roles", lambda mapping: list(shipped(mapping))[:1]):
        assert explore(SUBJECT).missed > 0
