"""What is out of order around the reconciler keeps it neither from finding out nor from telling, once each."""

from contextlib import suppress

import pytest
from pydantic import JsonValue

from adapters.memory.tool_gateway import Effects
from domain.model.canonical_json import JsonObject
from domain.model.errors import ActionError, ConfigurationError, TransientError
from domain.model.execution_status import ExecutionStatus
from domain.model.outcome import OutcomeStatus
from domain.model.signal import SignalType
from domain.model.tool_call import ToolAnswer, ToolCall, TransportPhase
from domain.model.tool_mapping import CompensationPolicy
from domain.policies.reconciliation import MOST_TRIES
from domain.use_cases.reconcile_execution import Reconciled
from domain.use_cases.recording import Recording
from domain.use_cases.resolve_unknown import ResolveUnknown
from domain.use_cases.settle_spooled import SettleSpooled
from tests.builders import a_ref
from tests.domain.use_cases.left_open import a_world, agreed, looked, over
from tests.domain.use_cases.world import FAIL, INVOKE, RECORD, UNSAFE, World, after
from tests.support.faulty import Killed, When

DOWN = TransientError("the bus is down")
MADE: JsonObject = {"object_type": "Task", "object_id": "task-1"}


def unknown_and_untold(world: World) -> World:
    """Let the call end in doubt while the bus is down: UNKNOWN is on record and nobody has heard of it."""
    ready = world.ready()
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.WRITTEN, timed_out=True)
    try:
        state = world.run(ready, INVOKE)
    except TransientError as error:
        state = after(ready, error)
    world.publisher.fail("publish", DOWN, times=1_000)
    with pytest.raises(TransientError):
        world.run(after(state, Killed("died")), FAIL)
    return over(world, ExecutionStatus.FAILED)


def test_a_bus_that_is_down_does_not_keep_a_tool_from_being_asked() -> None:
    """Its key may be forgotten before the bus is back; the news waits in the outbox, in its order."""
    world = unknown_and_untold(a_world())
    with pytest.raises(TransientError, match="bus is down"):
        looked(world)
    assert world.outcome().status is OutcomeStatus.SUCCEEDED
    world.publisher.heal()
    assert looked(world) is Reconciled.SETTLED
    assert [signal.signal_type for signal in world.bus.published] == [
        SignalType.ACTION_UNKNOWN,
        SignalType.ACTION_EXECUTED,
    ]
    agreed(world)


def test_a_bus_that_is_down_does_not_keep_a_person_from_being_told() -> None:
    """The notice goes out with the first look, and once."""
    world = unknown_and_untold(a_world(UNSAFE, compensation=CompensationPolicy()))
    for _ in range(2):
        with pytest.raises(TransientError, match="bus is down"):
            looked(world)
    assert len(world.notices.notices) == 1
    assert world.attempt().operator_notified_at is not None


def test_news_that_a_person_overtook_leaves_the_outbox_before_theirs() -> None:
    """Else it would stand there for ever, and every sweep would look at it in vain."""
    world = unknown_and_untold(a_world(UNSAFE, compensation=CompensationPolicy()))
    world.publisher.heal()
    world.clock.advance(3_600)
    recording = Recording(world.journal, world.publisher, world.clock)
    ResolveUnknown(world.journal, recording, world.clock)(
        a_ref(), OutcomeStatus.SUCCEEDED, resolved_by="operator-1", evidence="It stands in the CRM."
    )
    assert [signal.signal_type for signal in world.bus.published] == [
        SignalType.ACTION_UNKNOWN,
        SignalType.ACTION_EXECUTED,
    ]
    world.clock.advance(3_600)
    assert world.sweep() == {}


@pytest.mark.parametrize("port, method", [("gateway", "send"), ("registry", "find")])
def test_an_undo_that_cannot_even_be_tried_is_recorded_as_not_done(port: str, method: str) -> None:
    """A deployment is wrong: the objects are on record as UNKNOWN, and no ledger grows with every sweep."""
    world = a_world()
    ready = world.ready()
    world.tools.answer_next(ToolAnswer(is_error=True, structured={"success": False, "external_objects": [MADE]}))
    world.run(ready, INVOKE)
    over(world)
    getattr(world, port).fail(method, ConfigurationError("the secret is gone"), times=1_000)
    lengths = []
    for _ in range(10):
        with suppress(ActionError):
            looked(world)
        lengths.append(len(world.records.ledger(a_ref())))
    outcome = world.outcome()
    assert outcome.status is OutcomeStatus.UNKNOWN
    assert [ref.object_id for ref in outcome.external_object_refs] == ["task-1"]
    assert len(set(lengths)) == 1
    getattr(world, port).heal()
    world.clock.advance(60)
    assert looked(world) is Reconciled.SETTLED
    assert world.outcome().status is OutcomeStatus.FAILED
    agreed(world)


def test_a_person_is_told_again_before_the_queue_forgets_the_notice() -> None:
    """A queue keeps it for a fortnight; what stands as UNKNOWN after that still has an alarm that names it."""
    world = unknown_and_untold(a_world(UNSAFE, compensation=CompensationPolicy()))
    world.publisher.heal()
    told = []
    for _ in range(15):
        world.clock.advance(86_400)
        world.sweep()
        told.append(len(world.notices.notices))
    assert (told[0], told[6], told[7], told[-1]) == (1, 1, 2, 3)
    assert len({notice.notice_id for notice in world.notices.notices}) == 1
    agreed(world)


def test_a_person_is_asked_to_undo_only_what_is_not_undone_yet() -> None:
    """Two objects, one of which the tool undoes and the other never: who looks for both finds one missing."""
    world = a_world()
    ready = world.ready()
    made: list[JsonValue] = [{"object_type": "Task", "object_id": f"task-{number}"} for number in (1, 2)]
    world.tools.answer_next(ToolAnswer(is_error=True, structured={"success": False, "external_objects": made}))
    world.run(ready, INVOKE, RECORD)
    over(world, ExecutionStatus.FAILED)
    refused = ToolAnswer(is_error=True, structured={"success": False, "error_message": "it is locked"})
    real = world.gateway.send

    def one_is_locked(call: ToolCall, **options: object) -> object:
        if call.arguments.get("task_id") == "task-1":
            world.tools.answer_next(refused)
        return real(call, **options)

    world.gateway.send = one_is_locked
    for _ in range(MOST_TRIES):
        assert looked(world) is Reconciled.WAITING
        world.clock.advance(6 * 3_600)
    assert looked(world) is Reconciled.NOTIFIED
    (notice,) = world.notices.notices
    assert [ref.object_id for ref in notice.external_object_refs] == ["task-1"]


def test_an_answer_to_an_earlier_send_does_not_overrule_the_last_one() -> None:
    """A spooled refusal of one send, and the tool's later answer under its key that the effect exists."""
    world = a_world()
    ready = world.ready()
    world.tools.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.NONE, timed_out=True)
    with pytest.raises(TransientError):
        world.run(ready, INVOKE)
    world.tools.answer_next(ToolAnswer(is_error=True, structured={"success": False, "error_message": "no"}))
    world.journal.fail("advance", DOWN)
    spooled = world.run(ready, INVOKE)
    over(world, ExecutionStatus.FAILED)
    world.clock.advance(1_000)
    world.journal.fail("settle", Killed(), when=When.AFTER)
    with pytest.raises(Killed):
        looked(world)
    world.journal.fail("settle", Killed())
    with pytest.raises(Killed):
        looked(world)
    assert (world.outcome().status, world.created) == (OutcomeStatus.UNKNOWN, 1)
    settle = SettleSpooled(world.journal, Recording(world.journal, world.publisher, world.clock))
    assert settle(spooled).status is not OutcomeStatus.FAILED
    assert looked(world) is Reconciled.SETTLED
    assert world.outcome().status is OutcomeStatus.SUCCEEDED
    agreed(world)
