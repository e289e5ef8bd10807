"""Each function as Lambda finds it: by its declared name, from its environment, adapters swapped in the container."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import providers

from handlers.container import Container
from handlers.runtime import Entry
from ports.steps.contract import FUNCTIONS, STEPS, StepName
from tests.builders import a_ref
from tests.handlers.states import a_payload
from tests.support.stage import Context, Stage, a_step_environment
from tests.workflow.agreement import ended_as_recorded
from tests.workflow.scenarios import halted, partial, plain

S = StepName
ROUTE_OF = {**dict.fromkeys(STEPS, plain), S.COMPENSATE_ACTION: partial, S.RECORD_FAILURE: halted}
MODULES = sorted(path.stem for path in Path(sys.modules[Container.__module__].__file__ or "").parent.glob("*.py"))
NOT_STEPS = {"__init__", "container", "runtime", "settings"}


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A stage whose stores stand behind the ports of every container that is built meanwhile."""
    stage = Stage()
    with ExitStack() as overrides:
        for port in ("clock", "intents", "registry", "kill_switches", "journal", "external_writes", "artifacts"):
            _swap(overrides, port, stage)
        for port in ("publisher", "gateway", "connector_capacity"):
            _swap(overrides, port, stage)
        yield stage


def _swap(overrides: ExitStack, port: str, stage: Stage) -> None:
    adapter = stage.port(S.START_EXECUTION, port)
    overrides.enter_context(getattr(Container, port).override(providers.Callable(lambda: adapter)))


def fresh_handler(step: StepName) -> Entry:
    """Load a step's module as a cold start does, apart from the copy that other tests may have imported."""
    module_name, function = STEPS[step].handler.rsplit(".", 1)
    spec = importlib.util.find_spec(module_name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    entry: Entry = getattr(module, function)
    return entry


def test_every_module_of_the_room_is_a_function_or_owns_the_boundary() -> None:
    """One file per function, named as what it does; nothing else hides among the entry points."""
    assert {f"handlers.{name}.handler" for name in MODULES if name not in NOT_STEPS} == {
        spec.handler for spec in FUNCTIONS.values()
    }


@pytest.mark.parametrize("step", STEPS)
def test_a_deployed_function_plays_its_part_in_a_whole_execution(
    step: StepName, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry point, loaded by its declared name, does its step from its environment and the container alone."""
    for key, value in a_step_environment(step).items():
        monkeypatch.setenv(key, value)
    stage.redeploy(step, fresh_handler(step))
    run = ROUTE_OF[step](stage)
    assert run.tries(step) == [1]
    ended_as_recorded(stage, run)


@pytest.mark.parametrize("step", STEPS)
def test_a_function_answers_with_exactly_its_own_section(
    step: StepName, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is the section's model, whole and alone, and the section of another step does not fit it."""
    for key, value in a_step_environment(step).items():
        monkeypatch.setenv(key, value)
    answers: list[dict[str, Any]] = []
    entry = fresh_handler(step)

    def noted(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401  Lambda's context
        answers.append(entry(event, context))
        return answers[-1]

    stage.redeploy(step, noted)
    ROUTE_OF[step](stage)
    section = STEPS[step].output.model_validate(answers[0])
    assert section.model_dump(mode="json") == answers[0]


def test_a_function_that_is_called_by_hand_without_a_claim_writes_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replayed payload of InvokeTool finds no attempt of its own and sends nothing."""
    for key, value in a_step_environment(S.INVOKE_TOOL).items():
        monkeypatch.setenv(key, value)
    with pytest.raises(Exception, match="has no attempt any more") as caught:
        fresh_handler(S.INVOKE_TOOL)(a_payload(S.INVOKE_TOOL), Context(60_000))
    assert type(caught.value).__name__ == "OwnershipLost"
    assert stage.gateway.sends == []
    assert stage.journal.find_attempt(a_ref()) is None
