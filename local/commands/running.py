"""The stack that a command is about, and what its exit code says."""

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from local.stack_info import StackInfo

FOLDER: Final = Path(__file__).parents[2] / ".local"
"""Where everything of the local stack is, in the project's own folder from wherever a command is given."""

FAILURE: Final = 1
"""The command could not do what it was told; standard error says why."""

SOMETHING_IS_OPEN: Final = 3
"""The command did its work, and there is something left that needs a person."""


def running_stack() -> "StackInfo":
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
