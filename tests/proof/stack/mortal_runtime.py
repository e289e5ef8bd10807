"""Starts AWS's own runtime client in a process that dies where it is told to: the proof's way to crash a function.

Run by the emulator as ``python -P mortal_runtime.py FOLDER HANDLER`` in the function's own package, so it imports
nothing of this repository but what is deployed. Every public method of the adapters behind ``PORTS`` is passed through
a gate. A death is a file ``FOLDER/INTENT.NUMBER.json``: the one of the lowest number is due. Whoever meets its site
moves it to ``FOLDER/dead``, writes its own process id into it, and ends without cleaning up (``os._exit``), as a
process does whose machine is gone. So a death happens once, and leaves word that it happened.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from threading import Timer
from typing import Any, Final

PORTS: Final = {
    "intents": "adapters.dynamodb.intent_store:DynamoDbIntentStore",
    "journal": "adapters.dynamodb.execution_journal:DynamoDbExecutionJournal",
    "external_writes": "adapters.dynamodb.external_writes:DynamoDbExternalWrites",
    "artifacts": "adapters.s3.artifact_store:S3ArtifactStore",
    "gateway": "adapters.mcp.tool_gateway:McpToolGateway",
    "publisher": "adapters.eventbridge.signal_publisher:EventBridgeSignalPublisher",
    "inbox": "adapters.sqs.operator_inbox:SqsOperatorInbox",
}
"""Ports by name, and the class that stands behind each in a deployed function."""

DEAD: Final = "dead"
EXIT_CODE: Final = 137
"""What a shell reports of a process that was killed: 128 and the signal's number (POSIX shell, "Exit Status")."""
INTO_THE_CALL_SECONDS: Final = 0.8
"""How long after its begin a call is cut in the middle; the tool has been told to hold its answer for longer."""


class Gate:
    """Lets calls of one function's ports pass, or ends the process."""

    def __init__(self, folder: Path, handler: str) -> None:
        self._folder = folder
        self._handler = handler
        self._passed: Counter[str] = Counter()

    def guard(self, port: str, adapter: type) -> None:
        """Put the gate around every public method of an adapter's class."""
        for name, method in list(vars(adapter).items()):
            if callable(method) and not name.startswith("_"):
                setattr(adapter, name, self._guarded(f"{port}.{name}", method))

    def _guarded(self, call: str, method: Callable[..., object]) -> Callable[..., object]:
        @wraps(method)
        def guarded(itself: object, *args: object, **kwargs: object) -> object:
            due = self._due(call, _intent_of(args))
            if due is None:
                return method(itself, *args, **kwargs)
            when, file = due
            if when == "before":
                self._die(file)
            cut = Timer(INTO_THE_CALL_SECONDS, self._die, (file,)) if when == "during" else None
            if cut is not None:
                cut.start()
            try:
                return method(itself, *args, **kwargs)
            finally:
                if when == "after":
                    self._die(file)
                if cut is not None:
                    cut.cancel()

        return guarded

    def _due(self, call: str, intent: str | None) -> tuple[str, Path] | None:
        """Return when to die in this call, if at all, and the file that says so."""
        file = min(self._folder.glob(f"{intent}.*.json"), default=None) if intent else None
        if file is None:
            return None
        try:
            death = json.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            return None  # somebody else died of it just now
        if (death["handler"], death["call"]) != (self._handler, call):
            return None
        self._passed[file.name] += 1
        return (death["when"], file) if self._passed[file.name] == death["nth"] else None

    def _die(self, file: Path) -> None:
        dying = self._folder / DEAD / f"{file.name}.dying"
        try:
            file.rename(dying)
        except FileNotFoundError:
            return  # somebody else died of it just now
        dying.write_text(json.dumps({"pid": os.getpid()}), "utf-8")
        dying.rename(dying.with_suffix(""))  # whole, for whoever looks for the dead meanwhile
        os._exit(EXIT_CODE)


def _intent_of(args: tuple[Any, ...]) -> str | None:
    """Return the intent that a call is about: the first argument that names one."""
    for arg in args:
        named = getattr(arg, "ref", None) or arg
        if hasattr(named, "action_intent_id"):
            return str(named.action_intent_id)
    return None


def main() -> None:
    """Guard the ports, then do what the runtime client's own command does."""
    folder, handler = sys.argv[1:]
    gate = Gate(Path(folder), handler)
    for port, where in PORTS.items():
        module, _, name = where.partition(":")
        gate.guard(port, getattr(import_module(module), name))
    sys.argv = [sys.argv[0], handler]
    import_module("awslambdaric.__main__").main(sys.argv)


if __name__ == "__main__":
    main()
