"""The shipped functions in one process: real handlers, real containers, ports that are sites.

Each function has its own container, as it has its own process; only the outside ports are replaced. What Lambda does
between machine and function is done here: errors become names and causes, results become JSON.
"""

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock

from pydantic import BaseModel

from adapters.memory import DevelopmentAdapterWarning
from domain.model.errors import ActionError
from handlers.container import Container
from handlers.reconcile import _call as reconcile
from handlers.runtime import Entry, step_handler, worker_handler
from handlers.settings import RuntimeSettings, load_settings
from ports.steps.contract import FUNCTIONS, STEPS, StepName, Worker
from tests.proof.simulation.sites import INVOKE, NO_FAULTS, RESULT, Faults, Invocation, Kind, Site, Sites
from tests.proof.simulation.world import World
from tests.support.asl_interpreter import StateError
from tests.support.faulty import Killed
from tests.support.stage import CALLS, Context, a_step_environment

Json = Any

_ANSWERED: Final = frozenset({"SUCCEEDED", "FAILED", "PARTIAL"})


def _no_level(logger: logging.Logger, level: object) -> None:
    """Leave the level as it is; a mock would remember each of millions of calls."""


def _copied_flat(model: BaseModel, memo: object = None) -> BaseModel:
    """Copy a frozen model without what it holds, which is frozen too."""
    del memo
    return model.__copy__()


@contextmanager
def in_haste() -> Iterator[None]:
    """Leave out what costs time and decides nothing, for as long as functions are played by the million.

    Logs and warnings are kept to themselves; the memory adapters' deep copies of frozen models become shallow ones.
    """
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            mock.patch.object(BaseModel, "__deepcopy__", _copied_flat),
            mock.patch.object(logging.Logger, "setLevel", _no_level),
        ):
            warnings.simplefilter("ignore", DevelopmentAdapterWarning)
            yield
    finally:
        logging.disable(before)


@dataclass
class Ran:
    """What one run of one function came to, for whoever invoked it."""

    result: Json = None
    failure: StateError | None = None


class Functions:
    """Every function of the stack over one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sites = Sites(is_down=world.is_down)
        ports = {name: self.sites.in_front_of(name, port) for name, port in world.ports.items()}
        self._ports = {**ports, "clock": world.clock, "run_ids": world.run_ids}
        self._entries: dict[StepName | Worker, Entry] = {
            step: step_handler(step, CALLS[step], container=self._container) for step in STEPS
        }
        self._entries[Worker.RECONCILER] = worker_handler(Worker.RECONCILER, reconcile, container=self._container)
        self.faults: Callable[[Site], Kind | None] | None = None
        """Decides what strikes at each site of every function, instead of what is planted."""
        self.invocations: list[Invocation] = []
        """Every run since somebody last emptied this list, oldest first."""

    def _container(self, function: StepName | Worker) -> Container:
        settings = load_settings(function, a_step_environment(function))
        container = Container(settings=settings, runtime=RuntimeSettings())
        for name, port in self._ports.items():
            getattr(container, name).override(port)
        return container

    def call(self, function: StepName | Worker, event: Json, faults: Faults = NO_FAULTS) -> Json:
        """Run a function once, or twice where its invocation is delivered twice; raises ``StateError``.

        Its boundary has two sites of its own, the first and the last.
        """
        run = Invocation(function.value, faults, self.faults)
        self.invocations.append(run)
        if run.enter("lambda", INVOKE) is not None:
            raise StateError("Lambda.TooManyRequestsException", "Rate exceeded")
        ran = self._run(run, function, event)
        if any(kind in {Kind.BEFORE, Kind.AFTER} for _, kind in run.struck):
            return _heard(ran)  # a dead process has no boundary left
        struck = run.enter("lambda", RESULT)
        if struck is Kind.DUPLICATE:
            self._run(Invocation(function.value, NO_FAULTS), function, event)
        if struck is Kind.LOST_REPLY:
            if function is StepName.INVOKE_TOOL and self.faults is None and len(run.struck) == 1:
                # Where chance decides, another run may have gone by; here this one had all the time it needed.
                self.world.answered |= ran.failure is None and ran.result["status"] in _ANSWERED
            raise StateError("Sandbox.Timedout", "Task timed out")
        return _heard(ran)

    def _run(self, run: Invocation, function: StepName | Worker, event: Json) -> Ran:
        self.sites.current = run
        context = Context(FUNCTIONS[function].function_timeout_seconds * 1_000)
        try:
            return Ran(result=self._entries[function](event, context))
        except Killed:
            return Ran(failure=StateError("Runtime.ExitError", "Runtime exited without providing a reason"))
        except ActionError as error:
            name = type(error).__name__
            return Ran(failure=StateError(name, json.dumps({"errorMessage": str(error), "errorType": name})))
        except Exception as error:  # noqa: BLE001  Lambda catches everything, and so does its stand-in
            name = type(error).__name__
            self.world.broken = (*self.world.broken, f"{function.value} broke: {name}: {error}")
            return Ran(failure=StateError(name, json.dumps({"errorMessage": str(error), "errorType": name})))


def _heard(ran: Ran) -> Json:
    if ran.failure is not None:
        raise ran.failure
    return ran.result
