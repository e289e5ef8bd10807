"""Bad input: one typed error, a clear message, an outcome where the intent is known, and a visibly failed execution."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from domain.model.outcome import OutcomeStatus
from domain.model.tool_call import ToolAnswer
from handlers.container import Container
from handlers.runtime import step_handler
from handlers.settings import RuntimeSettings, load_settings
from ports.steps.contract import Junction, StepName
from tests.builders import a_mapping, a_ref, an_approved_intent, an_intent, an_unsafe_mapping
from tests.support.asl_interpreter import Run
from tests.support.stage import APPROVAL, CALLS, Stage, a_step_environment
from tests.workflow.agreement import ended_as_recorded, nothing_recorded

S = StepName
HOSTILE: Final = "tenant#1/../../secret"


@dataclass(frozen=True)
class BadInput:
    """What is wrong, and everything a caller and an operator see of it."""

    play: Callable[[Stage], Run]
    stopped_at: StepName
    error_name: str
    error_code: str
    says: tuple[str, ...]
    outcome: OutcomeStatus | None = OutcomeStatus.FAILED
    """``None`` where no intent is known that an outcome could be recorded under."""
    created: int = 0


def _event(**changes: Any) -> Callable[[Stage], Run]:  # noqa: ANN401  JSON of any shape
    event = {key: value for key, value in {**APPROVAL, **changes}.items() if value is not None}
    return lambda stage: stage.run(event)


def _parameters(**parameters: Any) -> Callable[[Stage], Run]:  # noqa: ANN401  JSON of any shape
    def play(stage: Stage) -> Run:
        stage.approve(an_approved_intent(parameters=parameters))
        return stage.run()

    return play


def _missing_mapping(stage: Stage) -> Run:
    stage.approve(an_approved_intent(a_mapping(version="v9"), parameters_schema_version="v9"))
    return stage.run()


def _tampered(stage: Stage) -> Run:
    approved = an_approved_intent()
    stage.approve(approved.model_copy(update={"parameters": {"title": "Call another customer"}}))
    return stage.run()


def _not_approved(stage: Stage) -> Run:
    stage.approve(an_intent())
    return stage.run()


def _answer_in_prose(stage: Stage) -> Run:
    stage.gateway.answer_next(ToolAnswer(is_error=False, texts=("All done, have a nice day!",)), times=9)
    return stage.run()


def _without_setting(step: StepName, key: str) -> Callable[[Stage], Run]:
    def container(of: StepName) -> Container:
        environment = {name: value for name, value in a_step_environment(of).items() if name != key}
        return Container(settings=load_settings(of, environment), runtime=RuntimeSettings())

    def play(stage: Stage) -> Run:
        stage.redeploy(step, step_handler(step, CALLS[step], container=container))
        return stage.run()

    return play


def _invalid_event(play: Callable[[Stage], Run], *says: str) -> BadInput:
    return BadInput(play, S.START_EXECUTION, "InvalidEvent", "INVALID_EVENT", says, None)


def _unknown_to_the_store(play: Callable[[Stage], Run], *says: str) -> BadInput:
    return BadInput(play, S.START_EXECUTION, "IntentNotFound", "INTENT_NOT_FOUND", says, None)


def _unfit(play: Callable[[Stage], Run], *says: str) -> BadInput:
    return BadInput(play, S.MAP_ACTION_TO_TOOL, "InvalidParameters", "INVALID_PARAMETERS", says)


def _unconfigured(step: StepName, key: str, outcome: OutcomeStatus | None) -> BadInput:
    says = (key, "not set", "deploy the stack again")
    return BadInput(_without_setting(step, key), step, "ConfigurationError", "CONFIGURATION_ERROR", says, outcome)


CASES: Final = {
    "no intent id": _invalid_event(_event(action_intent_id=None), "action_intent_id of the approval", "is missing"),
    "no tenant": _invalid_event(_event(tenant_id=None), "tenant_id of the approval", "is missing"),
    "no account": _invalid_event(_event(account_id=None), "account_id of the approval", "is missing"),
    "no data": _invalid_event(
        lambda stage: stage.run(None), "action_intent_id of the approval (the event's detail.data) is missing"
    ),
    "a list": _invalid_event(
        lambda stage: stage.run(["intent-1"]), "action_intent_id of the approval (the event's detail.data) is missing"
    ),
    "a text": _invalid_event(
        lambda stage: stage.run("intent-1"), "action_intent_id of the approval (the event's detail.data) is missing"
    ),
    "number as id": _invalid_event(_event(action_intent_id=7), "action_intent_id", "is a int"),
    "key separator in an id": _invalid_event(_event(tenant_id=HOSTILE), "tenant_id", "illegal shape"),
    "line break in an id": _invalid_event(_event(account_id="account-1\n"), "account_id", "illegal shape"),
    "empty id": _invalid_event(_event(account_id=""), "account_id", "illegal shape"),
    "overlong id": _invalid_event(_event(action_intent_id="i" * 129), "a string of 129 characters"),
    "look-alike id": _invalid_event(_event(tenant_id="tenant-\u0661"), "tenant_id", "illegal shape"),
    "unknown intent": _unknown_to_the_store(_event(action_intent_id="intent-9"), "ActionIntent not found: intent-9"),
    "intent of another tenant": _unknown_to_the_store(_event(tenant_id="tenant-2"), "three ids", "together"),
    "intent of another account": _unknown_to_the_store(_event(account_id="account-2"), "three ids", "together"),
    "not approved": BadInput(
        _not_approved, S.START_EXECUTION, "IntentNotApproved", "INTENT_NOT_APPROVED", ("PROPOSED", "approve it"), None
    ),
    "missing mapping": BadInput(
        _missing_mapping,
        S.MAP_ACTION_TO_TOOL,
        "ToolMappingNotFound",
        "TOOL_MAPPING_NOT_FOUND",
        ("Tool mapping not found for action_type: CREATE_CRM_TASK, schema_version: v9", "publish this version"),
    ),
    "missing parameter": _unfit(_parameters(priority="high"), "'title' is required and missing"),
    "unknown parameter": _unfit(_parameters(title="x", colour="red"), "'colour' is not a parameter", "due_in_days"),
    "parameter of a wrong type": _unfit(
        _parameters(title="x", due_in_days="3"), "'due_in_days' must be of type INTEGER"
    ),
    "tampered parameters": BadInput(
        _tampered, S.VALIDATE_PREFLIGHT, "ApprovalMismatch", "APPROVAL_MISMATCH", ("has changed since approver-1",)
    ),
    "starter not configured": _unconfigured(S.START_EXECUTION, "ACTION_INTENT_TABLE_NAME", None),
    "mapper not configured": _unconfigured(
        S.MAP_ACTION_TO_TOOL, "ACTION_TYPE_REGISTRY_TABLE_NAME", OutcomeStatus.FAILED
    ),
    "invoker not configured": _unconfigured(S.INVOKE_TOOL, "AGENTCORE_GATEWAY_URL", OutcomeStatus.FAILED),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_ends_typed_clear_recorded_and_visible(name: str) -> None:
    """One typed error, a message that says what to do, an outcome where the intent is known, and a failed execution."""
    case, stage = CASES[name], Stage()
    run = case.play(stage)
    stopped = next(visit for visit in run.visits if visit.errors)
    assert (stopped.state, stopped.errors) == (case.stopped_at, [case.error_name])
    assert (run.status, run.terminal, run.error) == ("FAILED", Junction.EXECUTION_FAILED, case.error_code)
    assert run.cause is not None
    for phrase in case.says:
        assert phrase in run.cause
    assert HOSTILE not in run.cause
    assert stage.gateway.effects == []
    if case.outcome is None:
        nothing_recorded(stage)
        assert stage.journal.find_attempt(a_ref()) is None
        assert run.variables["outcome"]["recorded"] is False
    else:
        outcome = ended_as_recorded(stage, run)
        assert (outcome.status, outcome.error_code) == (case.outcome, case.error_code)


def test_an_answer_that_is_no_json_is_asked_for_again_where_the_tool_dedupes_and_ends_unknown() -> None:
    """Prose proves nothing: the idempotent tool is asked four times under one key, then the outcome is UNKNOWN."""
    stage = Stage()
    run = _answer_in_prose(stage)
    outcome = ended_as_recorded(stage, run)
    assert (outcome.status, outcome.error_code) == (OutcomeStatus.UNKNOWN, "MALFORMED_RESPONSE")
    assert "failed to parse the tool's answer" in (outcome.error_message or "")
    assert len({call.idempotency_key for call in stage.gateway.sends}) == 1
    assert run.tries(S.INVOKE_TOOL) == [4]


def test_an_answer_that_is_no_json_is_final_where_the_tool_is_unsafe() -> None:
    """An unsafe tool that answers in prose is called once, and the execution fails visibly as UNKNOWN."""
    stage = Stage(an_unsafe_mapping())
    run = _answer_in_prose(stage)
    assert (run.terminal, run.error, len(stage.gateway.sends)) == (
        Junction.EXECUTION_UNKNOWN,
        "MALFORMED_RESPONSE",
        1,
    )
    assert ended_as_recorded(stage, run).status is OutcomeStatus.UNKNOWN


@pytest.mark.parametrize("step", [S.RECORD_OUTCOME, S.RECORD_FAILURE])
def test_a_recorder_that_is_not_configured_is_spooled_with_the_reason(step: StepName) -> None:
    """Nothing can be recorded then, so the state goes to the queue, naming the missing variable."""
    stage = Stage()
    if step is S.RECORD_FAILURE:
        stage.approve(an_approved_intent(parameters={}))
    run = _without_setting(step, "EXECUTION_OUTCOMES_TABLE_NAME")(stage)
    assert run.terminal == Junction.RECORDING_FAILED
    assert "EXECUTION_OUTCOMES_TABLE_NAME: not set" in stage.spooled[0]["error"]["Cause"]
    nothing_recorded(stage)
