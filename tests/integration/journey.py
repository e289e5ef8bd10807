"""One intent's journey on the running stack: seed it, send its approval, wait, and ask every witness."""

import time
from dataclasses import dataclass

from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent
from domain.model.tool_mapping import ToolMapping
from local.demo.observations import Observed, Observer, subscribe
from local.documents import IntentDocument
from local.operations import Operations
from local.stack import LocalStack
from local.tool_server.faults import Fault, FaultPlan
from local.tool_server.witness import Witness

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Journey:
    """Hands on one stack, for tests."""

    operations: Operations
    observer: Observer
    witness: Witness
    faults: FaultPlan

    @classmethod
    def on(cls, stack: LocalStack) -> "Journey":
        """Return the hands on this stack, with its own subscription to the bus."""
        witness = Witness(stack.tool_database)
        observer = Observer(stack.info, witness, subscribe(stack.info))
        return cls(Operations(stack.info), observer, witness, FaultPlan(stack.tool_database))

    def seed(self, intent: ActionIntent, *mappings: ToolMapping, approved_by: str | None = "approver-1") -> None:
        """Store mappings and the intent, approved unless ``approved_by`` is ``None``."""
        self.operations.seed([*mappings, IntentDocument(intent, approved_by)])

    def fault(self, fault: Fault, intent: ActionIntent) -> None:
        """Tell the tool what to do wrong for this intent."""
        self.faults.add(fault.model_copy(update={"action_intent_id": intent.action_intent_id}))

    def travel(self, ref: IntentRef, *, times: int = 1, data: dict[str, object] | None = None) -> Observed:
        """Send the approval, wait until every execution has ended, and return what the witnesses say."""
        already = len(self.observer.executions(ref))
        self.operations.send_approvals(data if data is not None else dict(ref.model_dump()), times=times)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not self.observer.is_settled(ref, already + times):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{ref} has not settled: {self.observer.observe(ref)}")
            time.sleep(0.05)
        return self.observer.observe(ref)
