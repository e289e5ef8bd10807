"""What the reconciler may be given: the driving port of everything that happens after an execution.

Three kinds of event are understood, each from its own sender: the schedule, Step Functions' status changes, and an
operator or tool that hands over a spooled state. Anything else is returned as ``Unreadable``, with a hash instead of
its content, so that it can be put away and is never tried for ever.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue, ValidationError

from domain.model.errors import InvalidEvent
from domain.model.identifiers import IntentRef
from ports.steps.state import CONTRACT_VERSION, ExecutionState, intent_ref_of, places_at_fault


@dataclass(frozen=True)
class SweepDue:
    """The schedule says that it is time, or an event came that does not say which intent it is about."""


@dataclass(frozen=True)
class ExecutionEnded:
    """An execution ended without success; ``ref`` is ``None`` where its input names no intent."""

    execution_arn: str
    ref: IntentRef | None


@dataclass(frozen=True)
class SpooledState:
    """The whole state of an execution that could not record itself, and the hash of the message that it came in."""

    state: ExecutionState
    content_sha256: str


@dataclass(frozen=True)
class Unreadable:
    """Something that nobody can work on: what is wrong with it, and its hash."""

    reason: str
    content_sha256: str


ReconcilerEvent = SweepDue | ExecutionEnded | SpooledState | Unreadable

SPOOLED = "spooled"
"""The key under which a message of the outcome spool is handed over, its body as text."""


def read_event(event: object) -> ReconcilerEvent:
    """Return what an event asks for; total over anything that JSON can say.

    The shapes are EventBridge's: a scheduled event (Amazon EventBridge User Guide, "Creating a rule that runs on a
    schedule") and a status change, whose input is left out when it is large (AWS Step Functions Developer Guide,
    "EventBridge events for execution status changes").
    """
    match event:
        case {"source": "aws.events", "detail-type": "Scheduled Event"}:
            return SweepDue()
        case {"source": "aws.states", "detail": {"executionArn": str(execution_arn), "input": str(text)}}:
            return ExecutionEnded(execution_arn, _intent_in(text))
        case {"source": "aws.states", "detail": {"executionArn": str()}}:
            return SweepDue()
        case {"spooled": str(body)}:
            return _spooled(body)
        case Mapping():
            return unreadable(_text_of(event), "an event of no kind that is known here")
        case _:
            return unreadable(_text_of(event), f"a {type(event).__name__} where an event should be")


def unreadable(content: str, reason: str) -> Unreadable:
    """Return the refusal of a content, which it names by hash only."""
    return Unreadable(reason, _sha256(content))


def _sha256(content: str) -> str:
    return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()


def _text_of(event: object) -> str:
    try:
        return json.dumps(event, sort_keys=True, default=str)
    except (ValueError, RecursionError):
        # Nested too deep, or a number too long, to be written: all such events share one hash.
        return "an event that cannot be written as text"


def _intent_in(text: str) -> IntentRef | None:
    try:
        approval: JsonValue = json.loads(text)
        return intent_ref_of(approval)
    except (InvalidEvent, ValueError, RecursionError):
        return None


def _spooled(body: str) -> SpooledState | Unreadable:
    try:
        state = ExecutionState.model_validate(json.loads(body))
        _ = state.intent_ref
    except InvalidEvent as invalid:
        return unreadable(body, f"a spooled state that names no intent: {invalid.message}")
    except ValidationError as error:
        where = places_at_fault(error) or "its root"
        return unreadable(body, f"a spooled state that its contract does not allow (at {where})")
    except (ValueError, RecursionError):
        return unreadable(body, "a spooled message that is no JSON")
    if state.contract_version != CONTRACT_VERSION:
        return unreadable(body, f"a spooled state of contract version {state.contract_version}, not {CONTRACT_VERSION}")
    return SpooledState(state, _sha256(body))
