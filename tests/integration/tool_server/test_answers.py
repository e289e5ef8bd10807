"""What the tools answer to a call, a repeat and a mistake."""

import pytest

from local.tool_server.catalogue import CATALOGUE
from local.tool_server.server import ToolServer
from local.tool_server.witness import Witness
from tests.integration.tool_server.calling import Caller, answer_of, request


def test_the_catalogue_is_listed_with_its_schemas(tools: ToolServer, caller: Caller) -> None:
    """A client learns the names, the arguments and the answers from the server itself."""
    body, headers = request("tools/list")
    listed = caller.http.post(tools.url, json=body, headers=headers).json()["result"]["tools"]
    assert {tool["name"] for tool in listed} == set(CATALOGUE)
    assert all(tool["inputSchema"] and tool["outputSchema"] and tool["annotations"] for tool in listed)


def test_a_call_writes_once_and_a_repeat_is_recognised(tools: ToolServer, caller: Caller) -> None:
    """The effect, the caller's own run and both requests can be witnessed."""
    first = answer_of(caller.create({"due_date": "2026-12-01", "priority": "HIGH"}))
    second = answer_of(caller.create({"due_date": "2026-12-01", "priority": "HIGH"}))
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
    answer = answer_of(caller.create(fields))
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
