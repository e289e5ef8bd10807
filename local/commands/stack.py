"""``up``, ``demo`` and ``preview``: the stack itself."""

import argparse
import signal
import threading
from typing import TYPE_CHECKING, Final

from local.commands import running
from local.commands.arguments import add_protocol, gateway_url, port, scale

if TYPE_CHECKING:
    from local.commands.arguments import Commands

_ENDING: Final = (signal.SIGINT, signal.SIGTERM)

_EXAMPLE: Final = ("examples/mappings/*.json examples/intents/*.json", "intent-crm-0001")
_OWN_EXAMPLE: Final = ("examples/plain_server/mapping.json examples/plain_server/intent.json", "intent-ticket-0001")
"""What to seed and which intent to approve; a server of somebody's own has other tools than the reference one."""


def add(commands: "Commands") -> None:
    """Add these commands."""
    up = commands.add_parser("up", help="start the stack and keep it until interrupted")
    up.add_argument("--gateway-url", type=gateway_url, help="use this MCP server instead of the reference tool server")
    up.add_argument("--wait-scale", type=scale, default=1.0, help="multiply every Step Functions wait (default 1)")
    up.add_argument("--port", type=port, default=0, help="the emulator's port (default: a free one)")
    add_protocol(up)
    up.set_defaults(run=_up)

    demo = commands.add_parser("demo", help="play every scenario and write .local/demo.json")
    add_protocol(demo)
    demo.set_defaults(run=_demo)

    preview = commands.add_parser("preview", help="print what the program would create")
    preview.add_argument("--stack", default="dev", help="the stack whose Pulumi.<stack>.yaml is used (default dev)")
    preview.add_argument("--json", action="store_true", help="print the plan as JSON")
    preview.set_defaults(run=_preview)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _up(options: argparse.Namespace) -> int:
    from local.gateway_probe import check_gateway
    from local.stack import LocalStack

    if options.gateway_url:
        check_gateway(options.gateway_url)
    interrupted = threading.Event()
    for number in _ENDING:  # during the start either ends it at once, with its clean-up, also in the background
        signal.signal(number, _interrupt)
    with LocalStack(
        folder=running.FOLDER,
        gateway_url=options.gateway_url,
        wait_scale=options.wait_scale,
        port=options.port,
        config={"mcpProtocolVersion": options.protocol},
    ) as stack:
        for number in _ENDING:
            signal.signal(number, lambda *_: interrupted.set())
        print(f"\nThe stack is up at {stack.info.endpoint_url}; its details are in {running.FOLDER / 'stack.json'}.")
        files, intent = _OWN_EXAMPLE if options.gateway_url else _EXAMPLE
        print(f"Try:  .venv/bin/python -m local seed {files}")
        print(f"      .venv/bin/python -m local approve {intent} --tenant tenant-acme --account account-globex")
        print(f"      .venv/bin/python -m local show {intent} --tenant tenant-acme --account account-globex")
        print("Stop it with Ctrl-C.", flush=True)
        interrupted.wait()
    print("stopped")
    return 0


def _demo(options: argparse.Namespace) -> int:
    from local.demo.runner import play_demo

    return play_demo(running.FOLDER, options.protocol)


def _preview(options: argparse.Namespace) -> int:
    from local.program import preview_command

    return preview_command(options.stack, as_json=options.json)
