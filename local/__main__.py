"""``python -m local``: the whole stack on this machine, and what one does with it.

up         start the stack and keep it until interrupted
demo       start a stack, play every scenario, write .local/demo.json
preview    print what the program would create, without creating anything

tools      list what the live gateway offers
seed       publish mappings and store intents, from files, in the running stack
check      compare the published mappings with the live gateway
approve    send the approval event of an intent
show       print what is on record about an intent
verify     prove an intent's records against its ledger
resolve    settle an UNKNOWN outcome, with evidence

attention  list what is not finished: UNKNOWN outcomes, stale attempts, signals, queues
switch     list the kill switches, or set one
redrive    give the messages of a queue their work again
sweep      run the reconciler once now

Exit codes: 0 done; 1 it could not be done; 2 wrong options; 3 done, and something needs a person.
`check` has its own: 0 nothing has drifted; 1 something has; 2 it cannot be said, which is `tools`' too.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Final

from domain.model.errors import ActionError
from local.commands import intents, operating, registry, stack
from local.commands.running import FAILURE
from local.documents import DocumentError
from ports.tool_catalogue import CatalogueUnavailable

WRONG_INTERPRETER: Final = 2
"""As for wrong options: nothing was looked at, so `check` must not seem to have found drift."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every expected error is one sentence on standard error."""
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (ActionError, CatalogueUnavailable, DocumentError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILURE
    except ModuleNotFoundError as error:
        print(f"error: {error}. Run `make .venv` once, and then .venv/bin/python -m local.", file=sys.stderr)
        return WRONG_INTERPRETER
    except _stack_errors() as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILURE


def _stack_errors() -> tuple[type[Exception], ...]:
    """Return what starting or reaching a stack may raise; imported late, so that ``--help`` answers at once."""
    from botocore.exceptions import BotoCoreError, ClientError

    from local.deployer import DeployError
    from local.emulator import EmulatorError
    from local.functions import FunctionFailed
    from local.stack import StackError
    from local.tool_server.server import ToolServerError

    return (
        BotoCoreError,
        ClientError,
        DeployError,
        EmulatorError,
        FunctionFailed,
        StackError,
        ToolServerError,
        OSError,
    )


def parser() -> argparse.ArgumentParser:
    """Return the whole command line."""
    whole = argparse.ArgumentParser(
        prog="python -m local", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for group in (stack, intents, registry, operating):
        group.add(commands)
    return whole


if __name__ == "__main__":
    sys.exit(main())
