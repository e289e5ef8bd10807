"""The hub: several things at once on one thread, where chance decides who goes on and only waiting makes time pass."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from greenlet import greenlet

from tests.proof.simulation.world import World

_TICK_SECONDS: Final = 1e-5
"""What a turn takes at least, so that nothing happens at the very same time by the clock's doing."""


@dataclass
class Task:
    """One of the things that happen at once."""

    name: str
    green: greenlet
    wakes_at: float
    """When it can go on, in seconds."""
    waits_for: "Task | None" = None
    function_ends_at: float | None = None
    """When Lambda ends the function that runs here, in seconds."""

    @property
    def done(self) -> bool:
        """Whether it has come to its end."""
        return bool(self.green.dead)


class Hub:
    """Gives turns. Whoever starts it runs it; tasks come back to it whenever they sleep."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self._world, self._chance = world, chance
        self._green = greenlet.getcurrent()
        self._tasks: list[Task] = []
        self.running: Task | None = None

    @property
    def seconds(self) -> float:
        """The time, from the start."""
        return self._world.clock.monotonic_seconds()

    @property
    def mine(self) -> Task:
        """The task that asks."""
        if self.running is None:  # pragma: no cover  only tasks ask
            raise AssertionError("nobody is running")
        return self.running

    def start(self, name: str, work: Callable[[], object], delay_seconds: float = 0.0) -> Task:
        """Add a task."""
        task = Task(name, greenlet(work, parent=self._green), self.seconds + delay_seconds)
        self._tasks.append(task)
        return task

    def sleep(self, seconds: float) -> None:
        """Let others go on for so long; with 0, they may."""
        self.mine.wakes_at = self.seconds + seconds
        self._green.switch()

    def wait_for(self, task: Task) -> None:
        """Let others go on until that one is done."""
        self.mine.waits_for = task
        self._green.switch()

    def run(self) -> None:
        """Give turns until every task is done."""
        while self._tasks:
            self._tasks = [task for task in self._tasks if not task.done]
            able = [task for task in self._tasks if task.waits_for is None or task.waits_for.done]
            ready = [task for task in able if task.wakes_at <= self.seconds]
            if ready:
                self._turn(self._chance.choice(ready))
            elif able:
                self._world.let_pass(max(min(task.wakes_at for task in able) - self.seconds, _TICK_SECONDS))

    def _turn(self, task: Task) -> None:
        task.waits_for = None
        self.running = task
        self._world.let_pass(_TICK_SECONDS)
        task.green.switch()
