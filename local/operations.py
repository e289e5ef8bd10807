"""What a person does to a running stack: seed, approve, resolve, redrive and sweep.

Owns nothing but the wiring of use cases and queues to a stack's own names. What may be done is decided where it always
is, in the domain; a person's hands are let through no other door than a function's.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from adapters.eventbridge.signal_publisher import EventBridgeSignalPublisher
from adapters.system.clock import SystemClock
from domain.model.errors import TransientError
from domain.model.external_object import ExternalObjectRef, ExternalSystem, system_of_tool
from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent, IntentStatus
from domain.model.outcome import Outcome, OutcomeStatus
from domain.model.tool_description import ToolDescription
from domain.model.tool_mapping import ToolMapping
from domain.use_cases.check_mappings import Checked
from domain.use_cases.recording import Recording
from domain.use_cases.resolve_unknown import ResolveUnknown
from infrastructure.naming import INGRESS_DLQ, OUTCOME_SPOOL, handler_dlq
from local.dead_letters import GivenUpEvent, LostApproval, PersonsTask, Quarantined, SpooledOutcome
from local.documents import Document
from local.functions import SWEEP_EVENT, Functions
from local.redrive import Queue, Redrive, Redriven, Work
from local.seeding import Loaded, Seeding
from local.stack_info import StackInfo
from local.stores import inbox_of, journal_of
from ports.steps.contract import FUNCTIONS, StepName, Worker
from ports.steps.resources import Resource

MAX_EVENTS_PER_CALL = 10
"""Entries in one PutEvents call (Amazon EventBridge API Reference, "PutEvents")."""

_FUNCTION_OF: Final[dict[str, StepName | Worker]] = {
    handler_dlq(spec.component): name for name, spec in FUNCTIONS.items()
}

QUEUES: Final = (
    INGRESS_DLQ,
    OUTCOME_SPOOL,
    *_FUNCTION_OF,
    Resource.ATTENTION.value,
    Resource.COMPENSATION_TASKS.value,
    Resource.QUARANTINE.value,
)
"""Every queue whose messages can be given their work again."""


class Operations:
    """The stack's stores and bus, as an operator's hands."""

    def __init__(self, info: StackInfo) -> None:
        self._info = info
        self._functions = Functions(info)
        self._events = info.client("events")
        self._bus = info.event_bus
        self.clock = SystemClock()
        self._seeding = Seeding(info, self.clock)
        self.intents, self.registry = self._seeding.intents, self._seeding.registry

    def seed_files(self, files: Iterable[Path]) -> Loaded:
        """Load files of intents and mappings; nothing is stored if any of them is wrong (see ``local.seeding``)."""
        return self._seeding.load_files(files)

    def seed(self, documents: Iterable[Document | ToolMapping]) -> Loaded:
        """Load intents and mappings that were made here."""
        return self._seeding.load(documents)

    def tools(self) -> tuple[ToolDescription, ...]:
        """List the live gateway's tools."""
        return self._seeding.tools()

    def check(self) -> tuple[Checked, ...]:
        """Compare every published mapping with the live gateway's tools."""
        return self._seeding.check()

    def approve(self, ref: IntentRef, *, approved_by: str, times: int = 1) -> ActionIntent:
        """Sign the intent if nobody has, then send ``times`` ACTION_APPROVED events; raises ``IntentNotFound``."""
        intent = self.intents.find(ref)
        if intent is None or intent.status is IntentStatus.PROPOSED:
            intent = self._seeding.approve(ref, approved_by=approved_by)
        self.send_approvals(ref.model_dump(), times=times)
        return intent

    def send_approvals(self, data: dict[str, Any], *, times: int = 1) -> None:
        """Send ``times`` approval events with this data as it is; raises ``TransientError`` if the bus took not all."""
        entry = {
            "EventBusName": self._bus,
            "Source": "cc-native",
            "DetailType": "ACTION_APPROVED",
            "Detail": json.dumps({"data": data}),
        }
        left = times
        while left > 0:
            batch = min(left, MAX_EVENTS_PER_CALL)
            refused = self._events.put_events(Entries=[entry] * batch)["FailedEntryCount"]
            if refused:
                raise TransientError(f"the bus {self._bus} did not take {refused} of {batch} events; send them again")
            left -= batch

    def resolve(
        self,
        ref: IntentRef,
        status: OutcomeStatus,
        *,
        resolved_by: str,
        evidence: str,
        objects: Iterable[tuple[str, str]] = (),
    ) -> Outcome:
        """Record what a person says became of an UNKNOWN action; raises ``PermanentError`` where nothing is UNKNOWN.

        ``objects`` are type and id of what exists by it; the system they are in is that of the tool which was called.
        """
        journal = journal_of(self._info)
        publisher = EventBridgeSignalPublisher(self._events, self._bus)
        resolve = ResolveUnknown(journal, Recording(journal, publisher, self.clock), self.clock)
        attempt = journal.find_attempt(ref)
        called = attempt.tool_name if attempt else None
        system = system_of_tool(called) if called else ExternalSystem.INTERNAL
        refs = tuple(ExternalObjectRef(system=system, object_type=kind, object_id=name) for kind, name in objects)
        return resolve(ref, status, resolved_by=resolved_by, evidence=evidence, refs=refs)

    def redrive(self, queue: str, *, most: int | None = None, done: bool = False) -> Iterator[Redriven]:
        """Give up to ``most`` messages of a queue (one of ``QUEUES``) their work again; see ``local.redrive``."""
        work = self._work_of(queue, done=done)
        messages = Queue(self._info.client("sqs"), self._info.queues[queue])
        return Redrive(messages, work, inbox_of(self._info), self.clock)(most=most)

    def sweep(self) -> dict[str, Any]:
        """Run the reconciler once, as its schedule does, and return its report; raises ``FunctionFailed``."""
        return self._functions.invoke(Worker.RECONCILER, SWEEP_EVENT)

    def _work_of(self, queue: str, *, done: bool) -> Work:
        match queue:
            case "ingress-dlq":
                return LostApproval(self.send_approvals)
            case "outcome-spool":
                return SpooledOutcome(self._functions.invoke)
            case "attention" | "compensation-tasks":
                return PersonsTask(journal_of(self._info))
            case "quarantine":
                return Quarantined(done)
            case _:
                return GivenUpEvent(_FUNCTION_OF[queue], self._functions.invoke)
