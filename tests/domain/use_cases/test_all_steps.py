"""All seven steps in order: records that agree, steps that can be entered again, tenants that never meet."""

import pytest

from adapters.memory.tool_gateway import Effects
from domain.model.attempt import AttemptStatus
from domain.model.errors import DuplicateExecution, PermanentError, TransientError
from domain.model.ledger import LedgerEventType, first_broken_entry
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.model.signal import SignalType, outcome_facts
from domain.model.tool_call import ToolAnswer, TransportPhase
from domain.policies.audit import findings
from ports.steps.contract import StepName
from ports.steps.state import ExecutionState
from tests.builders import OTHER_EXECUTION_ARN, a_ref, an_approved_intent
from tests.domain.use_cases.world import (
    BEFORE_INVOKE,
    COMPENSATE,
    FAIL,
    INVOKE,
    MAP,
    PREFLIGHT,
    RECORD,
    START,
    World,
    after,
)

E = LedgerEventType


def test_a_success_leaves_attempt_outcome_ledger_and_signal_in_agreement() -> None:
    """One call, one effect, one outcome, one signal, all saying the same (R52, R53, R54, D26, D56, D59)."""
    world = World()
    state = world.ready()
    world.clock.advance(2)
    state = world.run(state, INVOKE)
    world.clock.advance(5)
    state = world.run(state, RECORD)
    attempt, outcome, signal = world.attempt(), world.outcome(), world.signal()
    ledger = world.records.ledger(a_ref())
    assert state.outcome is not None
    assert (state.outcome.recorded, state.outcome.status, state.outcome.error_code) == (
        True,
        OutcomeStatus.SUCCEEDED,
        "NONE",
    )
    assert world.events == [E.EXECUTION_STARTED, E.TOOL_DISPATCHED, E.TOOL_REPLIED, E.ACTION_EXECUTED]
    assert first_broken_entry(ledger) is None
    assert (attempt.status, attempt.ledger_seq, attempt.ledger_hash) == (
        AttemptStatus.SUCCEEDED,
        len(ledger),
        ledger[-1].entry_hash,
    )
    assert findings(attempt, outcome, ledger) == ()
    assert signal.data == outcome_facts(outcome)
    assert (outcome.attempt_count, len(world.tools.sends), world.created) == (1, 1, 1)
    assert [ref.object_id for ref in outcome.external_object_refs] == [o.object_id for o in world.tools.objects]
    assert outcome.completed_at < outcome.recorded_at
    assert (outcome.registry_version, outcome.decision_trace_id, outcome.approved_by) == (
        "v1",
        "decision-trace-1",
        "approver-1",
    )
    assert world.bus.published == (signal.model_copy(update={"published_at": None}),)
    assert signal.published_at is not None
    assert signal.signal_type is SignalType.ACTION_EXECUTED
    assert outcome.raw_response_artifact_ref is not None
    assert world.archive.text(outcome.raw_response_artifact_ref) is not None


def test_a_partial_write_is_undone_and_recorded_as_failed() -> None:
    """The seventh step between the call and the record: what exists is undone, and the outcome says so (D7, D58)."""
    world = World()
    state = world.ready()
    world.run(state, INVOKE)
    made = world.tools.objects[0].object_id
    other = World()
    other.tools.answer_next(
        ToolAnswer(is_error=True, structured={"success": False, "external_objects": [{"object_id": made}]}),
        effects=Effects.WRITTEN,
    )
    final = other.run(other.ready(), INVOKE, COMPENSATE, RECORD)
    assert final.outcome is not None
    assert (final.outcome.status, final.outcome.compensation_status) == (
        OutcomeStatus.FAILED,
        CompensationStatus.COMPLETED,
    )
    assert other.tools.objects == []
    assert other.events[-3:] == [E.COMPENSATION_DISPATCHED, E.COMPENSATION_REPLIED, E.ACTION_FAILED]
    assert first_broken_entry(other.records.ledger(a_ref())) is None
    assert other.outcome().compensation_refs[0].status is CompensationStatus.COMPLETED


@pytest.mark.parametrize("step", [START, PREFLIGHT, MAP, INVOKE, RECORD])
def test_each_step_of_a_success_can_be_entered_again(step: StepName) -> None:
    """A lost answer of any step is repaired by asking again: same section, nothing written or sent twice (D18)."""
    world = World()
    order = (*BEFORE_INVOKE, INVOKE, RECORD)
    state = world.run(world.a_state(), *order[: order.index(step)])
    first = world.step(step)(state)
    standing = world.everything()
    assert world.step(step)(state) == first
    assert world.everything() == standing


@pytest.mark.parametrize("step", [COMPENSATE, RECORD])
def test_each_step_of_a_partial_write_can_be_entered_again(step: StepName) -> None:
    """An undo that is proved is not repeated, and the outcome is recorded once (D61, D63)."""
    world = World()
    world.tools.answer_next(
        ToolAnswer(is_error=True, structured={"success": False, "external_object_id": "task-9", "object_type": "Task"})
    )
    state = world.run(world.ready(), INVOKE)
    if step is RECORD:
        state = world.run(state, COMPENSATE)
    first = world.step(step)(state)
    standing = world.everything()
    again = world.step(step)(state)
    assert again.model_dump(exclude={"refs"}) == first.model_dump(exclude={"refs"})
    assert world.everything() == standing


def test_recording_a_failure_can_be_entered_again() -> None:
    """The second run finds the outcome of the first."""
    world = World()
    state = after(world.run(world.a_state(), START), PermanentError("stopped"))
    first = world.step(FAIL)(state)
    standing = world.everything()
    assert world.step(FAIL)(state) == first
    assert world.everything() == standing


@pytest.mark.parametrize("reached", range(6), ids=["claimed", "checked", "mapped", "invoked", "recorded", "in doubt"])
def test_a_duplicate_execution_changes_nothing(reached: int) -> None:
    """A second event for the same intent ends at its first step, wherever the first execution is (D20, D21)."""
    world = World()
    state = world.a_state()
    if reached == 5:
        world.tools.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.WRITTEN)
        with pytest.raises(TransientError) as in_doubt:
            world.run(state, *BEFORE_INVOKE, INVOKE)
        assert in_doubt.value.error_code == "DOWNSTREAM_ERROR"
    else:
        world.run(state, *(*BEFORE_INVOKE, INVOKE, RECORD)[: reached + 1])
    standing = world.everything()
    duplicate = world.a_state(owner=OTHER_EXECUTION_ARN)
    with pytest.raises(DuplicateExecution) as error:
        world.run(duplicate, START)
    recorded = world.step(FAIL)(after(duplicate, error.value))
    assert world.everything() == standing
    assert recorded.model_dump()["recorded"] is False


def test_two_tenants_with_the_same_intent_id_never_meet() -> None:
    """Equal ids under two tenants: two claims, two keys, two objects, two outcomes, no shared record (R10)."""
    world = World()
    mine, theirs = a_ref(), a_ref(tenant_id="tenant-2")
    world.intents.put(an_approved_intent(world.mapping, tenant_id="tenant-2"))
    order = (*BEFORE_INVOKE, INVOKE, RECORD)

    def play(state: ExecutionState) -> None:
        world.run(state, *order)

    play(world.a_state(ref=mine))
    standing = (world.attempt(mine), world.outcome(mine), world.records.ledger(mine))
    play(world.a_state(ref=theirs, owner=OTHER_EXECUTION_ARN))
    assert (world.attempt(mine), world.outcome(mine), world.records.ledger(mine)) == standing
    assert world.attempt(theirs).idempotency_key != world.attempt(mine).idempotency_key
    assert [(stored.tenant_id, stored.account_id) for stored in world.tools.objects] == [
        ("tenant-1", "account-1"),
        ("tenant-2", "account-1"),
    ]
    assert {entry.tenant_id for entry in world.records.ledger(theirs)} == {"tenant-2"}
    assert len({signal.signal_id for signal in world.bus.published}) == 2
