"""A process of its own that claims one intent again and again, each time as another execution.

Started by ``tests.proof.stack.claims`` as ``python -m``. It reads one line of JSON (``Orders``), answers ``ready``,
waits for another line so that all processes begin at once, and ends with one line of JSON (``Tally``). In between it
prints how many claims it has made.
"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from adapters.dynamodb.intent_store import DynamoDbIntentStore
from adapters.system.clock import SystemClock
from domain.model.errors import ActionError, DuplicateExecution, TransientError
from domain.model.identifiers import IntentRef
from domain.use_cases.start_execution import StartExecution
from local.stack_info import StackInfo
from local.stores import journal_of
from ports.steps.state import ExecutionState

READY: Final = "ready"
REPORT_EVERY: Final = 50
MOST_TRIES: Final = 20
"""How often a claim is tried that collided with another; Step Functions tries four times and waits in between."""


class Orders(BaseModel):
    """What a claimant is told."""

    stack: Path
    """The running stack's ``stack.json``."""
    ref: IntentRef
    name: str
    claims: int
    threads: int


class Tally(BaseModel):
    """What a claimant has seen."""

    won: list[str] = []
    """The executions that were told that they own the intent."""
    refused: int = 0
    """How many were refused as duplicates."""
    collided: int = 0
    """How often a claim met another one's transaction and was tried again."""
    otherwise: list[str] = []
    """What else became of a claim; each is a defect."""


@dataclass
class Claimant:
    """Makes claims from several threads through the shipped use case and adapters."""

    start: StartExecution
    executions: str
    """What the ARNs of the machine's executions begin with: they are none, but could be."""
    orders: Orders
    tally: Tally = field(default_factory=Tally)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> Tally:
        """Make every claim and return what became of them."""
        with ThreadPoolExecutor(self.orders.threads) as pool:
            for made, became in enumerate(pool.map(self._claim, range(self.orders.claims)), start=1):
                self._count(became)
                if made % REPORT_EVERY == 0:
                    print(made, flush=True)  # noqa: T201  the parent reads it
        return self.tally

    def _count(self, became: ExecutionState | ActionError) -> None:
        match became:
            case ExecutionState(execution_arn=arn):
                self.tally.won.append(arn)
            case DuplicateExecution():
                self.tally.refused += 1
            case error:
                self.tally.otherwise.append(f"{type(error).__name__}: {error}")

    def _claim(self, number: int) -> ExecutionState | ActionError:
        state = ExecutionState(
            execution_arn=f"{self.executions}:{self.orders.name}-{number}",
            started_at=self.start.clock.now(),
            approval=self.orders.ref.model_dump(),
        )
        for _ in range(MOST_TRIES):
            try:
                self.start(state)
            except TransientError as error:
                collision = error
                with self.lock:
                    self.tally.collided += 1
            except ActionError as error:
                return error
            else:
                return state
        return collision


def main() -> None:
    """Claim as ordered."""
    orders = Orders.model_validate_json(sys.stdin.readline())
    info = StackInfo.load(orders.stack)
    intents = DynamoDbIntentStore(info.client("dynamodb"), info.tables["action-intents"])
    executions = info.state_machine_arn.replace(":stateMachine:", ":execution:")
    claimant = Claimant(StartExecution(intents, journal_of(info), SystemClock()), executions, orders)
    intents.find(orders.ref)  # so that the connection stands before the race
    print(READY, flush=True)  # noqa: T201  the parent waits for it
    sys.stdin.readline()
    print(claimant().model_dump_json(), flush=True)  # noqa: T201  the parent reads it


if __name__ == "__main__":
    main()
