"""The quick form of every row that needs no stack, and what the scoreboard does with it.

The rows on the embedded AWS are played by ``tests/integration/test_proof_on_the_stack.py``, those that need sockets by
``tests/integration/test_proof_on_the_wire.py``.
"""

import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.proof import __main__ as command_line
from tests.proof import random_schedules, scoreboard, totals
from tests.proof.catalogue import ROWS, TOTALS
from tests.proof.rows import NO_ENDINGS, Endings, Measured, NothingMoves, Options, Row, Violation
from tests.proof.stack.catalogue import STACK_ROWS
from tests.proof.wire.catalogue import WIRE_ROWS

IN_PROCESS = [row for name, row in ROWS.items() if name not in TOTALS and row not in (*WIRE_ROWS, *STACK_ROWS)]
THE_ROWS = [
    "crash-matrix",
    "random-schedules",
    "duplicate-claims",
    "duplicate-approvals",
    "process-kills",
    "kill-switch",
    "compensation",
    "drift",
    "stuck-executions",
    "fairness",
    "agreement",
    "unknown-precision",
    "two-tenants",
    "planted-bugs",
    "one-post",
    "fuzzed-responses",
    "load",
    "canaries",
]


def test_the_scoreboard_has_all_its_rows() -> None:
    """A row that is lost is a promise that nobody measures any more."""
    assert sorted(ROWS) == sorted(THE_ROWS)
    assert list(ROWS)[-2:] == [totals.AGREEMENT.id, totals.UNKNOWN_PRECISION.id]


@cache
def quick(row_id: str) -> Measured:
    """Play the quick form of a row, once for all tests."""
    return ROWS[row_id].play(Options(seed=0, quick=True))


@pytest.mark.parametrize("row", IN_PROCESS, ids=lambda row: row.id)
def test_a_row_holds_in_its_quick_form(row: Row) -> None:
    """Nothing twice, nothing lost, nothing false, over fewer cases."""
    assert quick(row.id).violations == ()
    assert quick(row.id).ok, quick(row.id).value


@pytest.mark.parametrize("row", [totals.AGREEMENT, totals.UNKNOWN_PRECISION], ids=lambda row: row.id)
def test_what_the_rows_add_up_to_holds(row: Row) -> None:
    """Every end that the quick forms judged agrees with itself, and no UNKNOWN is needless."""
    measured = {one.id: quick(one.id) for one in IN_PROCESS}
    found = row.play(Options(seed=0, shared={totals.MEASURED: measured}))
    assert found.ok, found.value


@pytest.mark.parametrize(
    "endings, holding",
    [
        (Endings(judged=3), {"agreement", "unknown-precision"}),
        (Endings(judged=3, disagreeing=1), {"unknown-precision"}),
        (Endings(judged=3, unknown_imprecise=1), {"agreement"}),
        (Endings(judged=3, unknown_sent=2, unknown_died=1), {"agreement", "unknown-precision"}),
        (NO_ENDINGS, set()),
    ],
)
def test_the_totals_fail_on_one_bad_end_and_on_none_at_all(endings: Endings, holding: set[str]) -> None:
    """One disagreement among millions is not 100 %, and nothing judged is nothing shown."""
    before = {"some row": Measured("…", ok=True, endings=endings)}
    rows = (totals.AGREEMENT, totals.UNKNOWN_PRECISION)
    assert {row.id for row in rows if row.play(Options(seed=0, shared={totals.MEASURED: before})).ok} == holding


def test_the_number_of_processes_cannot_be_seen_in_the_result() -> None:
    """Work is cut up and added up in one order."""
    rows = [ROWS["stuck-executions"].play(Options(seed=0, quick=True, workers=workers)) for workers in (1, 2)]
    assert rows[0] == rows[1]


def test_a_schedule_is_its_seed() -> None:
    """Played again, it tells the same story to the last byte; another seed tells another."""
    stories = [random_schedules.replay(seed) for seed in ("7", "7", "8")]
    assert stories[0] == stories[1] != stories[2]


def _a_row(measured: Measured) -> Row:
    return Row("a-row", "figures", "a target", lambda _: measured, lambda rest: f"the story of {rest}")


def test_a_broken_row_shows_its_counter_example_with_the_command_that_replays_it() -> None:
    """Whoever reads a red line knows what happened and how to see it again."""
    broken = Measured("3 broken", ok=False, violations=(Violation("two effects", "a-row:some/case"),))
    out = io.StringIO()
    lines = scoreboard.play_rows([_a_row(broken)], Options(seed=4), out)
    assert "FAILED a-row" in out.getvalue()
    assert "two effects" in out.getvalue()
    assert "make prove ARGS='--replay a-row:some/case'" in out.getvalue()
    assert [line.as_json()["ok"] for line in lines] == [False]


def test_progress_is_said_a_few_times_where_nobody_watches() -> None:
    """A log of a long run shows that it goes on, without a line for every item."""

    def play(options: Options) -> Measured:
        for done in range(1_000):
            options.progress(done, 1_000)
        return Measured("done", ok=True)

    out = io.StringIO()
    scoreboard.play_rows([Row("a-row", "figures", "a target", play)], Options(seed=0), out)
    assert out.getvalue().count("…") == 10


def test_the_file_and_the_exit_code_say_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--json`` prints what the file holds; single rows never replace the file of a whole run."""
    monkeypatch.setattr(command_line, "ROWS_SCOREBOARD", tmp_path / "rows.json")
    monkeypatch.setattr(command_line, "QUICK_SCOREBOARD", tmp_path / "quick.json")
    monkeypatch.setattr(command_line, "SCOREBOARD", tmp_path / "full.json")
    code = command_line.main(["--quick", "--row", "stuck-executions", "--row", "agreement", "--seed", "3", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert printed == json.loads((tmp_path / "rows.json").read_text())
    assert [file.name for file in tmp_path.iterdir()] == ["rows.json"]
    assert [line["id"] for line in printed] == ["stuck-executions", "agreement"]
    assert {tuple(line) for line in printed} == {("id", "figure", "target", "value", "seed", "seconds", "ok")}
    assert {line["seed"] for line in printed} == {3}


def test_a_red_row_is_a_red_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script that runs the proof hears of it."""
    monkeypatch.setattr(command_line, "SCOREBOARD", tmp_path / "full.json")
    monkeypatch.setattr(command_line, "ROWS", {"a-row": _a_row(Measured("3 broken", ok=False))})
    assert command_line.main([]) == 1
    assert "0 of 1 rows ok" in capsys.readouterr().out


def test_a_row_that_does_not_come_to_rest_is_red_and_the_others_are_played() -> None:
    """One stuck execution must not take the figures of an hour with it."""

    def stuck(_options: Options) -> Measured:
        raise NothingMoves("4 executions still run")

    rows = [replace(_a_row(Measured("never", ok=True)), play=stuck), _a_row(Measured("fine", ok=True))]
    lines = scoreboard.play_rows(rows, Options(seed=0), io.StringIO())
    assert [(line.measured.ok, line.measured.value) for line in lines] == [
        (False, "not played to its end: 4 executions still run"),
        (True, "fine"),
    ]


@pytest.mark.parametrize(
    "token, part",
    [
        ("crash-matrix:accepted/unsafe/3.7.late", "late strikes gateway.send"),
        ("random-schedules:12", "outcome"),
        ("kill-switch:accepted/idempotent/GLOBAL.CANCEL.9", "when it was put back"),
        ("compensation:unsafe.2.1.refuse.AUTOMATIC/", "COMPENSATE"),
        ("stuck-executions:busy/verifiable/3.4.ABORTED", "outcome"),
        ("drift:crm___create_task.verifiable/verify-gone", "TOOL_GONE VERIFY"),
        ("drift:0-7.idempotent/only-reads", "not honoured in: ACT"),
        ("fairness:3.quick", "most_at_once: 10"),
    ],
)
def test_a_case_can_be_played_again(token: str, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a counter-example prints is enough to see the whole story."""
    assert command_line.main(["--replay", token]) == 0
    assert part in capsys.readouterr().out


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "load:1",
        "crash-matrix:",
        "crash-matrix:accepted/unsafe/x",
        "random-schedules:x",
        "kill-switch:accepted",
        "compensation:a.b/",
        "stuck-executions:a/b/c.d.e",
        "fairness:x",
        "planted-bugs:nobody",
        "drift:crm___create_task.unsafe/gone",
        "drift:crm___create_task.verifiable/nothing",
        "drift:x-y.verifiable/gone",
        "one-post:silence/acted/unsafe/2026-07-28",
        "one-post:nothing/acted/unsafe/2026-07-28/1/call",
        "fuzzed-responses:refusal-message/9999",
    ],
)
def test_a_wrong_token_is_one_sentence(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback reaches whoever mistypes it."""
    assert command_line.main(["--replay", token]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "to unpack" not in said


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.replay is not None], ids=lambda row: row.id)
def test_whoever_mistypes_a_token_is_shown_one(row: Row, capsys: pytest.CaptureFixture[str]) -> None:
    """How a row writes its cases is nowhere else to be seen while no line is red."""
    assert command_line.main(["--replay", f"{row.id}:?"]) == 2
    assert f"One that does is {row.id}:{row.example}" in capsys.readouterr().err
    assert row.example


@pytest.mark.parametrize("row", [row for row in IN_PROCESS if row.id != "planted-bugs"], ids=lambda row: row.id)
def test_the_token_that_is_shown_names_a_case(row: Row) -> None:
    """It can be played as it stands; the one that plants every defect is what its row plays."""
    assert row.replay is not None
    assert row.replay(row.example)


def test_rows_that_only_add_up_cannot_be_played_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """They would show nothing."""
    assert command_line.main(["--row", "agreement"]) == 2
    assert "adds up other rows" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [["--workers", "0"], ["--seed", "-1"], ["--seed", "x"], ["--row", "nonsense"]], ids=" ".join
)
def test_a_wrong_option_is_refused_before_anything_is_played(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With what would do."""
    with pytest.raises(SystemExit) as ended:
        command_line.main(options)
    assert ended.value.code == 2
    assert "error: argument" in capsys.readouterr().err
