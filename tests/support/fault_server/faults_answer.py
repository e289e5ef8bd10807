"""Faults of the answer: sound HTTP and sound JSON that are no answer to our call, or not the one they seem to be."""

from typing import Any, Final

from tests.support.fault_server.acts import (
    DOUBT,
    NOT_DONE,
    PROGRESS,
    right,
    rpc_error,
    says,
    with_content,
    with_result,
)
from tests.support.fault_server.exchange import Exchange, response
from tests.support.fault_server.fault import Commits, Fault

Json = Any

_AGAINST, _ALWAYS, _NEVER = Commits.AGAINST_THE_ASSUMPTION, Commits.ALWAYS, Commits.NEVER
_A_SUCCESS: Final = {"success": True, "external_object_id": "phantom"}
_NO_ID: Final = {"id": None}


def _changed(**changes: Json) -> Any:  # noqa: ANN401  an act
    return says(lambda exchange: response(right(exchange), **changes))


def _both(exchange: Exchange) -> Json:
    return {**right(exchange), "error": {"code": -32602, "message": "it cannot be"}}


_RPC_ERRORS: Final = tuple(
    Fault(
        f"rpc{code}",
        f"JSON-RPC error {code}: {meaning}",
        NOT_DONE,
        "it precedes every tool call",
        says(rpc_error(code)),
        _AGAINST,
        permanent=True,
    )
    for code, meaning in (
        (-32700, "parse error"),
        (-32600, "invalid request"),
        (-32601, "method not found"),
        (-32602, "invalid params"),
        (-32020, "header mismatch"),
        (-32022, "unsupported protocol version"),
    )
)

_RPC_DOUBTS: Final = tuple(
    Fault(f"rpc-{name}", f"a JSON-RPC error whose code is {code!r}", DOUBT, why, says(rpc_error(code)))
    for name, code, why in (
        ("internal", -32603, "an internal error may strike after the tool has acted"),
        ("server", -32000, "a code of the server's own"),
        ("timeout", -32001, "a code of the server's own"),
        ("url-elicitation", -32042, "the server wants a person to visit a page"),
        ("zero", 0, "no code of the protocol"),
        ("text", "-32602", "a code is a number"),
        ("float", -32602.0, "a code is a whole number"),
        ("bool", True, "a code is a number"),
        ("absent", None, "an error has a code"),
    )
)

ANSWER_FAULTS: Final = (
    *_RPC_ERRORS,
    *_RPC_DOUBTS,
    Fault(
        "rpc-no-id-parse-error",
        "a parse error without an id",
        NOT_DONE,
        "JSON-RPC 2.0, section 5",
        says(lambda _: response({"error": {"code": -32700, "message": "no JSON"}})),
        _AGAINST,
        permanent=True,
    ),
    Fault(
        "rpc-no-id-invalid-params",
        "invalid params without an id",
        DOUBT,
        "it could be anybody's",
        says(lambda _: response({"error": {"code": -32602, "message": "wrong"}})),
    ),
    Fault(
        "rpc-other-id",
        "an error for another request",
        DOUBT,
        "it is somebody else's",
        says(lambda exchange: response(rpc_error(-32602)(exchange), id="invoke-somebody-else")),
    ),
    Fault(
        "wrong-id",
        "the right answer to another request",
        DOUBT,
        "it is somebody else's",
        _changed(id="invoke-somebody-else"),
    ),
    Fault("id-as-number", "an id that is a number", DOUBT, "ids compare by type, too", _changed(id=1)),
    Fault(
        "id-in-list",
        "our id inside a list",
        DOUBT,
        "ids compare by type, too",
        says(lambda exchange: response(right(exchange), id=[exchange.request_id])),
    ),
    Fault(
        "id-with-space",
        "our id with a space behind it",
        DOUBT,
        "another id",
        says(lambda exchange: response(right(exchange), id=f"{exchange.request_id} ")),
    ),
    Fault("id-absent", "a result without an id", DOUBT, "it answers nobody", _changed(**_NO_ID)),
    Fault("jsonrpc-1", "JSON-RPC 1.0", DOUBT, "another protocol", _changed(jsonrpc="1.0")),
    Fault("jsonrpc-number", "a protocol version that is a number", DOUBT, "another protocol", _changed(jsonrpc=2.0)),
    Fault("no-jsonrpc", "no protocol version", DOUBT, "another protocol", _changed(jsonrpc=None)),
    Fault(
        "batch",
        "the right answer in a batch of one",
        DOUBT,
        "MCP has no batches since 2025-06-18",
        says(lambda exchange: [right(exchange)]),
    ),
    Fault("batch-of-two", "two answers in a batch", DOUBT, "as above", says(lambda exchange: [right(exchange)] * 2)),
    Fault("error-and-result", "both an error and a result", DOUBT, "it contradicts itself", says(_both)),
    Fault("neither", "neither an error nor a result", DOUBT, "it says nothing", _changed(result=None)),
    Fault("notification", "a notification instead of an answer", DOUBT, "no answer", says(lambda _: PROGRESS)),
    Fault("own-request", "our request, echoed", DOUBT, "no answer", says(lambda exchange: exchange.seen.document)),
    Fault(
        "elicitation",
        "a request of the server that wants an answer from a person",
        DOUBT,
        "never answered: it would be a second POST",
        says(lambda _: response({"id": 1, "method": "elicitation/create", "params": {"message": "Sure?"}})),
    ),
    Fault(
        "result-null",
        "a result that is null",
        DOUBT,
        "no result",
        says(lambda exchange: {"jsonrpc": "2.0", "id": exchange.request_id, "result": None}),
    ),
    Fault("result-text", "a result that is a text", DOUBT, "no result", _changed(result="done")),
    Fault(
        "result-nested",
        "a result inside a result",
        DOUBT,
        "an envelope is no result",
        says(lambda exchange: response(right(exchange), result={"result": exchange.result})),
    ),
    Fault(
        "result-in-json-rpc",
        "a whole JSON-RPC answer as the result",
        DOUBT,
        "an envelope is no result",
        says(lambda exchange: response(right(exchange), result=right(exchange))),
    ),
    Fault(
        "lambda-envelope",
        'a result {"statusCode": 500, "body": …}',
        DOUBT,
        "an envelope is no result",
        says(lambda exchange: response(right(exchange), result={"statusCode": 500, "body": '{"success": true}'})),
    ),
    Fault(
        "lambda-envelope-in-text",
        "a text that is such an envelope",
        DOUBT,
        "an envelope is no contract",
        says(with_content(None, '{"statusCode": 200, "body": "{\\"success\\": true}"}')),
    ),
    Fault(
        "lambda-envelope-with-id",
        "such an envelope that names an object, too",
        DOUBT,
        "an envelope is no contract",
        says(with_content({"statusCode": 500, "external_object_id": "phantom"})),
    ),
    Fault(
        "input-required",
        "resultType input_required",
        DOUBT,
        "never answered: it would be a second POST",
        says(with_result(resultType="input_required")),
    ),
    Fault(
        "task",
        "resultType task, with a handle",
        DOUBT,
        "a result still to come is none",
        says(with_result(resultType="task", task={"taskId": "1", "status": "working"})),
    ),
    Fault(
        "result-type-unknown",
        "a result type of the future",
        DOUBT,
        "its meaning is not known",
        says(with_result(resultType="partial")),
    ),
    Fault(
        "result-type-null",
        "a result type that is null",
        DOUBT,
        "its meaning is not known",
        says(lambda exchange: response(right(exchange), result={**exchange.result, "resultType": None})),
    ),
    Fault("is-error-text", 'isError is "false"', DOUBT, "no boolean", says(with_result(isError="false"))),
    Fault("is-error-zero", "isError is 0", DOUBT, "no boolean", says(with_result(isError=0))),
    Fault(
        "content-absent",
        "no content",
        DOUBT,
        "a result has content",
        says(lambda exchange: response(right(exchange), result={"structuredContent": _A_SUCCESS})),
    ),
    Fault(
        "content-object",
        "content that is one block and no list",
        DOUBT,
        "a result has a list",
        says(with_result(content={"type": "text", "text": "{}"})),
    ),
    Fault(
        "block-without-type", "a block without a type", DOUBT, "no block", says(with_result(content=[{"text": "x"}]))
    ),
    Fault(
        "structured-list",
        "structured content that is a list",
        DOUBT,
        "no contract",
        says(with_result(structuredContent=[_A_SUCCESS])),
    ),
)
