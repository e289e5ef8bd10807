"""The MCP gateway's own promises: phases, proofs, caps, and a token that goes to one place only."""

import base64
import json
import logging
from collections.abc import Callable

import httpx
import pytest

from adapters.mcp.answer_reader import GatewayLimits
from domain.model.canonical_json import MAX_DEPTH
from domain.model.errors import ConfigurationError, ErrorCode
from domain.model.tool_call import TransportFailure, TransportPhase
from tests.adapters.mcp.stand_in import (
    CANARY,
    REQUEST_ID,
    Chunks,
    FixedTokens,
    Handler,
    Harness,
    a_call,
    a_response,
    a_result,
    an_rpc_error,
    failing,
    replying,
    saying,
)


def test_the_request_is_what_the_protocol_version_asks_for() -> None:
    """Every header and every member of the measured request is there, and nothing else decides the route."""
    harness = Harness()
    harness.answer()
    [request] = harness.requests
    assert (request.method, str(request.url)) == ("POST", "https://gateway.example.test/mcp")
    assert request.headers["Accept"] == "application/json, text/event-stream"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["MCP-Protocol-Version"] == "2026-07-28"
    assert request.headers["Mcp-Method"] == "tools/call"
    assert request.headers["Mcp-Name"] == "crm___create_task"
    assert request.headers["Authorization"] == f"Bearer {CANARY}"
    body = json.loads(request.content)
    assert (body["jsonrpc"], body["id"], body["method"]) == ("2.0", REQUEST_ID, "tools/call")
    assert body["params"]["name"] == "crm___create_task"
    assert body["params"]["arguments"] == a_call().wire_arguments


def test_the_execution_context_travels_in_meta_for_every_tool() -> None:
    """A tool whose schema has no reserved argument still receives the key, the tenant and the run."""
    harness = Harness()
    call = a_call(passes_execution_context=False)
    reply = harness.gateway.send(call, deadline_seconds=20)
    params = json.loads(harness.requests[0].content)["params"]
    assert params["arguments"] == {"title": "Call the customer back"}
    assert params["_meta"]["cc-native/execution"] == {
        "idempotency_key": call.idempotency_key,
        "action_intent_id": "intent-1",
        "tenant_id": "tenant-1",
        "account_id": "account-1",
        "trace_id": call.trace_id,
        "tool_run_ref": call.tool_run_ref,
    }
    assert params["_meta"]["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
    assert params["_meta"]["io.modelcontextprotocol/clientCapabilities"] == {}
    assert json.loads(harness.requests[0].content) == reply.request


def test_the_scopes_asked_for_reach_the_token_provider() -> None:
    """Each call asks for the token its mapping names."""
    harness = Harness()
    harness.gateway.send(a_call(), deadline_seconds=20, scopes=("crm/write",))
    assert harness.tokens.asked == [("crm/write",)]


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("late"), httpx.PoolTimeout("")])
def test_an_error_before_any_connection_proves_that_nothing_was_sent(error: httpx.TransportError) -> None:
    """Nothing was connected, so no byte left."""
    failure = Harness(failing(error)).failure()
    assert (failure.phase, failure.timed_out) == (
        TransportPhase.CONNECT,
        isinstance(error, httpx.TimeoutException),
    )


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadError("reset"),
        httpx.ReadTimeout("late"),
        httpx.WriteError("reset"),
        httpx.WriteTimeout("late"),
        httpx.RemoteProtocolError("closed"),
        httpx.ProxyError("no"),
        OSError("odd"),
        RuntimeError("nobody foresaw this"),
    ],
)
def test_without_proof_the_body_counts_as_sent(error: Exception) -> None:
    """An error that proves nothing is ambiguous, whatever it is, and comes back as data."""
    failure = Harness(failing(error)).failure()
    assert (failure.phase, failure.timed_out) == (
        TransportPhase.SENT_SOMETHING,
        isinstance(error, httpx.TimeoutException),
    )


@pytest.mark.parametrize("status", [202, 204, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504])
def test_another_status_than_200_is_told_as_such(status: int) -> None:
    """What a status proves is not decided here."""
    failure = Harness(replying(b"<html>", status=status, content_type="text/html")).failure()
    assert (failure.phase, failure.http_status) == (TransportPhase.HTTP_STATUS, status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_token_stays_here(status: int) -> None:
    """A redirect is an HTTP status like any other: one request, one host."""
    harness = Harness(replying(b"", status=status, headers={"Location": "https://elsewhere.example.test/mcp"}))
    assert harness.failure().http_status == status
    assert [request.url.host for request in harness.requests] == ["gateway.example.test"]


def test_a_refused_token_is_forgotten() -> None:
    """After a 401 the next send fetches a new token; this one is not repeated."""
    harness = Harness(replying(b'{"error":"invalid_token"}', status=401))
    harness.failure()
    assert (harness.tokens.forgotten, len(harness.requests)) == (1, 1)


@pytest.mark.parametrize("status", [200, 403, 500])
def test_a_token_that_was_not_refused_is_kept(status: int) -> None:
    """Only a 401 speaks of the token itself."""
    harness = Harness(saying(a_response(), status=status))
    harness.outcome()
    assert harness.tokens.forgotten == 0


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize("request_id", [REQUEST_ID, None])
def test_a_json_rpc_error_is_told_with_its_code(status: int, request_id: str | None) -> None:
    """MCP carries its errors with 200, 400 and 404; a null id means that ours could not be read."""
    code = -32601 if request_id else -32600
    failure = Harness(saying(an_rpc_error(code, id=request_id), status=status)).failure()
    assert (failure.phase, failure.rpc_code) == (TransportPhase.RPC_ERROR, code)
    assert failure.http_status in {None, status}


@pytest.mark.parametrize("code", [-32601, -32602, -32603])
def test_an_error_without_our_id_that_shows_the_request_was_read_is_no_answer_to_it(code: int) -> None:
    """Only a request that could not be read may be answered without its id (JSON-RPC 2.0, section 5)."""
    failure = Harness(saying(an_rpc_error(code, id=None))).failure()
    assert failure.phase is TransportPhase.MALFORMED


@pytest.mark.parametrize(
    "document",
    [an_rpc_error(id="another"), an_rpc_error("-32601"), an_rpc_error(True), a_response(), [], None],  # noqa: FBT003  a boolean is the illegal code
)
def test_an_http_error_whose_body_is_no_error_of_ours_stays_an_http_error(document: object) -> None:
    """Only a well-formed JSON-RPC error to our own request outranks the status."""
    failure = Harness(saying(document, status=400)).failure()
    assert (failure.phase, failure.http_status, failure.rpc_code) == (TransportPhase.HTTP_STATUS, 400, None)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_json_rpc_error_does_not_outrank_a_status_that_speaks_for_itself(status: int) -> None:
    """A 503 with "invalid request" inside proves nothing about the tool."""
    failure = Harness(saying(an_rpc_error(-32600), status=status, headers={"Retry-After": "3"})).failure()
    assert (failure.phase, failure.http_status) == (TransportPhase.HTTP_STATUS, status)
    assert failure.retry_after_seconds == 3


def test_a_broken_body_of_an_http_error_does_not_hide_the_status() -> None:
    """The status line arrived, and it is what proves something."""
    body = Chunks(b'{"jsonrpc"', httpx.ReadError("reset"))
    failure = Harness(replying(body, status=429)).failure()
    assert (failure.phase, failure.http_status) == (TransportPhase.HTTP_STATUS, 429)


@pytest.mark.parametrize("spare, phase", [(0, None), (-1, TransportPhase.RESPONSE_BODY)])
def test_an_answer_larger_than_its_cap_is_not_read(spare: int, phase: TransportPhase | None) -> None:
    """One byte too many and the call is in doubt; the archive keeps what fits."""
    body = json.dumps(a_response()).encode()
    harness = Harness(
        replying(Chunks(body[:10], body[10:])), limits=GatewayLimits(max_response_bytes=len(body) + spare)
    )
    reply = harness.gateway.send(a_call(), deadline_seconds=20)
    assert getattr(reply.outcome, "phase", None) is phase
    assert len(reply.response_text) == len(body) + spare


def test_an_answer_that_breaks_off_leaves_the_call_in_doubt() -> None:
    """Half an answer is archived and not believed."""
    reply = Harness(replying(Chunks(b'{"jsonrpc"', httpx.ReadError("reset")))).gateway.send(
        a_call(), deadline_seconds=20
    )
    assert isinstance(reply.outcome, TransportFailure)
    assert (reply.outcome.phase, reply.outcome.timed_out) == (TransportPhase.RESPONSE_BODY, False)
    assert reply.response_text == '{"jsonrpc"'


def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    """Each piece comes in time, the whole does not; nobody waits longer than was agreed."""
    harness = Harness()
    drip: list[Callable[[], None] | bytes] = [lambda: harness.clock.advance(6), b" "] * 10
    body = Chunks(*drip)
    harness = Harness(replying(body))
    failure = harness.failure(deadline_seconds=20)
    assert (failure.phase, failure.timed_out) == (TransportPhase.RESPONSE_BODY, True)
    assert body.given == 8


def test_a_token_that_takes_too_long_leaves_nothing_to_send() -> None:
    """The deadline covers the token; when it is over, nothing has happened."""

    class Slow(FixedTokens):
        def token(self, scopes: object = ()) -> str:
            del scopes
            harness.clock.advance(30)
            return CANARY

    harness = Harness(tokens=Slow())
    failure = harness.failure(deadline_seconds=20)
    assert (failure.phase, failure.timed_out) == (TransportPhase.SENT_NOTHING, True)
    assert harness.requests == []


@pytest.mark.parametrize("token", ["", "two words", "line\r\nX-Evil: 1", "snow☃man-0123456789"])
def test_a_token_that_no_header_may_carry_is_not_sent(token: str) -> None:
    """Nothing an identity provider answers can end the header."""
    harness = Harness(tokens=FixedTokens(token))
    assert harness.failure().phase is TransportPhase.TOKEN
    assert harness.requests == []


@pytest.mark.parametrize("name", ["x\r\nX-Evil: 1", "snow☃man", " edge", "=?base64?eA==?=", "", "tab\t"])
def test_a_tool_name_cannot_inject_a_header(name: str) -> None:
    """Even one that no mapping could hold is wrapped as the protocol says."""
    harness = Harness()
    harness.outcome(a_call().model_copy(update={"tool_name": name}))
    [request] = harness.requests
    assert "X-Evil" not in request.headers
    wrapped = request.headers["Mcp-Name"].removeprefix("=?base64?").removesuffix("?=")
    assert base64.b64decode(wrapped, validate=True).decode() == name
    assert json.loads(request.content)["params"]["name"] == name


@pytest.mark.parametrize("version", ["2024-11-05", "2027-01-01", "", "2026-07-28 "])
def test_an_unsupported_protocol_version_is_refused_with_the_supported_one(version: str) -> None:
    """A deployment that asks for it learns so before anything is sent."""
    harness = Harness(version=version)
    with pytest.raises(ConfigurationError, match="2026-07-28, and enable it") as raised:
        harness.outcome()
    assert raised.value.error_code is ErrorCode.CONFIGURATION_ERROR
    assert (harness.requests, harness.tokens.asked) == ([], [])


def test_arguments_as_deep_as_a_parameter_may_be_can_be_sent() -> None:
    """The envelope around the arguments does not count against their own nesting limit."""
    arguments: dict[str, object] = {}
    for _ in range(MAX_DEPTH):
        arguments = {"a": arguments}
    harness = Harness()
    harness.outcome(a_call(arguments=arguments))
    assert len(harness.requests) == 1


def _echo(request: httpx.Request) -> httpx.Response:
    echoed = str(request.headers["Authorization"])
    content = [{"type": "text", "text": echoed}]
    return httpx.Response(200, json=a_response(a_result(content=content, structuredContent={"echo": echoed})))


def _echo_error(request: httpx.Request) -> httpx.Response:
    return httpx.Response(400, json=an_rpc_error(message=f"bad {request.headers['Authorization']}"))


def _echo_exception(request: httpx.Request) -> httpx.Response:
    raise httpx.LocalProtocolError(f"Illegal header value {request.headers['Authorization']!r}")


@pytest.mark.parametrize("handler", [_echo, _echo_error, _echo_exception])
def test_the_token_is_in_no_reply_log_or_repr(handler: Handler, caplog: pytest.LogCaptureFixture) -> None:
    """Not even when the gateway, or the transport's own error, quotes it."""
    caplog.set_level(logging.DEBUG)
    harness = Harness(handler)
    reply = harness.gateway.send(a_call(), deadline_seconds=20)
    assert harness.requests[0].headers["Authorization"].endswith(CANARY)
    told = (reply.model_dump_json(), repr(reply), repr(harness.gateway), str(vars(harness.gateway)), caplog.text)
    assert [text for text in told if "CANARY" in text] == []
