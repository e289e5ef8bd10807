"""`stack.json`: how another process finds a running stack."""

import json
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from local.stack import StackError, StackInfo


def test_what_is_saved_can_be_loaded(info: StackInfo, tmp_path: Path) -> None:
    """Another process sees exactly what this one wrote."""
    file = tmp_path / "stack.json"
    info.save(file)
    assert StackInfo.load(file) == info
    assert json.loads(file.read_text())["credentials"] == {"access_key_id": "id", "secret_access_key": "key"}


def test_the_file_is_for_its_owner_only(info: StackInfo, tmp_path: Path) -> None:
    """It holds a key, if only to an emulator."""
    file = tmp_path / "stack.json"
    info.save(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["stack.json"]


def test_the_key_is_not_in_what_is_printed(info: StackInfo) -> None:
    """A description of a stack may end in a log."""
    assert "key'" not in repr(info).replace("secret_access_key=SecretStr('**********')", "")


def test_without_a_file_there_is_no_stack(tmp_path: Path) -> None:
    """The message says how to start one."""
    with pytest.raises(StackError, match=r"No stack is running here.*make local"):
        StackInfo.load(tmp_path / "stack.json")


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    """A missing or unknown field is not guessed at."""
    (tmp_path / "stack.json").write_text('{"endpoint_url": "https://127.0.0.1:1"}')
    with pytest.raises(StackError, match="does not describe a stack of this version"):
        StackInfo.load(tmp_path / "stack.json")


def test_a_description_cannot_be_changed(info: StackInfo) -> None:
    """It says where things are; to change it would move nothing."""
    with pytest.raises(ValidationError):
        info.region = "eu-west-1"  # type: ignore[misc]  # that is the point
