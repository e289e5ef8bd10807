"""The judge of an intent's end is shown ends that contradict themselves, one at a time, and must see each."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.memory.execution_journal import MemoryExecutionJournal
from adapters.memory.kill_switches import MemoryKillSwitches
from domain.model.external_object import ExternalObjectRef
from domain.model.idempotency import signal_id
from domain.model.outcome import OutcomeStatus
from domain.model.signal import SignalType
from domain.model.tool_mapping import EffectSafety, Idempotent, Unsafe, Verifiable
from local.tool_server.witness import WitnessedEffect, WitnessedObject, WitnessedRequest
from tests.builders import a_claim, a_dispatch, a_ref, a_settlement, a_switch, later
from tests.proof.rows import Endings
from tests.proof.stack.agreement import ACTED_UPON, Evidence, is_final, judge

IDEMPOTENT, UNSAFE = Idempotent(key_ttl_seconds=86_400), Unsafe()
VERIFIABLE = Verifiable(verify_tool="crm___find_task", server_bound_seconds=1)


def an_effect(operation: str = "CREATE") -> WitnessedEffect:
    """What the tool's log says of one call."""
    ref = a_ref()
    ids = (ref.tenant_id, ref.account_id, ref.action_intent_id)
    return WitnessedEffect(1, "2026-11-23T10:00:00Z", ACTED_UPON, operation, "task-1", "key", *ids, None)


def an_object() -> WitnessedObject:
    """What exists by the call."""
    ref = a_ref()
    ids = (ref.tenant_id, ref.account_id, ref.action_intent_id)
    return WitnessedObject("task-1", "Task", ACTED_UPON, *ids, "key", {}, "2026-11-23T10:00:00Z")


def a_request() -> WitnessedRequest:
    """What arrived at the tool."""
    return WitnessedRequest(1, "2026-11-23T10:00:00Z", ACTED_UPON, a_ref().action_intent_id, None, 200)


def an_end(status: OutcomeStatus = OutcomeStatus.SUCCEEDED, **changes: Any) -> Evidence:  # noqa: ANN401  any field
    """An intent that ended as it should, written by the journal itself."""
    switches = MemoryKillSwitches()
    switches.flip(a_switch())
    journal = MemoryExecutionJournal(switches)
    claimed = journal.claim(*a_claim())
    sent, entry = a_dispatch(claimed)
    journal.dispatch(claimed, sent, entry, [a_switch().scope])
    settled, last, outcome, signal = a_settlement(sent, status=status)
    journal.settle(sent, settled, last, outcome, signal)
    journal.mark_published(signal.model_copy(update={"published_at": later(4)}))
    if status is OutcomeStatus.UNKNOWN:
        told = settled.operator_notified(kind="ATTENTION", notice_id="notice-1", now=later(5))
        journal.advance(settled, *told)
    kept = journal.find_signal(a_ref(), signal_id(a_ref(), SignalType.of(status)))
    assert kept is not None
    did = status is OutcomeStatus.SUCCEEDED
    seen = Evidence(
        ref=a_ref(),
        attempt=journal.find_attempt(a_ref()),
        outcome=journal.find_outcome(a_ref()),
        ledger=journal.ledger(a_ref()),
        signals=(kept,),
        effects=(an_effect(),) if did else (),
        objects=(an_object(),) if did else (),
        requests=(a_request(),) if did else (),
    )
    return replace(seen, **changes)


@pytest.mark.parametrize("status", [OutcomeStatus.SUCCEEDED, OutcomeStatus.FAILED])
def test_an_end_on_which_all_agree_is_agreement(status: OutcomeStatus) -> None:
    """Otherwise what follows would prove nothing."""
    judged = judge(an_end(status), UNSAFE)
    assert (judged.found, judged.status, judged.endings) == ((), status, Endings(judged=1))
    assert is_final(an_end(status), UNSAFE)


def test_a_second_effect_is_seen() -> None:
    """The tool's own log counts, whatever the records say."""
    judged = judge(an_end(effects=(an_effect(), an_effect())), IDEMPOTENT)
    assert judged.is_double
    assert "the action took effect 2 times" in judged.found
    assert judged.endings.disagreeing == 1


@pytest.mark.parametrize(
    "effect, double",
    [(IDEMPOTENT, False), (VERIFIABLE, True), (UNSAFE, True)],
    ids=["idempotent", "verifiable", "unsafe"],
)
def test_a_repeat_that_only_the_reference_server_recognises_counts_as_an_effect(
    effect: EffectSafety,
    double: bool,  # noqa: FBT001  a column of the table above
) -> None:
    """A mapping that does not promise deduplication may not live by it."""
    assert judge(an_end(effects=(an_effect(), an_effect("DEDUPE"))), effect).is_double is double


CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "no outcome": {"outcome": None},
    "no attempt": {"attempt": None},
    "no ledger": {"ledger": ()},
    "no signal": {"signals": ()},
    "nothing exists": {"objects": ()},
    "two exist": {"objects": (an_object(), an_object())},
}


@pytest.mark.parametrize("change", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_witness_that_says_otherwise_is_heard(change: dict[str, Any]) -> None:
    """Each store and the tool's side can contradict the rest alone."""
    judged = judge(an_end(**change), IDEMPOTENT)
    assert judged.found
    assert judged.endings.disagreeing == 1


def test_a_failure_whose_object_exists_is_a_contradiction() -> None:
    """FAILED states that nothing is left behind."""
    judged = judge(an_end(OutcomeStatus.FAILED, objects=(an_object(),), effects=(an_effect(),)), IDEMPOTENT)
    assert judged.found == ("the outcome is FAILED and 1 objects exist",)


def test_a_signal_that_says_something_else_or_was_never_published_is_a_contradiction() -> None:
    """Consumers know only the signal."""
    (signal,) = an_end().signals
    silent = judge(an_end(signals=(signal.model_copy(update={"published_at": None}),)), IDEMPOTENT)
    lying = judge(an_end(signals=(signal.model_copy(update={"data": {"status": "FAILED"}}),)), IDEMPOTENT)
    contrary = signal.model_copy(update={"signal_type": SignalType.ACTION_FAILED})
    assert silent.found == ("signal ACTION_EXECUTED was never published",)
    assert lying.found == ("signal ACTION_EXECUTED does not say what the outcome says",)
    assert judge(an_end(signals=(signal, contrary)), IDEMPOTENT).found


def test_an_outcome_that_names_another_object_is_a_contradiction() -> None:
    """The ledger states the whole outcome, so nothing in it can be changed unseen."""
    outcome = an_end().outcome
    assert outcome is not None
    other = ExternalObjectRef.model_validate({**outcome.external_object_refs[0].model_dump(), "object_id": "task-2"})
    judged = judge(an_end(outcome=outcome.model_copy(update={"external_object_refs": (other,)})), IDEMPOTENT)
    assert "the outcome that stands is not the one that the ledger states" in judged.found


def test_unknown_ends_are_sorted_by_what_could_have_been_known() -> None:
    """Only a tool that can neither dedupe nor be asked may leave one, and only after a byte or a death."""
    unsent = an_end(OutcomeStatus.UNKNOWN)
    sent = an_end(OutcomeStatus.UNKNOWN, requests=(a_request(),))
    assert judge(sent, UNSAFE).endings == Endings(judged=1, unknown_sent=1)
    assert judge(unsent, UNSAFE, died_unsent=True).endings == Endings(judged=1, unknown_died=1)
    assert judge(unsent, UNSAFE).endings == Endings(judged=1, unknown_imprecise=1)
    assert judge(sent, VERIFIABLE).endings == Endings(judged=1, unknown_imprecise=1)
    assert judge(sent, IDEMPOTENT).endings == Endings(judged=1, unknown_imprecise=1)
    assert is_final(sent, UNSAFE)
    assert not is_final(sent, VERIFIABLE)


def test_an_unknown_end_of_which_no_person_was_told_is_seen() -> None:
    """Otherwise nobody would ever look."""
    told = an_end(OutcomeStatus.UNKNOWN, requests=(a_request(),))
    assert told.attempt is not None
    untold = replace(told, attempt=told.attempt.model_copy(update={"operator_notified_at": None}))
    assert judge(told, UNSAFE).found == ()
    assert "the outcome is UNKNOWN and no person was told" in judge(untold, UNSAFE).found
    assert not is_final(untold, UNSAFE)
