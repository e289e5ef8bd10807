"""The reference tool server over HTTP: its answers, each of its faults, and whom it lets in."""

import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from local.certificates import issue_certificate
from local.emulator import Emulator
from local.tool_server.catalogue import CATALOGUE
from local.tool_server.faults import Fault, FaultKind, FaultPlan
from local.tool_server.server import ToolServer, ToolServerError
from local.tool_server.tokens import TokenPolicy
from local.tool_server.witness import Witness

ROOT = Path(__file__).parents[2]
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


def _answer(response: httpx.Response) -> dict[str, Any]:
    result: dict[str, Any] = response.json()["result"]
    [block] = result["content"]
    assert httpx.Response(200, text=block["text"]).json() == result["structuredContent"]
    assert result["isError"] is not result["structuredContent"]["success"]
    answer: dict[str, Any] = result["structuredContent"]
    return answer


def test_the_catalogue_is_listed_with_its_schemas(tools: ToolServer, caller: Caller) -> None:
    """A client learns the names, the arguments and the answers from the server itself."""
    body, headers = request("tools/list")
    listed = caller.http.post(tools.url, json=body, headers=headers).json()["result"]["tools"]
    assert {tool["name"] for tool in listed} == set(CATALOGUE)
    assert all(tool["inputSchema"] and tool["outputSchema"] and tool["annotations"] for tool in listed)


def test_a_call_writes_once_and_a_repeat_is_recognised(tools: ToolServer, caller: Caller) -> None:
    """The effect, the caller's own run and both requests can be witnessed."""
    first = _answer(caller.create({"due_date": "2026-12-01", "priority": "HIGH"}))
    second = _answer(caller.create({"due_date": "2026-12-01", "priority": "HIGH"}))
    assert second == {**first, "deduplicated": True}
    witness = Witness(tools.database)
    assert [task.object_id for task in witness.objects("intent-1")] == [first["external_object_id"]]
    assert [(effect.operation, effect.tool_run_ref) for effect in witness.effects("intent-1")] == [
        ("CREATE", "run-1"),
        ("DEDUPE", "run-1"),
    ]
    assert [entry.http_status for entry in witness.requests("intent-1")] == [200, 200]


@pytest.mark.parametrize(
    "fields, place",
    [
        ({"title": 5}, "title"),
        ({"priority": "URGENT"}, "priority"),
        ({"due_date": "tomorrow-secret"}, "due_date"),
        ({"colour": "red"}, "colour"),
        ({"execution_context": {"tenant_id": "tenant-1"}}, "execution_context.idempotency_key"),
    ],
)
def test_wrong_arguments_are_refused_by_name_and_not_by_value(
    tools: ToolServer, caller: Caller, fields: dict[str, object], place: str
) -> None:
    """The refusal is typed, says where the fault lies, repeats no value, and nothing is written."""
    answer = _answer(caller.create(fields))
    assert (answer["error_code"], answer["error_class"]) == ("VALIDATION_ERROR", "VALIDATION")
    assert f"{place}:" in answer["error_message"]
    assert "tomorrow-secret" not in answer["error_message"]
    assert Witness(tools.database).objects() == []


def test_an_unknown_tool_is_an_error_of_the_call(caller: Caller) -> None:
    """It is answered as the SDK's own servers answer it."""
    body, headers = request("tools/call", "crm___explode", {})
    result = caller.http.post(caller.url, json=body, headers=headers).json()["result"]
    assert result["isError"] is True
    assert result["content"][0]["text"] == "Unknown tool: crm___explode"


def _plan(tools: ToolServer, fault: Fault) -> None:
    FaultPlan(tools.database).add(fault)


def _written(tools: ToolServer) -> int:
    return len(Witness(tools.database).objects("intent-1"))


def _last_request(tools: ToolServer) -> tuple[str | None, int | None]:
    last = Witness(tools.database).requests("intent-1")[-1]
    return last.fault, last.http_status


def test_a_planned_refusal_writes_nothing(tools: ToolServer, caller: Caller) -> None:
    """The tool's own refusal, with the message that was planned."""
    _plan(tools, Fault(kind=FaultKind.REFUSE, message="This account takes no tasks."))
    assert _answer(caller.create()) == {
        "success": False,
        "error_code": "VALIDATION_ERROR",
        "error_class": "VALIDATION",
        "error_message": "This account takes no tasks.",
        "external_objects": [],
    }
    assert _written(tools) == 0


def test_a_failure_after_the_write_names_what_was_written(tools: ToolServer, caller: Caller) -> None:
    """The failure is typed, and its reference is that of the row which exists."""
    _plan(tools, Fault(kind=FaultKind.FAIL_AFTER_WRITE))
    answer = _answer(caller.create())
    [task] = Witness(tools.database).objects("intent-1")
    assert (answer["success"], answer["error_class"]) == (False, "DOWNSTREAM")
    assert [ref["object_id"] for ref in answer["external_objects"]] == [task.object_id]


@pytest.mark.parametrize("kind, rows", [(FaultKind.DROP_BEFORE_WRITE, 0), (FaultKind.DROP_AFTER_WRITE, 1)])
def test_a_dropped_connection_gives_no_answer_at_all(
    tools: ToolServer, caller: Caller, kind: FaultKind, rows: int
) -> None:
    """The client sees a broken connection; only the witness knows whether the write happened."""
    _plan(tools, Fault(kind=kind))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        caller.create()
    assert _written(tools) == rows
    assert _last_request(tools) == (kind, None)
    assert _answer(caller.create())["deduplicated"] is (rows == 1)
    assert _written(tools) == 1


@pytest.mark.parametrize(
    "kind, seconds, status, retry_after, rows",
    [
        (FaultKind.RATE_LIMITED, 7, 429, "7", 0),
        (FaultKind.RATE_LIMITED, None, 429, "1", 0),
        (FaultKind.UNAVAILABLE, None, 503, None, 0),
        (FaultKind.UNAVAILABLE_AFTER_WRITE, None, 503, None, 1),
    ],
    ids=["rate-limited", "rate-limited-by-default", "unavailable", "unavailable-after-write"],
)
def test_a_fault_of_the_gateway_is_an_http_status(
    tools: ToolServer,
    caller: Caller,
    kind: FaultKind,
    seconds: int | None,
    status: int,
    retry_after: str | None,
    rows: int,
) -> None:
    """The status says nothing about the write, and the next call goes through."""
    _plan(tools, Fault(kind=kind, retry_after=seconds))
    response = caller.create()
    assert (response.status_code, response.headers.get("Retry-After")) == (status, retry_after)
    assert "result" not in response.json()
    assert _written(tools) == rows
    assert _last_request(tools) == (kind, status)
    assert caller.create().status_code == 200


def test_a_slow_tool_acts_although_its_caller_has_given_up(tools: ToolServer, caller: Caller) -> None:
    """A timeout proves nothing: the effect comes after it."""
    _plan(tools, Fault(kind=FaultKind.SLOW, seconds=0.4))
    with pytest.raises(httpx.ReadTimeout):
        caller.create(timeout_seconds=0.1)
    assert _written(tools) == 0
    _plan(tools, Fault(kind=FaultKind.SLOW, seconds=0.6))
    assert _answer(caller.create())["deduplicated"] is True
    assert _written(tools) == 1


@pytest.mark.parametrize(
    "kind, is_error", [(FaultKind.NOT_JSON, False), (FaultKind.UNTYPED_ERROR, True)], ids=["text", "error"]
)
def test_a_tool_can_answer_with_mere_text(
    tools: ToolServer, caller: Caller, kind: FaultKind, *, is_error: bool
) -> None:
    """There is no structured content, the text is no JSON, and nothing is written."""
    _plan(tools, Fault(kind=kind, message="<b>maintenance</b>"))
    result = caller.create().json()["result"]
    assert result["isError"] is is_error
    assert "structuredContent" not in result
    assert result["content"][0]["text"] == "<b>maintenance</b>"
    assert _written(tools) == 0


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
            _answer(Caller(http, first.url).create())
        with ToolServer(tmp_path / "tools.db", port=port) as second:
            assert _answer(Caller(http, second.url).create())["deduplicated"] is True


def test_it_serves_https_and_drops_there_too(tmp_path: Path) -> None:
    """A gateway that insists on TLS can be stood in for, its broken connections included."""
    tls = issue_certificate(tmp_path / "tls")
    with (
        ToolServer(tmp_path / "tools.db", tls=tls) as tools,
        httpx.Client(trust_env=False, verify=ssl.create_default_context(cafile=tls.ca_bundle)) as http,
    ):
        assert tools.url.startswith("https://")
        _plan(tools, Fault(kind=FaultKind.DROP_AFTER_WRITE))
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            Caller(http, tools.url).create()
        assert _answer(Caller(http, tools.url).create())["deduplicated"] is True


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


class Guarded(NamedTuple):
    """A server that checks tokens, and the tokens that a real issuer gave for it."""

    tools: ToolServer
    good: str
    other_scope: str
    other_client: str


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The tool server behind the embedded AWS's Cognito, as the stack uses it."""
    folder = tmp_path_factory.mktemp("guarded")
    with Emulator(folder / "emulator") as aws:
        cognito = aws.client("cognito-idp")
        pool = cognito.create_user_pool(PoolName="tools")["UserPool"]["Id"]
        cognito.create_resource_server(
            UserPoolId=pool,
            Identifier="tools",
            Name="tools",
            Scopes=[{"ScopeName": name, "ScopeDescription": name} for name in ("invoke", "read")],
        )
        client_id, good, other_scope = _client(aws, pool, "tools/invoke", "tools/read")
        _, other_client = _client(aws, pool, "tools/invoke")
        policy = TokenPolicy(
            jwks_url=f"{aws.endpoint_url}/{pool}/.well-known/jwks.json",
            issuer=f"https://cognito-idp.{aws.region}.amazonaws.com/{pool}",
            required_scopes=("tools/invoke",),
            allowed_client_ids=(client_id,),
            ca_bundle=aws.ca_bundle,
        )
        with ToolServer(folder / "tools.db", tokens=policy) as tools:
            yield Guarded(tools, good, other_scope, other_client)


def _client(aws: Emulator, pool: str, *scopes: str) -> list[str]:
    """Register a client, and return its id and one token per scope."""
    client = aws.client("cognito-idp").create_user_pool_client(
        UserPoolId=pool,
        ClientName="caller",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=list(scopes),
    )["UserPoolClient"]
    trust = ssl.create_default_context(cafile=aws.ca_bundle)
    tokens = []
    with httpx.Client(trust_env=False, verify=trust) as http:
        for scope in scopes:
            granted = http.post(
                f"{aws.endpoint_url}/oauth2/token",
                data={"grant_type": "client_credentials", "scope": scope},
                auth=(client["ClientId"], client["ClientSecret"]),
            )
            tokens.append(granted.json()["access_token"])
    return [client["ClientId"], *tokens]


def _create_with(guarded: Guarded, token: str | None) -> httpx.Response:
    with httpx.Client(trust_env=False) as http:
        return Caller(http, guarded.tools.url).create(token=token)


def test_the_issuers_own_token_opens_the_tools(guarded: Guarded) -> None:
    """A real client-credentials token, verified against the issuer's published keys, is let in."""
    assert _answer(_create_with(guarded, guarded.good))["success"] is True


def test_tokens_that_prove_nothing_are_answered_401(guarded: Guarded) -> None:
    """A missing, garbled, altered or foreign client's token is refused before any tool runs."""
    written = len(Witness(guarded.tools.database).effects())
    head, payload, signature = guarded.good.split(".")
    middle = len(signature) // 2
    altered = signature[:middle] + ("A" if signature[middle] != "A" else "B") + signature[middle + 1 :]
    unsigned = "eyJhbGciOiJub25lIn0"
    refused = {
        "missing": None,
        "garbled": "no-token",
        "altered": f"{head}.{payload}.{altered}",
        "unsigned": f"{unsigned}.{payload}.",
        "other client": guarded.other_client,
    }
    answers = {name: _create_with(guarded, token) for name, token in refused.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(refused, 401)
    assert all(answer.headers["WWW-Authenticate"].startswith("Bearer ") for answer in answers.values())
    assert len(Witness(guarded.tools.database).effects()) == written


def test_a_token_without_the_scope_is_answered_403(guarded: Guarded) -> None:
    """The right client with the wrong scope is known, and still not allowed."""
    response = _create_with(guarded, guarded.other_scope)
    assert response.status_code == 403
    assert response.json()["error"] == "insufficient_scope"


def test_a_refused_token_does_not_use_up_a_planned_fault(guarded: Guarded) -> None:
    """The fault waits for the first call that is allowed, and the log shows both."""
    _plan(guarded.tools, Fault(kind=FaultKind.UNAVAILABLE))
    statuses = [_create_with(guarded, token).status_code for token in (None, guarded.good)]
    assert statuses == [401, 503]
    logged = Witness(guarded.tools.database).requests("intent-1")[-2:]
    assert [(entry.fault, entry.http_status) for entry in logged] == [(None, 401), ("UNAVAILABLE", 503)]
    assert guarded.good not in guarded.tools.database.read_bytes().decode("latin-1")
