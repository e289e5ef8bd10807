"""A pool of processes for rows of pure computation: the same result however many there are.

Work is cut into items whose results are added up in the items' order, so neither the number of processes nor their
speed can be seen in a row's value.
"""

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from typing import Final, TypeVar

from tests.proof.rows import Options
from tests.proof.simulation.functions import in_haste

Item = TypeVar("Item")
Found = TypeVar("Found")


def each(work: Callable[[Item], Found], items: Sequence[Item], options: Options) -> list[Found]:
    """Return ``work`` of each item, in the items' order; the largest items belong first.

    ``work`` is a module's function and must depend on its item alone. With one worker it is run here.
    """
    if options.workers < 2 or len(items) < 2:
        return list(_here(work, items, options))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(options.workers, len(items)), context, initializer=_begin) as pool:
        parts = [pool.submit(work, item) for item in items]
        try:
            for done, part in enumerate(as_completed(parts), start=1):
                part.result()
                options.progress(done, len(items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [part.result() for part in parts]


def _here(work: Callable[[Item], Found], items: Sequence[Item], options: Options) -> Iterator[Found]:
    with in_haste():
        for done, item in enumerate(items, start=1):
            yield work(item)
            options.progress(done, len(items))


_FOR_LIFE: Final = ExitStack()
"""Holds, in a worker process, what lasts as long as the process."""


def _begin() -> None:
    """Play in haste for as long as this process lives, and collect garbage only between items."""
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # an interrupted proof ends at once, without a traceback for each process
    _FOR_LIFE.enter_context(in_haste())
    gc.collect()
    gc.freeze()
    gc.disable()


def tidy() -> None:
    """Collect what an item left behind: greenlets and plays refer to themselves."""
    gc.collect()
