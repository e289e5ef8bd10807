"""What the emulator refuses before a process is started."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import emulator
from local.aws_clients import ROOT_CREDENTIALS, Credentials, is_enforcing
from local.emulator import Emulator, EmulatorStartError, EmulatorVersionError


def test_another_installed_version_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older emulator enforced no IAM, so a wrong version never gets as far as a process or a file."""
    monkeypatch.setattr(emulator, "_installed_version", lambda: "1.4.0")
    with pytest.raises(EmulatorVersionError) as refusal:
        Emulator(tmp_path).start()
    assert "Install ministack==1.5.33" in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The message names the folder and what to do, and nothing is left running."""
    occupied = tmp_path / "a-file"
    occupied.write_text("not a folder")
    aws = Emulator(occupied)
    with pytest.raises(EmulatorStartError) as refusal:
        aws.start()
    assert f"{occupied} cannot be written" in str(refusal.value)
    with pytest.raises(EmulatorStartError, match="not running"):
        _ = aws.pid


def test_an_emulator_that_is_not_started_has_no_endpoint(tmp_path: Path) -> None:
    """Nobody can build a client for a server that is not there."""
    with pytest.raises(EmulatorStartError) as refusal:
        _ = Emulator(tmp_path).endpoint_url
    assert "call start()" in str(refusal.value)


@pytest.mark.parametrize("wait_scale", [-0.1, float("nan"), float("inf")])
def test_a_wait_scale_that_is_no_factor_is_refused(tmp_path: Path, wait_scale: float) -> None:
    """The emulator would ignore such a value, and a test would then wait in real time."""
    with pytest.raises(ValueError, match="give a number from 0"):
        Emulator(tmp_path).set_wait_scale(wait_scale)


def test_credentials_never_show_their_secrets() -> None:
    """The secret and the session token are not part of what a log would print."""
    shown = repr(Credentials("AKIA", "the-secret", "the-token"))
    assert "AKIA" in shown
    assert "the-secret" not in shown
    assert "the-token" not in shown


class _OneService:
    """Stands in for the clients of an emulator whose answer to the stranger is chosen by the test."""

    def __init__(self, answer: Exception | None) -> None:
        self._answer = answer

    def of(self, _service: str) -> "_OneService":
        return self

    def new(self, _service: str, credentials: Credentials) -> "_OneService":
        assert credentials != ROOT_CREDENTIALS
        return self

    def create_user(self, **_arguments: str) -> None: ...
    def delete_user(self, **_arguments: str) -> None: ...
    def delete_access_key(self, **_arguments: str) -> None: ...
    def close(self) -> None: ...

    def create_access_key(self, **_arguments: str) -> dict[str, Any]:
        return {"AccessKey": {"AccessKeyId": "AKIA-stranger", "SecretAccessKey": "made-up"}}

    def list_tables(self) -> dict[str, Any]:
        if self._answer is not None:
            raise self._answer
        return {"TableNames": []}


def test_a_stranger_who_may_list_the_tables_proves_that_nothing_is_enforced() -> None:
    """Enforcement that is off is noticed by what it lets through, not by what the emulator says of itself."""
    assert not is_enforcing(_OneService(None))  # type: ignore[arg-type]  # a stand-in with the one client that is asked for


def test_only_an_access_denied_answer_counts_as_enforcement() -> None:
    """Any other error is passed on, for a broken service denies nothing."""
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "ListTables")
    broken = ClientError({"Error": {"Code": "InternalFailure", "Message": ""}}, "ListTables")
    assert is_enforcing(_OneService(denied))  # type: ignore[arg-type]  # a stand-in with the one client that is asked for
    with pytest.raises(ClientError):
        is_enforcing(_OneService(broken))  # type: ignore[arg-type]  # a stand-in with the one client that is asked for
