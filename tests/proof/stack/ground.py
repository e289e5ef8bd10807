"""The ground that the rows of real processes are played on: one embedded AWS for all of them, and hands on it.

Owns that it is started once, by the first row that needs it, and stops with the run. Somebody who has a stack running
already may lay it into ``Options.shared`` under ``STACK``, and no second one is started.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from adapters.dynamodb.execution_journal import DynamoDbExecutionJournal
from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent
from domain.model.tool_mapping import EffectSafety, ToolMapping
from local.documents import IntentDocument
from local.functions import Functions
from local.operations import Operations
from local.stack import LocalStack
from local.stack_info import StackInfo
from local.stores import journal_of
from local.tool_server.faults import FaultPlan
from local.tool_server.witness import Witness
from tests.builders import a_mapping, an_intent
from tests.proof.rows import NothingMoves, Options
from tests.proof.stack.agreement import Evidence, is_final, read_evidence

STACK: Final = "stack"
"""The name under which the running stack is shared."""

WAIT_SCALE: Final = 0.01
"""Step Functions waits a hundredth of what is declared: a proof is about what follows a wait, not about its length."""

POLL_SECONDS: Final = 0.15
_READERS: Final = 4
"""Threads that ask the emulator at once; it is one process, so more of them only queue."""


@dataclass(frozen=True)
class Ended:
    """How one execution ended."""

    arn: str
    status: str
    last_state: str


@dataclass(frozen=True)
class Ground:
    """Hands on one stack."""

    stack: LocalStack
    operations: Operations
    functions: Functions
    journal: DynamoDbExecutionJournal
    witness: Witness
    faults: FaultPlan

    @classmethod
    def of(cls, stack: LocalStack) -> "Ground":
        """Return the hands on this stack."""
        info, database = stack.info, stack.tool_database
        return cls(stack, Operations(info), Functions(info), journal_of(info), Witness(database), FaultPlan(database))

    @property
    def info(self) -> StackInfo:
        """Where everything is."""
        return self.stack.info

    def seed(self, intents: Iterable[ActionIntent], mappings: Iterable[ToolMapping] = ()) -> None:
        """Publish the mappings and store the intents, approved."""
        self.operations.seed([*mappings, *(IntentDocument(intent, "approver-1") for intent in intents)])

    def evidence(self, ref: IntentRef) -> Evidence:
        """Return what every store and the tools' own log say of the intent now."""
        return read_evidence(self.journal, self.witness, ref)

    def wait_until_final(self, ref: IntentRef, effect: EffectSafety, *, most_seconds: float) -> Evidence:
        """Return the evidence of an intent as soon as nobody has anything left to do for it, or as it stands then."""
        deadline = time.monotonic() + most_seconds
        while time.monotonic() < deadline:
            attempt = self.journal.find_attempt(ref)
            # The whole evidence is eight readings, so it is not read while one of them says that it is too early.
            if attempt is not None and attempt.is_terminal and is_final(seen := self.evidence(ref), effect):
                return seen
            time.sleep(POLL_SECONDS)
        return self.evidence(ref)

    def executions(self, status: str | None = None) -> list[str]:
        """Return the ARNs of all executions, or of those of one status."""
        asked = {"stateMachineArn": self.info.state_machine_arn, **({"statusFilter": status} if status else {})}
        pages = self.info.client("stepfunctions").get_paginator("list_executions").paginate(**asked)
        return [one["executionArn"] for page in pages for one in page["executions"]]

    def wait_for_running(self, at_most: int, *, most_seconds: float = 60.0) -> None:
        """Wait until no more executions than ``at_most`` are running; raises ``NothingMoves``."""
        deadline = time.monotonic() + most_seconds
        while len(running := self.executions("RUNNING")) > at_most:
            if time.monotonic() > deadline:
                raise NothingMoves(f"{len(running)} executions still run after {most_seconds:.0f} s, e.g. {running[0]}")
            time.sleep(POLL_SECONDS / 2)

    def status(self, arn: str) -> str:
        """Return how an execution stands, in Step Functions' word."""
        return str(self._described(arn)["status"])

    def ends(self, arns: Iterable[str], ref: IntentRef | None = None) -> list[Ended]:
        """Return how executions ended; with ``ref``, only those that were started for that intent."""
        with ThreadPoolExecutor(_READERS) as pool:
            described = list(pool.map(self._described, arns))
            mine = [one for one in described if ref is None or _is_about(one, ref)]
            return list(pool.map(self._ended, mine))

    def failed_tasks(self, arn: str) -> list[str]:
        """Return the error of every task of an execution that failed, oldest first."""
        told = [event.get("taskFailedEventDetails", {}).get("error") for event in self._history(arn)]
        return [error for error in told if error]

    def _history(self, arn: str) -> list[dict[str, Any]]:
        pages = self.info.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def _ended(self, described: dict[str, Any]) -> Ended:
        arn = described["executionArn"]
        told = [event.get("stateEnteredEventDetails", {}).get("name") for event in self._history(arn)]
        entered = [name for name in told if name]
        return Ended(arn, described["status"], entered[-1] if entered else "none")

    def _described(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.info.client("stepfunctions").describe_execution(executionArn=arn)
        return found


def ground_of(options: Options) -> Ground:
    """Return the ground of this run, starting the stack if nobody has."""
    stack = options.shared.get(STACK)
    if not isinstance(stack, LocalStack):
        stack = start_stack(options, lambda folder: LocalStack(folder, wait_scale=WAIT_SCALE, progress=quietly))
        options.shared[STACK] = stack
    return Ground.of(stack)


def start_stack(options: Options, made: Callable[[Path], LocalStack]) -> LocalStack:
    """Start a stack in a folder of its own; both are gone at the end of the run."""
    folder = options.until_the_end.enter_context(TemporaryDirectory(prefix="proof-stack-"))
    return options.until_the_end.enter_context(made(Path(folder)))


def new_run() -> str:
    """Return a name that no other run on the same stack has: attempts are for ever, so ids must be new."""
    return secrets.token_hex(4)


def a_proof_mapping(action_type: str, **changes: object) -> ToolMapping:
    """A mapping to the CRM's task with one parameter."""
    title = {"parameter": "title", "argument": "title", "required": True}
    return a_mapping(action_type=action_type, parameters=[title], **changes)


def a_proof_intent(action_intent_id: str, action_type: str, **changes: object) -> ActionIntent:
    """An intent for such a mapping, valid for an hour from now."""
    fresh = {"expires_at_epoch": int(time.time()) + 3_600, "parameters": {"title": "Call back"}}
    return an_intent(**{"action_intent_id": action_intent_id, "action_type": action_type, **fresh, **changes})


def quietly(_message: str) -> None:
    """A row reports its own progress."""


def _is_about(described: dict[str, Any], ref: IntentRef) -> bool:
    told = json.loads(described["input"])
    return isinstance(told, dict) and {name: told.get(name) for name in IntentRef.model_fields} == ref.model_dump()
