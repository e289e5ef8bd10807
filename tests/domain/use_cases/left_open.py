"""Worlds that an execution has left open or unknown, for the tests of the reconciler."""

import pytest

from adapters.memory.tool_gateway import Effects
from domain.model.canonical_json import JsonObject
from domain.model.errors import TransientError
from domain.model.execution_status import ExecutionStatus
from domain.model.outcome import OutcomeStatus
from domain.model.tool_call import ToolAnswer, TransportPhase
from domain.policies.audit import findings
from domain.use_cases.reconcile_execution import Reconciled
from ports.steps.state import ExecutionState
from tests.builders import EXECUTION_ARN, a_mapping, a_ref, an_approved_intent
from tests.domain.use_cases.world import (
    FAIL,
    IDEMPOTENT,
    INVOKE,
    RECORD,
    World,
    after,
)
from tests.support.faulty import Killed, When

LONG_LIVED = IDEMPOTENT.model_copy(update={"key_ttl_seconds": 86_400})
REFUSAL = ToolAnswer(is_error=True, structured={"success": False, "error_message": "the owner may not have tasks"})


def looked(world: World) -> Reconciled:
    """One look at the sample intent."""
    return world.reconcile()(a_ref(), seconds_left=55.0)


def over(world: World, status: ExecutionStatus = ExecutionStatus.ABORTED) -> World:
    """Let the execution end."""
    world.workflow.set_status(EXECUTION_ARN, status)
    return world


def a_world(effect: object = LONG_LIVED, **changes: object) -> World:
    """A world whose mapping has this effect safety and whose approval lasts a day."""
    mapping = a_mapping(effect_safety=effect, **changes)
    day = int(World().clock.now().timestamp()) + 86_400
    world = World(mapping=mapping, intent=an_approved_intent(mapping, expires_at_epoch=day))
    world.workflow.set_status(EXECUTION_ARN, ExecutionStatus.RUNNING)
    return world


def killed_around_the_call(world: World, when: When) -> World:
    """Let the invoker's process die before or after its call, and the execution with it."""
    ready = world.ready()
    world.gateway.fail("send", Killed(), when=when)
    with pytest.raises(Killed):
        world.run(ready, INVOKE)
    world.clock.advance(61)
    return over(world)


def recorded_unknown(world: World, phase: TransportPhase, effects: Effects) -> World:
    """Let the call end in doubt, and the execution record that."""
    ready = world.ready()
    world.tools.fail_next(phase, effects=effects, timed_out=True)
    with pytest.raises(TransientError) as caught:
        world.run(ready, INVOKE)
    world.run(after(ready, caught.value), FAIL)
    assert world.outcome().status is OutcomeStatus.UNKNOWN
    return over(world, ExecutionStatus.FAILED)


def agreed(world: World) -> None:
    """Assert that ledger, attempt and outcome prove each other."""
    assert findings(world.attempt(), world.outcome(), world.records.ledger(a_ref())) == ()


def a_partial_outcome(world: World) -> ExecutionState:
    """A tool that wrote and failed, recorded without anything undone."""
    ready = world.ready()
    made: JsonObject = {"object_type": "Task", "object_id": "task-1"}
    world.tools.answer_next(ToolAnswer(is_error=True, structured={"success": False, "external_objects": [made]}))
    return world.run(ready, INVOKE, RECORD)
