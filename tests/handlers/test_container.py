"""The container: lazy, fresh for each function, complete with no more than its own step's settings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dependency_injector import providers

from adapters.dynamodb.intent_store import DynamoDbIntentStore
from adapters.memory.intent_store import MemoryIntentStore
from domain.model.errors import ConfigurationError
from domain.use_cases.compensate_action import CompensateAction
from domain.use_cases.invoke_tool import InvokeTool
from domain.use_cases.map_action_to_tool import MapActionToTool
from domain.use_cases.record_failure import RecordFailure
from domain.use_cases.record_outcome import RecordOutcome
from domain.use_cases.start_execution import StartExecution
from domain.use_cases.sweep_backlog import SweepBacklog
from domain.use_cases.validate_preflight import ValidatePreflight
from handlers.container import ARCHIVE_CONFIG, CLIENT_CONFIG, SECRET_CONFIG, Container, build_container
from ports.steps.contract import FUNCTIONS, StepName, Worker
from tests.support.stage import a_step_environment

S = StepName
ROOT = Path(__file__).parents[2]
USE_CASES = {
    S.START_EXECUTION: ("start_execution", StartExecution, {"dynamodb"}),
    S.VALIDATE_PREFLIGHT: ("validate_preflight", ValidatePreflight, {"dynamodb"}),
    S.MAP_ACTION_TO_TOOL: ("map_action_to_tool", MapActionToTool, {"dynamodb"}),
    S.INVOKE_TOOL: ("invoke_tool", InvokeTool, {"dynamodb", "s3", "secretsmanager"}),
    S.COMPENSATE_ACTION: ("compensate_action", CompensateAction, {"dynamodb", "s3", "secretsmanager"}),
    S.RECORD_OUTCOME: ("record_outcome", RecordOutcome, {"dynamodb", "events"}),
    S.RECORD_FAILURE: ("record_failure", RecordFailure, {"dynamodb", "events", "sqs"}),
    Worker.RECONCILER: (
        "sweep_backlog",
        SweepBacklog,
        {"dynamodb", "events", "s3", "secretsmanager", "sqs", "stepfunctions"},
    ),
}
"""A function's use case by its provider's name, and the AWS services that it may need a client of."""


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the AWS SDK's clients; answers the services that clients were built for."""
    built: list[str] = []

    def client(service: str, *, config: object) -> object:
        assert config is {"s3": ARCHIVE_CONFIG, "secretsmanager": SECRET_CONFIG}.get(service, CLIENT_CONFIG)
        built.append(service)
        return object()

    monkeypatch.setattr("handlers.container.boto3.client", client)
    return built


def _only_the_environment_of(step: StepName | Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in FUNCTIONS:
        for key in a_step_environment(other):
            monkeypatch.delenv(key, raising=False)
    for key, value in a_step_environment(step).items():
        monkeypatch.setenv(key, value)


@pytest.mark.parametrize("step", FUNCTIONS)
def test_a_step_can_be_built_from_its_own_settings_alone(
    step: StepName | Worker, clients: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every function can build its use case with its own variables, and builds no client of a service it never uses."""
    _only_the_environment_of(step, monkeypatch)
    name, kind, services = USE_CASES[step]
    container = build_container(step)
    assert clients == []
    assert isinstance(getattr(container, name)(), kind)
    assert sorted(clients) == sorted(services)


@pytest.mark.parametrize("step", FUNCTIONS)
def test_a_use_case_is_built_once_for_all_invocations(
    step: StepName | Worker, clients: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warm invocations reuse clients and connections (R7)."""
    _only_the_environment_of(step, monkeypatch)
    container = build_container(step)
    provider = getattr(container, USE_CASES[step][0])
    assert provider() is provider()
    assert len(clients) == len(set(clients))


def test_two_containers_share_nothing(clients: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh container is a fresh function: no state passes from one to the next."""
    _only_the_environment_of(S.START_EXECUTION, monkeypatch)
    one, other = build_container(S.START_EXECUTION), build_container(S.START_EXECUTION)
    assert one.intents() is not other.intents()
    assert one.start_execution() is not other.start_execution()
    assert clients == ["dynamodb", "dynamodb"]


@pytest.mark.parametrize("step", FUNCTIONS)
def test_a_function_without_its_environment_gets_no_container(
    step: StepName | Worker, clients: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first invocation names what is missing, before any client exists."""
    _only_the_environment_of(step, monkeypatch)
    missing = min(a_step_environment(step))
    monkeypatch.delenv(missing)
    with pytest.raises(ConfigurationError) as caught:
        build_container(step)
    assert missing in caught.value.message
    assert clients == []


def test_an_adapter_is_swapped_by_overriding_its_port(clients: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands behind a port is the container's decision alone, and one override changes it everywhere."""
    _only_the_environment_of(S.START_EXECUTION, monkeypatch)
    container, store = build_container(S.START_EXECUTION), MemoryIntentStore()
    container.intents.override(store)
    assert container.start_execution().intents is store
    assert isinstance(build_container(S.START_EXECUTION).intents(), DynamoDbIntentStore)
    assert clients == ["dynamodb", "dynamodb"]


def test_every_provider_of_a_port_is_built_once() -> None:
    """Ports and use cases are singletons; a factory would open connections on every invocation (R7)."""
    kinds = {name: type(provider) for name, provider in Container.providers.items()}
    assert {name for name, kind in kinds.items() if kind is not providers.Singleton} == {"settings", "runtime"}


IMPORT_PROBE = """
import importlib, json, os, sys
import boto3, httpx, pydantic, dependency_injector.providers, dependency_injector.containers, botocore.config
read, built = [], []
class Watched(dict):
    def __getitem__(self, key): read.append(key); return super().__getitem__(key)
    def get(self, key, default=None): read.append(key); return super().get(key, default)
    def __contains__(self, key): read.append(key); return super().__contains__(key)
    def __iter__(self): read.append("*"); return super().__iter__()
    def items(self): read.append("*"); return super().items()
boto3.client = lambda *names, **_: built.append(names)
boto3.resource = boto3.client
class Client(httpx.Client):
    def __init__(self, *args, **kwargs): built.append("httpx"); super().__init__(*args, **kwargs)
httpx.Client = Client
os.environ = Watched(os.environ)
modules = [importlib.import_module(name) for name in sys.argv[1:]]
print(json.dumps({"read": read, "built": built, "handlers": [callable(module.handler) for module in modules]}))
"""


def test_importing_every_handler_builds_no_client_and_reads_no_environment() -> None:
    """A module that works at import fails at import, where Lambda hides the reason."""
    modules = [spec.handler.rsplit(".", 1)[0] for spec in FUNCTIONS.values()]
    environment = {"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_PROBE, *modules],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    ours = {key for step in FUNCTIONS for key in a_step_environment(step)}
    # The standard library looks for its own settings when a module of it is first imported; those are not ours.
    assert [key for key in seen["read"] if key in ours or key == "*" or key.startswith("AWS_")] == []
    assert (seen["built"], seen["handlers"]) == ([], [True] * len(FUNCTIONS))


def test_the_library_of_schemas_is_loaded_by_the_one_step_that_needs_it() -> None:
    """A cold start of the others does not wait for it."""
    code = "import sys, handlers.container; print('jsonschema' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
