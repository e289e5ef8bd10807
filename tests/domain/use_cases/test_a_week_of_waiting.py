"""A week of waiting for a connector ends before an execution's history does, whatever comes in between."""

from typing import Final

from domain.model.invocation import InvocationStatus
from domain.model.tool_call import ToolAnswer, TransportPhase
from domain.model.tool_mapping import Verifiable
from domain.policies.capacity import LEASE_SECONDS
from ports.steps.contract import FINISHING_SECONDS, MACHINE_TIMEOUT_SECONDS
from tests.builders import a_mapping, an_approved_intent, later
from tests.domain.use_cases.test_connector_slots import fails, invoked, leave
from tests.domain.use_cases.world import LIMITS, World

HISTORY_ROUNDS: Final = 25_000 // 9
"""A round of waiting is nine events of an execution's history, which ends at 25,000."""

BUSY_SECONDS: Final = 3_600


def test_a_send_now_and_then_does_not_make_a_week_of_waiting_too_many_rounds() -> None:
    """Busy for an hour, then turned away by the gateway, then busy again: each send must not begin the wait anew."""
    mapping = a_mapping()
    expires = int(later(MACHINE_TIMEOUT_SECONDS).timestamp())
    world = World(mapping=mapping, intent=an_approved_intent(mapping, expires_at_epoch=expires))
    ready, waited, rounds, busy_until = world.ready(), 0, 0, BUSY_SECONDS
    world.tools.fail_next(TransportPhase.HTTP_STATUS, times=1_000, http_status=429, retry_after_seconds=1)
    while waited < MACHINE_TIMEOUT_SECONDS - 2 * FINISHING_SECONDS:
        is_busy = waited < busy_until
        until = later(waited + LEASE_SECONDS)
        leave(world, leases={f"run-{number}": until for number in range(LIMITS.concurrency)} if is_busy else {})
        section = invoked(world, ready)
        assert section.status is InvocationStatus.DEFERRED
        seconds = section.retry_after_seconds or 0
        world.clock.advance(seconds)
        waited, rounds = waited + seconds, rounds + 1
        if not is_busy:
            busy_until = waited + BUSY_SECONDS

    assert len(world.tools.sends) > MACHINE_TIMEOUT_SECONDS / BUSY_SECONDS / 2
    assert rounds < HISTORY_ROUNDS


def test_a_tool_that_never_says_what_became_of_a_call_is_not_called_every_few_seconds() -> None:
    """It answers with words alone, its verify tool says each time that nothing exists, and the call is sent again."""
    mapping = a_mapping(effect_safety=Verifiable(verify_tool="crm___find_task", server_bound_seconds=1))
    expires = int(later(MACHINE_TIMEOUT_SECONDS).timestamp())
    world = World(mapping=mapping, intent=an_approved_intent(mapping, expires_at_epoch=expires))
    ready, waited, rounds = world.ready(), 0, 0
    words = ToolAnswer(is_error=True, texts=("An internal error occurred. Please retry later.",))
    nothing = ToolAnswer(is_error=False, structured={"success": True, "found": False})
    while waited < MACHINE_TIMEOUT_SECONDS - 2 * FINISHING_SECONDS:
        world.tools.answer_next(words)
        section = invoked(world, ready)
        assert section.status is InvocationStatus.DEFERRED
        seconds = section.retry_after_seconds or 0
        world.clock.advance(seconds)
        world.tools.answer_next(nothing)
        fails(world, ready)
        waited, rounds = waited + seconds, rounds + 2
        assert rounds < HISTORY_ROUNDS, f"all used up after {waited} s"
