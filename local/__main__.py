"""``python -m local``: the whole stack on this machine, and what one does with it.

up       start the stack and keep it until interrupted
seed     load intents and mappings from files into the running stack
approve  send the approval event of an intent
demo     start a stack, play every scenario, write .local/demo.json
preview  print what the program would create, without creating anything
"""

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from domain.model.errors import ActionError
from domain.model.tool_mapping import ToolMapping
from local.documents import Document, DocumentError
from ports.steps.state import intent_ref_of

FOLDER: Final = Path(".local")
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
    up.add_argument("--gateway-url", help="use this MCP server instead of the reference tool server")
    up.add_argument("--wait-scale", type=_scale, default=1.0, help="multiply every Step Functions wait (default 1)")
    up.add_argument("--port", type=int, default=0, help="the emulator's port (default: a free one)")
    up.set_defaults(run=_up)

    seed = commands.add_parser("seed", help="load intents and mappings from JSON files")
    seed.add_argument("files", nargs="+", type=Path, metavar="FILE")
    seed.add_argument("--json", action="store_true", help="print what was loaded as JSON")
    seed.set_defaults(run=_seed)

    approve = commands.add_parser("approve", help="send the approval event of an intent")
    approve.add_argument("intent_id", metavar="INTENT_ID")
    approve.add_argument("--tenant", required=True)
    approve.add_argument("--account", required=True)
    approve.add_argument("--times", type=_times, default=1, help="send the event this often (default 1)")
    approve.add_argument("--by", default="local.operator", help="who approves, if nobody has yet")
    approve.add_argument("--json", action="store_true", help="print what was sent as JSON")
    approve.set_defaults(run=_approve)

    demo = commands.add_parser("demo", help="play every scenario and write .local/demo.json")
    demo.set_defaults(run=_demo)

    preview = commands.add_parser("preview", help="print what the program would create")
    preview.add_argument("--stack", default="dev", help="the stack whose Pulumi.<stack>.yaml is used (default dev)")
    preview.add_argument("--json", action="store_true", help="print the plan as JSON")
    preview.set_defaults(run=_preview)
    return parser


def _scale(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("must be from 0 (do not wait) to 1 (wait as on AWS)")
    return value


def _times(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 10_000:  # noqa: PLR2004  a slip of the finger should not send a million events
        raise argparse.ArgumentTypeError("must be from 1 to 10000")
    return value


def _up(options: argparse.Namespace) -> int:
    from local.stack import LocalStack

    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    with LocalStack(
        folder=FOLDER, gateway_url=options.gateway_url, wait_scale=options.wait_scale, port=options.port
    ) as stack:
        print(f"\nThe stack is up at {stack.info.endpoint_url}; its details are in {FOLDER / 'stack.json'}.")
        print("Try:  python -m local seed examples/mappings/*.json examples/intents/*.json")
        print("      python -m local approve intent-crm-0001 --tenant tenant-acme --account account-globex")
        print("Stop it with Ctrl-C.", flush=True)
        interrupted.wait()
    print("stopped")
    return 0


def _seed(options: argparse.Namespace) -> int:
    from local.operations import Operations
    from local.stack import StackInfo

    loaded = Operations(StackInfo.load(FOLDER / "stack.json")).seed_files(options.files)
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
    from local.stack import StackInfo

    ref = intent_ref_of(
        {"action_intent_id": options.intent_id, "tenant_id": options.tenant, "account_id": options.account}
    )
    operations = Operations(StackInfo.load(FOLDER / "stack.json"))
    intent = operations.approve(ref, approved_by=options.by, times=options.times)
    approver = intent.approval.approved_by if intent.approval else None
    if options.json:
        print(json.dumps({**ref.model_dump(), "events": options.times, "approved_by": approver}))
    else:
        print(f"sent ACTION_APPROVED for {ref} {options.times} time(s); approved by {approver}")
    return 0


def _demo(_options: argparse.Namespace) -> int:
    from local.demo.runner import play_demo

    return play_demo(FOLDER)


def _preview(options: argparse.Namespace) -> int:
    from local.program import preview_command

    return preview_command(options.stack, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
