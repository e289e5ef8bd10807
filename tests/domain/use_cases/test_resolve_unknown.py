"""A person resolves an UNKNOWN outcome by name and with evidence, and nothing else that stands."""

import pytest

from domain.model.canonical_json import JsonObject
from domain.model.errors import PermanentError
from domain.model.outcome import CompensationStatus, OutcomeStatus, ResolutionMethod
from domain.model.tool_call import ToolAnswer
from domain.policies.audit import findings
from domain.use_cases.recording import Recording
from domain.use_cases.resolve_unknown import ResolveUnknown
from tests.builders import a_ref, an_object_ref, an_unsafe_mapping
from tests.domain.use_cases.world import BEFORE_INVOKE, FAIL, INVOKE, RECORD, World, after
from tests.support.faulty import Killed, When

SEEN = "One task 'Call the customer back' stands in the CRM, created at 10:00."


def resolve(world: World) -> ResolveUnknown:
    """The use case over a world."""
    return ResolveUnknown(world.journal, Recording(world.journal, world.publisher, world.clock), world.clock)


def unknown() -> World:
    """A world whose call is in doubt, and recorded so."""
    world = World(mapping=an_unsafe_mapping())
    ready = world.ready()
    world.gateway.fail("send", Killed(), when=When.AFTER)
    with pytest.raises(Killed):
        world.run(ready, INVOKE)
    world.run(after(ready, Killed("died")), FAIL)
    world.clock.advance(60)
    return world


@pytest.mark.parametrize(
    "status, news", [(OutcomeStatus.SUCCEEDED, "ACTION_EXECUTED"), (OutcomeStatus.FAILED, "ACTION_FAILED")]
)
def test_an_unknown_outcome_becomes_what_a_person_saw(status: OutcomeStatus, news: str) -> None:
    """The record says who says so and why, the ledger chains it, and the platform is told."""
    world = unknown()
    outcome = resolve(world)(a_ref(), status, resolved_by="operator-1", evidence=SEEN)
    assert outcome == world.outcome()
    assert outcome.status is status
    assert outcome.resolution is not None
    assert (outcome.resolution.method, outcome.resolution.resolved_by, outcome.resolution.evidence) == (
        ResolutionMethod.OPERATOR,
        "operator-1",
        SEEN,
    )
    assert [signal.signal_type for signal in world.bus.published][-1] == news
    assert findings(world.attempt(), outcome, world.records.ledger(a_ref())) == ()


def test_objects_that_a_person_found_are_on_the_record() -> None:
    """So that a later undo knows what exists."""
    world = unknown()
    found = (an_object_ref(),)
    outcome = resolve(world)(a_ref(), OutcomeStatus.SUCCEEDED, resolved_by="op", evidence=SEEN, refs=found)
    assert outcome.external_object_refs == found


def test_what_a_person_undid_is_recorded_as_undone() -> None:
    """FAILED says that nothing exists any more, on their word."""
    world = World(mapping=an_unsafe_mapping())
    ready = world.ready()
    made: JsonObject = {"object_type": "Task", "object_id": "task-1"}
    world.tools.answer_next(ToolAnswer(is_error=True, structured={"success": False, "external_objects": [made]}))
    world.run(ready, INVOKE, RECORD)
    outcome = resolve(world)(a_ref(), OutcomeStatus.FAILED, resolved_by="op", evidence="I deleted task-1.")
    assert (outcome.status, outcome.compensation_status) == (OutcomeStatus.FAILED, CompensationStatus.COMPLETED)
    assert "I deleted task-1." in (outcome.compensation_reason or "")


def test_only_unknown_can_be_resolved() -> None:
    """A claim at work, a settled outcome and an intent without an attempt are refused, and nothing changes."""
    running, done, never = World(), World(), World()
    running.run(running.a_state(), *BEFORE_INVOKE)
    done.run(done.ready(), INVOKE, RECORD)
    for world, standing in ((running, "is CLAIMED"), (done, "is SUCCEEDED"), (never, "has no attempt")):
        before = world.everything()
        with pytest.raises(PermanentError, match=standing):
            resolve(world)(a_ref(), OutcomeStatus.FAILED, resolved_by="op", evidence=SEEN)
        assert world.everything() == before


def test_nobody_can_resolve_while_a_call_may_be_on_its_way() -> None:
    """What a person sees now may not be the end of it; a minute later it is."""
    world = World(mapping=an_unsafe_mapping())
    ready = world.ready()
    world.gateway.fail("send", Killed(), when=When.BEFORE)
    with pytest.raises(Killed):
        world.run(ready, INVOKE)
    world.run(after(ready, Killed("died")), FAIL)
    with pytest.raises(PermanentError, match="still be on its way"):
        resolve(world)(a_ref(), OutcomeStatus.FAILED, resolved_by="op", evidence=SEEN)
    assert world.outcome().status is OutcomeStatus.UNKNOWN
    world.clock.advance(60)
    assert resolve(world)(a_ref(), OutcomeStatus.FAILED, resolved_by="op", evidence=SEEN).status is OutcomeStatus.FAILED


@pytest.mark.parametrize(
    "status, evidence, says",
    [
        (OutcomeStatus.UNKNOWN, SEEN, "say SUCCEEDED or FAILED"),
        (OutcomeStatus.CANCELLED, SEEN, "say SUCCEEDED or FAILED"),
        (OutcomeStatus.FAILED, "  ", "say what you saw"),
    ],
)
def test_a_statement_without_content_is_refused(status: OutcomeStatus, evidence: str, says: str) -> None:
    """A resolution settles something and says on what it rests."""
    world = unknown()
    with pytest.raises(PermanentError, match=says):
        resolve(world)(a_ref(), status, resolved_by="op", evidence=evidence)
    assert world.outcome().status is OutcomeStatus.UNKNOWN
