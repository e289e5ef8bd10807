"""A person resolves an UNKNOWN outcome by name and with evidence, and nothing else that stands."""

import pytest

from adapters.memory.tool_gateway import Effects
from domain.model.canonical_json import JsonObject
from domain.model.errors import PermanentError, TransientError
from domain.model.execution_status import ExecutionStatus
from domain.model.outcome import CompensationStatus, OutcomeStatus, ResolutionMethod
from domain.model.tool_call import ToolAnswer, TransportPhase
from domain.model.tool_mapping import LONGEST_CALL_SECONDS
from domain.policies.audit import findings
from domain.policies.retry import LATEST_LANDING_SECONDS
from domain.use_cases.reconcile_execution import Reconciled
from domain.use_cases.recording import Recording
from domain.use_cases.resolve_unknown import ResolveUnknown
from tests.builders import a_ref, an_object_ref, an_unsafe_mapping
from tests.domain.use_cases.left_open import a_partial_outcome, a_world, looked, over
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
    world.clock.advance(LONGEST_CALL_SECONDS + LATEST_LANDING_SECONDS)
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
    """What a person sees now may not be the end of it; that nothing exists they can say when nothing can land."""
    world = World(mapping=an_unsafe_mapping())
    ready = world.ready()
    world.gateway.fail("send", Killed(), when=When.BEFORE)
    with pytest.raises(Killed):
        world.run(ready, INVOKE)
    world.run(after(ready, Killed("died")), FAIL)
    refused = (OutcomeStatus.SUCCEEDED, OutcomeStatus.FAILED)
    for wait, statuses in (
        (0, refused),
        (LONGEST_CALL_SECONDS, refused[1:]),
        (LATEST_LANDING_SECONDS - 1, refused[1:]),
    ):
        world.clock.advance(wait)
        for status in statuses:
            with pytest.raises(PermanentError, match="still be on its way"):
                resolve(world)(a_ref(), status, resolved_by="op", evidence=SEEN)
    assert world.outcome().status is OutcomeStatus.UNKNOWN
    world.clock.advance(1)
    assert resolve(world)(a_ref(), OutcomeStatus.FAILED, resolved_by="op", evidence=SEEN).status is OutcomeStatus.FAILED


def half_done() -> World:
    """A tool that wrote and failed, recorded with nothing undone yet, and an execution that is over."""
    world = a_world()
    a_partial_outcome(world)
    return over(world, ExecutionStatus.FAILED)


def test_nobody_says_succeeded_while_the_effect_is_being_undone() -> None:
    """The undo is on its way when they look: what they see is gone a moment later."""
    world = half_done()
    real = world.gateway.send

    def while_it_is_sent(*call: object, **options: object) -> object:
        with pytest.raises(PermanentError, match="an undo for intent"):
            resolve(world)(a_ref(), OutcomeStatus.SUCCEEDED, resolved_by="op", evidence=SEEN)
        return real(*call, **options)

    world.gateway.send = while_it_is_sent
    assert looked(world) is Reconciled.SETTLED
    assert world.outcome().status is OutcomeStatus.FAILED


def test_nobody_says_succeeded_before_an_undo_without_an_answer_has_had_its_time() -> None:
    """It may land late, as any call; when it cannot any more, what a person sees is the end of it."""
    world = half_done()
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.NONE, timed_out=True)
    assert looked(world) is Reconciled.WAITING
    with pytest.raises(PermanentError, match="still be on its way"):
        resolve(world)(a_ref(), OutcomeStatus.SUCCEEDED, resolved_by="op", evidence=SEEN)
    world.clock.advance(LATEST_LANDING_SECONDS)
    assert resolve(world)(a_ref(), OutcomeStatus.SUCCEEDED, resolved_by="op", evidence=SEEN).resolution


def test_an_undo_that_was_refused_says_nothing_of_the_one_before_it() -> None:
    """The first has had no answer and may still land; that a second did not get through changes nothing of that."""
    world = half_done()
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.LATE, timed_out=True)
    assert looked(world) is Reconciled.WAITING
    world.clock.advance(61)
    world.tools.fail_next(TransportPhase.CONNECT)
    assert looked(world) is Reconciled.WAITING
    with pytest.raises(PermanentError, match="an undo for intent"):
        resolve(world)(a_ref(), OutcomeStatus.SUCCEEDED, resolved_by="op", evidence=SEEN)


def test_nobody_says_succeeded_of_what_is_on_record_as_undone() -> None:
    """Two records would contradict each other, and the outcome would name an object that is gone."""
    world = half_done()
    world.journal.fail("settle", TransientError("down"))
    with pytest.raises(TransientError):
        looked(world)
    with pytest.raises(PermanentError, match="on record as undone"):
        resolve(world)(a_ref(), OutcomeStatus.SUCCEEDED, resolved_by="op", evidence=SEEN)
    assert resolve(world)(a_ref(), OutcomeStatus.FAILED, resolved_by="op", evidence=SEEN).status is OutcomeStatus.FAILED


def test_what_a_person_says_is_filtered_like_all_free_text() -> None:
    """It is printed on terminals and kept for ever: no control characters, no secret pasted by mistake."""
    said = "\x1b[31mIt stands.\udcff The CRM took password=hunter2"
    outcome = resolve(unknown())(a_ref(), OutcomeStatus.SUCCEEDED, resolved_by="op", evidence=said)
    assert outcome.resolution is not None
    assert outcome.resolution.evidence == "It stands. The CRM took password=[secret]"


@pytest.mark.parametrize(
    "status, evidence, says",
    [
        (OutcomeStatus.UNKNOWN, SEEN, "say SUCCEEDED or FAILED"),
        (OutcomeStatus.CANCELLED, SEEN, "say SUCCEEDED or FAILED"),
        (OutcomeStatus.FAILED, "  ", "say what you saw"),
        (OutcomeStatus.FAILED, "\x1b[0m", "say what you saw"),
        (OutcomeStatus.FAILED, "x" * 2_001, "at most 2000 characters"),
    ],
)
def test_a_statement_without_content_is_refused(status: OutcomeStatus, evidence: str, says: str) -> None:
    """A resolution settles something and says on what it rests."""
    world = unknown()
    with pytest.raises(PermanentError, match=says):
        resolve(world)(a_ref(), status, resolved_by="op", evidence=evidence)
    assert world.outcome().status is OutcomeStatus.UNKNOWN
