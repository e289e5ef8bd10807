"""Each planned fault, as the caller and as the witness see it."""

import httpx
import pytest

from local.tool_server.faults import Fault, FaultKind
from local.tool_server.server import ToolServer
from local.tool_server.witness import Witness
from tests.integration.tool_server.calling import Caller, answer_of, last_request, plan, written


def test_a_planned_refusal_writes_nothing(tools: ToolServer, caller: Caller) -> None:
    """The tool's own refusal, with the message that was planned."""
    plan(tools, Fault(kind=FaultKind.REFUSE, message="This account takes no tasks."))
    assert answer_of(caller.create()) == {
        "success": False,
        "error_code": "VALIDATION_ERROR",
        "error_class": "VALIDATION",
        "error_message": "This account takes no tasks.",
        "external_objects": [],
    }
    assert written(tools) == 0


def test_a_failure_after_the_write_names_what_waswritten(tools: ToolServer, caller: Caller) -> None:
    """The failure is typed, and its reference is that of the row which exists."""
    plan(tools, Fault(kind=FaultKind.FAIL_AFTER_WRITE))
    answer = answer_of(caller.create())
    [task] = Witness(tools.database).objects("intent-1")
    assert (answer["success"], answer["error_class"]) == (False, "DOWNSTREAM")
    assert [ref["object_id"] for ref in answer["external_objects"]] == [task.object_id]


@pytest.mark.parametrize("kind, rows", [(FaultKind.DROP_BEFORE_WRITE, 0), (FaultKind.DROP_AFTER_WRITE, 1)])
def test_a_dropped_connection_gives_no_answer_at_all(
    tools: ToolServer, caller: Caller, kind: FaultKind, rows: int
) -> None:
    """The client sees a broken connection; only the witness knows whether the write happened."""
    plan(tools, Fault(kind=kind))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        caller.create()
    assert written(tools) == rows
    assert last_request(tools) == (kind, None)
    assert answer_of(caller.create())["deduplicated"] is (rows == 1)
    assert written(tools) == 1


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
    plan(tools, Fault(kind=kind, retry_after=seconds))
    response = caller.create()
    assert (response.status_code, response.headers.get("Retry-After")) == (status, retry_after)
    assert "result" not in response.json()
    assert written(tools) == rows
    assert last_request(tools) == (kind, status)
    assert caller.create().status_code == 200


def test_a_slow_tool_acts_although_its_caller_has_given_up(tools: ToolServer, caller: Caller) -> None:
    """A timeout proves nothing: the effect comes after it."""
    plan(tools, Fault(kind=FaultKind.SLOW, seconds=0.4))
    with pytest.raises(httpx.ReadTimeout):
        caller.create(timeout_seconds=0.1)
    assert written(tools) == 0
    plan(tools, Fault(kind=FaultKind.SLOW, seconds=0.6))
    assert answer_of(caller.create())["deduplicated"] is True
    assert written(tools) == 1


@pytest.mark.parametrize(
    "kind, is_error", [(FaultKind.NOT_JSON, False), (FaultKind.UNTYPED_ERROR, True)], ids=["text", "error"]
)
def test_a_tool_can_answer_with_mere_text(
    tools: ToolServer, caller: Caller, kind: FaultKind, *, is_error: bool
) -> None:
    """There is no structured content, the text is no JSON, and nothing is written."""
    plan(tools, Fault(kind=kind, message="<b>maintenance</b>"))
    result = caller.create().json()["result"]
    assert result["isError"] is is_error
    assert "structuredContent" not in result
    assert result["content"][0]["text"] == "<b>maintenance</b>"
    assert written(tools) == 0
