"""Publishing, checking and running by a pinned schema, on the whole stack and over real MCP."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.model.canonical_json import digest
from local import __main__ as command_line
from local.commands import running
from local.operations import Operations
from local.stack import LocalStack, StackInfo
from tests.builders import an_intent
from tests.integration.journey import Journey
from tests.support.gateway_tools import a_fitting_mapping

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("mappings/*"))
FOREVER = 4_000_000_000


@pytest.fixture(autouse=True)
def folder(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the tests' own stack."""
    monkeypatch.setattr(running, "FOLDER", stack.folder)


@pytest.fixture
def elsewhere(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StackInfo]:
    """The same stack, described with a gateway at a port where nobody listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{reserved.getsockname()[1]}/mcp"
        info = stack.info.model_copy(update={"gateway_url": url})
        info.save(tmp_path / "stack.json")
        monkeypatch.setattr(running, "FOLDER", tmp_path)
        yield info


def test_the_examples_are_published_against_the_live_gateway_and_do_not_drift(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Over TLS, with a token, from the server's own list."""
    assert command_line.main(["seed", *map(str, EXAMPLES)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    command_line.main(["check", "--json"])
    mappings = {one["action_type"]: one for one in json.loads(capsys.readouterr().out)["mappings"]}
    examples = [mappings[name] for name in ("CREATE_CRM_TASK", "CREATE_INTERNAL_NOTE", "DRAFT_CALENDAR_EVENT")]
    assert [(one["pinned"], one["drift"]) for one in examples] == [(True, [])] * 3


def test_the_live_tools_are_listed_as_a_mapping_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Names, arguments with the required ones marked, and hints; the whole schemas for scripts."""
    assert command_line.main(["tools"]) == 0
    listed = capsys.readouterr().out.splitlines()
    (created,) = [line for line in listed if line.startswith("crm___create_task(")]
    assert "title*" in created
    assert "execution_context" in created
    assert "not read only" in created
    assert listed[-1] == f"{len(listed) - 1} tool(s)"

    assert command_line.main(["tools", "--json"]) == 0
    described = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert len(described) == len(listed) - 1
    assert described["crm___create_task"]["input_schema"]["required"]


def test_drift_is_told_with_its_part_and_an_exit_code(stack: LocalStack, capsys: pytest.CaptureFixture[str]) -> None:
    """Here the mapping was published for a schema that the live tool does not have."""
    operations = Operations(stack.info)
    operations.seed([a_fitting_mapping(action_type="DRIFTING")])
    published = operations.registry.find("DRIFTING", "v1")
    assert published is not None
    schema = {**(published.tool_input_schema or {}), "title": "As it was"}
    pins = {"tool_input_schema": schema, "tool_schema_hash": digest(schema), "version": "v0"}
    operations.registry.publish(published.model_copy(update=pins))

    assert command_line.main(["check"]) == 1
    printed = capsys.readouterr().out
    assert "drifted  DRIFTING v0 -> crm___create_task" in printed
    assert "WORDING_CHANGED /title: WORDING in the input schema of crm___create_task" in printed
    assert "fits     DRIFTING v1" in printed


@pytest.mark.usefixtures("elsewhere")
def test_a_gateway_that_cannot_be_reached_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is published, and the check says that it cannot say."""
    assert command_line.main(["seed", str(EXAMPLES[0])]) == 1
    assert command_line.main(["check"]) == 2
    assert command_line.main(["check", "--json"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["status"] == "unknown"
    assert captured.err.count("error: ") == 2
    assert "Traceback" not in captured.err


def test_a_version_that_the_gateway_does_not_speak_is_one_sentence(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check is where one learns it, and not an action."""
    access = stack.info.gateway_access.model_copy(update={"protocol_version": "1999-01-01"})
    stack.info.model_copy(update={"gateway_access": access}).save(tmp_path / "stack.json")
    monkeypatch.setattr(running, "FOLDER", tmp_path)
    assert command_line.main(["check"]) == 2
    assert "error: " in capsys.readouterr().err


def test_arguments_that_the_pinned_schema_refuses_never_leave(stack: LocalStack) -> None:
    """The tool would refuse them too; the action ends before anything is sent (D54)."""
    journey = Journey.on(stack)
    intent = an_intent(
        action_intent_id="too-long-a-title",
        action_type="PINNED",
        parameters={"title": "x" * 201},
        expires_at_epoch=FOREVER,
    )
    journey.seed(intent, a_fitting_mapping(action_type="PINNED"))
    seen = journey.travel(intent.ref)
    assert (seen.status, seen.external_writes) == ("FAILED", 0)
    assert "TOOL_DISPATCHED" not in seen.ledger
    assert seen.error_code == "INVALID_PARAMETERS"
