"""CompensateAction undoes what the evidence names, last created first, each object under its own key, once."""

import logging
from typing import Final

import pytest
from pydantic import JsonValue

from adapters.memory.tools import EffectKind
from domain.model.errors import OwnershipLost, PermanentError, ToolMappingNotFound, TransientError
from domain.model.external_object import ExternalObjectRef
from domain.model.external_write import ExternalWrite
from domain.model.idempotency import compensation_key
from domain.model.ledger import LedgerEventType, first_broken_entry
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.model.tool_call import CallPurpose, ToolAnswer, TransportPhase
from domain.model.tool_mapping import CompensationPolicy, CompensationStrategy
from ports.steps.state import CompensationSection, ExecutionState
from tests.builders import NOW, OTHER_EXECUTION_ARN, a_key, a_mapping, a_ref, an_object_ref
from tests.domain.use_cases.world import COMPENSATE, FAIL, INVOKE, RECORD, UNSAFE, World, after
from tests.support.faulty import Killed, When

COMPLETED, FAILED, UNKNOWN = CompensationStatus.COMPLETED, CompensationStatus.FAILED, CompensationStatus.UNKNOWN
OBJECTS: Final[list[dict[str, JsonValue]]] = [
    {"object_id": f"task-{n}", "object_type": "Task", "object_url": f"https://crm.example.test/tasks/task-{n}"}
    for n in (1, 2, 3)
]
GONE = ToolAnswer(is_error=False, structured={"success": True, "external_objects": []})
REFUSAL = ToolAnswer(is_error=True, structured={"success": False, "error_message": "the task is locked"})


def a_partial_write(world: World) -> ExecutionState:
    """The tool failed half-way and names three objects that exist all the same."""
    state = world.ready()
    world.tools.answer_next(
        ToolAnswer(is_error=True, structured={"success": False, "error_message": "no", "external_objects": [*OBJECTS]})
    )
    return world.run(state, INVOKE)


def undone(world: World, state: ExecutionState) -> CompensationSection:
    """Run the step and return its section."""
    section = world.run(state, COMPENSATE).compensation
    if section is None:
        raise LookupError("no section")
    return section


def undo_calls(world: World) -> list[str]:
    """Which objects the undo tool was called for, in order."""
    return [str(call.arguments["task_id"]) for call in world.tools.sends if call.purpose is CallPurpose.COMPENSATE]


def test_objects_are_undone_in_reverse_order_under_their_own_keys() -> None:
    """Last created first; no key is the action's, none is shared (R64, D63)."""
    world = World()
    section = undone(world, a_partial_write(world))
    assert section.status is COMPLETED
    assert undo_calls(world) == ["task-3", "task-2", "task-1"]
    calls = world.tools.sends[1:]
    keys = [call.idempotency_key for call in calls]
    refs = [ExternalObjectRef.model_validate({"system": "CRM", **part}) for part in reversed(OBJECTS)]
    assert keys == [compensation_key(a_key(), ref) for ref in refs]
    assert a_key() not in keys
    assert len({call.tool_run_ref for call in world.tools.sends}) == 4
    assert {call.trace_id for call in calls} == {"execution-1"}
    assert {call.tool_name for call in calls} == {"crm___delete_task"}


def test_every_undo_is_ledgered_before_and_after_its_call() -> None:
    """Six entries for three objects, and the chain holds (D58)."""
    world = World()
    undone(world, a_partial_write(world))
    assert world.events[3:] == [LedgerEventType.COMPENSATION_DISPATCHED, LedgerEventType.COMPENSATION_REPLIED] * 3
    assert first_broken_entry(world.records.ledger(a_ref())) is None


def test_a_compensation_entered_again_skips_what_is_undone() -> None:
    """It died at the second object; the next run does the second and the third (D61, D63)."""
    world = World()
    state = a_partial_write(world)
    world.tools.answer_next(GONE)
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD)
    with pytest.raises(TransientError, match="harmless to ask again") as caught:
        world.run(state, COMPENSATE)
    assert undo_calls(world) == ["task-3", "task-2"]
    section = undone(world, state)
    assert undo_calls(world) == ["task-3", "task-2", "task-2", "task-1"]
    assert section.status is COMPLETED
    assert [result.ref.object_id for result in section.refs] == ["task-3", "task-2", "task-1"]
    assert caught.value.ids["action_intent_id"] == "intent-1"


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("port, method", [("gateway", "send"), ("journal", "advance")])
def test_a_compensation_killed_anywhere_is_finished_by_the_next_run(port: str, method: str, when: When) -> None:
    """Before or after its first record or call: in the end all is undone, under the same keys."""
    world = World()
    state = a_partial_write(world)
    getattr(world, port).fail(method, Killed(), when=when)
    with pytest.raises(Killed):
        world.run(state, COMPENSATE)
    assert undone(world, state).status is COMPLETED
    keys: dict[str, set[str]] = {}
    for call in world.tools.sends[1:]:
        keys.setdefault(str(call.arguments["task_id"]), set()).add(call.idempotency_key)
    assert {name: len(used) for name, used in keys.items()} == {"task-1": 1, "task-2": 1, "task-3": 1}


def test_an_undo_that_the_tool_refuses_leaves_the_outcome_unknown() -> None:
    """One of three stays: PARTIAL, and no outcome claims that nothing exists (D58, D63)."""
    world = World()
    state = a_partial_write(world)
    world.tools.answer_next(GONE)
    world.tools.answer_next(REFUSAL)
    final = world.run(state, COMPENSATE, RECORD)
    assert final.compensation is not None
    assert [result.status for result in final.compensation.refs] == [COMPLETED, FAILED, COMPLETED]
    assert final.compensation.reason == "2 of 3 external objects undone"
    assert final.compensation.refs[1].detail == "the tool refused; its words (18 characters) are withheld"
    outcome = world.outcome()
    assert (outcome.status, outcome.compensation_status) == (OutcomeStatus.UNKNOWN, CompensationStatus.PARTIAL)
    assert outcome.compensation_refs == final.compensation.refs


def test_a_gateway_that_refuses_every_undo_is_recorded_as_failed() -> None:
    """Nothing was undone and it is known: FAILED (R66)."""
    world = World()
    state = a_partial_write(world)
    world.tools.fail_next(TransportPhase.HTTP_STATUS, times=3, http_status=403)
    assert undone(world, state).status is FAILED


def test_a_compensation_that_breaks_down_leaves_its_reason_in_the_outcome() -> None:
    """Its error is caught, the outcome is UNKNOWN and says what happened (D12, D61)."""
    world = World()
    state = a_partial_write(world)
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD)
    with pytest.raises(TransientError) as caught:
        world.run(state, COMPENSATE)
    world.run(after(state, caught.value), RECORD)
    outcome = world.outcome()
    assert (outcome.status, outcome.compensation_status) == (OutcomeStatus.UNKNOWN, FAILED)
    assert outcome.compensation_reason is not None
    assert "harmless to ask again" in outcome.compensation_reason


def test_what_only_the_write_record_names_is_undone_too() -> None:
    """The answer in the state lacks an object that the tool's record under the key has (D7, D27)."""
    world = World()
    state = a_partial_write(world)
    kept = ExternalWrite(
        idempotency_key=a_key(),
        **a_ref().model_dump(),
        tool_name="crm___create_task",
        tool_run_ref="gateway_invocation_1",
        external_object_refs=(an_object_ref(object_id="task-9"),),
        recorded_at=NOW,
    )
    vars(world.kept)["_writes"] = {a_key(): kept}
    assert undone(world, state).status is COMPLETED
    assert undo_calls(world) == ["task-9", "task-3", "task-2", "task-1"]


def test_the_real_object_is_gone_after_its_undo() -> None:
    """The answer says failed, the tool has written: the effect log shows one creation and one deletion."""
    world = World()
    state = world.ready()
    made = world.run(state, INVOKE).invocation
    assert made is not None
    partial = made.model_copy(update={"status": "PARTIAL"})
    section = undone(world, state.model_copy(update={"invocation": partial}))
    assert section.status is COMPLETED
    assert [effect.kind for effect in world.tools.effects] == [EffectKind.CREATED, EffectKind.DELETED]
    assert world.tools.objects == []


@pytest.mark.parametrize(
    "strategy, status, reason",
    [
        (CompensationStrategy.NONE, CompensationStatus.NONE, "Compensation not supported for this action type"),
        (CompensationStrategy.MANUAL, CompensationStatus.PENDING, "Requires manual compensation"),
    ],
)
def test_without_an_automatic_way_no_tool_is_called_and_the_outcome_is_unknown(
    strategy: CompensationStrategy,
    status: CompensationStatus,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Objects exist; a person must know, and NONE is warned about (R62, R65)."""
    world = World(mapping=a_mapping(compensation=CompensationPolicy(strategy=strategy)))
    with caplog.at_level(logging.WARNING):
        final = world.run(a_partial_write(world), COMPENSATE, RECORD)
    assert final.compensation is not None
    assert (final.compensation.status, final.compensation.reason) == (status, reason)
    assert undo_calls(world) == []
    assert (world.outcome().status, world.outcome().compensation_status) == (OutcomeStatus.UNKNOWN, status)
    assert any(reason in record.message for record in caplog.records) is (strategy is CompensationStrategy.NONE)


def test_nothing_is_undone_while_it_is_unknown_what_exists() -> None:
    """A call in doubt may still land after the undo (D62)."""
    world = World(mapping=a_mapping(effect_safety=UNSAFE))
    state = world.ready()
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD)
    section = undone(world, world.run(state, INVOKE))
    assert section.status is UNKNOWN
    assert undo_calls(world) == []


def test_a_call_that_was_given_up_before_it_was_made_needs_no_undo() -> None:
    """The gateway refused for good: NOT_NEEDED, which is not COMPLETED (R63, D62)."""
    world = World()
    state = world.ready()
    world.tools.fail_next(TransportPhase.HTTP_STATUS, http_status=403)
    with pytest.raises(PermanentError) as caught:
        world.run(state, INVOKE)
    section = undone(world, after(state, caught.value))
    assert (section.status, section.reason) == (CompensationStatus.NOT_NEEDED, "No external objects created")


def test_the_version_that_the_action_ran_with_is_the_one_that_undoes_it() -> None:
    """A newer version with another undo tool changes nothing (D53)."""
    world = World()
    state = a_partial_write(world)
    other = CompensationPolicy(
        strategy=CompensationStrategy.AUTOMATIC,
        compensation_tool="crm___archive_task",
        arguments={"task_id": "object_id"},  # type: ignore[dict-item]  # pydantic reads the field's name
    )
    world.registry.publish(a_mapping(version="v2", compensation=other))
    undone(world, state)
    assert {call.tool_name for call in world.tools.sends[1:]} == {"crm___delete_task"}


def test_a_mapping_that_is_gone_is_named() -> None:
    """R61's words; the state machine records the failure."""
    world = World()
    state = a_partial_write(world)
    vars(world.registry)["_port"] = World(mapping=a_mapping(version="v2")).registry
    with pytest.raises(ToolMappingNotFound) as caught:
        world.run(state, COMPENSATE)
    assert "Tool mapping not found for action_type: CREATE_CRM_TASK" in caught.value.message


def test_another_execution_may_not_undo() -> None:
    """Only the owner acts (D22)."""
    world = World()
    state = a_partial_write(world)
    with pytest.raises(OwnershipLost) as caught:
        world.run(state.model_copy(update={"execution_arn": OTHER_EXECUTION_ARN}), COMPENSATE)
    assert undo_calls(world) == []
    assert caught.value.error_code == "OWNERSHIP_LOST"


def test_an_intent_without_an_attempt_is_not_undone() -> None:
    """Somebody deleted the claim; there is nothing to write the undo down on."""
    state = a_partial_write(World())
    with pytest.raises(OwnershipLost) as caught:
        World().run(state, COMPENSATE)
    assert "deleted its claim" in caught.value.message


def test_an_execution_stopped_after_a_partial_answer_does_not_claim_that_nothing_exists() -> None:
    """The compensation never ran: the answer on the attempt tells the recorder what is left (D10)."""
    world = World()
    state = a_partial_write(world)
    world.run(after(state, TransientError("the function was stopped")), FAIL)
    outcome = world.outcome()
    assert (outcome.status, outcome.compensation_status) == (OutcomeStatus.UNKNOWN, FAILED)
    assert len(outcome.external_object_refs) == 3
