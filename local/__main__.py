"""``python -m local``: the whole stack on this machine, and what one does with it.

up       start the stack and keep it until interrupted
seed     load intents and mappings from files into the running stack
approve  send the approval event of an intent
show     print what is on record about an intent
demo     start a stack, play every scenario, write .local/demo.json
preview  print what the program would create, without creating anything
"""

import argparse
import json
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from domain.model.errors import ActionError
from domain.model.identifiers import IntentRef
from domain.model.tool_mapping import ToolMapping
from local.documents import IDENTIFIER_RULE, Document, DocumentError, is_identifier
from ports.steps.state import intent_ref_of

if TYPE_CHECKING:
    from local.stack_info import StackInfo

FOLDER: Final = Path(__file__).parents[1] / ".local"
"""Where everything of the local stack is, in the project's own folder from wherever a command is given."""
USAGE_ERROR, FAILURE = 2, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every expected error is one sentence on standard error."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (ActionError, DocumentError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILURE
    except _stack_errors() as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILURE


def _stack_errors() -> tuple[type[Exception], ...]:
    """Return what starting or reaching a stack may raise; imported late, so that ``--help`` answers at once."""
    from botocore.exceptions import BotoCoreError, ClientError

    from local.deployer import DeployError
    from local.emulator import EmulatorError
    from local.stack import StackError
    from local.tool_server.server import ToolServerError

    return (BotoCoreError, ClientError, DeployError, EmulatorError, StackError, ToolServerError, OSError)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="start the stack and keep it until interrupted")
    up.add_argument("--gateway-url", type=_gateway_url, help="use this MCP server instead of the reference tool server")
    up.add_argument("--wait-scale", type=_scale, default=1.0, help="multiply every Step Functions wait (default 1)")
    up.add_argument("--port", type=_port, default=0, help="the emulator's port (default: a free one)")
    up.set_defaults(run=_up)

    seed = commands.add_parser("seed", help="load intents and mappings from JSON files")
    seed.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a JSON file like those in examples/")
    seed.add_argument("--json", action="store_true", help="print what was loaded as JSON")
    seed.set_defaults(run=_seed)

    approve = commands.add_parser("approve", help="send the approval event of an intent")
    _add_intent(approve)
    approve.add_argument("--times", type=_times, default=1, help="send the event this often (default 1)")
    approve.add_argument("--by", type=_identifier, default="local.operator", help="who approves, if nobody has yet")
    approve.add_argument("--json", action="store_true", help="print what was sent as JSON")
    approve.set_defaults(run=_approve)

    show = commands.add_parser("show", help="print what is on record about an intent")
    _add_intent(show)
    show.add_argument("--json", action="store_true", help="print the whole record as JSON")
    show.set_defaults(run=_show)

    demo = commands.add_parser("demo", help="play every scenario and write .local/demo.json")
    demo.set_defaults(run=_demo)

    preview = commands.add_parser("preview", help="print what the program would create")
    preview.add_argument("--stack", default="dev", help="the stack whose Pulumi.<stack>.yaml is used (default dev)")
    preview.add_argument("--json", action="store_true", help="print the plan as JSON")
    preview.set_defaults(run=_preview)
    return parser


def _add_intent(command: argparse.ArgumentParser) -> None:
    command.add_argument("intent_id", metavar="INTENT_ID", help="the intent's action_intent_id")
    command.add_argument("--tenant", required=True, help="its tenant_id")
    command.add_argument("--account", required=True, help="its account_id")


def _intent(options: argparse.Namespace) -> IntentRef:
    return intent_ref_of(
        {"action_intent_id": options.intent_id, "tenant_id": options.tenant, "account_id": options.account}
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:  # noqa: PLR2004  the largest TCP port
        raise argparse.ArgumentTypeError("must be a port from 0 (any free one) to 65535")
    return int(text)


def _gateway_url(text: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    from infrastructure.settings import SecureUrl

    try:
        return str(TypeAdapter(SecureUrl).validate_python(text))
    except ValidationError:
        raise argparse.ArgumentTypeError(
            "must be the https URL of an MCP server, or an http URL on this machine, without credentials, query or "
            "fragment, e.g. http://127.0.0.1:9000/mcp"
        ) from None


def _identifier(text: str) -> str:
    if not is_identifier(text):
        raise argparse.ArgumentTypeError(IDENTIFIER_RULE)
    return text


def _scale(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("must be from 0 (do not wait) to 1 (wait as on AWS)")
    return value


def _times(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if not 1 <= value <= 10_000:  # noqa: PLR2004  a slip of the finger should not send a million events
        raise argparse.ArgumentTypeError("must be from 1 to 10000")
    return value


_ENDING: Final = (signal.SIGINT, signal.SIGTERM)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _up(options: argparse.Namespace) -> int:
    from local.stack import LocalStack

    interrupted = threading.Event()
    for number in _ENDING:  # during the start either ends it at once, with its clean-up, also in the background
        signal.signal(number, _interrupt)
    with LocalStack(
        folder=FOLDER, gateway_url=options.gateway_url, wait_scale=options.wait_scale, port=options.port
    ) as stack:
        for number in _ENDING:
            signal.signal(number, lambda *_: interrupted.set())
        print(f"\nThe stack is up at {stack.info.endpoint_url}; its details are in {FOLDER / 'stack.json'}.")
        print("Try:  .venv/bin/python -m local seed examples/mappings/*.json examples/intents/*.json")
        print("      .venv/bin/python -m local approve intent-crm-0001 --tenant tenant-acme --account account-globex")
        print("      .venv/bin/python -m local show intent-crm-0001 --tenant tenant-acme --account account-globex")
        print("Stop it with Ctrl-C.", flush=True)
        interrupted.wait()
    print("stopped")
    return 0


def _seed(options: argparse.Namespace) -> int:
    from local.operations import Operations

    loaded = Operations(_running_stack()).seed_files(options.files)
    named = [_named(document) for document in loaded]
    if options.json:
        print(json.dumps(named, indent=2))
    else:
        for one in named:
            print(f"{one['kind']:<14} {one['name']}  {one['note']}")
    return 0


def _named(document: Document) -> dict[str, str]:
    if isinstance(document, ToolMapping):
        name, note = f"{document.action_type} {document.version}", f"-> {document.tool_name}"
        return {"kind": "tool_mapping", "name": name, "note": note}
    note = f"approved by {document.approved_by}" if document.approved_by else f"{document.intent.status}"
    return {"kind": "action_intent", "name": str(document.intent.ref), "note": note}


def _approve(options: argparse.Namespace) -> int:
    from local.operations import Operations

    ref = _intent(options)
    operations = Operations(_running_stack())
    intent = operations.approve(ref, approved_by=options.by, times=options.times)
    approver = intent.approval.approved_by if intent.approval else None
    if options.json:
        print(json.dumps({**ref.model_dump(), "events": options.times, "approved_by": approver}))
    else:
        print(f"sent ACTION_APPROVED for {ref} {options.times} time(s); approved by {approver}")
    return 0


def _show(options: argparse.Namespace) -> int:
    from local.record import read_record

    record = read_record(_running_stack(), _intent(options))
    print(json.dumps(record.as_json(), indent=2) if options.json else record.as_text())
    return 0 if record.attempt else FAILURE


def _running_stack() -> "StackInfo":
    """Return the stack that ``stack.json`` describes; raises ``StackError`` if it does not answer any more."""
    from local.stack_info import StackError, StackInfo

    info = StackInfo.load(FOLDER / "stack.json")
    endpoint = urlsplit(info.endpoint_url)
    try:
        socket.create_connection((endpoint.hostname or "", endpoint.port or 443), timeout=1).close()
    except OSError as error:
        raise StackError(
            f"The stack that {FOLDER / 'stack.json'} describes no longer answers. Start one with `make local`."
        ) from error
    return info


def _demo(_options: argparse.Namespace) -> int:
    from local.demo.runner import play_demo

    return play_demo(FOLDER)


def _preview(options: argparse.Namespace) -> int:
    from local.program import preview_command

    return preview_command(options.stack, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
