"""What every entry point does around its use case: validate the state, log, call, dump the section.

It owns the boundary and nothing else: no decision about business is made here. Errors pass through unchanged,
because their class names are the contract with the state machine.
"""

import logging
from collections.abc import Callable
from typing import Final, Protocol

from pydantic import BaseModel, JsonValue, ValidationError

from domain.model.errors import ActionError, ConfigurationError
from domain.model.redaction import redact
from handlers.container import Container, build_container
from ports.steps.contract import STEPS, StepName, Worker
from ports.steps.state import CONTRACT_VERSION, ExecutionState, places_at_fault

_log = logging.getLogger(__name__)


class LambdaContext(Protocol):
    """The part of Lambda's context that is read here (AWS Lambda Developer Guide, "Python context object")."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is stopped."""
        ...


_LOG_KEYS: Final = {"action_intent_id": "action_intent_id", "tenant_id": "tenant", "account_id": "account"}
"""How ids are called in logs: Lambda's runtime client sets ``tenant_id`` on every record for a purpose of its own
(awslambdaric 4.2.2, ``bootstrap.py``), so a field of that name would be overwritten."""

UseCaseCall = Callable[[Container, ExecutionState, float], BaseModel]
"""Takes the container, the state and the seconds left; returns the step's section."""

WorkerCall = Callable[[Container, object, float], dict[str, JsonValue]]
"""Takes the container, the event and the seconds left; returns what became of it."""

Entry = Callable[[object, LambdaContext], dict[str, JsonValue]]

_OUR_LOGGERS: Final = ("domain", "adapters", "handlers")
_THEIR_LOGGERS: Final = ("botocore", "httpx", "httpcore")
"""httpx logs each response at INFO with the words of its status line, which are whatever the gateway says."""


def step_handler(
    step: StepName, call: UseCaseCall, *, container: Callable[[StepName], Container] = build_container
) -> Entry:
    """Return the Lambda entry point of a step; its container is built on the first invocation and kept."""
    kept: list[Container] = []

    def work(event: object, seconds_left: float) -> dict[str, JsonValue]:
        state = parse_state(step, event)
        if not kept:
            kept.append(container(step))
        return call(kept[0], state, seconds_left).model_dump(mode="json")

    return _boundary(step, work)


def worker_handler(
    worker: Worker, call: WorkerCall, *, container: Callable[[Worker], Container] = build_container
) -> Entry:
    """Return the Lambda entry point of a worker beside the steps, which reads its events itself."""
    kept: list[Container] = []

    def work(event: object, seconds_left: float) -> dict[str, JsonValue]:
        if not kept:
            kept.append(container(worker))
        return call(kept[0], event, seconds_left)

    return _boundary(worker, work)


def _boundary(name: StepName | Worker, work: Callable[[object, float], dict[str, JsonValue]]) -> Entry:
    """Announce an invocation, do its work, and log an error on its way out, which it does not change."""

    def handler(event: object, context: LambdaContext) -> dict[str, JsonValue]:
        _speak_up()
        ids = _ids_for_log(name, event)
        _log.info("%s invoked", name, extra=ids)
        try:
            return work(event, context.get_remaining_time_in_millis() / 1000)
        except ActionError as error:
            _log.error(
                "%s failed: %s", name, error, extra={**ids, "error_ids": error.ids, "error_name": type(error).__name__}
            )
            raise
        except Exception as error:
            _log.error("%s broke: %s", name, type(error).__name__, extra={**ids, "reason": redact(str(error))})
            raise

    return handler


def _speak_up() -> None:
    """Let this system's own loggers speak at INFO, and those that repeat what others said only of trouble.

    The runtime gives the root logger the function's own level (AWS Lambda Developer Guide, "Configuring advanced
    logging controls"), so whatever is to be silent has to be told so.
    """
    for name in _OUR_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)
    for name in _THEIR_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def parse_state(step: StepName, event: object) -> ExecutionState:
    """Return the state a step was given, or raise ``ConfigurationError`` naming fields, never values."""
    try:
        state = ExecutionState.model_validate(event)
    except ValidationError as error:
        where = places_at_fault(error) or "its root, which must be an object"
        raise ConfigurationError(
            f"{step} was given a state that its contract does not allow (at {where}); "
            "the deployed state machine and function do not belong together, deploy both from one revision"
        ) from None
    missing = [name for name in STEPS[step].requires if getattr(state, name) is None]
    if state.contract_version != CONTRACT_VERSION:
        raise ConfigurationError(
            f"{step} speaks contract version {CONTRACT_VERSION} and was given a state of version "
            f"{state.contract_version}; let executions that are running finish on the functions they started with"
        )
    if missing:
        raise ConfigurationError(
            f"{step} needs the sections {', '.join(STEPS[step].requires)} and was given none of {', '.join(missing)}; "
            "the deployed state machine and function do not belong together, deploy both from one revision"
        )
    return state


def _ids_for_log(name: StepName | Worker, event: object) -> dict[str, str]:
    """Return the ids that let logs of one execution be joined, as far as the event has them in a safe shape."""
    approval = event.get("approval") if isinstance(event, dict) else None
    data = approval if isinstance(approval, dict) else {}
    ids = {key: redact(str(data.get(name, ""))) for name, key in _LOG_KEYS.items()}
    arn = str(event.get("execution_arn", "")) if isinstance(event, dict) else ""
    return {**ids, "trace_id": redact(arn.rsplit(":", 1)[-1]), "step": name.value}
