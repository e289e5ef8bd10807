"""InvokeTool under slow stores: the time that they take is taken from the call."""

import pytest

from domain.model.errors import TransientError
from domain.model.outcome import OutcomeStatus
from domain.model.tool_mapping import EffectSafety
from tests.builders import a_mapping
from tests.domain.use_cases.world import IDEMPOTENT, INVOKE, RECORD, UNSAFE, VERIFIABLE, World


@pytest.mark.parametrize("slow", ["journal.dispatch", "capacities.replace", "intents.find"])
@pytest.mark.parametrize("effect", [IDEMPOTENT, VERIFIABLE, UNSAFE], ids=lambda effect: effect.kind)
def test_no_call_is_begun_after_slow_stores_have_used_up_the_time(
    slow: str, effect: EffectSafety, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that died in the middle of such a call would leave doubt about one that need not have been sent."""
    world = World(mapping=a_mapping(effect_safety=effect))
    state = world.ready()
    store, method = slow.split(".")
    quick = getattr(getattr(world, store), method)

    def slowly(*args: object) -> object:
        world.clock.advance(50)
        return quick(*args)

    with monkeypatch.context() as patch:
        patch.setattr(getattr(world, store), method, slowly, raising=False)
        with pytest.raises(TransientError):
            world.run(state, INVOKE)
    assert world.created == 0
    assert world.attempt().nothing_was_done
    world.run(state, INVOKE, RECORD)
    assert (world.outcome().status, world.created) == (OutcomeStatus.SUCCEEDED, 1)
