"""The interpreter that the simulations stand on, held against the emulator: one definition, one cause, one way.

Both run the generated machine with the real functions; only what stands behind the ports differs. Where they part, a
proof in the simulation would say nothing about the machine that is deployed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from adapters.dynamodb.kill_switches import DynamoDbKillSwitches
from domain.model.intent import ActionIntent
from domain.model.kill_switch import KillSwitch, SwitchKind, SwitchScope, SwitchState
from domain.model.tool_mapping import ToolMapping, Verifiable
from local.stack import LocalStack
from local.tool_server.faults import Fault, FaultKind
from tests.builders import NOW, a_mapping, an_intent, an_unsafe_mapping
from tests.integration.journey import Journey
from tests.support.asl_interpreter import Run
from tests.support.stage import Stage
from tests.workflow import scenarios

TOOL = "crm___create_task"
FAR = 4_000_000_000
"""An expiry that both clocks find in the future, in seconds since 1970."""


@dataclass(frozen=True)
class Cause:
    """One cause, once for each way of running."""

    play: Callable[[Stage], Run]
    faults: tuple[Fault, ...] = ()
    mapping: Callable[[], ToolMapping] = a_mapping
    changes: dict[str, object] = field(default_factory=dict)
    switch: SwitchScope | None = None
    times: int = 1


def _verifiable() -> ToolMapping:
    return a_mapping(effect_safety=Verifiable(verify_tool="crm___find_task", server_bound_seconds=0))


def _expired(stage: Stage) -> Run:
    stage.clock.advance(86_400)
    return stage.run()


CAUSES = {
    "carried out": Cause(scenarios.plain),
    "duplicate": Cause(scenarios.duplicate, times=2),
    "refused": Cause(scenarios.refused, (Fault(kind=FaultKind.REFUSE, tool=TOOL),)),
    "partial": Cause(scenarios.partial, (Fault(kind=FaultKind.FAIL_AFTER_WRITE, tool=TOOL),)),
    "told to wait": Cause(scenarios.told_to_wait, (Fault(kind=FaultKind.RATE_LIMITED, tool=TOOL, retry_after=7),)),
    "silent, idempotent": Cause(scenarios.silent_after_writing, (Fault(kind=FaultKind.DROP_AFTER_WRITE, tool=TOOL),)),
    "silent, verifiable": Cause(
        scenarios.silent_after_writing, (Fault(kind=FaultKind.DROP_AFTER_WRITE, tool=TOOL),), _verifiable
    ),
    "never begun, verifiable": Cause(
        scenarios.silent_without_writing, (Fault(kind=FaultKind.DROP_BEFORE_WRITE, tool=TOOL),), _verifiable
    ),
    "silent, unsafe": Cause(
        scenarios.silent_after_writing, (Fault(kind=FaultKind.DROP_AFTER_WRITE, tool=TOOL),), an_unsafe_mapping
    ),
    "halted": Cause(scenarios.halted, switch=SwitchScope(kind=SwitchKind.INTENT, subject="tenant-1#truth-halted")),
    "expired": Cause(_expired, changes={"expires_at_epoch": 1_000_000_000}),
}


def _mapping(cause: Cause, name: str) -> ToolMapping:
    # Its own action type each, because a published mapping never changes.
    changes = {"action_type": f"TRUTH_{name.replace(' ', '_').replace(',', '').upper()}"}
    rules = [{"parameter": "title", "argument": "title", "required": True}]
    return ToolMapping.model_validate({**cause.mapping().model_dump(), **changes, "parameters": rules})


def _intent(cause: Cause, name: str, mapping: ToolMapping) -> ActionIntent:
    given = {
        "action_intent_id": f"truth-{name.replace(' ', '-').replace(',', '')}",
        "action_type": mapping.action_type,
        "parameters": {"title": "Call back"},
        "expires_at_epoch": FAR,
    }
    return an_intent(**{**given, **cause.changes})


@pytest.fixture(scope="module")
def journey(stack: LocalStack) -> Journey:
    """Hands on the stack."""
    return Journey.on(stack)


@pytest.mark.parametrize("name", CAUSES)
def test_the_emulator_and_the_interpreter_take_the_same_way(journey: Journey, stack: LocalStack, name: str) -> None:
    """The same states in the same order, and the same end; what the tool said differs, and decides no way."""
    cause = CAUSES[name]
    stage = Stage(_verifiable() if cause.mapping is _verifiable else cause.mapping())
    simulated = cause.play(stage)
    mapping = _mapping(cause, name)
    intent = _intent(cause, name, mapping)
    journey.seed(intent, mapping)
    for fault in cause.faults:
        journey.fault(fault, intent)
    if cause.switch is not None:
        info = stack.info
        DynamoDbKillSwitches(info.client("dynamodb"), info.tables["kill-switches"]).flip(_cancelling(cause.switch))
    journey.travel(intent.ref, times=cause.times)

    (*_, last) = _by_way(stack, journey, intent)
    assert last == (simulated.path, simulated.status)


def _by_way(stack: LocalStack, journey: Journey, intent: ActionIntent) -> list[tuple[list[str], str]]:
    """Each execution's way, the shortest last: a duplicate's is what its scenario ends with."""
    client = stack.info.client("stepfunctions")
    ways = []
    for arn in journey.observer.executions(intent.ref):
        history = journey.observer.history(arn)
        path = [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]
        described = client.describe_execution(executionArn=arn)
        ways.append((path, described["status"]))
    return sorted(ways, key=lambda way: -len(way[0]))


def _cancelling(scope: SwitchScope) -> KillSwitch:
    return KillSwitch(scope=scope, state=SwitchState.CANCEL, reason="truth", changed_by="operator", changed_at=NOW)
