"""Defects at the wire: a second request, an answer that is believed and proves nothing, and a wait without end."""

import json
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import httpx

from adapters.http import exchange
from adapters.http.exchange import Received, send_once
from adapters.mcp import answer_reader, channel, endpoint, messages, results, session
from adapters.mcp.channel import Line
from adapters.mcp.messages import read_message
from adapters.mcp.strict_json import NotStrictJson
from domain.model.tool_call import ToolAnswer, TransportPhase
from domain.policies import answers, archiving, classification
from domain.policies.answers import refs_in, typed_contract
from tests.proof.bugs import Bug, Swap
from tests.proof.wire.looks import Answers, OnTheWire

Json = Any

_outcome, _media_type, _http_send = Line._outcome, answer_reader._media_type, httpx.Client.send
_SERVER_ERROR: Final = 500
_PATIENT: Final = 100_000_000


def _on_the_wire(*faults: str) -> tuple[OnTheWire, ...]:
    """Return the look at these faults, where a second effect would hurt most."""
    return (OnTheWire(tuple(f"{fault}/unsafe/2026-07-28/1/call" for fault in faults)),)


def _at_the_handshake(fault: str) -> tuple[OnTheWire, ...]:
    return (OnTheWire((f"{fault}/unsafe/2025-06-18/1/initialize",)),)


def _follows_redirects(self: httpx.Client, request: httpx.Request, **how: Json) -> httpx.Response:
    return _http_send(self, request, **{**how, "follow_redirects": True})


def _posts_again(http: httpx.Client, url: httpx.URL, **how: Json) -> Received:
    received = send_once(http, url, **how)
    return send_once(http, url, **how) if received.interruption is not None else received


def _resumes(http: httpx.Client, url: httpx.URL, **how: Json) -> Received:
    received = send_once(http, url, **how)
    if received.headers.get("content-type") == "text/event-stream" and b"result" not in received.body:
        headers = {**how["headers"], "Last-Event-ID": "event-1"}
        return send_once(http, url, **{**how, "method": "GET", "headers": headers, "body": b""})
    return received


def _reads_on_and_on(http: httpx.Client, url: httpx.URL, **how: Json) -> Received:
    return send_once(http, url, **{**how, "max_response_bytes": _PATIENT})


def _any_id(body: bytes, *, expected_id: str, parse: Json) -> Json:
    with suppress(ValueError, TypeError, KeyError):
        expected_id = json.loads(body)["id"]
    return read_message(body, expected_id=expected_id, parse=parse)


def _waits_behind_questions(body: bytes, *, expected_id: str, parse: Json) -> Json:
    try:
        asks = "method" in json.loads(body)
    except (ValueError, TypeError):
        asks = False
    return None if asks else read_message(body, expected_id=expected_id, parse=parse)


def _lenient(text: str) -> Json:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotStrictJson("it is not JSON") from error


def _errors_with_a_body_are_answers(self: Line, received: Received, reader: Json) -> Json:
    if received.status is not None and received.status >= _SERVER_ERROR:
        received.status = answer_reader.HTTP_OK
    return _outcome(self, received, reader)


def _words_are_success(answer: ToolAnswer) -> Json:
    spoken = {"success": True} if answer.texts and not answer.is_error else None
    return typed_contract(answer) or spoken


def _any_type_is_json(received: Received) -> str:
    kind = _media_type(received)
    return kind if kind == "text/event-stream" else "application/json"


def _codes_as_they_come(contract: Mapping[str, Json], _reading: Json, tool_name: str) -> frozenset[str]:
    codes = {contract.get("error_code"), contract.get("error_class")}
    return frozenset(map(str, codes | {ref.object_id for ref in refs_in(contract, tool_name) or ()}))


def _some_object(text: str) -> Json:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


BUGS: Final = (
    Bug(
        "redirect-followed",
        "a redirect of the gateway is followed",
        (Swap(httpx.Client, "send", _follows_redirects),),
        _on_the_wire("redirect-302/acted", "redirect-307/acted"),
    ),
    Bug(
        "post-repeated",
        "the HTTP layer posts again when the connection breaks",
        (Swap(channel, "send_once", _posts_again),),
        _on_the_wire("reset-after-body/acted"),
        "D24",
    ),
    Bug(
        "stream-resumed",
        "a stream that broke is resumed with a GET",
        (Swap(channel, "send_once", _resumes),),
        _on_the_wire("sse-primed-and-cut/acted"),
    ),
    Bug(
        "any-id-believed",
        "an answer to another request is taken for ours",
        (Swap(messages, "read_message", _any_id), Swap(answer_reader, "read_message", _any_id)),
        (*_on_the_wire("wrong-id/untouched"), Answers(0, 400)),
    ),
    Bug(
        "questions-passed-over",
        "a question of the server is taken for a notification, and its stream is read on",
        (
            Swap(messages, "read_message", _waits_behind_questions),
            Swap(answer_reader, "read_message", _waits_behind_questions),
        ),
        _on_the_wire("sse-sampling/untouched"),
    ),
    Bug(
        "json-read-leniently",
        "what two readers read differently is believed",
        (Swap(messages, "read_strict_json", _lenient),),
        _on_the_wire("duplicate-keys/untouched", "nan/untouched"),
    ),
    Bug(
        "contract-read-leniently",
        "a contract inside a text is believed though two readers read it differently",
        (Swap(answers, "json_object", _some_object),),
        _on_the_wire("duplicate-success-in-text/untouched"),
    ),
    Bug(
        "words-believed",
        "a text without an error mark is taken for a success",
        (Swap(classification, "typed_contract", _words_are_success),),
        _on_the_wire("only-words/untouched"),
        "D36",
    ),
    Bug(
        "status-passed-over",
        "the body of a server error is read as an answer",
        (Swap(Line, "_outcome", _errors_with_a_body_are_answers),),
        _on_the_wire("status-500/untouched"),
    ),
    Bug(
        "type-passed-over",
        "a body of any type is read as JSON",
        (Swap(answer_reader, "_media_type", _any_type_is_json),),
        _on_the_wire("content-type-html/untouched"),
    ),
    Bug(
        "unfinished-believed",
        "a result that asks for more is taken for the result",
        (Swap(results, "_object", lambda result: result if isinstance(result, dict) else {}),),
        _on_the_wire("input-required/untouched"),
    ),
    Bug(
        "read-without-bound",
        "an answer is read to its end, however long it is",
        (Swap(channel, "send_once", _reads_on_and_on), Swap(results, "MAX_CONTENT_BLOCKS", _PATIENT)),
        _on_the_wire("many-blocks/acted"),
    ),
    Bug(
        "deadline-for-each-read",
        "the deadline is that of each read, so a dripping peer never meets it",
        (Swap(exchange._Progress, "cut_at_deadline", lambda _self: nullcontext()),),
        _on_the_wire("drip-head/acted"),
    ),
    Bug(
        "sent-body-forgotten",
        "a connection that breaks after the body was sent is taken for one that sent nothing",
        (
            Swap(exchange._REACHED_AT, "send_request_body.started", TransportPhase.SENT_NOTHING),
            Swap(exchange._REACHED_AT, "send_request_body.complete", TransportPhase.SENT_NOTHING),
        ),
        _on_the_wire("reset-after-body/acted"),
        "D25",
    ),
    Bug(
        "handshake-doubted",
        "a handshake that broke puts the call into doubt that it never let out",
        (Swap(session, "_not_begun", lambda failure: failure),),
        _at_the_handshake("reset-after-body/acted"),
    ),
    Bug(
        "cookies-kept",
        "a cookie of the gateway is sent back with the next request",
        (Swap(endpoint, "DefaultCookiePolicy", lambda **_: DefaultCookiePolicy()),),
        _at_the_handshake("set-cookie/acted"),
    ),
    Bug(
        "code-of-any-type",
        "an error code that is no text breaks the step after the tool has acted",
        (Swap(archiving, "_stated", _codes_as_they_come),),
        (Answers(1_600, 1_800),),
    ),
)
