"""Planting a defect leaves nothing behind, and every defect is one."""

import pytest

from tests.proof.bugs import Bug, Swap
from tests.proof.looks import Plans
from tests.proof.planted_bugs import BUGS, QUICK, Hunted, _play, caught_table, hunt, replay
from tests.proof.rows import Options, Violation
from tests.proof.simulation.flows import Safety
from tests.proof.simulation.schedule import _PLAYS, Schedule

EVERY_BUG = pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))


@EVERY_BUG
def test_a_planted_defect_is_there_and_is_gone_afterwards(bug: Bug) -> None:
    """What is looked at later in the same process is the product again."""
    before = [swap.standing for swap in bug.swaps]
    with bug.planted():
        assert [swap.standing for swap in bug.swaps] == [swap.value for swap in bug.swaps]
    after = [swap.standing for swap in bug.swaps]
    assert all(now is then for now, then in zip(after, before, strict=True))
    assert all(swap.value is not then for swap, then in zip(bug.swaps, before, strict=True))


def test_a_defect_is_gone_after_an_error_too() -> None:
    """A look that breaks ends the planting as well."""
    bug = BUGS["owner-not-asked"]
    before = [swap.standing for swap in bug.swaps]
    with pytest.raises(KeyError), bug.planted():
        raise KeyError
    assert [swap.standing for swap in bug.swaps] == before


def test_no_play_that_knew_a_defect_is_played_again() -> None:
    """Ports remember the methods they were given, so plays are set up anew while one is planted, and forgotten."""
    Schedule(3).play()
    kept = dict(_PLAYS)
    with BUGS["owner-not-asked"].planted():
        assert _PLAYS == {}
        Schedule(3).play()
        assert _PLAYS
    assert kept == _PLAYS


def test_there_are_more_defects_than_the_target_asks_for() -> None:
    """And the short form's are among them."""
    assert len(BUGS) >= 60
    assert set(QUICK) <= set(BUGS)


def test_no_two_defects_are_the_same() -> None:
    """Each changes something else, or changes it to something else."""
    changes = [frozenset((id(swap.owner), swap.name, id(swap.value)) for swap in bug.swaps) for bug in BUGS.values()]
    assert len(set(changes)) == len(changes)
    assert len({bug.defect for bug in BUGS.values()}) == len(BUGS)


def test_a_catch_names_the_defect_and_plays_again_with_it() -> None:
    """The same case without the defect shows nothing."""
    found = hunt("failed-ends-succeeded")
    assert found == Hunted("failed-ends-succeeded", 1, found.caught)
    assert found.caught is not None
    row, _, rest = found.caught.token.partition(":")
    assert row == "planted-bugs"
    story = replay(rest)
    assert "VIOLATION: the execution ended SUCCEEDED, and the outcome is FAILED" in story
    assert found.caught.token in caught_table([found])
    assert "VIOLATION" not in replay(f"hold-passes/{rest.partition('/')[2]}")


@pytest.mark.parametrize(
    "rest, told",
    [("nobody", "no planted defect"), ("", "no planted defect"), ("hold-passes/load:1", "no row that replays")],
)
def test_a_token_that_names_nothing_is_told(rest: str, told: str) -> None:
    """In one sentence that says what can be named."""
    with pytest.raises(ValueError, match=told):
        replay(rest)


def test_a_defect_that_nobody_notices_makes_the_row_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """And names it, with a token that hunts it again."""
    harmless = Bug("harmless", "nothing is wrong", (), (Plans("accepted", Safety.UNSAFE),))
    monkeypatch.setitem(BUGS, "harmless", harmless)
    monkeypatch.setattr("tests.proof.planted_bugs.QUICK", ("harmless",))
    monkeypatch.setattr("tests.proof.planted_bugs.everywhere", lambda _schedules: iter(()))
    options = Options(seed=0, quick=True, workers=1)
    found = _play(options)
    assert (found.value, found.ok) == ("0 of 1 planted defects caught", False)
    assert found.violations == (Violation("nobody noticed in 1 looks that nothing is wrong", "planted-bugs:harmless"),)
    assert options.shared["planted-bugs"] == (Hunted("harmless", 1),)


class _Spoilt:
    """A look that finds something whatever is planted."""

    def find(self) -> Violation | None:
        """Return what it always finds."""
        return Violation("it is always red", "crash-matrix:accepted/unsafe/")


def test_what_is_found_without_the_defect_catches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that always objects has no teeth either."""
    bug = Bug("spoilt", "something is wrong", (Swap({}, "nothing", None),), (_Spoilt(),))
    monkeypatch.setitem(BUGS, "spoilt", bug)
    monkeypatch.setattr("tests.proof.planted_bugs.QUICK", ("spoilt",))
    found = _play(Options(seed=0, quick=True, workers=1))
    assert not found.ok
    assert "finds something without it: it is always red" in found.violations[0].story
