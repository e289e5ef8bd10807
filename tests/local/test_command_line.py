"""The command line: one sentence for every expected error, no traceback, an exit code that scripts can use."""

import argparse
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest
from botocore.exceptions import EndpointConnectionError

import local.demo.runner
import local.stack
from domain.model.errors import ConfigurationError, TransientError
from domain.model.tool_description import ToolDescription
from local import __main__ as command_line
from local.aws_clients import AwsClients
from local.commands import registry, running
from local.functions import FunctionFailed, Functions
from local.operations import Operations
from local.stack_info import StackInfo
from ports.steps.contract import Worker
from ports.steps.resources import MCP_PROTOCOL_VERSIONS
from ports.tool_catalogue import CatalogueUnavailable

PROJECT = Path(__file__).parents[2]
INTENT = ["intent-1", "--tenant", "t", "--account", "a"]
APPROVAL, SHOW, VERIFY = ["approve", *INTENT], ["show", *INTENT], ["verify", *INTENT]
RESOLVE = ["resolve", *INTENT, "--status", "SUCCEEDED", "--evidence", "it is there", "--by", "dana"]
SWITCH = ["switch", "tenant:t", "--state", "HOLD", "--reason", "why", "--by", "dana"]
ATTENTION, REDRIVE, SWEEP = ["attention"], ["redrive", "ingress-dlq"], ["sweep"]
OF_A_RUNNING_STACK = [["seed", "any.json"], APPROVAL, SHOW, VERIFY, RESOLVE, SWITCH, ATTENTION, REDRIVE, SWEEP]


NOT_SAID = 2
"""`check`: it cannot be said."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the project's own, whose stack may be somebody's."""
    monkeypatch.setattr(running, "FOLDER", tmp_path / ".local")
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".local"


class Starting:
    """A stack that is not started, and to which something happens while it would be."""

    number: int | None = None
    is_up_at_the_signal = False
    events: list[str]

    def __init__(self, **options: object) -> None:
        self.options = options
        self.info = SimpleNamespace(endpoint_url="https://127.0.0.1:1")

    def __enter__(self) -> Self:
        self.events.append("starting")
        if self.number is not None and not self.is_up_at_the_signal:
            try:
                os.kill(os.getpid(), self.number)
            except BaseException:
                self.events.append("cleaned up")
                raise
        self.events.append("up")
        return self

    def __exit__(self, *_: object) -> None:
        self.events.append("stopped")


@pytest.fixture
def starting(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Starting]]:
    """The stack that `up` would start; the process's own signal handlers are put back afterwards."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # Whatever the command forgets to handle must not end the test run.
    signal.signal(signal.SIGTERM, lambda *_: None)
    monkeypatch.setattr(Starting, "events", [], raising=False)
    monkeypatch.setattr(local.stack, "LocalStack", Starting)
    yield Starting
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_without_a_stack_a_command_says_how_to_start_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The most common mistake is named with its fix."""
    code = command_line.main(["seed", str(tmp_path / "any.json")])
    printed = capsys.readouterr()
    assert (code, printed.out) == (1, "")
    assert "make local" in printed.err
    assert "Traceback" not in printed.err


def test_ids_of_an_illegal_shape_are_refused_before_anything_is_reached(capsys: pytest.CaptureFixture[str]) -> None:
    """A hash in an id would break the store's keys."""
    code = command_line.main(["approve", "a#b", "--tenant", "t", "--account", "a"])
    printed = capsys.readouterr()
    assert code == 1
    assert "action_intent_id" in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["up", "--wait-scale", "2"],
        ["up", "--wait-scale", "soon"],
        ["up", "--port", "99999"],
        ["up", "--port", "-1"],
        ["up", "--port", "http"],
        ["approve", "i", "--tenant", "t", "--account", "a", "--times", "0"],
        ["approve", "i"],
        ["switch", "tenant:t"],
        ["switch", "tenant:t", "--state", "HOLD", "--by", "dana"],
        ["switch", "--state", "HOLD"],
        ["switch", "everything", *SWITCH[2:]],
        [*SWITCH[:2], "--state", "HALTED", *SWITCH[4:]],
        ["redrive"],
        ["redrive", "no-such-queue"],
        ["redrive", "attention", "--done"],
        [*REDRIVE, "--max", "0"],
        [*RESOLVE[:-2]],
        [*RESOLVE, "--object", "task-42"],
        [*RESOLVE, "--object", ":task-42"],
        ["resolve", *INTENT, "--status", "UNKNOWN", *RESOLVE[6:]],
        ["resolve", *INTENT, "--status", "FAILED", "--evidence", "  ", "--by", "dana"],
        [],
    ],
)
def test_a_wrong_option_ends_with_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Exit code 2, and the usage on standard error."""
    with pytest.raises(SystemExit) as caught:
        command_line.main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_broken_stack_file_is_explained(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """A file of another version does not end in a traceback."""
    folder.mkdir()
    (folder / "stack.json").write_text(json.dumps({"endpoint": "x"}))
    code = command_line.main(["seed", "any.json"])
    assert code == 1
    assert "Start it again" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_a_port_that_cannot_be_is_refused_with_its_range(capsys: pytest.CaptureFixture[str], port: str) -> None:
    """The sentence says which numbers would do."""
    with pytest.raises(SystemExit):
        command_line.main(["up", "--port", port])
    assert "argument --port: must be a port from 0 (any free one) to 65535" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    [
        "gateway.hunter2.com/mcp",
        "ftp://hunter2.com/mcp",
        "https:///hunter2",
        "https://user:hunter2@gateway.example.com/mcp",
        "https://[hunter2/mcp",
        "https://hunter2.com:99999/mcp",
        "https://hunter2.com:port/mcp",
        "http://hunter2.com/mcp",
    ],
)
def test_a_gateway_that_cannot_be_called_is_refused_before_anything_starts(
    capsys: pytest.CaptureFixture[str], starting: type[Starting], url: str
) -> None:
    """Seconds of starting would be wasted, and a URL may hold a password."""
    with pytest.raises(SystemExit) as caught:
        command_line.main(["up", "--gateway-url", url])
    printed = capsys.readouterr().err
    assert caught.value.code == 2
    assert "argument --gateway-url: " in printed
    assert "hunter2" not in printed
    assert starting.events == []


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_version_that_the_client_does_not_speak_is_refused_with_those_it_does(
    capsys: pytest.CaptureFixture[str], starting: type[Starting], command: str
) -> None:
    """A stack deployed with it would have every call refused."""
    with pytest.raises(SystemExit) as caught:
        command_line.main([command, "--protocol", "2024-11-05"])
    assert caught.value.code == 2
    said = f"argument --protocol: must be one of {', '.join(MCP_PROTOCOL_VERSIONS)}"
    assert said in capsys.readouterr().err
    assert starting.events == []


@pytest.mark.parametrize("version", MCP_PROTOCOL_VERSIONS)
def test_the_demo_is_played_in_the_version_that_is_asked_for(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """It is deployed with the stack, so that no call speaks another."""
    played: list[str] = []

    def play(_folder: Path, protocol: str) -> int:
        played.append(protocol)
        return 0

    monkeypatch.setattr(local.demo.runner, "play_demo", play)
    assert command_line.main(["demo", "--protocol", version]) == 0
    assert command_line.main(["demo"]) == 0
    assert played == [version, MCP_PROTOCOL_VERSIONS[-1]]


def test_an_approver_of_an_illegal_shape_is_refused_before_anything_is_reached(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The option is named, and what it must be; its value is not repeated."""
    with pytest.raises(SystemExit) as caught:
        command_line.main([*APPROVAL, "--by", "hunter 2"])
    printed = capsys.readouterr().err
    assert caught.value.code == 2
    assert "argument --by: " in printed
    assert "hunter" not in printed


@pytest.mark.parametrize("arguments", OF_A_RUNNING_STACK, ids=lambda arguments: arguments[0])
def test_a_stack_that_was_killed_is_named_as_gone(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    info: StackInfo,
    arguments: list[str],
) -> None:
    """Its file stays behind; what a connection error says would help nobody."""

    def refused(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refused)
    folder.mkdir()
    info.save(folder / "stack.json")
    code = command_line.main(arguments)
    assert code == 1
    assert capsys.readouterr().err == (
        f"error: The stack that {folder / 'stack.json'} describes no longer answers. Start one with `make local`.\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_during_the_start_stops_at_once_and_cleans_up(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    starting: type[Starting],
    number: signal.Signals,
) -> None:
    """Nobody has to wait for a start that is no longer wanted."""
    monkeypatch.setattr(starting, "number", number)
    # A start that goes on in spite of the signal must not keep the test waiting.
    monkeypatch.setattr(threading.Event, "wait", lambda _: None)
    assert command_line.main(["up"]) == 130
    assert starting.events == ["starting", "cleaned up"]
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_to_a_running_stack_stops_it_in_order(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    starting: type[Starting],
    number: signal.Signals,
) -> None:
    """That is how one is meant to end it, so it is no error."""
    wait = threading.Event.wait

    def signalled(event: threading.Event) -> None:
        os.kill(os.getpid(), number)
        assert wait(event, 5)

    monkeypatch.setattr(threading.Event, "wait", signalled)
    assert command_line.main(["up"]) == 0
    assert starting.events == ["starting", "up", "stopped"]
    assert capsys.readouterr().out.endswith("stopped\n")


def test_the_projects_own_folders_are_used_wherever_one_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples and `.local` are found from any working directory."""
    monkeypatch.undo()
    assert running.FOLDER == PROJECT / ".local"
    assert local.demo.runner.EXAMPLES == PROJECT / "examples"


def test_a_preview_can_be_had_from_any_folder(capsys: pytest.CaptureFixture[str]) -> None:
    """The program and its settings are the project's, not the working directory's."""
    assert command_line.main(["preview", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stack"] == "dev"


def _commands() -> dict[str, argparse.ArgumentParser]:
    actions = command_line.parser()._actions  # noqa: SLF001  argparse shows its commands nowhere else
    (group,) = [action for action in actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001  same
    return dict(group.choices)


def test_every_command_is_in_the_overview() -> None:
    """The first help that one asks for leaves none out."""
    told = [line.split()[0] for line in (command_line.__doc__ or "").splitlines() if line[:1].islower()]
    assert sorted(told) == sorted(_commands())


@pytest.mark.parametrize("arguments", OF_A_RUNNING_STACK, ids=lambda arguments: arguments[0])
def test_every_command_of_a_running_stack_can_be_scripted_and_explains_itself(arguments: list[str]) -> None:
    """Each takes --json, and no option is without its explanation."""
    command = _commands()[arguments[0]]
    assert command.parse_args([*arguments[1:], "--json"]).json is True
    assert [action.dest for action in command._actions if not action.help] == []  # noqa: SLF001  same


def test_a_function_that_fails_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path, info: StackInfo
) -> None:
    """The function's own error is passed on, without a traceback."""

    def fail(*_: object) -> None:
        raise FunctionFailed(Worker.RECONCILER, "ConfigurationError", "CONFIGURATION_ERROR: access is denied")

    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: socket.socket(socket.AF_UNIX))
    monkeypatch.setattr(Functions, "invoke", fail)
    folder.mkdir()
    info.save(folder / "stack.json")
    monkeypatch.setattr(AwsClients, "of", lambda *_: None)
    assert command_line.main(SWEEP) == 1
    printed = capsys.readouterr().err
    assert printed == "error: Reconciler failed with ConfigurationError: CONFIGURATION_ERROR: access is denied\n"


def test_an_interpreter_without_the_packages_is_told_of_the_one_that_has_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes ``python`` for ``.venv/bin/python`` gets a sentence, and no exit code that means drift."""
    monkeypatch.setitem(sys.modules, "local.operations", None)
    assert command_line.main(SWEEP) == command_line.WRONG_INTERPRETER
    assert "Run `make .venv` once" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("command", ["check", "tools"])
def test_a_check_that_cannot_be_made_is_neither_drift_nor_none(
    command: str, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A script that gates on it is told which of the three it was."""
    assert command_line.main([command, *options]) == NOT_SAID
    captured = capsys.readouterr()
    said = json.loads(captured.out)["reason"] if options else captured.err
    assert "No stack is running here" in said


@pytest.mark.parametrize(
    "error",
    [
        CatalogueUnavailable("the gateway does not answer"),
        ConfigurationError("the gateway does not speak 1999-01-01"),
        TransientError("the registry does not answer"),
        EndpointConnectionError(endpoint_url="https://127.0.0.1:1"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_does_not_answer_is_not_called_free_of_drift(
    error: Exception, info: StackInfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Gateway, registry, protocol version: one sentence, and the exit code that says so."""
    monkeypatch.setattr(registry, "running_stack", lambda: info)
    monkeypatch.setattr(Operations, "__init__", lambda *_: None)
    monkeypatch.setattr(Operations, "check", _raising(error))
    assert command_line.main(["check"]) == NOT_SAID
    assert capsys.readouterr().err == f"error: {error}\n"


def _raising(error: Exception) -> Callable[[Operations], object]:
    def check(_self: Operations) -> object:
        raise error

    return check


def test_a_tools_own_text_cannot_command_the_terminal(
    info: StackInfo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Argument names are the gateway's words, and schemas may be anything."""
    hostile = ToolDescription(name="t", input_schema={"properties": {"a\x1b[2J": {}, "b": 1}, "required": ["b"]})
    odd = ToolDescription(name="u", input_schema={"properties": 5, "required": "b"})
    monkeypatch.setattr(registry, "running_stack", lambda: info)
    monkeypatch.setattr(Operations, "__init__", lambda *_: None)
    monkeypatch.setattr(Operations, "tools", lambda _self: (hostile, odd))
    assert command_line.main(["tools"]) == 0
    assert capsys.readouterr().out.splitlines() == ["t('a\\x1b[2J', b*)", "u()", "2 tool(s)"]
