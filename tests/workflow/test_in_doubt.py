"""What may be said and done when a call's fate is not known, and when the world changes between two sends."""

import pytest

from adapters.memory.tool_gateway import Effects
from domain.model.errors import TransientError
from domain.model.kill_switch import SwitchState
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.model.tool_call import CallPurpose, TransportPhase
from handlers.runtime import LambdaContext, step_handler
from ports.steps.contract import FINISHING_SECONDS, MACHINE_TIMEOUT_SECONDS, Junction, StepName
from tests.builders import a_switch, an_approved_intent, later
from tests.support.stage import CALLS, FOR_EVER, Stage
from tests.workflow.agreement import ended_as_recorded
from tests.workflow.scenarios import a_partial_answer, a_verifiable_mapping

S = StepName
DOWN = TransientError("the store is down")


def _halt_after_the_first_try(stage: Stage) -> None:
    """An operator stops everything as soon as the invoker has run once."""
    real = step_handler(S.INVOKE_TOOL, CALLS[S.INVOKE_TOOL], container=stage.container)

    def entry(event: object, context: LambdaContext) -> dict[str, object]:
        try:
            return dict(real(event, context))
        finally:
            stage.switches.flip(a_switch(state=SwitchState.CANCEL))

    stage.redeploy(S.INVOKE_TOOL, entry)  # type: ignore[arg-type]  # any dictionary of JSON will do


@pytest.mark.parametrize(
    "phase, effects, status",
    [
        (TransportPhase.CONNECT, Effects.NONE, OutcomeStatus.CANCELLED),
        (TransportPhase.RESPONSE_HEAD, Effects.NONE, OutcomeStatus.UNKNOWN),
        (TransportPhase.RESPONSE_HEAD, Effects.WRITTEN, OutcomeStatus.UNKNOWN),
    ],
)
def test_a_halt_between_two_sends_cancels_only_what_was_never_sent(
    phase: TransportPhase, effects: Effects, status: OutcomeStatus
) -> None:
    """A switch stops the resend; the first send stays as certain or as doubtful as it was."""
    stage = Stage()
    stage.gateway.fail_next(phase, effects=effects)
    _halt_after_the_first_try(stage)
    outcome = ended_as_recorded(stage, stage.run())
    assert (outcome.status, outcome.error_code, outcome.attempt_count) == (status, "EXECUTION_HALTED", 1)


@pytest.mark.parametrize(
    "phase, status",
    [(TransportPhase.CONNECT, OutcomeStatus.CANCELLED), (TransportPhase.RESPONSE_HEAD, OutcomeStatus.UNKNOWN)],
)
def test_an_approval_that_expires_between_two_sends_permits_no_second(
    phase: TransportPhase, status: OutcomeStatus
) -> None:
    """Expiry is checked with every dispatch; what the first send did decides between CANCELLED and UNKNOWN."""
    stage = Stage()
    stage.approve(an_approved_intent(expires_at_epoch=int(later(1).timestamp())))
    stage.gateway.fail_next(phase)
    outcome = ended_as_recorded(stage, stage.run())
    assert (outcome.status, outcome.error_code, len(stage.gateway.sends)) == (status, "EXPIRED", 1)


def test_a_verify_tool_that_cannot_be_reached_leaves_the_outcome_unknown() -> None:
    """Nothing is sent again on a guess; the question is asked four times, then a person or the reconciler decides."""
    stage = Stage(a_verifiable_mapping())
    stage.gateway.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.WRITTEN)
    stage.gateway.fail_next(TransportPhase.CONNECT, FOR_EVER)
    run = stage.run()
    assert ended_as_recorded(stage, run).status is OutcomeStatus.UNKNOWN
    purposes = [call.purpose for call in stage.gateway.sends]
    assert purposes == [CallPurpose.INVOKE] + [CallPurpose.VERIFY] * 4


def test_a_tool_is_asked_only_after_its_server_can_no_longer_be_at_work() -> None:
    """The wait before verifying is the mapping's bound, and it is Step Functions that waits."""
    stage = Stage(a_verifiable_mapping())
    stage.gateway.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.WRITTEN)
    run = stage.run()
    waits = [visit.waits_seconds for visit in run.visits if visit.state == Junction.WAIT_FOR_TOOL]
    assert waits == [[20]]
    assert ended_as_recorded(stage, run).status is OutcomeStatus.SUCCEEDED


def test_an_answer_that_cannot_be_kept_on_the_attempt_is_still_settled() -> None:
    """A done action never becomes a failed one because a store was down for a moment."""
    stage = Stage()
    stage.port(S.INVOKE_TOOL, "journal").fail("advance", DOWN, times=FOR_EVER)
    outcome = ended_as_recorded(stage, stage.run())
    assert outcome.status is OutcomeStatus.SUCCEEDED
    assert [ref.object_id for ref in outcome.external_object_refs] == [stage.gateway.objects[0].object_id]


def test_a_partial_answer_that_cannot_be_kept_is_still_undone() -> None:
    """The refs travel in the state, so the undo knows them without the attempt."""
    stage = Stage()
    stage.gateway.answer_next(a_partial_answer(), effects=Effects.WRITTEN)
    stage.port(S.INVOKE_TOOL, "journal").fail("advance", DOWN, times=FOR_EVER)
    outcome = ended_as_recorded(stage, stage.run())
    assert (outcome.status, outcome.compensation_status) == (OutcomeStatus.FAILED, CompensationStatus.COMPLETED)
    assert stage.gateway.objects == []


def test_a_refused_token_is_renewed_once_and_not_more() -> None:
    """Two refusals in a row are a wrong client, not an old token."""
    stage = Stage()
    stage.gateway.fail_next(TransportPhase.HTTP_STATUS, FOR_EVER, http_status=401)
    outcome = ended_as_recorded(stage, stage.run())
    assert (outcome.status, outcome.error_code, len(stage.gateway.sends)) == (OutcomeStatus.FAILED, "AUTH_FAILED", 2)


def test_a_gateway_that_asks_for_more_time_than_the_approval_has_is_not_waited_for() -> None:
    """Waiting for a time at which nothing would be permitted any more helps nobody."""
    stage = Stage()
    stage.approve(an_approved_intent(expires_at_epoch=int(later(60).timestamp())))
    stage.gateway.fail_next(TransportPhase.HTTP_STATUS, http_status=429, retry_after_seconds=60)
    run = stage.run()
    assert Junction.WAIT_FOR_TOOL not in run.path
    outcome = ended_as_recorded(stage, run)
    assert (outcome.status, outcome.error_code) == (OutcomeStatus.FAILED, "RATE_LIMIT")


def test_a_gateway_that_never_has_time_is_given_up_when_the_approval_ends() -> None:
    """An approval of an hour bears five waits of ten minutes; after the sixth nothing would be permitted any more."""
    stage = Stage()
    stage.gateway.fail_next(TransportPhase.HTTP_STATUS, FOR_EVER, http_status=429, retry_after_seconds=600)
    run = stage.run()
    assert run.path.count(Junction.WAIT_FOR_TOOL) == 5
    assert ended_as_recorded(stage, run).error_code == "RATE_LIMIT"
    assert stage.gateway.effects == []


def test_a_gateway_that_never_has_time_is_given_up_before_the_machine_ends() -> None:
    """However long the approval lasts, the last wait leaves time to record the end (D17)."""
    stage = Stage()
    stage.approve(an_approved_intent(expires_at_epoch=int(later(2 * MACHINE_TIMEOUT_SECONDS).timestamp())))
    stage.gateway.fail_next(TransportPhase.HTTP_STATUS, FOR_EVER, http_status=429, retry_after_seconds=600)
    real = step_handler(S.INVOKE_TOOL, CALLS[S.INVOKE_TOOL], container=stage.container)

    def entry(event: object, context: LambdaContext) -> dict[str, object]:
        stage.redeploy(S.INVOKE_TOOL, real)
        section = real(event, context)
        stage.clock.advance(MACHINE_TIMEOUT_SECONDS - FINISHING_SECONDS - 900)
        return dict(section)

    stage.redeploy(S.INVOKE_TOOL, entry)  # type: ignore[arg-type]  # any dictionary of JSON will do
    run = stage.run()
    assert run.path.count(Junction.WAIT_FOR_TOOL) == 1
    assert ended_as_recorded(stage, run).error_code == "RATE_LIMIT"
    assert stage.gateway.effects == []
