"""The command line: one sentence for every expected error, no traceback, an exit code that scripts can use."""

import json
from pathlib import Path

import pytest

from local import __main__ as command_line


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_stack_a_command_says_how_to_start_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The most common mistake is named with its fix."""
    code = command_line.main(["seed", str(tmp_path / "any.json")])
    printed = capsys.readouterr()
    assert (code, printed.out) == (1, "")
    assert "make local" in printed.err
    assert "Traceback" not in printed.err


def test_ids_of_an_illegal_shape_are_refused_before_anything_is_reached(capsys: pytest.CaptureFixture[str]) -> None:
    """A hash in an id would break the store's keys."""
    code = command_line.main(["approve", "a#b", "--tenant", "t", "--account", "a"])
    printed = capsys.readouterr()
    assert code == 1
    assert "action_intent_id" in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["up", "--wait-scale", "2"],
        ["up", "--wait-scale", "soon"],
        ["approve", "i", "--tenant", "t", "--account", "a", "--times", "0"],
        ["approve", "i"],
        [],
    ],
)
def test_a_wrong_option_ends_with_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Exit code 2, and the usage on standard error."""
    with pytest.raises(SystemExit) as caught:
        command_line.main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_broken_stack_file_is_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file of another version does not end in a traceback."""
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "stack.json").write_text(json.dumps({"endpoint": "x"}))
    code = command_line.main(["seed", "any.json"])
    assert code == 1
    assert "Start it again" in capsys.readouterr().err
