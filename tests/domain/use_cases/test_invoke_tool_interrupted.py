"""InvokeTool when the world changes or dies around it: nothing is sent twice, nothing done is called failed."""

import pytest

from adapters.memory.tool_gateway import Effects
from domain.model.attempt import AttemptStatus
from domain.model.errors import (
    ApprovalMismatch,
    ConfigurationError,
    ExecutionHalted,
    IntentExpired,
    IntentNotApproved,
    OwnershipLost,
    PermanentError,
    TransientError,
)
from domain.model.intent import IntentStatus
from domain.model.invocation import InvocationStatus
from domain.model.kill_switch import SwitchKind, SwitchScope
from domain.model.ledger import LedgerEventType
from domain.model.outcome import OutcomeStatus
from domain.model.tool_call import ToolAnswer, TransportPhase
from domain.model.tool_mapping import LONGEST_CALL_SECONDS, EffectSafety
from domain.use_cases.gateway_exchange import GatewayExchange
from domain.use_cases.invoke_tool import InvokeTool
from ports.steps.contract import FINISHING_SECONDS, MACHINE_TIMEOUT_SECONDS
from tests.builders import OTHER_EXECUTION_ARN, a_key, a_mapping, a_ref, a_switch, an_approved_intent
from tests.domain.use_cases.world import (
    FAIL,
    IDEMPOTENT,
    INVOKE,
    RECORD,
    START,
    UNSAFE,
    VERIFIABLE,
    World,
    after,
)
from tests.support.faulty import Killed, When

CLAIMED, DISPATCHED = AttemptStatus.CLAIMED, AttemptStatus.DISPATCHED
REFUSAL = ToolAnswer(
    is_error=True,
    structured={"success": False, "error_code": "VALIDATION_ERROR", "error_message": "no such contact"},
)
SCOPES = (
    *SwitchScope.before_mapping(tenant_id="tenant-1", action_type="CREATE_CRM_TASK", action_intent_id="intent-1"),
    *SwitchScope.of_tool(tool_name="crm___create_task", connector="crm"),
)
CLASSES = pytest.mark.parametrize("effect", [IDEMPOTENT, VERIFIABLE, UNSAFE], ids=lambda effect: effect.kind)


def a_world(effect: EffectSafety = IDEMPOTENT) -> World:
    """A world whose tool has this effect safety."""
    return World(mapping=a_mapping(effect_safety=effect))


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_a_switch_flipped_after_preflight_stops_the_dispatch(scope: SwitchScope) -> None:
    """Checked atomically with the dispatch, tool and connector included: nothing leaves, CANCELLED (D83)."""
    world = World()
    ready = world.ready()
    world.halt(scope)
    with pytest.raises(ExecutionHalted) as caught:
        world.run(ready, INVOKE)
    assert world.tools.sends == []
    assert world.attempt().status is CLAIMED
    world.run(after(ready, caught.value), FAIL)
    assert (world.outcome().status, world.outcome().error_code) == (OutcomeStatus.CANCELLED, "EXECUTION_HALTED")


def test_a_switch_flipped_while_a_call_is_in_doubt_does_not_make_it_cancelled() -> None:
    """Something may exist, so the outcome is UNKNOWN, whatever stopped the resend (D25)."""
    world = World()
    ready = world.ready()
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.WRITTEN)
    with pytest.raises(TransientError) as doubt:
        world.run(ready, INVOKE)
    world.halt(SCOPES[0])
    with pytest.raises(ExecutionHalted) as halted:
        world.run(ready, INVOKE)
    world.run(after(ready, halted.value), FAIL)
    assert doubt.value.error_code == "DOWNSTREAM_ERROR"
    assert (world.outcome().status, len(world.tools.sends)) == (OutcomeStatus.UNKNOWN, 1)


def test_an_approval_that_expires_while_waiting_stops_the_send() -> None:
    """Expiry is checked again right before the call (D83)."""
    world = World()
    ready = world.ready()
    world.clock.advance(3_600)
    with pytest.raises(IntentExpired) as caught:
        world.run(ready, INVOKE)
    assert world.tools.sends == []
    world.run(after(ready, caught.value), FAIL)
    assert world.outcome().status is OutcomeStatus.CANCELLED


def test_parameters_changed_between_mapping_and_call_are_refused() -> None:
    """The digest binds what is sent to what was approved."""
    world = World()
    ready = world.ready()
    world.intents.put(an_approved_intent().model_copy(update={"parameters": {"title": "Wire the money"}}))
    with pytest.raises(ApprovalMismatch) as caught:
        world.run(ready, INVOKE)
    assert world.tools.sends == []
    assert caught.value.ids == a_ref().model_dump()


def test_arguments_that_differ_from_the_mapped_ones_are_not_sent() -> None:
    """A deployment in between that maps differently is noticed."""
    world = World()
    ready = world.ready()
    assert ready.mapping is not None
    other = ready.mapping.model_copy(update={"arguments_digest": "f" * 64})
    with pytest.raises(ApprovalMismatch, match="not those that were mapped") as caught:
        world.run(ready.model_copy(update={"mapping": other}), INVOKE)
    assert world.tools.sends == []
    assert "nothing was sent" in caught.value.message


@CLASSES
def test_a_process_killed_between_dispatch_and_answer_never_simply_sends_again(effect: EffectSafety) -> None:
    """The tool acted and nobody heard: dedupe, ask or stop, but one effect only (D18, D23)."""
    world = a_world(effect)
    ready = world.ready()
    world.gateway.fail("send", Killed(), when=When.AFTER)
    with pytest.raises(Killed):
        world.run(ready, INVOKE)
    assert world.attempt().status is DISPATCHED
    world.clock.advance(30 + LONGEST_CALL_SECONDS)
    state = world.run(ready, INVOKE, RECORD)
    assert state.outcome is not None
    assert state.outcome.status is (OutcomeStatus.UNKNOWN if effect is UNSAFE else OutcomeStatus.SUCCEEDED)
    assert world.created == 1


@CLASSES
@pytest.mark.parametrize("when", When)
def test_a_dispatch_that_could_not_be_recorded_sends_nothing(effect: EffectSafety, when: When) -> None:
    """The record comes first; without it, or without knowing it, no call leaves."""
    world = a_world(effect)
    ready = world.ready()
    world.journal.fail("dispatch", TransientError("the store did not answer"), when=when)
    with pytest.raises(TransientError) as caught:
        world.run(ready, INVOKE)
    assert world.tools.sends == []
    assert world.attempt().status is (CLAIMED if when is When.BEFORE else DISPATCHED)
    assert "did not answer" in caught.value.message


@pytest.mark.parametrize("when", When)
def test_a_journal_that_is_down_after_the_answer_does_not_turn_success_into_failure(when: When) -> None:
    """The answer travels in the state and is settled from there (D10)."""
    world = World()
    ready = world.ready()
    world.journal.fail("advance", TransientError("the store did not answer"), when=when)
    state = world.run(ready, INVOKE)
    assert state.invocation is not None
    assert state.invocation.status is InvocationStatus.SUCCEEDED
    world.run(state, RECORD)
    assert (world.outcome().status, len(world.outcome().external_object_refs)) == (OutcomeStatus.SUCCEEDED, 1)


def test_a_write_record_that_cannot_be_kept_does_not_turn_success_into_failure() -> None:
    """It is a second witness, no condition."""
    world = World()
    ready = world.ready()
    world.external_writes.fail("record", TransientError("the store did not answer"))
    state = world.run(ready, INVOKE, RECORD)
    assert state.outcome is not None
    assert state.outcome.status is OutcomeStatus.SUCCEEDED


@pytest.mark.parametrize("error", [TransientError("down"), ConfigurationError("denied"), ValueError("too long")])
def test_an_archive_that_fails_does_not_undo_an_action(error: Exception) -> None:
    """The answer is kept, without its artifact (R43, D40)."""
    world = World()
    ready = world.ready()
    world.artifacts.fail("put", error)
    state = world.run(ready, INVOKE, RECORD)
    assert state.invocation is not None
    assert state.invocation.raw_response_artifact_ref is None
    assert world.outcome().status is OutcomeStatus.SUCCEEDED
    assert world.kept.find(a_key()) is not None


def test_an_answer_kept_before_the_process_died_is_found_on_the_next_entry() -> None:
    """Killed after the answer was recorded: the next run reads it and sends nothing (D18)."""
    world = World()
    ready = world.ready()
    world.external_writes.fail("record", Killed())
    with pytest.raises(Killed):
        world.run(ready, INVOKE)
    state = world.run(ready, INVOKE)
    assert state.invocation is not None
    assert state.invocation.status is InvocationStatus.SUCCEEDED
    assert len(world.tools.sends) == 1


def test_a_gateway_that_may_not_be_called_leaves_nothing_in_doubt() -> None:
    """A wrong setting is raised before anything is sent, so the outcome is FAILED and needs nobody (R36)."""
    world = World()
    ready = world.ready()
    world.gateway.fail("send", ConfigurationError("the gateway URL is refused"))
    with pytest.raises(ConfigurationError) as caught:
        world.run(ready, INVOKE)
    world.run(after(ready, caught.value), FAIL)
    assert world.outcome().status is OutcomeStatus.FAILED


def test_without_time_for_a_call_nothing_is_sent() -> None:
    """A function that is about to be stopped starts nothing that it could not write down (D24, D42)."""
    world = World()
    ready = world.ready()
    exchange = GatewayExchange(world.gateway, world.artifacts, timeout_seconds=30.0)
    dispatch = world.dispatch(exchange)
    invoke = InvokeTool(world.intents, world.registry, world.journal, world.switches, dispatch, world.clock)
    with pytest.raises(TransientError, match="no time is left") as caught:
        invoke(ready, seconds_left=8.0)
    assert world.tools.sends == []
    assert world.attempt().status is CLAIMED
    assert "nothing was sent" in caught.value.message


def test_the_deadline_is_what_is_left_and_never_more_than_configured() -> None:
    """Remaining time minus the margin for writing down, capped by the timeout (R32, D24, D42)."""
    exchange = GatewayExchange(World().gateway, World().artifacts, timeout_seconds=30.0)
    assert [exchange.deadline_seconds(left) for left in (60.0, 38.0, 20.0, 8.0, 1.0)] == [30.0, 30.0, 12.0, 0.0, -7.0]


def test_another_execution_may_not_send() -> None:
    """A zombie of an older owner ends before its call (D22)."""
    world = World()
    ready = world.ready()
    with pytest.raises(OwnershipLost) as caught:
        world.run(ready.model_copy(update={"execution_arn": OTHER_EXECUTION_ARN}), INVOKE)
    assert world.tools.sends == []
    assert "may not write" in caught.value.message


def test_nothing_is_sent_for_a_settled_intent() -> None:
    """A redriven execution meets its own outcome."""
    world = World()
    ready = world.ready()
    world.run(after(ready, PermanentError("stopped")), FAIL)
    with pytest.raises(OwnershipLost, match="is settled as FAILED") as caught:
        world.run(ready, INVOKE)
    assert world.tools.sends == []
    assert caught.value.error_code == "OWNERSHIP_LOST"


def test_an_intent_without_an_attempt_is_not_carried_out() -> None:
    """Somebody deleted the claim; nothing may be sent without one."""
    ready = World().ready()
    world = World()
    with pytest.raises(OwnershipLost) as caught:
        world.run(ready, INVOKE)
    assert world.tools.sends == []
    assert "deleted its claim" in caught.value.message


def test_what_a_tool_created_is_remembered_under_its_key() -> None:
    """Compensation has a second witness beside the attempt (D27)."""
    world = World()
    world.run(world.ready(), INVOKE)
    write = world.kept.find(a_key())
    assert write is not None
    assert [ref.object_id for ref in write.external_object_refs] == [world.tools.objects[0].object_id]
    assert write.tool_run_ref == world.tools.sends[0].tool_run_ref


def test_an_approval_revoked_after_preflight_stops_the_send() -> None:
    """Whoever takes an approval back before the call leaves is obeyed, also while a gateway asked to wait."""
    world = World()
    ready = world.ready()
    intent = world.intents.find(a_ref())
    assert intent is not None
    world.intents.put(intent.model_copy(update={"status": IntentStatus.REVOKED}))
    with pytest.raises(IntentNotApproved):
        world.run(ready, INVOKE)
    assert world.tools.sends == []


def test_a_call_that_ended_without_proof_is_ledgered_as_such() -> None:
    """The ledger says that a send ended in doubt, and the attempt from when a verify tool may be asked."""
    world = World()
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD, timed_out=True)
    with pytest.raises(TransientError):
        world.run(world.ready(), INVOKE)
    assert world.events[-1] is LedgerEventType.TOOL_IN_DOUBT
    assert world.attempt().call_ended_at is not None


def test_nothing_secret_is_archived_of_a_request_or_an_answer() -> None:
    """What people write into parameters is filtered, and of what tools answer only the shape is kept (D84, R43)."""
    world = World(intent=an_approved_intent(parameters={"title": "password=hunter2-in-request"}))
    world.tools.answer_next(ToolAnswer(is_error=False, structured={"success": True, "note": "hunter2-in-answer"}))
    state = world.run(world.ready(), INVOKE)
    assert state.invocation is not None
    assert state.invocation.raw_response_artifact_ref is not None
    archived = world.archive.text(state.invocation.raw_response_artifact_ref) or ""
    assert "[secret]" in archived
    assert "[withheld: 17 characters]" in archived
    assert "hunter2" not in archived


@pytest.mark.parametrize("ending", ["answered", "in doubt", "not done"])
@pytest.mark.parametrize("archived", [True, False])
def test_where_an_exchange_is_archived_or_that_it_is_missing_is_in_the_ledger(*, ending: str, archived: bool) -> None:
    """A lost archive is on record, whatever the call came to (F22)."""
    world = World()
    ready = world.ready()
    if not archived:
        world.artifacts.fail("put", TransientError("the archive did not answer"))
    if ending == "answered":
        world.run(ready, INVOKE)
    else:
        world.tools.fail_next(TransportPhase.RESPONSE_HEAD if ending == "in doubt" else TransportPhase.CONNECT)
        with pytest.raises(TransientError):
            world.run(ready, INVOKE)
    kept = str(world.records.ledger(a_ref())[-1].data["raw_response_artifact_ref"])
    assert (kept == "missing") is not archived
    assert (world.archive.text(kept) is not None) is archived


def test_a_held_switch_makes_the_action_wait_with_nothing_written() -> None:
    """The hold answers with a wait for Step Functions, and the attempt stays as free as before."""
    world = World()
    ready = world.ready()
    world.hold(SwitchScope(kind=SwitchKind.CONNECTOR, subject="crm"))
    before = world.attempt()
    section = world.run(ready, INVOKE).invocation
    assert section is not None
    assert (section.status, section.retry_after_seconds) == (InvocationStatus.DEFERRED, 5)
    assert "CONNECTOR#crm holds" in (section.error_message or "")
    assert (world.attempt(), world.tools.sends) == (before, [])


@pytest.mark.parametrize("held_seconds, wait", [(0, 5), (20, 5), (400, 100), (3_000, 600), (3_590, 10)])
def test_a_hold_asks_again_after_a_quarter_of_its_time_and_never_after_the_expiry(held_seconds: int, wait: int) -> None:
    """So a release is noticed soon, a long hold costs few events, and an expired approval ends at once."""
    world = World()
    ready = world.ready()
    world.hold(SwitchScope(kind=SwitchKind.GLOBAL))
    world.clock.advance(held_seconds)
    section = world.run(ready, INVOKE).invocation
    assert section is not None
    assert section.retry_after_seconds == wait


def test_a_released_hold_lets_the_action_pass_and_an_expired_one_ends_it() -> None:
    """Waiting changes nothing about what was approved, nor for how long."""
    released, expired = World(), World()
    for world in (released, expired):
        ready = world.ready()
        world.hold(SwitchScope(kind=SwitchKind.GLOBAL))
        world.run(ready, INVOKE)
    released.switches.flip(a_switch())
    assert released.run(released.ready(), INVOKE).invocation is not None
    assert released.created == 1
    expired.clock.advance(3_600)
    with pytest.raises(IntentExpired):
        expired.run(ready, INVOKE)
    assert expired.tools.sends == []


def test_a_hold_that_would_outlast_the_machine_is_ended_as_halted() -> None:
    """An execution that its machine's timeout ends records nothing, so a hold ends before that."""
    world = World(intent=an_approved_intent(expires_at_epoch=4_000_000_000))
    ready = world.ready()
    world.hold(SwitchScope(kind=SwitchKind.GLOBAL))
    world.clock.advance(MACHINE_TIMEOUT_SECONDS - FINISHING_SECONDS - 1)
    with pytest.raises(ExecutionHalted, match="before the switch was released"):
        world.run(ready, INVOKE)
    assert world.tools.sends == []


def test_a_step_whose_attempt_was_taken_over_may_send_nothing() -> None:
    """A zombie's own words, owner and execution, are still right; its fence is not."""
    world = World()
    ready = world.ready()
    standing = world.attempt()
    following, entry = standing.taken_over(
        by="reconciler", run="run-1", execution_status="ABORTED", now=world.clock.now()
    )
    world.records.advance(standing, following, entry)
    with pytest.raises(OwnershipLost, match="fence 2"):
        world.run(ready, INVOKE)
    with pytest.raises(OwnershipLost, match="taken over"):
        world.run(world.a_state(), START)
    assert world.tools.sends == []
