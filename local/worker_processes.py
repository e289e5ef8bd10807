"""The emulator's Lambda worker processes, found through `/proc`: which of its descendants runs which function.

Owns telling them apart. It exists so that a demonstration can kill the very process that is carrying out a call, and
nothing else: a process that is no descendant of the emulator is never named, whatever its environment says.

It will not signal anything, and it knows no system without `/proc`.
"""

from contextlib import suppress
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_FUNCTION_NAME: Final = "AWS_LAMBDA_FUNCTION_NAME"
"""Set for every function (AWS Lambda Developer Guide, "Defined runtime environment variables")."""


def workers_of(emulator_pid: int, function_name: str) -> list[int]:
    """Return the ids of the living workers of one function, ascending; empty while it has none.

    A worker keeps its process between invocations, so one that is listed may be idle. Raises `FileNotFoundError` on
    a system without `/proc`.
    """
    wanted = f"{_FUNCTION_NAME}={function_name}".encode()
    return [pid for pid in _descendants(emulator_pid) if wanted in _environment(pid)]


def _descendants(ancestor: int) -> list[int]:
    parents = dict(_parents())
    return sorted(pid for pid in parents if ancestor in _ancestors(pid, parents))


def _ancestors(pid: int, parents: dict[int, int]) -> list[int]:
    found: list[int] = []
    while (parent := parents.get(pid, 0)) > 0 and parent not in found:
        found.append(parent)
        pid = parent
    return found


def _parents() -> list[tuple[int, int]]:
    found = []
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            # A process may end while it is being looked at.
            with suppress(FileNotFoundError, ProcessLookupError):
                # The name in parentheses may hold anything, so fields are counted from its end (man 5 proc, "stat").
                fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
                found.append((int(folder.name), int(fields[1])))
    return found


def _environment(pid: int) -> list[bytes]:
    # Empty for a process that has ended; unreadable for one of another user, which is no worker of ours.
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    return []
