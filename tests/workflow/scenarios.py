"""Every way an approved action can go: how to bring it about, and what must be true at the end.

Each scenario plants its cause at an edge of the system (a store, the gateway, a function's boundary) and lets the
real steps do the rest. Together they drive every edge of the generated machine; a test proves that none is missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from adapters.memory.tool_gateway import Effects
from domain.model.canonical_json import JsonObject
from domain.model.errors import TransientError
from domain.model.external_object import ExternalObjectRef
from domain.model.kill_switch import SwitchKind, SwitchState
from domain.model.outcome import CompensationStatus, OutcomeStatus
from domain.model.tool_call import ToolAnswer, TransportPhase
from domain.model.tool_mapping import ToolMapping, Verifiable
from ports.steps.contract import Junction, StepName
from tests.builders import OTHER_EXECUTION_ARN, a_mapping, a_switch, an_approved_intent, an_unsafe_mapping
from tests.support.asl_interpreter import Run
from tests.support.stage import APPROVAL, FOR_EVER, Stage

S, J = StepName, Junction
DOWN: Final = TransientError("the store is down")


@dataclass(frozen=True)
class Scenario:
    """A cause, and its whole effect."""

    play: Callable[[Stage], Run]
    terminal: Junction
    outcome: OutcomeStatus | None
    """``None``: nothing may be recorded under the intent."""
    created: int = 0
    deleted: int = 0
    sends: int = 0
    compensation: CompensationStatus = CompensationStatus.NOT_NEEDED
    error_code: str | None = None
    mapping: Callable[[], ToolMapping] = a_mapping


def a_verifiable_mapping() -> ToolMapping:
    """The sample tool, registered as one that can be asked for the effect of a key 20 s after a call."""
    return a_mapping(effect_safety=Verifiable(verify_tool="crm___find_task", server_bound_seconds=20))


def plain(stage: Stage) -> Run:
    """Nothing goes wrong."""
    return stage.run()


def duplicate(stage: Stage) -> Run:
    """The same approval starts a second execution."""
    stage.run()
    return stage.run(execution_arn=OTHER_EXECUTION_ARN)


def unknown_intent(stage: Stage) -> Run:
    """The event names an intent that nobody stored."""
    return stage.run({**APPROVAL, "action_intent_id": "nobody"})


def halted(stage: Stage) -> Run:
    """An operator has stopped everything."""
    stage.switches.flip(a_switch(state=SwitchState.CANCEL))
    return stage.run()


def halted_tool(stage: Stage) -> Run:
    """An operator has stopped the tool, which only the dispatch can see."""
    stage.switches.flip(a_switch(SwitchKind.TOOL, "crm___create_task", SwitchState.CANCEL))
    return stage.run()


def missing_mapping(stage: Stage) -> Run:
    """The intent was approved with a mapping version that was never published."""
    stage.approve(an_approved_intent(a_mapping(version="v9"), parameters_schema_version="v9"))
    return stage.run()


def forbidden(stage: Stage) -> Run:
    """The gateway answers 403: nothing was done, and trying again cannot help."""
    stage.gateway.fail_next(TransportPhase.HTTP_STATUS, http_status=403)
    return stage.run()


def refused(stage: Stage) -> Run:
    """The tool says, by its contract, that it did nothing."""
    contract: JsonObject = {
        "success": False,
        "error_code": "VALIDATION_ERROR",
        "error_message": "the title is too long",
    }
    stage.gateway.answer_next(ToolAnswer(is_error=True, structured=contract))
    return stage.run()


def the_task() -> ExternalObjectRef:
    """The CRM task that the sample call creates, known from carrying it out on another stage."""
    elsewhere = Stage()
    elsewhere.run()
    attempt = elsewhere.journal.find_attempt(an_approved_intent().ref)
    assert attempt is not None
    assert attempt.reply is not None
    return attempt.reply.external_object_refs[0]


def a_partial_answer() -> ToolAnswer:
    """The tool says that it failed and names the task that exists all the same."""
    named = the_task().model_dump(mode="json", exclude={"system"})
    return ToolAnswer(is_error=True, structured={"success": False, "external_objects": [named]})


def partial(stage: Stage) -> Run:
    """The tool writes, then reports failure."""
    stage.gateway.answer_next(a_partial_answer(), effects=Effects.WRITTEN)
    return stage.run()


def partial_and_undo_unreachable(stage: Stage) -> Run:
    """The tool writes and reports failure, and from then on the gateway cannot be reached."""
    stage.gateway.answer_next(a_partial_answer(), effects=Effects.WRITTEN)
    stage.gateway.fail_next(TransportPhase.CONNECT, FOR_EVER)
    return stage.run()


def told_to_wait(stage: Stage) -> Run:
    """The gateway answers 429 and names a time."""
    stage.gateway.fail_next(TransportPhase.HTTP_STATUS, http_status=429, retry_after_seconds=7)
    return stage.run()


def silent_after_writing(stage: Stage) -> Run:
    """The tool writes, and its answer never comes."""
    stage.gateway.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.WRITTEN, timed_out=True)
    return stage.run()


def silent_without_writing(stage: Stage) -> Run:
    """The connection breaks after the request was sent, before the tool began."""
    stage.gateway.fail_next(TransportPhase.RESPONSE_HEAD)
    return stage.run()


def outcome_store_down(stage: Stage) -> Run:
    """The action is done and its outcome cannot be written."""
    stage.port(S.RECORD_OUTCOME, "journal").fail("settle", DOWN, times=FOR_EVER)
    return stage.run()


def failure_store_down(stage: Stage) -> Run:
    """The action is stopped and that cannot be written."""
    stage.port(S.RECORD_FAILURE, "journal").fail("settle", DOWN, times=FOR_EVER)
    return halted(stage)


def spool_down(stage: Stage) -> Run:
    """Neither the tables nor the queue of last resort can be reached."""
    stage.break_function(J.SPOOL_OUTCOME, "Sqs.SdkClientException")
    return outcome_store_down(stage)


def unforeseen_invocation(stage: Stage) -> Run:
    """The invoker answers with a status that this machine does not know."""
    stage.change_result(S.INVOKE_TOOL, status="HALF_DONE")
    return stage.run()


def unforeseen_outcome(stage: Stage) -> Run:
    """The recorder answers with a status that this machine does not know."""
    stage.change_result(S.RECORD_OUTCOME, status="HALF_DONE", error_code="NEW", error_message="a newer recorder")
    return stage.run()


def broken(step: StepName, play: Callable[[Stage], Run] = plain) -> Callable[[Stage], Run]:
    """A step's function never runs, however often it is asked to."""

    def scene(stage: Stage) -> Run:
        stage.break_function(step, "Lambda.Unknown")
        return play(stage)

    return scene


OK, FAILED, CANCELLED, UNKNOWN = OutcomeStatus
C = CompensationStatus

SCENARIOS: Final[dict[str, Scenario]] = {
    "carried out": Scenario(plain, J.SUCCEEDED, OK, created=1, sends=1),
    "duplicate": Scenario(duplicate, J.DUPLICATE_SUPPRESSED, OK, created=1, sends=1),
    "unknown intent": Scenario(unknown_intent, J.EXECUTION_FAILED, None, error_code="INTENT_NOT_FOUND"),
    "halted": Scenario(halted, J.EXECUTION_FAILED, CANCELLED, error_code="EXECUTION_HALTED"),
    "halted tool": Scenario(halted_tool, J.EXECUTION_FAILED, CANCELLED, error_code="EXECUTION_HALTED"),
    "missing mapping": Scenario(missing_mapping, J.EXECUTION_FAILED, FAILED, error_code="TOOL_MAPPING_NOT_FOUND"),
    "forbidden": Scenario(forbidden, J.EXECUTION_FAILED, FAILED, sends=1, error_code="AUTH_FAILED"),
    "refused": Scenario(refused, J.EXECUTION_FAILED, FAILED, sends=1, error_code="VALIDATION_ERROR"),
    "partial": Scenario(partial, J.EXECUTION_FAILED, FAILED, 1, 1, 1, C.COMPLETED, error_code="UNKNOWN_ERROR"),
    "undo unreachable": Scenario(
        partial_and_undo_unreachable, J.EXECUTION_UNKNOWN, UNKNOWN, 1, 0, 1, C.FAILED, error_code="UNKNOWN_ERROR"
    ),
    "told to wait": Scenario(told_to_wait, J.SUCCEEDED, OK, created=1, sends=2),
    "silent, idempotent": Scenario(silent_after_writing, J.SUCCEEDED, OK, created=1, sends=2),
    "silent, verifiable": Scenario(
        silent_after_writing, J.SUCCEEDED, OK, created=1, sends=1, mapping=a_verifiable_mapping
    ),
    "never begun, verifiable": Scenario(
        silent_without_writing, J.SUCCEEDED, OK, created=1, sends=2, mapping=a_verifiable_mapping
    ),
    "silent, unsafe": Scenario(
        silent_after_writing, J.EXECUTION_UNKNOWN, UNKNOWN, 1, 0, 1, C.UNKNOWN, "TIMEOUT", an_unsafe_mapping
    ),
    "outcome store down": Scenario(outcome_store_down, J.RECORDING_FAILED, None, created=1, sends=1),
    "failure store down": Scenario(failure_store_down, J.RECORDING_FAILED, None),
    "spool down": Scenario(spool_down, J.RECORDING_FAILED, None, created=1, sends=1),
    "unforeseen invocation": Scenario(unforeseen_invocation, J.RECORDING_FAILED, None, created=1, sends=1),
    "unforeseen outcome": Scenario(unforeseen_outcome, J.EXECUTION_FAILED, OK, created=1, sends=1, error_code="NEW"),
    "starter broken": Scenario(broken(S.START_EXECUTION), J.EXECUTION_FAILED, None, error_code="UNKNOWN_ERROR"),
    "validator broken": Scenario(broken(S.VALIDATE_PREFLIGHT), J.EXECUTION_FAILED, FAILED, error_code="UNKNOWN_ERROR"),
    "mapper broken": Scenario(broken(S.MAP_ACTION_TO_TOOL), J.EXECUTION_FAILED, FAILED, error_code="UNKNOWN_ERROR"),
    "invoker broken": Scenario(broken(S.INVOKE_TOOL), J.EXECUTION_FAILED, FAILED, error_code="UNKNOWN_ERROR"),
    "undo broken": Scenario(
        broken(S.COMPENSATE_ACTION, partial), J.EXECUTION_UNKNOWN, UNKNOWN, 1, 0, 1, C.FAILED, "UNKNOWN_ERROR"
    ),
    "recorder broken": Scenario(broken(S.RECORD_OUTCOME), J.RECORDING_FAILED, None, created=1, sends=1),
    "failure recorder broken": Scenario(broken(S.RECORD_FAILURE, halted), J.RECORDING_FAILED, None),
}
