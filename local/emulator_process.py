"""The program of the emulator's child process: serve the emulator, and die with the process that started it.

Started by `local.emulator` as `python -I emulator_process.py LISTENING_FD`, in its own process group, with a pipe
as standard input. It exists because the emulator's own command also opens 127.0.0.1:443 when TLS is on, and
because a parent that is killed outright cannot stop its child: here the closing pipe does.

It will not parse options or read anything else from its input: configuration is the environment it is given.
"""

import os
import runpy
import signal
import sys
import threading

_KEEP_ALIVE_SECONDS = 75  # what the emulator's own command uses; longer than boto3 keeps a connection idle


def main() -> None:
    """Serve on the inherited listening socket until killed."""
    listening_fd = int(sys.argv[1])
    _die_with_the_parent()
    sys.argv = [
        "hypercorn",
        "ministack.app:app",
        *("--bind", f"fd://{listening_fd}"),
        *("--workers", "0"),
        *("--keep-alive", str(_KEEP_ALIVE_SECONDS)),
        *("--certfile", os.environ["MINISTACK_SSL_CERT"]),
        *("--keyfile", os.environ["MINISTACK_SSL_KEY"]),
    ]
    runpy.run_module("hypercorn", run_name="__main__", alter_sys=True)


def _die_with_the_parent() -> None:
    # The lifeline moves off descriptor 0, so that no Lambda worker can inherit it as its standard input.
    lifeline = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    threading.Thread(target=_kill_the_group_at_the_end_of, args=(lifeline,), daemon=True).start()


def _kill_the_group_at_the_end_of(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
