"""Plays the scenarios on a running stack, shows them as they happen, and holds the end against the expectation."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent
from domain.model.tool_mapping import ToolMapping
from local.demo.hands import Hands
from local.demo.observations import Observed, Observer, subscribe
from local.demo.scenario import Expectation, Scenario
from local.demo.scenarios import SCENARIOS
from local.demo.timeline import Timeline
from local.documents import IntentDocument, MappingDocument, read_documents
from local.operations import Operations
from local.stack import LocalStack
from local.tool_server.catalogue import CATALOGUE, Operation
from local.tool_server.faults import FaultPlan
from local.tool_server.witness import Witness, WitnessedRequest
from ports.steps.resources import MCP_PROTOCOL_VERSIONS

NEWEST_PROTOCOL: Final = MCP_PROTOCOL_VERSIONS[-1]
UNNAMED_PROTOCOL: Final = "2025-03-26"
"""What a request without the header speaks (Model Context Protocol specification 2025-06-18, "Transports": "Protocol
Version Header")."""

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
SCENARIO_TIMEOUT_SECONDS: Final = 60.0
SIGNAL_TIMEOUT_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.1

_QUESTIONS: Final = frozenset(tool.name for tool in CATALOGUE.values() if tool.operation is Operation.FIND)
"""The tools whose calls leave no effect behind to be shown."""


@dataclass(frozen=True)
class Result:
    """One line of ``.local/demo.json``."""

    scenario: Scenario
    observed: Observed
    seconds: float
    failures: list[str]
    protocol: str

    def as_json(self) -> dict[str, Any]:
        """Return the line."""
        return {
            "scenario": self.scenario.name,
            "intent_id": self.scenario.intent_id,
            "expected": self.scenario.expected,
            "observed": self.observed.as_json(),
            "status": self.observed.status,
            "external_writes": self.observed.external_writes,
            "compensation_status": self.observed.compensation_status,
            "execution_status": self.observed.execution_status,
            "seconds": round(self.seconds, 3),
            "protocol": self.protocol,
            "ok": not self.failures,
        }


@dataclass(frozen=True)
class News:
    """One thing that happened, at its own time."""

    at: datetime
    key: object
    where: str
    what: str
    look: str


class Demo:
    """One performance on one stack, whose every tool call must have spoken one version of MCP."""

    def __init__(self, stack: LocalStack, timeline: Timeline, protocol: str = NEWEST_PROTOCOL) -> None:
        database = stack.tool_database
        self._operations = Operations(stack.info)
        self._faults = FaultPlan(database)
        self._witness = Witness(database)
        self._observer = Observer(stack.info, self._witness, subscribe(stack.info))
        self._hands = Hands(stack, self._operations, self._observer)
        self._timeline = timeline
        self._protocol = protocol

    def play(self, scenarios: Sequence[Scenario] = SCENARIOS) -> list[Result]:
        """Play the scenarios one after the other."""
        self._operations.seed_files(sorted(EXAMPLES.glob("mappings/*.json")))
        return [self._play_one(scenario) for scenario in scenarios]

    def _play_one(self, scenario: Scenario) -> Result:
        self._timeline.heading(scenario.name, scenario.story)
        intent = self._prepare(scenario)
        started, sent_at = time.monotonic(), datetime.now(UTC)
        failures: list[str] = []
        try:
            if scenario.setup is not None:
                self._timeline.event(0.0, "before", scenario.setup(self._hands), "bad")
            self._timeline.event(0.0, "event", f"ACTION_APPROVED, sent {scenario.approvals} time(s)", "note")
            self._operations.send_approvals(intent.ref.model_dump(), times=scenario.approvals)
            failures += self._follow(intent.ref, scenario, sent_at)
        finally:
            self._hands.mend()
        seconds = time.monotonic() - started
        observed = self._observe(intent.ref, scenario)
        failures += failures_of(scenario.expected, observed)
        failures += strangers(self._protocol, self._witness.requests(scenario.intent_id))
        self._timeline.verdict(
            ok=not failures,
            text=f"{observed.status}, {observed.external_writes} row(s), compensation {observed.compensation_status}, "
            f"execution {observed.execution_status}" + "".join(f"\n      {failure}" for failure in failures),
        )
        return Result(scenario, observed, seconds, failures, self._protocol)

    def _prepare(self, scenario: Scenario) -> ActionIntent:
        now = self._operations.clock.now()
        (template,) = read_documents(EXAMPLES / "intents" / "create-crm-task.json", now=now)
        if not isinstance(template, IntentDocument):
            raise TypeError("examples/intents/create-crm-task.json no longer holds an intent")
        changes = {
            "action_intent_id": scenario.intent_id,
            "expires_at_epoch": int(now.timestamp()) + scenario.lifetime_seconds,
        }
        if scenario.mapping_version is not None:
            self._operations.seed([self._mapping_of(scenario)])
            changes["registry_version"] = scenario.mapping_version
        intent = ActionIntent.model_validate({**template.intent.model_dump(), **changes})
        self._operations.seed([IntentDocument(intent, template.approved_by)])
        approved = self._operations.intents.find(intent.ref)
        if approved is not None and scenario.tamper is not None:
            self._operations.intents.put(scenario.tamper(approved))
        for fault in scenario.faults:
            self._faults.add(fault.model_copy(update={"action_intent_id": scenario.intent_id}))
        return intent

    def _mapping_of(self, scenario: Scenario) -> ToolMapping:
        """Return the example's mapping under the story's own version, with what it says of a repeat."""
        (template,) = read_documents(EXAMPLES / "mappings" / "create-crm-task.json", now=self._operations.clock.now())
        if not isinstance(template, MappingDocument):
            raise TypeError("examples/mappings/create-crm-task.json no longer holds a mapping")
        changes = {"version": scenario.mapping_version, "effect_safety": scenario.effect_safety}
        return ToolMapping.model_validate({**template.mapping.model_dump(), **changes})

    def _follow(self, ref: IntentRef, scenario: Scenario, sent_at: datetime) -> list[str]:
        """Print what happens until everybody has stepped in and every execution has ended; return what went wrong."""
        shown: set[object] = set()
        failures: list[str] = []
        waiting = list(scenario.interventions)
        deadline = time.monotonic() + SCENARIO_TIMEOUT_SECONDS
        while True:
            settled = self._observer.is_settled(ref, scenario.approvals)
            due = waiting[0] if waiting and waiting[0].when(self._observer, ref) else None
            self._show_news(ref, shown, sent_at)
            if due is not None:
                waiting.pop(0)
                before = failures_of(due.expected, self._observer.observe(ref))
                failures += [f"before the {due.who} stepped in, {failure}" for failure in before]
                begun = (datetime.now(UTC) - sent_at).total_seconds()
                self._timeline.event(begun, due.who, due.act(self._hands, ref), "note")
            elif settled and not waiting:
                return failures
            elif time.monotonic() > deadline:
                self._timeline.event(SCENARIO_TIMEOUT_SECONDS, "demo", "gave up waiting", "bad")
                return [*failures, *(f"the {one.who} never had a reason to step in" for one in waiting)]
            else:
                time.sleep(POLL_SECONDS)

    def _show_news(self, ref: IntentRef, shown: set[object], started: datetime) -> None:
        """Print what is new, in the order in which it happened and with its own time, not that of the look."""
        for news in sorted(self._news(ref), key=lambda news: news.at):
            if news.key not in shown:
                shown.add(news.key)
                self._timeline.event((news.at - started).total_seconds(), news.where, news.what, news.look)

    def _news(self, ref: IntentRef) -> Iterator[News]:
        for number, arn in enumerate(self._observer.executions(ref), start=1):
            for event in self._observer.history(arn):
                if "stateEnteredEventDetails" in event:
                    state = event["stateEnteredEventDetails"]["name"]
                    yield News(event["timestamp"], (arn, event["id"]), f"execution {number}", state, "dim")
        for entry in self._observer.ledger(ref):
            at = datetime.fromisoformat(entry["occurred_at"])
            yield News(at, ("ledger", int(entry["seq"])), "ledger", str(entry["event_type"]), "note")
        for effect in self._observer.effects(ref):
            what = f"{effect.tool} {effect.operation} {effect.object_id or ''}".strip()
            yield News(datetime.fromisoformat(effect.at), ("effect", effect.seq), "tool", what, "bold")
        for request in self._witness.requests(ref.action_intent_id):
            at, key = datetime.fromisoformat(request.at), ("request", request.seq)
            if request.fault:
                yield News(at, key, "tool", f"told to {request.fault}", "bad")
            elif request.tool in _QUESTIONS:
                yield News(at, key, "tool", f"{request.tool} is asked", "bold")

    def _observe(self, ref: IntentRef, scenario: Scenario) -> Observed:
        """Ask the witnesses; a signal may still be on its way through the bus."""
        deadline = time.monotonic() + SIGNAL_TIMEOUT_SECONDS
        observed = self._observer.observe(ref)
        while observed.signal != scenario.expected.get("signal", observed.signal) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            observed = self._observer.observe(ref)
        return observed


def failures_of(expected: Expectation, observed: Observed) -> list[str]:
    """Return what differs from the expectation, each as a sentence."""
    facts = observed.as_json()
    return [
        f"{name}: expected {wanted!r}, observed {facts[name]!r}"
        for name, wanted in expected.items()
        if facts[name] != wanted
    ]


def strangers(protocol: str, requests: Sequence[WitnessedRequest]) -> list[str]:
    """Return the calls that spoke another version of MCP than the stack was deployed with, each as a sentence."""
    return [
        f"{request.tool} was called in MCP {request.protocol_version or UNNAMED_PROTOCOL}, "
        f"and the stack speaks {protocol}"
        for request in requests
        if (request.protocol_version or UNNAMED_PROTOCOL) != protocol
    ]


def play_demo(folder: Path, protocol: str = NEWEST_PROTOCOL) -> int:
    """Start a stack that speaks ``protocol``, play everything, write ``demo.json``; return the exit code."""
    timeline = Timeline()
    started = time.monotonic()
    with LocalStack(folder=folder, wait_scale=0.01, config={"mcpProtocolVersion": protocol}) as stack:
        results = Demo(stack, timeline, protocol).play()
    report = folder / "demo.json"
    report.write_text(json.dumps([result.as_json() for result in results], indent=2) + "\n", encoding="utf-8")
    good = sum(not result.failures for result in results)
    timeline.line("")
    timeline.verdict(
        ok=good == len(results),
        text=f"{good} of {len(results)} scenarios over MCP {protocol} in {time.monotonic() - started:.1f} s, "
        f"report in {report}",
    )
    return 0 if good == len(results) else 1
