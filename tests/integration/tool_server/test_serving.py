"""The server as a thing to start, to stop and to run as a command."""

import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from local.certificates import issue_certificate
from local.tool_server.faults import Fault, FaultKind
from local.tool_server.server import ToolServer, ToolServerError
from tests.integration.tool_server.calling import Caller, answer_of, plan

ROOT = Path(__file__).parents[3]


def test_a_second_server_on_a_taken_port_says_so(tools: ToolServer, tmp_path: Path) -> None:
    """The message names the port and the way out."""
    port = httpx.URL(tools.url).port
    assert port is not None
    with pytest.raises(ToolServerError) as refusal:
        ToolServer(tmp_path / "other.db", port=port).start()
    assert f"Port {port} on 127.0.0.1 cannot be used" in str(refusal.value)


def test_a_stopped_server_frees_its_port_and_keeps_its_database(tmp_path: Path) -> None:
    """The next server on the same port and file knows what the first one wrote."""
    with httpx.Client(trust_env=False) as http:
        with ToolServer(tmp_path / "tools.db") as first:
            port = httpx.URL(first.url).port or 0
            answer_of(Caller(http, first.url).create())
        with ToolServer(tmp_path / "tools.db", port=port) as second:
            assert answer_of(Caller(http, second.url).create())["deduplicated"] is True


def test_it_serves_https_and_drops_there_too(tmp_path: Path) -> None:
    """A gateway that insists on TLS can be stood in for, its broken connections included."""
    tls = issue_certificate(tmp_path / "tls")
    with (
        ToolServer(tmp_path / "tools.db", tls=tls) as tools,
        httpx.Client(trust_env=False, verify=ssl.create_default_context(cafile=tls.ca_bundle)) as http,
    ):
        assert tools.url.startswith("https://")
        plan(tools, Fault(kind=FaultKind.DROP_AFTER_WRITE))
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            Caller(http, tools.url).create()
        assert answer_of(Caller(http, tools.url).create())["deduplicated"] is True


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """It prints the URL first, takes a fault plan, and ends cleanly."""
    plan = tmp_path / "faults.json"
    plan.write_text('[{"kind": "UNAVAILABLE"}]')
    command = [sys.executable, "-m", "local.tool_server"]
    command += ["--database", str(tmp_path / "tools.db"), "--fault-plan", str(plan)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with process, httpx.Client(trust_env=False) as http:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        statuses = [Caller(http, url).create().status_code for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert statuses == [503, 200]
