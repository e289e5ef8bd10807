"""The proof's rows at the wire, in their quick form, and the defects that they are there to notice."""

from collections import Counter

import pytest

from tests.proof import __main__ as command_line
from tests.proof.bugs import Bug
from tests.proof.bugs_wire import BUGS
from tests.proof.planted_bugs import replay
from tests.proof.rows import Options, Row
from tests.proof.simulation.functions import in_haste
from tests.proof.wire.catalogue import WIRE_ROWS
from tests.support.fault_server.catalogue import FAULTS


@pytest.mark.parametrize("row", WIRE_ROWS, ids=lambda row: row.id)
def test_the_quick_form_of_a_row_holds(row: Row) -> None:
    """One POST for each send, and no conclusion that a second reader does not share."""
    measured = row.play(Options(seed=0, quick=True))
    assert measured.violations == ()
    assert measured.ok, measured.value


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_a_defect_at_the_wire_is_noticed_and_its_counter_example_plays_again(bug: Bug) -> None:
    """The same look finds nothing without the defect."""
    with in_haste():
        for look in bug.looks:
            assert look.find() is None
            with bug.planted():
                found = look.find()
            assert found is not None
            assert "VIOLATION" in replay(f"{bug.id}/{found.token}")


def test_there_are_more_faults_than_the_target_asks_for() -> None:
    """And no two of them are called the same or do the same to be told apart by their names alone."""
    assert len(FAULTS) >= 40
    assert max(Counter((fault.done, fault.tls) for fault in FAULTS.values()).values()) == 1


@pytest.mark.parametrize(
    "token, part",
    [
        ("one-post:redirect-307/acted/unsafe/2026-07-28/1/call", "nothing is broken"),
        ("one-post:busy-absurd/untouched/idempotent/2025-11-25/1/call", "notifications/initialized"),
        *((f"{row.id}:{row.example}", "nothing is broken") for row in WIRE_ROWS),
        ("fuzzed-responses:36", "mutated in"),
        ("fuzzed-responses:refusal-message/6", "nothing is broken"),
    ],
)
def test_a_case_can_be_played_again(token: str, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a counter-example prints is enough to see the whole story."""
    assert command_line.main(["--replay", token]) == 0
    assert part in capsys.readouterr().out
