"""A running tool server that lets everybody in, and a caller of it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.tool_server.server import ToolServer
from tests.integration.tool_server.calling import Caller


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[ToolServer]:
    """A server that lets everybody in, on a fresh database."""
    with ToolServer(tmp_path / "tools.db") as server:
        yield server


@pytest.fixture
def caller(tools: ToolServer) -> Iterator[Caller]:
    """A caller of that server."""
    with httpx.Client(trust_env=False) as http:
        yield Caller(http, tools.url)
