"""InvokeTool sends at most once per run, and afterwards says only what the evidence supports."""

import pytest

from adapters.memory.tool_gateway import Effects
from domain.model.attempt import AttemptStatus
from domain.model.errors import (
    ApprovalMismatch,
    ConfigurationError,
    ExecutionHalted,
    IntentExpired,
    OwnershipLost,
    PermanentError,
    TransientError,
)
from domain.model.invocation import InvocationStatus
from domain.model.kill_switch import SwitchScope
from domain.model.ledger import LedgerEventType
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.model.tool_call import CallPurpose, ToolAnswer, TransportPhase
from domain.model.tool_mapping import CompensationPolicy, EffectSafety
from domain.use_cases.gateway_exchange import GatewayExchange
from domain.use_cases.invoke_tool import InvokeTool
from tests.builders import OTHER_EXECUTION_ARN, a_key, a_mapping, a_ref, an_approved_intent
from tests.domain.use_cases.world import (
    COMPENSATE,
    FAIL,
    IDEMPOTENT,
    INVOKE,
    RECORD,
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


def test_the_call_carries_arguments_key_and_run_ref_and_is_sent_once() -> None:
    """What the approver saw, under the key of the action, once (R31, D24, D28, D39)."""
    world = World()
    state = world.run(world.ready(), INVOKE)
    (call,) = world.tools.sends
    assert call.purpose is CallPurpose.INVOKE
    assert call.arguments == {"title": "Call the customer back", "priority": "high"}
    assert call.idempotency_key == a_key()
    assert state.invocation is not None
    assert (state.invocation.status, state.invocation.tool_run_ref) == (InvocationStatus.SUCCEEDED, call.tool_run_ref)
    assert state.invocation.raw_response_artifact_ref is not None


def test_two_503_and_a_success_are_three_attempts_and_one_effect() -> None:
    """The count is true, and the tool's dedupe makes the resends harmless (D9, D23)."""
    world = World()
    world.tools.fail_next(TransportPhase.HTTP_STATUS, times=2, effects=Effects.WRITTEN, http_status=503)
    state = world.run(world.invoked_after_retries(world.ready(), tries=4), RECORD)
    assert state.outcome is not None
    assert state.outcome.status is OutcomeStatus.SUCCEEDED
    assert (world.outcome().attempt_count, world.created, len(world.tools.sends)) == (3, 1, 3)
    assert len({call.idempotency_key for call in world.tools.sends}) == 1
    assert len({call.tool_run_ref for call in world.tools.sends}) == 3


def test_an_idempotent_tool_is_not_called_again_after_its_keys_lifetime() -> None:
    """A tool that has forgotten the key would act twice, so the answer is UNKNOWN (D23)."""
    world = a_world(IDEMPOTENT)
    state = world.ready()
    world.tools.fail_next(TransportPhase.SENT)
    with pytest.raises(TransientError) as caught:
        world.run(state, INVOKE)
    world.clock.advance(IDEMPOTENT.key_ttl_seconds)
    state = world.run(state, INVOKE)
    assert caught.value.error_code == "DOWNSTREAM_ERROR"
    assert state.invocation is not None
    assert state.invocation.status is InvocationStatus.UNKNOWN
    assert len(world.tools.sends) == 1


@CLASSES
def test_a_refused_connection_is_tried_again_in_every_class(effect: EffectSafety) -> None:
    """Nothing left this machine: the attempt is free again, and the next run sends (D32)."""
    world = a_world(effect)
    state = world.ready()
    world.tools.fail_next(TransportPhase.CONNECT)
    with pytest.raises(TransientError) as caught:
        world.run(state, INVOKE)
    assert caught.value.ids["action_intent_id"] == "intent-1"
    assert (world.attempt().status, world.attempt().attempt_count, world.attempt().in_doubt) == (CLAIMED, 1, False)
    assert world.events[-1] is LedgerEventType.TOOL_NOT_EXECUTED
    assert world.run(state, INVOKE, RECORD).outcome is not None
    assert (world.outcome().status, world.outcome().attempt_count, world.created) == (OutcomeStatus.SUCCEEDED, 2, 1)


@CLASSES
def test_a_rate_limit_with_retry_after_is_waited_out_outside_the_function(effect: EffectSafety) -> None:
    """DEFERRED with the gateway's own wait; Step Functions waits, no function sleeps (D38)."""
    world = a_world(effect)
    ready = world.ready()
    world.tools.fail_next(TransportPhase.HTTP_STATUS, http_status=429, retry_after_seconds=17)
    state = world.run(ready, INVOKE)
    assert state.invocation is not None
    assert (state.invocation.status, state.invocation.retry_after_seconds) == (InvocationStatus.DEFERRED, 17)
    assert world.attempt().status is CLAIMED
    world.clock.advance(17)
    world.run(world.run(state, INVOKE), RECORD)
    assert (world.outcome().status, world.outcome().attempt_count) == (OutcomeStatus.SUCCEEDED, 2)


def test_a_rate_limit_without_retry_after_is_transient() -> None:
    """Step Functions' own back-off is used (D35)."""
    world = World()
    ready = world.ready()
    world.tools.fail_next(TransportPhase.HTTP_STATUS, http_status=429)
    with pytest.raises(TransientError) as caught:
        world.run(ready, INVOKE)
    assert caught.value.error_code == "RATE_LIMIT"


def test_a_rate_limit_beyond_the_approvals_end_is_given_up() -> None:
    """Waiting past the expiry would only postpone the refusal (D38)."""
    world = World()
    ready = world.ready()
    world.clock.advance(3_000)
    world.tools.fail_next(TransportPhase.HTTP_STATUS, http_status=429, retry_after_seconds=600)
    with pytest.raises(PermanentError) as caught:
        world.run(ready, INVOKE)
    assert caught.value.error_code == "RATE_LIMIT"


def test_one_401_is_tried_again_and_a_second_is_final() -> None:
    """A stale token is refreshed once; a gateway that refuses the fresh one too has decided."""
    world = World()
    ready = world.ready()
    world.tools.fail_next(TransportPhase.HTTP_STATUS, times=2, http_status=401)
    with pytest.raises(TransientError) as first:
        world.run(ready, INVOKE)
    with pytest.raises(PermanentError) as second:
        world.run(ready, INVOKE)
    assert (type(first.value).__name__, type(second.value).__name__) == ("TransientError", "PermanentError")
    assert first.value.error_code == second.value.error_code == "AUTH_FAILED"
    world.run(after(ready, second.value), COMPENSATE, RECORD)
    assert (world.outcome().status, world.outcome().compensation_status) == (
        OutcomeStatus.FAILED,
        CompensationStatus.NOT_NEEDED,
    )
    assert world.outcome().attempt_count == 2


def test_a_token_that_could_not_be_had_does_not_spend_the_one_refresh() -> None:
    """The identity provider was down once; the first 401 after that is still the first."""
    world = World()
    ready = world.ready()
    world.tools.fail_next(TransportPhase.TOKEN)
    world.tools.fail_next(TransportPhase.HTTP_STATUS, http_status=401)
    state = world.invoked_after_retries(ready, tries=3)
    assert state.invocation is not None


@CLASSES
@pytest.mark.parametrize("status, code", [(403, "AUTH_FAILED")])
def test_a_refusal_of_the_gateway_is_permanent(effect: EffectSafety, status: int, code: str) -> None:
    """Nothing was done and trying again cannot help, whatever the tool's class (R36)."""
    world = a_world(effect)
    ready = world.ready()
    world.tools.fail_next(TransportPhase.HTTP_STATUS, http_status=status)
    with pytest.raises(PermanentError) as caught:
        world.run(ready, INVOKE)
    assert (type(caught.value), caught.value.error_code) == (PermanentError, code)
    assert world.attempt().status is CLAIMED


def test_an_unsafe_call_in_doubt_is_unknown_and_never_sent_again() -> None:
    """Nobody can be asked and nothing may be repeated: a person decides (D23, D25)."""
    world = World(mapping=a_mapping(effect_safety=UNSAFE, compensation=CompensationPolicy()))
    ready = world.ready()
    world.tools.fail_next(TransportPhase.SENT, effects=Effects.WRITTEN, timed_out=True)
    first = world.run(ready, INVOKE)
    second = world.run(ready, INVOKE)
    assert first.invocation is not None
    assert second.invocation is not None
    assert first.invocation.status is second.invocation.status is InvocationStatus.UNKNOWN
    assert (first.invocation.error_code, len(world.tools.sends)) == ("TIMEOUT", 1)
    state = world.run(first, RECORD)
    assert state.outcome is not None
    assert (world.outcome().status, world.outcome().compensation_status) == (
        OutcomeStatus.UNKNOWN,
        CompensationStatus.UNKNOWN,
    )


@pytest.mark.parametrize("effects", [Effects.WRITTEN, Effects.NONE])
def test_a_verifiable_call_in_doubt_waits_for_the_servers_bound_and_asks(effects: Effects) -> None:
    """Not a second send but a question, and only once the server can no longer be at work (D23)."""
    world = a_world(VERIFIABLE)
    ready = world.ready()
    world.tools.fail_next(TransportPhase.SENT, effects=effects)
    deferred = world.run(ready, INVOKE)
    assert deferred.invocation is not None
    assert (deferred.invocation.status, deferred.invocation.retry_after_seconds) == (InvocationStatus.DEFERRED, 30)
    world.clock.advance(12)
    early = world.run(deferred, INVOKE)
    assert early.invocation is not None
    assert (early.invocation.status, early.invocation.retry_after_seconds) == (InvocationStatus.DEFERRED, 18)
    assert len(world.tools.sends) == 1
    world.clock.advance(18)
    state = world.run(world.invoked_after_retries(early, tries=2), RECORD)
    assert state.outcome is not None
    assert state.outcome.status is OutcomeStatus.SUCCEEDED
    purposes = [call.purpose.value for call in world.tools.sends]
    written = effects is Effects.WRITTEN
    assert purposes == (["INVOKE", "VERIFY"] if written else ["INVOKE", "VERIFY", "INVOKE"])
    assert (world.created, len(world.outcome().external_object_refs)) == (1, 1)
    assert world.outcome().attempt_count == (1 if written else 2)
    assert (LedgerEventType.EFFECT_VERIFIED in world.events) is not written


def test_a_verification_that_says_nothing_is_asked_again_and_never_sent_past() -> None:
    """No answer is not "absent" (D23)."""
    world = a_world(VERIFIABLE)
    ready = world.ready()
    world.tools.fail_next(TransportPhase.SENT)
    deferred = world.run(ready, INVOKE)
    world.clock.advance(30)
    world.tools.answer_next(ToolAnswer(is_error=False, structured={"success": True}))
    world.tools.fail_next(TransportPhase.HTTP_STATUS, http_status=404)
    for _ in range(2):
        with pytest.raises(TransientError, match="could not say") as caught:
            world.run(deferred, INVOKE)
        assert world.attempt().status is DISPATCHED
    assert caught.value.error_code == "TRANSIENT_ERROR"
    assert [call.purpose.value for call in world.tools.sends] == ["INVOKE", "VERIFY", "VERIFY"]


def test_a_tools_refusal_is_returned_and_not_raised() -> None:
    """A business failure is a result: no retry, no error name, settled as FAILED (D6)."""
    world = World()
    ready = world.ready()
    world.tools.answer_next(REFUSAL)
    state = world.run(ready, INVOKE)
    assert state.invocation is not None
    assert (state.invocation.status, state.invocation.error_message) == (InvocationStatus.FAILED, "no such contact")
    final = world.run(state, COMPENSATE, RECORD)
    assert final.compensation is not None
    assert final.compensation.status is CompensationStatus.NOT_NEEDED
    assert (world.outcome().status, world.outcome().error_code) == (OutcomeStatus.FAILED, "VALIDATION_ERROR")


def test_a_refused_resend_leaves_the_doubt_of_the_first_send() -> None:
    """The first call lands late, after the second was refused: FAILED would be a false statement (D25)."""
    world = World()
    ready = world.ready()
    world.tools.fail_next(TransportPhase.SENT, effects=Effects.LATE, timed_out=True)
    world.tools.answer_next(REFUSAL)
    state = world.run(world.invoked_after_retries(ready, tries=2), COMPENSATE, RECORD)
    world.tools.let_late_calls_land()
    assert world.created == 1
    assert state.outcome is not None
    assert state.outcome.status is OutcomeStatus.UNKNOWN


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
    world.tools.fail_next(TransportPhase.SENT, effects=Effects.WRITTEN)
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
    world.clock.advance(30)
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
    invoke = InvokeTool(
        world.intents,
        world.registry,
        world.journal,
        world.external_writes,
        GatewayExchange(world.gateway, world.artifacts, timeout_seconds=30.0),
        world.clock,
    )
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
