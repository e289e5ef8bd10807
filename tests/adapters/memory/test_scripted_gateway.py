"""What the memory gateway adds to its contract: failures on request, and effects that come late."""

import pytest

from adapters.memory.tool_gateway import Effects, MemoryToolGateway
from adapters.memory.tools import EffectKind
from domain.model.tool_call import NEVER_SENT, ToolAnswer, TransportFailure, TransportPhase
from tests.adapters.mcp.stand_in import a_call


def test_a_late_effect_comes_after_the_caller_gave_up() -> None:
    """Nothing exists when the failure is returned; later it does."""
    gateway = MemoryToolGateway()
    gateway.fail_next(TransportPhase.RESPONSE_HEAD, effects=Effects.LATE, timed_out=True)
    outcome = gateway.send(a_call(), deadline_seconds=1).outcome
    assert isinstance(outcome, TransportFailure)
    assert gateway.objects == []
    gateway.let_late_calls_land()
    gateway.let_late_calls_land()
    assert [effect.kind for effect in gateway.effects] == [EffectKind.CREATED]


def test_any_answer_can_be_scripted_for_a_number_of_sends() -> None:
    """A use case can be shown every reply there is, and each send is counted."""
    gateway = MemoryToolGateway()
    scripted = ToolAnswer(is_error=True, texts=("no contract",))
    gateway.answer_next(scripted, times=2, effects=Effects.WRITTEN)
    outcomes = [gateway.send(a_call(), deadline_seconds=1).outcome for _ in range(3)]
    assert outcomes[:2] == [scripted, scripted]
    assert outcomes[2] != scripted
    assert (len(gateway.sends), len(gateway.objects)) == (3, 1)


@pytest.mark.parametrize("phase", sorted(NEVER_SENT))
def test_a_call_that_never_arrives_cannot_be_told_to_have_an_effect(phase: TransportPhase) -> None:
    """A test that scripts the impossible is told so."""
    with pytest.raises(ValueError, match="never reaches the tool"):
        MemoryToolGateway().fail_next(phase, effects=Effects.WRITTEN)


def test_a_key_that_was_used_for_another_call_is_refused() -> None:
    """The same key with other arguments is a mistake of the caller, and has no effect."""
    gateway = MemoryToolGateway()
    gateway.send(a_call(), deadline_seconds=1)
    outcome = gateway.send(a_call(arguments={"title": "Another"}), deadline_seconds=1).outcome
    assert isinstance(outcome, ToolAnswer)
    assert outcome.is_error is True
    assert [effect.kind for effect in gateway.effects] == [EffectKind.CREATED, EffectKind.REFUSED]
