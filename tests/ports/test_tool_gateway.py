"""The contract of ``ToolGateway``, held against every adapter.

The MCP adapter talks to the memory adapter's tools through a mock transport that speaks the wire as measured, so
both are asked the same questions about the same effects.
"""

import json
import socket
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypedDict, Unpack

import httpx
import pytest

from adapters.mcp.tool_gateway import McpToolGateway
from adapters.memory.tool_gateway import Effects, MemoryToolGateway
from adapters.memory.tools import EffectKind
from domain.model.tool_call import (
    NEVER_SENT,
    CallPurpose,
    GatewayReply,
    ToolAnswer,
    ToolCall,
    TransportFailure,
    TransportPhase,
)
from ports.token_provider import TokenUnavailable
from ports.tool_gateway import ToolGateway
from tests.adapters.mcp.stand_in import CANARY, Chunks, FixedTokens, Harness, a_call, a_response
from tests.builders import a_ref

OTHER_KEY = "f" * 64
A_NAME_AND_ITS_FAILURE: list[tuple[str, TransportPhase, dict[str, Any]]] = [
    ("the connection is lost while sending", TransportPhase.SENT_SOMETHING, {}),
    ("the connection is lost", TransportPhase.RESPONSE_HEAD, {}),
    ("the answer is late", TransportPhase.RESPONSE_HEAD, {"timed_out": True}),
    ("the answer is cut off", TransportPhase.RESPONSE_BODY, {}),
    ("HTTP 503", TransportPhase.HTTP_STATUS, {"http_status": 503}),
    ("an internal error", TransportPhase.RPC_ERROR, {"rpc_code": -32603}),
    ("garbage", TransportPhase.MALFORMED, {}),
]


class How(TypedDict, total=False):
    """What a failure may say of itself."""

    http_status: int
    rpc_code: int
    retry_after_seconds: int
    timed_out: bool


class Subject(Protocol):
    """One adapter and its tools' own account of what happened."""

    gateway: ToolGateway
    tools: MemoryToolGateway

    def fail_next(self, phase: TransportPhase, *, effects: Effects = Effects.NONE, **how: Unpack[How]) -> None:
        """Make the next send fail in this phase."""
        ...


class Memory:
    """The memory adapter."""

    def __init__(self) -> None:
        self.tools = MemoryToolGateway()
        self.gateway: ToolGateway = self.tools

    def fail_next(self, phase: TransportPhase, *, effects: Effects = Effects.NONE, **how: Unpack[How]) -> None:
        """Script the failure."""
        self.tools.fail_next(phase, effects=effects, **how)


class Mcp:
    """The MCP adapter before a mock gateway with the memory adapter's tools behind it."""

    def __init__(self) -> None:
        self.tools = MemoryToolGateway()
        self._next: tuple[TransportPhase, Effects, How] | None = None
        harness = Harness(self._handle, tokens=_FailingTokens(self))
        self.gateway: ToolGateway = harness.gateway

    def fail_next(self, phase: TransportPhase, *, effects: Effects = Effects.NONE, **how: Unpack[How]) -> None:
        """Script the failure."""
        self._next = (phase, effects, how)

    def take(self, *phases: TransportPhase) -> tuple[TransportPhase, Effects, How] | None:
        """Return the scripted failure if it is in one of these phases, once."""
        if self._next is None or (phases and self._next[0] not in phases):
            return None
        taken, self._next = self._next, None
        return taken

    def _handle(self, request: httpx.Request) -> httpx.Response:
        failure = self.take()
        message = json.loads(request.content)
        if failure is None or failure[1] is Effects.WRITTEN:
            answer = self.tools.send(_call_in(message), deadline_seconds=1).outcome
        if failure is not None:
            for event in _ON_THE_WAY_TO.get(failure[0], ()):
                request.extensions["trace"](event, {})
            return _failed(failure[0], failure[2], message["id"])
        assert isinstance(answer, ToolAnswer)
        result = {
            "content": [{"type": "text", "text": text} for text in answer.texts],
            "structuredContent": answer.structured,
            "isError": answer.is_error,
            "resultType": "complete",
        }
        return httpx.Response(200, json=a_response(result, request_id=message["id"]))


class _FailingTokens(FixedTokens):
    def __init__(self, subject: Mcp) -> None:
        super().__init__()
        self._subject = subject

    def token(self, scopes: Sequence[str] = ()) -> str:
        if self._subject.take(TransportPhase.TOKEN):
            raise TokenUnavailable("the identity provider is away")
        return super().token(scopes)


_ON_THE_WAY_TO = {
    TransportPhase.TLS: ("connection.start_tls.started",),
    TransportPhase.SENT_NOTHING: ("http11.send_request_headers.started",),
    TransportPhase.SENT_SOMETHING: ("http11.send_request_body.started",),
    TransportPhase.RESPONSE_HEAD: ("http11.send_request_body.started", "http11.send_request_body.complete"),
}
"""What the transport reports before a failure in each phase."""


def _failed(phase: TransportPhase, how: How, request_id: str) -> httpx.Response:
    match phase:
        case TransportPhase.RESOLVE:
            raise httpx.ConnectError("unknown") from socket.gaierror(-2, "unknown")
        case TransportPhase.CONNECT | TransportPhase.TLS:
            raise httpx.ConnectTimeout("late") if how.get("timed_out") else httpx.ConnectError("refused")
        case TransportPhase.RESPONSE_BODY:
            return httpx.Response(200, headers={"Content-Type": "application/json"}, stream=Chunks(httpx.ReadError("")))
        case TransportPhase.SENT_NOTHING | TransportPhase.SENT_SOMETHING | TransportPhase.RESPONSE_HEAD:
            raise httpx.ReadTimeout("late") if how.get("timed_out") else httpx.ReadError("reset")
        case TransportPhase.HTTP_STATUS:
            wait = how.get("retry_after_seconds")
            return httpx.Response(how["http_status"], headers={} if wait is None else {"Retry-After": str(wait)})
        case TransportPhase.RPC_ERROR:
            error = {"code": how["rpc_code"], "message": "no"}
            return httpx.Response(200, json={"jsonrpc": "2.0", "id": request_id, "error": error})
        case _:
            return httpx.Response(200, json=["garbage"])


def _call_in(message: dict[str, Any]) -> ToolCall:
    params = message["params"]
    context = params["_meta"]["cc-native/execution"]
    arguments = {name: value for name, value in params["arguments"].items() if name != "execution_context"}
    return a_call(
        ref=a_ref(**{name: context[name] for name in ("tenant_id", "account_id", "action_intent_id")}),
        tool_name=params["name"],
        arguments=arguments,
        idempotency_key=context["idempotency_key"],
        tool_run_ref=context["tool_run_ref"],
    )


@pytest.fixture(params=[Memory, Mcp])
def subject(request: pytest.FixtureRequest) -> Subject:
    """One adapter at a time."""
    make: Callable[[], Subject] = request.param
    return make()


def send(subject: Subject, call: ToolCall | None = None) -> GatewayReply:
    """Send one call with time to spare."""
    return subject.gateway.send(call or a_call(), deadline_seconds=20, scopes=("tools/invoke",))


def answer(reply: GatewayReply) -> ToolAnswer:
    """The tool's answer in a reply."""
    assert isinstance(reply.outcome, ToolAnswer), reply.outcome
    return reply.outcome


def failure(reply: GatewayReply) -> TransportFailure:
    """The failure in a reply."""
    assert isinstance(reply.outcome, TransportFailure), reply.outcome
    return reply.outcome


def content(reply: GatewayReply) -> dict[str, Any]:
    """The structured content of the tool's answer."""
    structured = answer(reply).structured
    assert structured is not None
    return structured


def test_a_call_has_one_effect_and_its_answer_names_it(subject: Subject) -> None:
    """The tool's typed answer comes back unchanged, and it is true."""
    reply = send(subject)
    assert answer(reply).is_error is False
    assert content(reply)["success"] is True
    assert [found.object_id for found in subject.tools.objects] == [content(reply)["external_object_id"]]


def test_one_send_is_one_call_of_the_tool(subject: Subject) -> None:
    """Nothing is sent twice behind the caller's back, success or not."""
    send(subject)
    subject.fail_next(TransportPhase.HTTP_STATUS, effects=Effects.WRITTEN, http_status=503)
    send(subject, a_call(idempotency_key=OTHER_KEY))
    assert [effect.kind for effect in subject.tools.effects] == [EffectKind.CREATED, EffectKind.CREATED]


def test_a_repeat_under_the_same_key_has_no_second_effect(subject: Subject) -> None:
    """The key reaches the tool, so a tool that dedupes can."""
    first, second = send(subject), send(subject, a_call(tool_run_ref="gateway_invocation_second"))
    assert content(first)["external_object_id"] == content(second)["external_object_id"]
    assert content(second)["deduplicated"] is True
    assert len(subject.tools.objects) == 1


def test_the_same_key_of_another_tenant_is_another_call(subject: Subject) -> None:
    """Tenant and account travel with each call, and nobody is answered with another's object."""
    mine, theirs = send(subject), send(subject, a_call(ref=a_ref(tenant_id="tenant-2")))
    assert content(mine)["external_object_id"] != content(theirs)["external_object_id"]
    assert {found.tenant_id for found in subject.tools.objects} == {"tenant-1", "tenant-2"}


@pytest.mark.parametrize("tenant_id, found", [("tenant-1", 1), ("tenant-2", 0)])
def test_a_verify_call_finds_the_effect_of_its_own_tenant_only(subject: Subject, tenant_id: str, found: int) -> None:
    """Verification asks by key, within the tenant."""
    key = a_call().idempotency_key
    send(subject)
    question = a_call(
        purpose=CallPurpose.VERIFY,
        ref=a_ref(tenant_id=tenant_id),
        tool_name="crm___find_task",
        arguments={"idempotency_key": key},
    )
    reply = send(subject, question)
    assert content(reply)["found"] is bool(found)
    assert len(content(reply)["external_objects"]) == found


def test_what_was_created_can_be_deleted_again_and_a_second_time_harmlessly(subject: Subject) -> None:
    """Compensation goes through the same door and may be repeated."""
    object_id = content(send(subject))["external_object_id"]
    undo = a_call(tool_name="crm___delete_task", arguments={"task_id": object_id}, idempotency_key=OTHER_KEY)
    first, second = send(subject, undo), send(subject, undo)
    assert (content(first)["success"], content(second)["success"]) == (True, True)
    assert subject.tools.objects == []


def test_a_refusal_of_the_tool_is_an_answer(subject: Subject) -> None:
    """A tool that says no has answered; it is not the transport that failed."""
    reply = send(subject, a_call(tool_name="crm___delete_task", arguments={}))
    assert answer(reply).is_error is True
    assert content(reply)["error_class"] == "VALIDATION"


def test_an_unknown_tool_is_an_answer_without_a_contract(subject: Subject) -> None:
    """As measured: ``isError`` and a sentence, which proves nothing by itself."""
    reply = send(subject, a_call(tool_name="crm___no_such_tool"))
    assert answer(reply) == ToolAnswer(is_error=True, texts=("Unknown tool: crm___no_such_tool",))


@pytest.mark.parametrize("phase", sorted(NEVER_SENT - {TransportPhase.SESSION}))
def test_a_failure_before_the_body_proves_that_nothing_was_done(subject: Subject, phase: TransportPhase) -> None:
    """No token, no connection or no body: the tool was never reached, and the reply says so."""
    subject.fail_next(phase)
    assert failure(send(subject)).phase is phase
    assert subject.tools.effects == []


@pytest.mark.parametrize("effects", [Effects.NONE, Effects.WRITTEN])
@pytest.mark.parametrize(
    "phase, how", [row[1:] for row in A_NAME_AND_ITS_FAILURE], ids=[row[0] for row in A_NAME_AND_ITS_FAILURE]
)
def test_a_failure_after_the_body_is_told_by_its_phase_whether_or_not_it_was_written(
    subject: Subject, phase: TransportPhase, how: dict[str, Any], effects: Effects
) -> None:
    """The reply is the same in both worlds, which is why nobody may conclude more from it."""
    subject.fail_next(phase, effects=effects, **how)
    found = failure(send(subject))
    assert (found.phase, found.timed_out) == (phase, how.get("timed_out", False))
    assert len(subject.tools.objects) == int(effects is Effects.WRITTEN)
    for field in ("http_status", "rpc_code"):
        if field in how:
            assert getattr(found, field) == how[field]


def test_a_wish_to_wait_is_passed_on(subject: Subject) -> None:
    """``Retry-After`` arrives in whole seconds."""
    subject.fail_next(TransportPhase.HTTP_STATUS, http_status=429, retry_after_seconds=7)
    found = failure(send(subject))
    assert (found.http_status, found.retry_after_seconds) == (429, 7)


def test_a_failure_is_over_with_the_send_it_struck(subject: Subject) -> None:
    """The same call sent again by its caller gets through."""
    subject.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.WRITTEN)
    send(subject)
    assert content(send(subject))["deduplicated"] is True


@pytest.mark.parametrize("seconds", [0, -1])
def test_without_time_left_nothing_is_sent(subject: Subject, seconds: float) -> None:
    """A caller that is out of time learns that nothing was done."""
    found = failure(subject.gateway.send(a_call(), deadline_seconds=seconds))
    assert (found.phase, found.timed_out) == (TransportPhase.SENT_NOTHING, True)
    assert subject.tools.effects == []


def test_the_reply_holds_the_exchange_without_the_token(subject: Subject) -> None:
    """What was asked and answered can be archived as it stands."""
    reply = send(subject)
    assert "Call the customer back" in json.dumps(reply.request)
    assert a_call().idempotency_key in json.dumps(reply.request)
    assert content(reply)["external_object_id"] in reply.response_text
    assert CANARY not in reply.model_dump_json()


_MEMORY_CONFORMS: Callable[[], ToolGateway] = MemoryToolGateway
_MCP_CONFORMS: Callable[..., ToolGateway] = McpToolGateway
