"""The environment as a type: exactly the declared variables, checked before anything runs, never repeated."""

import traceback

import pytest

from domain.model.errors import ConfigurationError
from handlers.settings import SETTINGS, load_runtime_settings, load_settings
from ports.steps.contract import FUNCTIONS, StepName, Worker
from tests.support.stage import a_step_environment

VARIABLES = [(step, key) for step in FUNCTIONS for key in sorted(a_step_environment(step))]
MAY_BE_EMPTY = {"TOKEN_SCOPES"}
SECRET = "hunter2-hunter2"  # a value that belongs in no message


@pytest.mark.parametrize("step", FUNCTIONS)
def test_a_function_reads_exactly_the_variables_that_its_contract_declares(step: StepName | Worker) -> None:
    """A variable too few fails at run time, one too many is a grant nobody uses."""
    declared = {key for use in FUNCTIONS[step].uses for key in use.resource.environment_keys}
    assert {field.upper() for field in SETTINGS[step].model_fields} == declared


@pytest.mark.parametrize("step", FUNCTIONS)
def test_no_variable_has_a_default(step: StepName | Worker) -> None:
    """A wrong default would quietly read another stack's table."""
    assert all(field.is_required() for field in SETTINGS[step].model_fields.values())


@pytest.mark.parametrize("step, key", VARIABLES)
def test_a_missing_variable_is_named(step: StepName | Worker, key: str) -> None:
    """The message names the function, the variable and the remedy."""
    environment = {name: value for name, value in a_step_environment(step).items() if name != key}
    with pytest.raises(ConfigurationError) as caught:
        load_settings(step, environment)
    assert f"{key}: not set" in caught.value.message
    assert step in caught.value.message
    assert "deploy the stack again" in caught.value.message


@pytest.mark.parametrize("blank", ["", "   "], ids=["empty", "white space"])
@pytest.mark.parametrize("step, key", [pair for pair in VARIABLES if pair[1] not in MAY_BE_EMPTY])
def test_a_blank_variable_is_named(step: StepName | Worker, key: str, blank: str) -> None:
    """An empty name would address nothing, or everything."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(step, {**a_step_environment(step), key: blank})
    assert f"{key}: " in caught.value.message


def test_only_who_asks_a_person_for_help_knows_a_queue_for_it() -> None:
    """RecordFailure puts aside what it cannot understand; the reconciler alone hands over tasks and questions."""
    asking = {step: {key for key in a_step_environment(step) if key.endswith("_QUEUE_URL")} for step in FUNCTIONS}
    assert {step: keys for step, keys in asking.items() if keys} == {
        StepName.RECORD_FAILURE: {"QUARANTINE_QUEUE_URL"},
        Worker.RECONCILER: {"COMPENSATION_TASKS_QUEUE_URL", "ATTENTION_QUEUE_URL", "QUARANTINE_QUEUE_URL"},
    }


def test_scopes_may_be_empty() -> None:
    """A client may be allowed everything it needs by default."""
    environment = {**a_step_environment(StepName.INVOKE_TOOL), "TOKEN_SCOPES": ""}
    assert load_settings(StepName.INVOKE_TOOL, environment).model_dump()["token_scopes"] == ""


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", f"{SECRET}"])
def test_a_bad_number_is_named_and_not_repeated(value: str) -> None:
    """A value may have been meant for another variable, so neither message nor traceback shows it."""
    environment = {**a_step_environment(StepName.INVOKE_TOOL), "GATEWAY_TIMEOUT_SECONDS": value}
    with pytest.raises(ConfigurationError) as caught:
        load_settings(StepName.INVOKE_TOOL, environment)
    assert "GATEWAY_TIMEOUT_SECONDS: " in caught.value.message
    if value == SECRET:
        assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_every_fault_is_named_at_once() -> None:
    """Nobody should deploy once per missing variable."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(StepName.VALIDATE_PREFLIGHT, {})
    assert "ACTION_INTENT_TABLE_NAME: not set" in caught.value.message
    assert "KILL_SWITCHES_TABLE_NAME: not set" in caught.value.message


def test_the_process_environment_is_read_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Lambda the variables are the process's own; what else stands there is ignored."""
    for key, value in a_step_environment(StepName.START_EXECUTION).items():
        monkeypatch.setenv(key, value)
    settings = load_settings(StepName.START_EXECUTION)
    assert settings.model_dump() == {
        key.lower(): value for key, value in a_step_environment(StepName.START_EXECUTION).items()
    }


def test_a_ca_bundle_is_taken_from_the_runtime_if_there_is_one() -> None:
    """Locally the endpoint has its own certificate authority; on AWS none is set."""
    assert load_runtime_settings({}).aws_ca_bundle is None
    assert load_runtime_settings({"AWS_CA_BUNDLE": "server.crt"}).aws_ca_bundle == "server.crt"
