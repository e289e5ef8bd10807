"""What a message of each of the stack's queues asks for, when somebody gives it its work again.

Owns the reading of dead letters. Each kind was written by another sender and in another shape: EventBridge's rule, the
state machine's last resort, Lambda's asynchronous invocations, and our own functions' notices.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pydantic import ValidationError

import domain.model.errors
from domain.model.attempt import AttemptStatus
from domain.model.errors import ConfigurationError, InvalidEvent, PermanentError, TransientError
from domain.model.notice import Notice
from local.functions import FunctionFailed, execution_ended
from local.redrive import Became, NotNow, Poison, Worked
from ports.execution_journal import ExecutionJournal
from ports.reconciler_events import SPOOLED, SpooledState, read_event
from ports.steps.contract import STEPS, StepName, Worker
from ports.steps.state import CONTRACT_VERSION, ExecutionState, intent_ref_of

Json = dict[str, Any]


class Invoking(Protocol):
    """Runs one of the stack's functions; raises ``FunctionFailed``."""

    def __call__(self, function: StepName | Worker, event: object) -> Json:
        """Return the function's answer."""
        ...


@dataclass(frozen=True)
class LostApproval:
    """An approval that reached no execution: it goes back on the bus, where the claim makes a repeat harmless.

    EventBridge's documentation says that it sends "events" to the queue and lists their attributes, but not what the
    body is after an input path (Amazon EventBridge User Guide, "Using dead-letter queues to process undelivered
    events"). So both are read: the whole event, and the bare data that the rule's path takes out of it.
    """

    send: Callable[[Json], None]

    def __call__(self, body: str) -> Worked:
        """Send the approval again."""
        event = _json(body)
        data = event
        if isinstance(event, dict) and "detail" in event:
            detail = event["detail"]
            data = detail.get("data") if isinstance(detail, dict) else None
        try:
            ref = intent_ref_of(data)
        except InvalidEvent as invalid:
            raise Poison(f"an approval that names no intent: {invalid.message}") from None
        # The ids only, as the rule's target takes them: what else the event held may not fit through the bus again.
        self.send(ref.model_dump())
        return Worked(Became.SENT, f"ACTION_APPROVED for {ref}")


@dataclass(frozen=True)
class SpooledOutcome:
    """The state of an execution that could not record itself: the reconciler records it.

    Where the reconciler had already taken the intent over and could not record it either, it is woken for it first, as
    the execution's end would wake it; then the state finds the outcome standing.
    """

    invoke: Invoking

    def __call__(self, body: str) -> Worked:
        """Hand the state over, and say what stands then."""
        try:
            answer = self._settled(body)
        except FunctionFailed as failed:
            raise NotNow(str(failed)) from failed
        if "quarantined" in answer:
            return Worked(Became.QUARANTINED, f"{answer.get('reason')}; sha256 {answer['quarantined']}")
        settled = answer.get("settled")
        if not isinstance(settled, dict):
            raise NotNow(f"the reconciler answered something else than what it settled: {sorted(answer)}")
        return Worked(Became.RECORDED, f"{_named(body)} stands as {settled.get('status')}")

    def _settled(self, body: str) -> Json:
        try:
            return self.invoke(Worker.RECONCILER, {SPOOLED: body})
        except FunctionFailed as failed:
            spooled = read_event({SPOOLED: body})
            if failed.error_type != TransientError.__name__ or not isinstance(spooled, SpooledState):
                raise
        self.invoke(Worker.RECONCILER, execution_ended(spooled.state.execution_arn, spooled.state.approval))
        return self.invoke(Worker.RECONCILER, {SPOOLED: body})


@dataclass(frozen=True)
class GivenUpEvent:
    """An event that an asynchronous invocation gave up on: the function runs with it once more.

    Lambda puts the event itself into the queue, with the error in attributes (AWS Lambda Developer Guide, "Adding a
    dead-letter queue"); a failure destination, and the embedded AWS, wrap it in ``requestPayload`` (the same guide,
    "Retaining records of Lambda asynchronous invocations"). Both are read.
    """

    function: StepName | Worker
    invoke: Invoking

    def __call__(self, body: str) -> Worked:
        """Run the function; one of the steps only with a state that its contract allows."""
        event = _json(body)
        if isinstance(event, dict) and "requestPayload" in event and "requestContext" in event:
            event = event["requestPayload"]
        if isinstance(self.function, StepName):
            _require_a_state(self.function, event)
        try:
            answer = self.invoke(self.function, event)
        except FunctionFailed as failed:
            if _cannot_change(failed.error_type):
                raise Poison(f"{self.function.value} refuses it for good: {failed.error_message}") from failed
            raise NotNow(str(failed)) from failed
        if "quarantined" in answer:
            return Worked(Became.QUARANTINED, f"{answer.get('reason')}; sha256 {answer['quarantined']}")
        return Worked(Became.RUN, f"{self.function.value} answered {json.dumps(answer, sort_keys=True)[:200]}")


@dataclass(frozen=True)
class PersonsTask:
    """A notice: it can go when its intent is settled, and says what is to be done while it is not."""

    journal: ExecutionJournal

    def __call__(self, body: str) -> Worked:
        """Look whether the intent is settled."""
        notice = _notice(body)
        if notice.ref is None:
            raise Poison("a notice for a person that names no intent")
        attempt = self.journal.find_attempt(notice.ref)
        if attempt is None or attempt.status is AttemptStatus.UNKNOWN:
            return Worked(Became.LEFT, f"{notice.ref}: {notice.reason}. {notice.advice}")
        return Worked(Became.DONE, f"{notice.ref} is {attempt.status}")


@dataclass(frozen=True)
class Quarantined:
    """A notice of the quarantine: only a person knows when it has been dealt with, and says so with ``done``."""

    done: bool

    def __call__(self, body: str) -> Worked:
        """Show the notice, and let it go if it is done."""
        try:
            notice = _notice(body)
        except Poison:
            # Putting it into the quarantine, where it is, would go round for ever.
            return Worked(Became.DONE if self.done else Became.LEFT, "a message that is no notice")
        told = f"sha256 {notice.content_sha256}: {notice.reason}. {notice.advice}"
        return Worked(Became.DONE if self.done else Became.LEFT, told)


def _named(body: str) -> str:
    """Return how people name the intent of a spooled state."""
    try:
        return str(ExecutionState.model_validate_json(body).intent_ref)
    except (ValidationError, InvalidEvent):  # pragma: no cover  it was settled, so it can be read
        return "its intent"


_PASSES: Final = (TransientError, ConfigurationError)


def _cannot_change(error_type: str) -> bool:
    """Whether an error says that no repeat can help; an unknown name, a timeout's for one, does not."""
    kind = getattr(domain.model.errors, error_type, None)
    return isinstance(kind, type) and issubclass(kind, PermanentError) and not issubclass(kind, _PASSES)


def _require_a_state(step: StepName, event: object) -> None:
    try:
        state = ExecutionState.model_validate(event)
        _ = state.intent_ref
    except (ValidationError, InvalidEvent):
        raise Poison(f"no state that {step.value} could work on") from None
    if state.contract_version != CONTRACT_VERSION:
        raise Poison(f"a state of contract version {state.contract_version}, not {CONTRACT_VERSION}")
    missing = [name for name in STEPS[step].requires if getattr(state, name) is None]
    if missing:
        raise Poison(f"a state for {step.value} without {', '.join(missing)}")


def _notice(body: str) -> Notice:
    try:
        return Notice.model_validate_json(body)
    except ValidationError:
        raise Poison("no notice") from None


def _json(body: str) -> Any:  # noqa: ANN401 - JSON of any shape
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Poison("a message that is no JSON") from None
