"""The reconciler's Lambda entry point: sweep, look at one ended execution, or settle one spooled state."""

from pydantic import JsonValue

from domain.model.errors import ConfigurationError, PermanentError
from domain.model.notice import Notice
from domain.use_cases.reconcile_execution import Reconciled
from handlers.container import Container
from handlers.runtime import worker_handler
from ports.reconciler_events import ExecutionEnded, SpooledState, SweepDue, Unreadable, read_event
from ports.steps.contract import Worker

ADVICE = "Find out who sent it, by its hash, and have it sent again in a shape that can be read; it is not tried again."


def _call(container: Container, event: object, seconds_left: float) -> dict[str, JsonValue]:
    match read_event(event):
        case SweepDue():
            return {"swept": dict(container.sweep_backlog()(seconds_left=seconds_left))}
        case ExecutionEnded(ref=ref) if ref is not None:
            return {"reconciled": container.reconcile_execution()(ref, seconds_left=seconds_left).value}
        case ExecutionEnded():
            return {"reconciled": Reconciled.UNCLAIMED.value}
        case SpooledState(state=state, content_sha256=content_sha256):
            try:
                return {"settled": container.settle_spooled()(state).model_dump(mode="json")}
            except ConfigurationError:
                raise
            except PermanentError as refused:
                return _quarantine(container, Unreadable(refused.message, content_sha256))
        case Unreadable() as refused:
            return _quarantine(container, refused)


def _quarantine(container: Container, refused: Unreadable) -> dict[str, JsonValue]:
    now = container.clock().now()
    container.inbox().put(Notice.of_quarantined(refused.content_sha256, reason=refused.reason, advice=ADVICE, now=now))
    return {"quarantined": refused.content_sha256, "reason": refused.reason}


handler = worker_handler(Worker.RECONCILER, _call)
