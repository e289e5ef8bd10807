"""The handshake of the 2025 versions: what is said, what its failures prove, and that the call is still sent once."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model.errors import ConfigurationError
from domain.model.tool_call import NEVER_SENT, ToolAnswer, TransportPhase
from domain.policies.classification import Evidence, classify
from tests.adapters.mcp.stand_in import (
    CANARY,
    Handler,
    Harness,
    a_call,
    a_response,
    a_result,
    an_event,
    answering,
    failing,
    replying,
    saying,
    streaming,
)

ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
VERSION = "2025-11-25"
OLD_VERSIONS = ["2025-03-26", "2025-06-18", VERSION]
SESSION = "a-session.0001"
CALL, INITIALIZE, INITIALIZED = "tools/call", "initialize", "notifications/initialized"
TOOL = "crm___create_task"


def agreeing(version: object = VERSION, *, session: str | None = SESSION) -> Handler:
    """Answer a handshake."""
    headers = {} if session is None else {"Mcp-Session-Id": session}

    def handle(request: httpx.Request) -> httpx.Response:
        result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "stand-in"}}
        response = a_response(result, request_id=json.loads(request.content)["id"])
        return httpx.Response(200, json=response, headers=headers)

    return handle


ACCEPTING = replying(b"", status=202)


def a_server(said: Mapping[str, Handler] = {}, *, version: str = VERSION) -> Handler:
    """Answer each method as told, and otherwise as a server with sessions does."""
    usual = {
        INITIALIZE: agreeing(version),
        INITIALIZED: ACCEPTING,
        CALL: answering(a_result()),
        "DELETE": replying(b"", status=204),
    }

    def handle(request: httpx.Request) -> httpx.Response:
        return {**usual, **said}[method_of(request)](request)

    return handle


def method_of(request: httpx.Request) -> str:
    """The JSON-RPC method of a request, or its HTTP method if it is no POST."""
    return str(json.loads(request.content)["method"]) if request.method == "POST" else request.method


def a_harness(said: Mapping[str, Handler] = {}, *, version: str = VERSION) -> Harness:
    """A gateway that begins with a handshake."""
    return Harness(a_server(said, version=version), version=version)


def methods(harness: Harness) -> list[str]:
    """What was sent, in order."""
    return [method_of(request) for request in harness.requests]


@pytest.mark.parametrize("version", OLD_VERSIONS)
def test_a_call_is_preceded_by_its_handshake_and_followed_by_its_end(version: str) -> None:
    """Four requests under one token and one session; the version stands where this version has a header for it."""
    harness = a_harness(version=version)
    assert harness.answer().structured == a_result()["structuredContent"]
    assert methods(harness) == [INITIALIZE, INITIALIZED, CALL, "DELETE"]
    first, *later = harness.requests
    assert "MCP-Protocol-Version" not in first.headers
    assert "Mcp-Session-Id" not in first.headers
    told = None if version == "2025-03-26" else version
    for request in later:
        assert request.headers.get("MCP-Protocol-Version") == told
        assert request.headers["Mcp-Session-Id"] == SESSION
    for request in harness.requests:
        assert request.headers["Authorization"] == f"Bearer {CANARY}"
        assert not {"mcp-method", "mcp-name"} & set(request.headers)
        assert str(request.url) == "https://gateway.example.test/mcp"


@pytest.mark.parametrize("version", OLD_VERSIONS)
def test_the_handshake_offers_nothing_and_the_call_carries_its_context_alone(version: str) -> None:
    """Without a capability the server may ask nothing back; ``_meta`` holds the execution context and no version."""
    harness = a_harness(version=version)
    harness.answer()
    hello, ready, call = (json.loads(request.content) for request in harness.requests[:3])
    assert (hello["params"]["protocolVersion"], hello["params"]["capabilities"]) == (version, {})
    assert hello["id"] == f"initialize-{a_call().tool_run_ref}"
    assert ready == {"jsonrpc": "2.0", "method": INITIALIZED}
    assert list(call["params"]["_meta"]) == ["cc-native/execution"]
    assert call["params"]["_meta"]["cc-native/execution"]["idempotency_key"] == a_call().idempotency_key


def test_a_handshake_may_be_answered_in_a_stream() -> None:
    """The SDK's server streams it."""
    hello = a_response({"protocolVersion": VERSION}, request_id=f"initialize-{a_call().tool_run_ref}")
    harness = a_harness({INITIALIZE: streaming(an_event(hello))})
    harness.answer()
    assert methods(harness) == [INITIALIZE, INITIALIZED, CALL]


def test_a_server_without_sessions_is_asked_once() -> None:
    """What the first handshake showed holds for this object's life."""
    harness = a_harness({INITIALIZE: agreeing(session=None)})
    for _ in range(3):
        harness.answer()
    assert methods(harness) == [INITIALIZE, INITIALIZED, CALL, CALL, CALL]


def test_a_server_with_sessions_gives_each_call_its_own() -> None:
    """No session outlives the call that it was begun for, so none is shared between tenants."""
    harness = a_harness()
    harness.answer()
    harness.answer()
    assert methods(harness) == [INITIALIZE, INITIALIZED, CALL, "DELETE"] * 2


FAILED_HANDSHAKES: dict[str, tuple[Handler, TransportPhase]] = {
    "reset": (failing(httpx.ReadError("reset")), TransportPhase.SESSION),
    "no answer in time": (failing(httpx.ReadTimeout("late")), TransportPhase.SESSION),
    "refused connection": (failing(httpx.ConnectError("refused")), TransportPhase.CONNECT),
    "503": (replying(b"", status=503, headers={"Retry-After": "9"}), TransportPhase.SESSION),
    "404": (replying(b"", status=404), TransportPhase.SESSION),
    "307": (replying(b"", status=307), TransportPhase.SESSION),
    "429": (replying(b"", status=429, headers={"Retry-After": "9"}), TransportPhase.HTTP_STATUS),
    "internal error": (
        saying({"jsonrpc": "2.0", "id": f"initialize-{a_call().tool_run_ref}", "error": {"code": -1, "message": ""}}),
        TransportPhase.SESSION,
    ),
    "another id": (saying(a_response({"protocolVersion": VERSION}, request_id="another")), TransportPhase.SESSION),
    "no version": (agreeing(None), TransportPhase.SESSION),
    "no JSON": (replying(b"<html>"), TransportPhase.SESSION),
    "cut stream": (streaming(b": ping\n\n"), TransportPhase.SESSION),
    "a session that ends the header": (agreeing(session="a b"), TransportPhase.SESSION),
    "an empty session": (agreeing(session=""), TransportPhase.SESSION),
    "an endless session": (agreeing(session="a" * 1_025), TransportPhase.SESSION),
}


@pytest.mark.parametrize("handshake, phase", FAILED_HANDSHAKES.values(), ids=FAILED_HANDSHAKES.keys())
def test_a_handshake_that_fails_proves_that_nothing_was_done(handshake: Handler, phase: TransportPhase) -> None:
    """The call was not sent, and the same call may succeed later."""
    harness = a_harness({INITIALIZE: handshake})
    failure = harness.failure()
    assert failure.phase is phase
    assert methods(harness) == [INITIALIZE]
    verdict = classify(failure, TOOL)
    assert (verdict.evidence, verdict.transient) == (Evidence.NOT_DONE, True)


@pytest.mark.parametrize("status", [503, 429])
def test_a_wish_to_wait_survives_the_handshake(status: int) -> None:
    """A busy server is asked again when it wants to be."""
    harness = a_harness({INITIALIZE: replying(b"", status=status, headers={"Retry-After": "9"})})
    assert classify(harness.failure(), TOOL).retry_after_seconds == 9


@pytest.mark.parametrize(
    "handler",
    [replying(b"", status=400), replying(b"", status=500), failing(httpx.ReadError("reset"))],
    ids=["400", "500", "reset"],
)
def test_half_a_handshake_is_none(handler: Handler) -> None:
    """A server that does not take the second half was not sent the call."""
    harness = a_harness({INITIALIZED: handler})
    assert harness.failure().phase is TransportPhase.SESSION
    assert methods(harness) == [INITIALIZE, INITIALIZED]


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_refused_in_the_handshake_is_a_token_refused(status: int) -> None:
    """It means the same as if it had struck the call: a 401 costs one new token, a 403 is final."""
    harness = a_harness({INITIALIZE: replying(b"", status=status)})
    failure = harness.failure()
    assert (failure.phase, failure.http_status) == (TransportPhase.HTTP_STATUS, status)
    assert harness.tokens.forgotten == int(status == 401)
    assert classify(failure, TOOL).token_refused is (status == 401)


@pytest.mark.parametrize("answered", ["2025-06-18", "2026-07-28", "<b>2025</b>"])
def test_a_server_that_answers_in_another_version_is_not_called(answered: str) -> None:
    """Both versions and the fix are named; a version is never switched on the way, and no markup is repeated."""
    harness = a_harness({INITIALIZE: agreeing(answered)})
    with pytest.raises(ConfigurationError, match=f"Enable {VERSION} on the gateway") as raised:
        harness.outcome()
    assert (answered in str(raised.value)) is (answered[0] == "2")
    assert methods(harness) == [INITIALIZE]


def test_a_handshake_that_takes_all_the_time_leaves_nothing_to_send() -> None:
    """The deadline covers the handshake; when it is over, the call is withheld."""

    def slow(request: httpx.Request) -> httpx.Response:
        harness.clock.advance(30)
        return agreeing()(request)

    harness = Harness()
    harness = a_harness({INITIALIZE: slow})
    failure = harness.failure(deadline_seconds=20)
    assert failure.phase in NEVER_SENT
    assert failure.timed_out
    assert CALL not in methods(harness)


@pytest.mark.parametrize(
    "call",
    [
        failing(httpx.ReadError("reset")),
        failing(httpx.ReadTimeout("late")),
        streaming(b": ping\n\n"),
        saying([a_response()]),
    ],
    ids=["reset", "late", "cut", "batch"],
)
def test_a_call_without_an_answer_is_neither_repeated_nor_cut_off(call: Handler) -> None:
    """The server may still be working for it, so its session is left to end by itself."""
    harness = a_harness({CALL: call})
    assert classify(harness.failure(), TOOL).evidence is Evidence.IN_DOUBT
    assert methods(harness) == [INITIALIZE, INITIALIZED, CALL]


def _session_not_found(status: int) -> Handler:
    return saying({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Session"}}, status=status)


def test_a_session_that_is_gone_proves_that_the_call_was_not_carried_out() -> None:
    """As the SDK's server says it: the next send begins another."""
    harness = a_harness({CALL: _session_not_found(404)})
    failure = harness.failure()
    assert (failure.phase, failure.http_status) == (TransportPhase.SESSION, 404)
    assert classify(failure, TOOL).transient
    assert methods(harness) == [INITIALIZE, INITIALIZED, CALL]


@pytest.mark.parametrize("status", [400, 404])
def test_a_server_that_wants_a_session_after_all_is_asked_for_one_next_time(status: int) -> None:
    """What an earlier handshake showed is forgotten; this call is not repeated."""
    calls = [answering(a_result()), _session_not_found(status), answering(a_result())]

    def in_turn(request: httpx.Request) -> httpx.Response:
        return calls.pop(0)(request)

    harness = a_harness({INITIALIZE: agreeing(session=None), CALL: in_turn})
    harness.answer()
    failure = harness.failure()
    assert classify(failure, TOOL).evidence is Evidence.NOT_DONE
    assert (failure.phase is TransportPhase.SESSION) is (status == 400)
    harness.answer()
    assert methods(harness) == [INITIALIZE, INITIALIZED, CALL, CALL, INITIALIZE, INITIALIZED, CALL]


def test_a_404_that_says_nothing_of_a_session_leaves_the_call_in_doubt() -> None:
    """It may as well come from behind the gateway."""
    harness = a_harness({CALL: replying(b"", status=404)})
    assert classify(harness.failure(), TOOL).evidence is Evidence.IN_DOUBT


def test_an_invalid_request_within_a_fresh_session_is_no_complaint_about_it() -> None:
    """The same request would be refused again."""
    harness = a_harness({CALL: _session_not_found(400)})
    failure = harness.failure()
    assert failure.phase is TransportPhase.RPC_ERROR
    assert not classify(failure, TOOL).transient


@pytest.mark.parametrize(
    "end",
    [failing(httpx.ReadError("reset")), failing(RuntimeError("odd")), replying(b"", status=405)],
    ids=["reset", "odd", "405"],
)
def test_how_a_session_ends_changes_nothing(end: Handler) -> None:
    """The answer is here; what becomes of the session is the server's affair."""
    assert isinstance(a_harness({"DELETE": end}).outcome(), ToolAnswer)


@pytest.mark.parametrize("left, given", [(20, 1.0), (0.5, 0.5)])
def test_ending_a_session_takes_a_second_at_most(left: float, given: float) -> None:
    """And never more than what is left of the deadline."""
    harness = a_harness()
    harness.outcome(deadline_seconds=left)
    assert set(harness.requests[-1].extensions["timeout"].values()) == {given}


def test_without_time_left_no_session_is_ended() -> None:
    """An answer that came at the last moment is not kept waiting."""

    def last_moment(request: httpx.Request) -> httpx.Response:
        harness.clock.advance(20)
        return answering(a_result())(request)

    harness = Harness()
    calls: dict[str, Callable[[httpx.Request], httpx.Response]] = {CALL: last_moment}
    harness = a_harness(calls)
    harness.outcome(deadline_seconds=20)
    assert methods(harness) == [INITIALIZE, INITIALIZED, CALL]


@pytest.mark.parametrize("version", OLD_VERSIONS)
def test_what_the_server_asks_back_is_never_answered(version: str) -> None:
    """Not a ping, not a sampling request: the stream is left, and the call is in doubt."""
    for asked in ("ping", "sampling/createMessage", "elicitation/create", "roots/list"):
        question: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": asked}
        harness = a_harness({CALL: streaming(an_event(question), an_event(a_response()))}, version=version)
        assert harness.failure().phase is TransportPhase.MALFORMED
        assert methods(harness) == [INITIALIZE, INITIALIZED, CALL]


def _nearly(request_id: str, result: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    ids = st.sampled_from([request_id, "another", None, 1])
    fields = {"jsonrpc": st.sampled_from(["2.0", "1.0"]), "id": ids}
    whole = st.fixed_dictionaries(fields, optional={"result": result, "error": ANY_JSON, "method": ANY_JSON})
    return whole.map(lambda found: json.dumps(found).encode())


HELLO_ID = f"initialize-{a_call().tool_run_ref}"
HELLOS = st.fixed_dictionaries(
    {}, optional={"protocolVersion": st.sampled_from([VERSION, "2025-03-26"]) | ANY_JSON, "resultType": ANY_JSON}
)


@given(
    body=st.binary(max_size=200) | _nearly(HELLO_ID, HELLOS | ANY_JSON),
    session=st.none() | st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n")),
    status=st.sampled_from([200, 200, 200, 202, 404, 500]),
)
def test_no_handshake_lets_a_call_through_but_the_one_that_agrees(
    body: bytes, session: str | None, status: int
) -> None:
    """Whatever a server answers, the call goes only under the configured version and a session a header may carry."""
    headers = {} if session is None else {"Mcp-Session-Id": session.encode("latin-1").decode("latin-1")}

    def handle(_: httpx.Request) -> httpx.Response:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        return httpx.Response(status, headers=[(b"Content-Type", b"application/json"), *raw], content=body)

    harness = a_harness({INITIALIZE: handle})
    try:
        harness.outcome()
    except ConfigurationError:
        assert methods(harness) == [INITIALIZE]
    if CALL in methods(harness):
        said = json.loads(body)
        assert (status, said["id"], said["result"]["protocolVersion"]) == (200, HELLO_ID, VERSION)
        assert harness.requests[2].headers.get("Mcp-Session-Id") == session
