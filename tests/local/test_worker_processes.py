"""Which processes are workers of a function: descendants only, by the name that their environment gives."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from local.worker_processes import workers_of

FUNCTION = "cc-native-test-function"
GRANDCHILD = "import os, time; os.fork(); time.sleep(30)"


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A child of this process that says it runs the function, with a child of its own that says the same."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("this system does not show its processes")
    environment = {"PATH": os.environ["PATH"], "AWS_LAMBDA_FUNCTION_NAME": FUNCTION}
    child = subprocess.Popen([sys.executable, "-c", GRANDCHILD], env=environment, start_new_session=True)
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def test_the_descendants_that_run_the_function_are_its_workers(worker: subprocess.Popen[bytes]) -> None:
    """Children and their children, in ascending order."""
    found: list[int] = []
    while len(found) < 2:
        assert worker.poll() is None
        found = workers_of(os.getpid(), FUNCTION)
    assert found == sorted(found)
    assert worker.pid in found


def test_a_function_of_a_longer_name_is_another_function(worker: subprocess.Popen[bytes]) -> None:
    """One name may begin with the other; killing by prefix would hit a stranger."""
    assert worker.poll() is None
    assert workers_of(os.getpid(), FUNCTION[:-1]) == []


def test_a_process_that_is_no_descendant_is_nobodys_worker(worker: subprocess.Popen[bytes]) -> None:
    """Another emulator's worker of the same name is left alone, and so is the ancestor itself."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]) as stranger:
        try:
            assert workers_of(stranger.pid, FUNCTION) == []
            assert worker.pid not in workers_of(worker.pid, FUNCTION)
        finally:
            stranger.kill()


def test_a_worker_that_has_died_is_not_named(worker: subprocess.Popen[bytes]) -> None:
    """Its id may soon be somebody else's."""
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    assert worker.pid not in workers_of(os.getpid(), FUNCTION)
