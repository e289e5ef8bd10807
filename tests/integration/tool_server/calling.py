"""How the tests of the tool server call it: plain HTTP, so that no client's cleverness is in between."""

from typing import Any, NamedTuple

import httpx

from local.tool_server.faults import Fault, FaultPlan
from local.tool_server.server import ToolServer
from local.tool_server.witness import Witness

PROTOCOL = "2026-07-28"
CREATE = "crm___create_task"


def request(
    method: str, name: str | None = None, arguments: dict[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the body and the headers of the smallest complete request of the newest protocol version."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": PROTOCOL,
        "io.modelcontextprotocol/clientCapabilities": {},
        "cc-native/execution": {"tool_run_ref": "run-1"},
    }
    params: dict[str, Any] = {"_meta": meta}
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": PROTOCOL,
        "Mcp-Method": method,
    }
    if name is not None:
        params |= {"name": name, "arguments": arguments}
        headers["Mcp-Name"] = name
    return {"jsonrpc": "2.0", "id": "1", "method": method, "params": params}, headers


class Caller(NamedTuple):
    """Calls the tools of one server as an intent."""

    http: httpx.Client
    url: str

    def create(
        self,
        fields: dict[str, object] | None = None,
        *,
        token: str | None = None,
        timeout_seconds: float = 10,
    ) -> httpx.Response:
        """Send one `tools/call` that creates a task, always under the same key."""
        context = {
            "idempotency_key": "key-1",
            "action_intent_id": "intent-1",
            "tenant_id": "tenant-1",
            "account_id": "account-1",
        }
        arguments = {"title": "Call back", "execution_context": context, **(fields or {})}
        body, headers = request("tools/call", CREATE, arguments)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.http.post(self.url, json=body, headers=headers, timeout=timeout_seconds)


def answer_of(response: httpx.Response) -> dict[str, Any]:
    """Return the typed answer, having checked that its two forms and its error mark agree."""
    result: dict[str, Any] = response.json()["result"]
    [block] = result["content"]
    assert httpx.Response(200, text=block["text"]).json() == result["structuredContent"]
    assert result["isError"] is not result["structuredContent"]["success"]
    answer: dict[str, Any] = result["structuredContent"]
    return answer


def plan(tools: ToolServer, fault: Fault) -> None:
    """Plan one fault for the server."""
    FaultPlan(tools.database).add(fault)


def written(tools: ToolServer) -> int:
    """Return how many objects exist for the intent."""
    return len(Witness(tools.database).objects("intent-1"))


def last_request(tools: ToolServer) -> tuple[str | None, int | None]:
    """Return the fault and the status of the last attempt."""
    last = Witness(tools.database).requests("intent-1")[-1]
    return last.fault, last.http_status
