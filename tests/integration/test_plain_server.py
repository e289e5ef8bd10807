"""A stack on somebody else's MCP server: the example that a newcomer runs, in the newest version and an older one.

The server knows nothing of this system. What it prints is the witness: a ticket was opened once, and is the one that
the outcome names.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.model.identifiers import IntentRef
from domain.model.outcome import Outcome, OutcomeStatus
from local import __main__ as command_line
from local.commands import running
from local.documents import IntentDocument
from local.gateway_probe import check_gateway
from local.operations import Operations
from local.stack import LocalStack
from local.stack_info import StackError, StackInfo
from local.stores import journal_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "plain_server"
START_SECONDS, SETTLE_SECONDS = 20.0, 60.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Desk:
    """The example's server as a process of its own."""

    def __init__(self, log: Path) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}/mcp"
        self._log = log
        with log.open("w") as out:
            command = [sys.executable, str(EXAMPLE / "server.py"), "--port", str(port)]
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    def wait(self) -> None:
        """Return when it answers."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return check_gateway(self.url)
            except StackError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"the example's server did not start: {self._log.read_text()}")
                time.sleep(0.1)

    def opened(self) -> list[str]:
        """Return what it says it opened."""
        return [line for line in self._log.read_text().splitlines() if line.startswith("opened ")]

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(timeout=10)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A running server with no ticket."""
    server = Desk(tmp_path / "desk.log")
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def _outcome(info: StackInfo, ref: IntentRef) -> Outcome:
    deadline = time.monotonic() + SETTLE_SECONDS
    while (outcome := journal_of(info).find_outcome(ref)) is None:
        if time.monotonic() > deadline:
            pytest.fail(f"no outcome of {ref} within {SETTLE_SECONDS:g} s")
        time.sleep(0.1)
    return outcome


@pytest.mark.parametrize("version", ["2026-07-28", "2025-11-25"])
def test_an_approved_intent_is_carried_out_on_a_server_that_is_not_ours(
    tmp_path: Path, desk: Desk, version: str
) -> None:
    """Seeded and approved as the README says; the ticket is opened once, and the outcome names it."""
    config = {"mcpProtocolVersion": version}
    with LocalStack(tmp_path / "stack", gateway_url=desk.url, wait_scale=0.01, config=config) as stack:
        operations = Operations(stack.info)
        files = [EXAMPLE / "mapping.json", EXAMPLE / "intent.json"]
        (intent,) = [one.intent for one in operations.seed_files(files).documents if isinstance(one, IntentDocument)]
        operations.approve(intent.ref, approved_by="alex.approver", times=2)
        outcome = _outcome(stack.info, intent.ref)
    assert outcome.status is OutcomeStatus.SUCCEEDED, outcome.error_message
    (ticket,) = outcome.external_object_refs
    assert (ticket.object_type, ticket.object_id) == ("Ticket", "TICKET-1")
    assert desk.opened() == [f"opened TICKET-1: {intent.parameters['subject']}"]


def test_a_server_that_is_not_there_stops_the_command_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence with the fix, and no stack that would hold every action up."""
    monkeypatch.setattr(running, "FOLDER", tmp_path / ".local")
    assert command_line.main(["up", "--gateway-url", f"http://127.0.0.1:{_free_port()}/mcp"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: --gateway-url http://127.0.0.1:")
    assert "Start the MCP server first" in said
    assert "Traceback" not in said
    assert not (tmp_path / ".local").exists()
