"""What the MCP gateway believes of an answer: everything is as the protocol says, or nothing counts."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mcp.answer_reader import GatewayLimits
from adapters.mcp.results import MAX_CONTENT_BLOCKS
from domain.model.tool_call import NEVER_SENT, ToolAnswer, TransportFailure, TransportPhase
from domain.policies.classification import Evidence, classify
from domain.policies.evidence import NOT_EXECUTED_RPC_CODES
from tests.adapters.mcp.stand_in import (
    REQUEST_ID,
    Chunks,
    Harness,
    a_response,
    a_result,
    an_event,
    an_rpc_error,
    replying,
    saying,
    streaming,
)

PROGRESS = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1", "HTTP/1.9"])
def test_an_answer_of_any_http_1_is_read(version: str) -> None:
    """Minor versions understand each other (RFC 9110, section 2.5)."""
    response = httpx.Response(200, json=a_response(), extensions={"http_version": version.encode()})
    assert Harness(lambda _: response).answer().structured == a_result()["structuredContent"]


@pytest.mark.parametrize("version", ["HTTP/0.9", "HTTP/2", "HTTP/5.1"])
def test_an_answer_of_another_http_is_none(version: str) -> None:
    """Nothing else was spoken, so whatever that is, it leaves the call in doubt."""
    response = httpx.Response(200, json=a_response(), extensions={"http_version": version.encode()})
    assert Harness(lambda _: response).failure().phase not in NEVER_SENT


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
def test_a_json_answer_is_read(content_type: str) -> None:
    """Structured content and text blocks come back as data; blocks of other kinds are left out."""
    result = a_result(
        content=[{"type": "text", "text": "one"}, {"type": "image", "data": ""}, {"type": "text", "text": "two"}]
    )
    answer = Harness(replying(json.dumps(a_response(result)).encode(), content_type=content_type)).answer()
    assert answer == ToolAnswer(
        is_error=False, structured={"success": True, "external_object_id": "task-1"}, texts=("one", "two")
    )


def test_an_answer_may_leave_out_what_the_protocol_lets_it() -> None:
    """A missing ``isError`` is false, a missing ``resultType`` complete, structured content optional."""
    assert Harness(saying(a_response({"content": []}))).answer() == ToolAnswer(is_error=False)


NO_ANSWERS: dict[str, object] = {
    "another id": a_response(request_id="another"),
    "null id": a_response(request_id=None),
    "number id": a_response(request_id=1),
    "list id": a_response(request_id=[REQUEST_ID]),
    "no id": {"jsonrpc": "2.0", "result": a_result()},
    "wrong jsonrpc": {**a_response(), "jsonrpc": "1.0"},
    "result and error": {**a_response(), "error": {"code": 1, "message": ""}},
    "neither": {"jsonrpc": "2.0", "id": REQUEST_ID},
    "batch": [a_response()],
    "text": "text",
    "null": None,
    "notification": PROGRESS,
    "server request": {"jsonrpc": "2.0", "id": REQUEST_ID, "method": "sampling/createMessage", "params": {}},
    "response with method": {**a_response(), "method": "tools/call"},
    "text result": a_response("text"),
    "input required": a_response(a_result(resultType="input_required")),
    "null resultType": a_response(a_result(resultType=None)),
    "text isError": a_response(a_result(isError="false")),
    "number isError": a_response(a_result(isError=0)),
    "null isError": a_response(a_result(isError=None)),
    "list structuredContent": a_response(a_result(structuredContent=[1])),
    "null content": a_response(a_result(content=None)),
    "object content": a_response(a_result(content={"type": "text", "text": ""})),
    "text block is a string": a_response(a_result(content=["text"])),
    "block without type": a_response(a_result(content=[{"text": "no type"}])),
    "text is a number": a_response(a_result(content=[{"type": "text", "text": 1}])),
    "task handle": a_response({"task": {"taskId": "1"}}),
    "error of another id": an_rpc_error(id="another"),
    "text code": an_rpc_error(code="1"),
    "real code": an_rpc_error(code=1.5),
    "code beyond what every reader keeps exact": an_rpc_error(code=2**53),
    "code as object without an id": an_rpc_error(code={"result": -32600}, id=None),
    "code as list without an id": an_rpc_error(code=[-32600], id=None),
    "null message": an_rpc_error(message=None),
    "text error": {"jsonrpc": "2.0", "id": REQUEST_ID, "error": "no"},
}


@pytest.mark.parametrize("document", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_whatever_is_no_answer_to_our_request_is_malformed(document: object) -> None:
    """One wrong part and nothing of it is believed."""
    failure = Harness(saying(document)).failure()
    assert (failure.phase, failure.rpc_code) == (TransportPhase.MALFORMED, None)


def _with_result(text: str) -> bytes:
    return f'{{"jsonrpc":"2.0","id":"{REQUEST_ID}","result":{{"content":[],"structuredContent":{text}}}}}'.encode()


def test_the_hand_written_body_is_an_answer_when_nothing_is_wrong_with_it() -> None:
    """So that the next test refuses its bodies for the reason it names."""
    assert Harness(replying(_with_result('{"amount":1}'))).answer().structured == {"amount": 1}


BAD_JSON: dict[str, bytes] = {
    "NaN": _with_result('{"amount":NaN}'),
    "infinity": _with_result('{"amount":-Infinity}'),
    "overflow": _with_result('{"amount":1e999}'),
    "key twice": _with_result('{"amount":1,"amount":2}'),
    "half character": _with_result('{"text":"\\ud800"}'),
    "half character in a key": _with_result('{"\\udfff":1}'),
    "70 levels": _with_result('{"a":' * 70 + "1" + "}" * 70),
    "100,000 levels": _with_result('{"a":' * 100_000 + "1" + "}" * 100_000),
    "5,000 digits": _with_result('{"amount":' + "9" * 5_000 + "}"),
    "latin-1": _with_result('{"text":"é"}').decode().encode("latin-1"),
    "cut": _with_result("{}")[:-1],
    "two documents": _with_result("{}") + b"{}",
    "empty": b"",
    "byte order mark": b"\xef\xbb\xbf" + _with_result("{}"),
}


@pytest.mark.parametrize("body", BAD_JSON.values(), ids=BAD_JSON.keys())
def test_json_that_two_readers_could_understand_differently_is_malformed(body: bytes) -> None:
    """NaN, infinities, repeated keys, half characters, deep nesting, bad UTF-8 and trailing text are refused."""
    assert Harness(replying(body)).failure().phase is TransportPhase.MALFORMED


def test_an_answer_of_another_media_type_is_malformed() -> None:
    """A login page with status 200 is no answer."""
    body = json.dumps(a_response()).encode()
    assert Harness(replying(body, content_type="text/html")).failure().phase is TransportPhase.MALFORMED


def test_a_compressed_answer_is_not_unpacked() -> None:
    """It was not asked for, and what it unpacks to has no bound."""
    failure = Harness(replying(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})).failure()
    assert failure.phase is TransportPhase.MALFORMED


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize("size", [1, 7, 65_536])
def test_a_stream_gives_its_answer_after_notifications(line_end: bytes, size: int) -> None:
    """However the bytes are cut and the lines end."""
    text = b": ping" + line_end * 2
    text += an_event(PROGRESS, line_end=line_end) + an_event(a_response(), line_end=line_end)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert Harness(streaming(*pieces)).answer().structured == a_result()["structuredContent"]


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize("size", [1, 65_536])
def test_an_event_may_spread_its_data_over_lines(line_end: bytes, size: int) -> None:
    """A line end that is cut in two does not end the event."""
    lines = [b"\xef\xbb\xbfdata:" + json.dumps(a_response())[:-1].encode(), b"data: }", b"id: 1", b"", b""]
    text = line_end.join(lines)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert Harness(streaming(*pieces)).answer().is_error is False


def test_the_first_answer_of_a_stream_counts_and_the_rest_is_not_read() -> None:
    """Neither a second answer nor a stream that never ends changes or delays it."""
    second = a_response(a_result(isError=True))
    body = Chunks(an_event(a_response()), an_event(second), httpx.ReadTimeout("never reached"))
    handler = replying(body, content_type="text/event-stream")
    assert Harness(handler).answer().is_error is False
    assert body.given == 1


@pytest.mark.parametrize(
    "event",
    [
        an_event(a_response(request_id="another")),
        an_event({"jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": {}}),
        an_event([a_response()]),
        b"data: {\n\n",
        b"data: \xff\n\n",
    ],
)
def test_a_wrong_message_in_a_stream_ends_it_as_malformed(event: bytes) -> None:
    """A stream that answers someone else or asks something back is not listened to any further."""
    failure = Harness(streaming(event, an_event(a_response()))).failure()
    assert failure.phase is TransportPhase.MALFORMED


@pytest.mark.parametrize("code", sorted(NOT_EXECUTED_RPC_CODES))
@pytest.mark.parametrize("request_id", [{}, {"id": None}], ids=["ours", "null"])
def test_a_refusal_that_comes_after_progress_proves_nothing(code: int, request_id: dict[str, None]) -> None:
    """A gateway refuses before it calls a tool; who has told of progress has called it, whatever it says then."""
    refusal = an_event(an_rpc_error(code, **request_id))
    alone = Harness(streaming(b": ping\r\n\r\n", refusal)).outcome()
    late = Harness(streaming(an_event(PROGRESS), refusal)).outcome()
    believed = request_id == {} or code in {-32700, -32600}
    assert classify(alone, "crm___create_task").evidence is (Evidence.NOT_DONE if believed else Evidence.IN_DOUBT)
    assert classify(late, "crm___create_task").evidence is Evidence.IN_DOUBT


@pytest.mark.parametrize(
    "pieces",
    [(), (an_event(PROGRESS),), (an_event(a_response())[:-2],), (b"event: other\ndata: {}\n\n",)],
    ids=["empty", "no answer", "answer not closed", "another event"],
)
def test_a_stream_that_ends_without_an_answer_leaves_the_call_in_doubt(pieces: tuple[bytes, ...]) -> None:
    """The body was sent and no complete answer came."""
    failure = Harness(streaming(*pieces)).failure()
    assert (failure.phase, failure.timed_out) == (TransportPhase.RESPONSE_BODY, False)


def test_a_flood_of_notifications_is_cut_off() -> None:
    """More messages than progress can need are not read, even if an answer follows."""
    flood = [an_event(PROGRESS)] * 5
    limits = GatewayLimits(max_messages=5)
    assert isinstance(Harness(streaming(*flood[:4], an_event(a_response())), limits=limits).outcome(), ToolAnswer)
    failure = Harness(streaming(*flood, an_event(a_response())), limits=limits).failure()
    assert failure.phase is TransportPhase.MALFORMED


def test_an_event_without_data_is_passed_over() -> None:
    """It only tells a client that would reconnect where to begin again (MCP 2025-11-25)."""
    priming = b"id: 1\r\nretry: 10\r\ndata:\r\n\r\n"
    assert Harness(streaming(priming, an_event(a_response()))).answer().is_error is False
    harness = Harness(streaming(priming))
    assert harness.failure().phase is TransportPhase.RESPONSE_BODY
    assert len(harness.requests) == 1


def test_blocks_that_are_no_text_are_data_that_nobody_reads() -> None:
    """Images, links and embedded resources may stand beside the text and nested in each other; none is believed."""
    denial = json.dumps({"success": False})
    blocks: list[object] = [
        {
            "type": "resource",
            "resource": {"uri": "memo://1", "text": denial, "inner": {"type": "text", "text": denial}},
        },
        {"type": "text", "text": "first"},
        {"type": "resource_link", "uri": "https://elsewhere.example.test"},
        {"type": "image", "data": "AAAA", "mimeType": "image/png"},
        {"type": "of the future", "text": 1},
        {"type": "text", "text": "second"},
    ]
    assert Harness(saying(a_response(a_result(content=blocks)))).answer().texts == ("first", "second")


@pytest.mark.parametrize("spare, malformed", [(0, False), (1, True)])
def test_more_content_blocks_than_an_answer_can_need_are_not_read(spare: int, *, malformed: bool) -> None:
    """The cap counts blocks of every type."""
    blocks = [{"type": "image"}] * (MAX_CONTENT_BLOCKS + spare)
    outcome = Harness(saying(a_response(a_result(content=blocks)))).outcome()
    assert isinstance(outcome, TransportFailure) is malformed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {"jsonrpc": st.sampled_from(["2.0", "1.0"]), "id": st.sampled_from([REQUEST_ID, "another", None])},
    optional={
        "result": st.fixed_dictionaries(
            {},
            optional={
                "content": JSON | st.just([{"type": "text", "text": "x"}]),
                "structuredContent": JSON | st.just({}),
                "isError": JSON,
                "resultType": st.sampled_from(["complete", "task"]) | JSON,
            },
        )
        | JSON,
        "error": JSON | st.just({"code": -32601, "message": "no"}),
        "method": JSON,
    },
)
BODIES = st.binary(max_size=300) | st.text().map(str.encode) | NEARLY.map(lambda found: json.dumps(found).encode())


@given(body=BODIES, event=st.booleans(), status=st.sampled_from([200, 200, 200, 400, 500]))
def test_no_body_raises_and_none_is_believed_without_our_id(body: bytes, event: bool, status: int) -> None:  # noqa: FBT001  hypothesis passes arguments by position
    """Whatever arrives becomes data; an answer it is only as a complete result under our own id."""
    sent = b"data: " + body + b"\n\n" if event else body
    outcome = Harness(
        replying(sent, status=status, content_type="text/event-stream" if event else "application/json")
    ).outcome()
    if isinstance(outcome, ToolAnswer):
        assert status == 200
        message = json.loads(body)
        assert (message["id"], message["jsonrpc"]) == (REQUEST_ID, "2.0")
        assert message["result"].get("resultType", "complete") == "complete"
        assert message["result"].get("isError", False) is outcome.is_error
        assert "error" not in message
        assert "method" not in message
