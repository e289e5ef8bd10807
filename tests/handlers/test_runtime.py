"""The boundary around every step: what it lets in, what it logs, what it lets out."""

import json
import logging
from typing import Any

import pytest
from pydantic import BaseModel

from domain.model.errors import CROSSING_ERRORS, ActionError, ConfigurationError
from handlers.container import Container
from handlers.runtime import parse_state, step_handler
from handlers.settings import RuntimeSettings, load_settings
from ports.steps.contract import STEPS, StepName
from ports.steps.state import CONTRACT_VERSION, ExecutionState
from tests.builders import NOW
from tests.handlers.states import a_payload
from tests.support.stage import Context, a_step_environment

S = StepName
SECRET = "hunter2-hunter2"
REQUIRED = [(step, section) for step, spec in STEPS.items() for section in spec.requires]
CONTEXT = Context(30_000)


class Section(BaseModel):
    """A section with a value that JSON does not know."""

    at: object = NOW


def a_container(step: StepName) -> Container:
    """A container that nobody asks for anything."""
    return Container(settings=load_settings(step, a_step_environment(step)), runtime=RuntimeSettings())


@pytest.mark.parametrize("step", STEPS)
def test_a_step_accepts_what_the_machine_passes(step: StepName) -> None:
    """The payloads of real executions are states."""
    state = parse_state(step, a_payload(step))
    assert state.contract_version == CONTRACT_VERSION
    assert all(getattr(state, name) is not None for name in STEPS[step].requires)


@pytest.mark.parametrize("step, section", REQUIRED)
@pytest.mark.parametrize("value", [None, ...], ids=["null", "left out"])
def test_a_missing_section_is_named(step: StepName, section: str, value: object) -> None:
    """A route that skipped a step is found at the next one, not in a half-done action."""
    with pytest.raises(ConfigurationError) as caught:
        parse_state(step, a_payload(step, **{section: value}))
    assert f"was given none of {section};" in caught.value.message


def test_another_contract_version_is_refused() -> None:
    """A new machine and an old function do not guess at each other's sections."""
    with pytest.raises(ConfigurationError) as caught:
        parse_state(S.VALIDATE_PREFLIGHT, a_payload(S.VALIDATE_PREFLIGHT, contract_version=2))
    assert "a state of version 2" in caught.value.message
    assert f"speaks contract version {CONTRACT_VERSION}" in caught.value.message


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"execution_arn": ...}, "execution_arn"),
        ({"execution_arn": ""}, "execution_arn"),
        ({"started_at": SECRET}, "started_at"),
        ({"approval": ...}, "approval"),
        ({"contract_version": SECRET}, "contract_version"),
        ({"jwt_token": SECRET}, "jwt_token"),
        ({"start": {"trace_id": SECRET}}, "start.fence"),
        ({"start": SECRET}, "start"),
        ({"error": {"Cause": SECRET}}, "error.Error"),
    ],
)
def test_a_state_outside_the_contract_names_fields_and_never_values(changes: dict[str, Any], field: str) -> None:
    """Whoever reads the log learns where to look, and no secret that strayed into a state."""
    with pytest.raises(ConfigurationError) as caught:
        parse_state(S.VALIDATE_PREFLIGHT, a_payload(S.VALIDATE_PREFLIGHT, **changes))
    assert field in caught.value.message
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("event", [None, [], "event", 7, {}], ids=repr)
def test_an_event_that_is_no_state_at_all_is_refused(event: object, caplog: pytest.LogCaptureFixture) -> None:
    """A function that is invoked by hand with anything answers with a typed error."""
    entry = step_handler(S.START_EXECUTION, lambda _c, _s, _t: Section(), container=a_container)
    with caplog.at_level(logging.INFO), pytest.raises(ConfigurationError) as caught:
        entry(event, CONTEXT)
    assert "deploy both from one revision" in caught.value.message
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR"]


@pytest.mark.parametrize("step", STEPS)
def test_an_invocation_is_announced_once_with_the_ids_that_join_logs(
    step: StepName, caplog: pytest.LogCaptureFixture
) -> None:
    """One info line says which step runs for which intent in which trace (R8)."""
    entry = step_handler(step, lambda _c, _s, _t: Section(), container=a_container)
    payload = a_payload(step)
    caplog.clear()  # a payload is taken from a whole execution, which logs too
    with caplog.at_level(logging.INFO):
        entry(payload, CONTEXT)
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("INFO", f"{step} invoked")
    assert {key: record.__dict__[key] for key in ("action_intent_id", "tenant", "account", "trace_id")} == {
        "action_intent_id": "intent-1",
        "tenant": "tenant-1",
        "account": "account-1",
        "trace_id": "execution-1",
    }
    assert "tenant_id" not in record.__dict__  # Lambda's runtime client would overwrite a field of this name


@pytest.mark.parametrize("name", CROSSING_ERRORS)
def test_an_error_passes_unchanged_and_is_logged_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The class name is the contract with the machine; one error line has code, ids and trace (R8, D5, D60)."""
    error = CROSSING_ERRORS[name]("the store is down", connector="crm")
    entry = step_handler(S.START_EXECUTION, _raising(error), container=a_container)
    payload = a_payload(S.START_EXECUTION)
    caplog.clear()
    with caplog.at_level(logging.INFO), pytest.raises(ActionError) as caught:
        entry(payload, CONTEXT)
    assert caught.value is error
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert f"{error.error_code}: the store is down" in record.getMessage()
    assert (record.__dict__["error_name"], record.__dict__["error_ids"]) == (name, {"connector": "crm"})
    assert (record.__dict__["action_intent_id"], record.__dict__["trace_id"]) == ("intent-1", "execution-1")


def test_an_unforeseen_error_passes_unchanged_and_is_logged_without_its_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A defect keeps its class name too, and what it says is filtered before it is logged."""
    error = ZeroDivisionError(f"password={SECRET}")
    entry = step_handler(S.START_EXECUTION, _raising(error), container=a_container)
    payload = a_payload(S.START_EXECUTION)
    caplog.clear()
    with caplog.at_level(logging.INFO), pytest.raises(ZeroDivisionError) as caught:
        entry(payload, CONTEXT)
    assert caught.value is error
    record = caplog.records[-1]
    assert (record.levelname, record.getMessage()) == ("ERROR", "StartExecution broke: ZeroDivisionError")
    assert record.__dict__["action_intent_id"] == "intent-1"
    assert all(SECRET not in str(record.__dict__) for record in caplog.records)


def test_only_this_systems_own_loggers_speak_up(caplog: pytest.LogCaptureFixture) -> None:
    """INFO is ours, and a library's request log could carry what nobody redacted: the runtime lets all speak."""
    with caplog.at_level(logging.INFO):
        step_handler(S.START_EXECUTION, lambda _c, _s, _t: Section(), container=a_container)(
            a_payload(S.START_EXECUTION), CONTEXT
        )
        assert logging.getLogger("handlers.runtime").isEnabledFor(logging.INFO)
        for library in ("botocore.endpoint", "httpx", "httpcore.http11"):
            assert not logging.getLogger(library).isEnabledFor(logging.INFO)


def test_hostile_ids_are_logged_harmlessly(caplog: pytest.LogCaptureFixture) -> None:
    """A log line cannot be forged, coloured or flooded by an event."""
    approval = {"action_intent_id": "i\n\x1b[31mERROR forged", "tenant_id": "t" * 10_000, "account_id": {"a": 1}}
    entry = step_handler(S.START_EXECUTION, lambda _c, _s, _t: Section(), container=a_container)
    payload = a_payload(S.START_EXECUTION, approval=approval)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        entry(payload, CONTEXT)
    record = caplog.records[0].__dict__
    assert "\x1b" not in record["action_intent_id"]
    assert len(record["tenant"]) <= 500


def test_the_container_is_built_on_the_first_invocation_and_kept() -> None:
    """A cold start pays once; importing the module pays nothing (R7)."""
    built: list[Container] = []
    used: list[Container] = []

    def build(step: StepName) -> Container:
        built.append(a_container(step))
        return built[-1]

    def call(container: Container, _state: ExecutionState, _seconds_left: float) -> Section:
        used.append(container)
        return Section()

    entry = step_handler(S.START_EXECUTION, call, container=build)
    assert built == []
    for _ in range(3):
        entry(a_payload(S.START_EXECUTION), CONTEXT)
    assert len(built) == 1
    assert used == [built[0]] * 3


def test_a_container_that_could_not_be_built_is_tried_again() -> None:
    """A failed cold start leaves nothing half-built behind."""
    failures = [ConfigurationError("a variable is missing")]

    def build(step: StepName) -> Container:
        if failures:
            raise failures.pop()
        return a_container(step)

    entry = step_handler(S.START_EXECUTION, lambda _c, _s, _t: Section(), container=build)
    with pytest.raises(ConfigurationError):
        entry(a_payload(S.START_EXECUTION), CONTEXT)
    assert entry(a_payload(S.START_EXECUTION), CONTEXT) == {"at": "2026-11-23T10:00:00Z"}


def test_a_section_leaves_as_plain_json_and_the_time_left_comes_in_seconds() -> None:
    """Lambda's milliseconds become the seconds that use cases reckon with."""
    seen: list[float] = []

    def call(_container: Container, _state: ExecutionState, seconds_left: float) -> Section:
        seen.append(seconds_left)
        return Section()

    entry = step_handler(S.INVOKE_TOOL, call, container=a_container)
    section = entry(a_payload(S.INVOKE_TOOL), Context(59_500))
    assert seen == [59.5]
    assert json.loads(json.dumps(section)) == {"at": "2026-11-23T10:00:00Z"}


def _raising(error: Exception) -> Any:  # noqa: ANN401  a use case call that never returns
    def call(_container: Container, _state: ExecutionState, _seconds_left: float) -> Section:
        raise error

    return call
