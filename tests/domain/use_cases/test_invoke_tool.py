"""InvokeTool sends at most once per run, and afterwards says only what the evidence supports."""

import pytest

from adapters.memory.tool_gateway import Effects
from domain.model.attempt import AttemptStatus
from domain.model.errors import (
    PermanentError,
    TransientError,
)
from domain.model.invocation import InvocationStatus
from domain.model.kill_switch import SwitchScope
from domain.model.ledger import LedgerEventType
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.model.tool_call import CallPurpose, ToolAnswer, TransportPhase
from domain.model.tool_mapping import CompensationPolicy, EffectSafety
from tests.builders import a_key, a_mapping
from tests.domain.use_cases.world import (
    COMPENSATE,
    IDEMPOTENT,
    INVOKE,
    RECORD,
    UNSAFE,
    VERIFIABLE,
    World,
    after,
)

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
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD)
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
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.WRITTEN, timed_out=True)
    first = world.run(ready, INVOKE)
    second = world.run(ready, INVOKE)
    assert first.invocation is not None
    assert second.invocation is not None
    assert first.invocation.status is second.invocation.status is InvocationStatus.UNKNOWN
    assert (first.invocation.error_code, len(world.tools.sends)) == ("TIMEOUT", 1)
    assert first.invocation.tool_run_ref == second.invocation.tool_run_ref == world.tools.sends[0].tool_run_ref
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
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD, effects=effects)
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
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD)
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
    assert (state.invocation.status, state.invocation.error_message) == (
        InvocationStatus.FAILED,
        "the tool refused; its words (15 characters) are withheld",
    )
    final = world.run(state, COMPENSATE, RECORD)
    assert final.compensation is not None
    assert final.compensation.status is CompensationStatus.NOT_NEEDED
    assert (world.outcome().status, world.outcome().error_code) == (OutcomeStatus.FAILED, "VALIDATION_ERROR")


def test_a_refused_resend_leaves_the_doubt_of_the_first_send() -> None:
    """The first call lands late, after the second was refused: FAILED would be a false statement (D25)."""
    world = World()
    ready = world.ready()
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.LATE, timed_out=True)
    world.tools.answer_next(REFUSAL)
    state = world.run(world.invoked_after_retries(ready, tries=2), COMPENSATE, RECORD)
    world.tools.let_late_calls_land()
    assert world.created == 1
    assert state.outcome is not None
    assert state.outcome.status is OutcomeStatus.UNKNOWN
