"""Judges how one intent ended, by everything that was written about it and by what the tools say they did.

Owns what "agreeing" means on the stack. It reads through the shipped adapters and the tools' own log, and it trusts no
store more than another. What it cannot see it does not assume: that a sender died before its first byte is something
that only whoever killed it can say (``died_unsent``).
"""

from dataclasses import dataclass
from typing import Final

from domain.model.attempt import Attempt
from domain.model.idempotency import signal_id
from domain.model.identifiers import IntentRef
from domain.model.ledger import LedgerEntry
from domain.model.outcome import Outcome, OutcomeStatus
from domain.model.signal import Signal, SignalType, outcome_facts
from domain.model.tool_mapping import EffectSafety, Idempotent, Unsafe
from domain.policies.audit import findings
from local.tool_server.witness import Witness, WitnessedEffect, WitnessedObject, WitnessedRequest
from ports.execution_journal import ExecutionJournal
from tests.proof.rows import Endings

ACTED_UPON: Final = "crm___create_task"
"""The tool whose effects are counted; what undoes or asks about them acts under other names."""


@dataclass(frozen=True)
class Evidence:
    """What was written about one intent, at one moment."""

    ref: IntentRef
    attempt: Attempt | None
    outcome: Outcome | None
    ledger: tuple[LedgerEntry, ...]
    signals: tuple[Signal, ...]
    effects: tuple[WitnessedEffect, ...]
    objects: tuple[WitnessedObject, ...]
    requests: tuple[WitnessedRequest, ...]


@dataclass(frozen=True)
class Judgement:
    """What became of one intent, and what contradicts it."""

    status: OutcomeStatus | None
    effects: int
    """How often a tool that does not dedupe would have acted."""
    found: tuple[str, ...]
    """Every contradiction, as a sentence."""
    endings: Endings

    @property
    def is_double(self) -> bool:
        """Whether the action took effect more than once."""
        return self.effects > 1


def read_evidence(journal: ExecutionJournal, witness: Witness, ref: IntentRef) -> Evidence:
    """Return the evidence; it is read again where somebody wrote in between, so that it is of one moment."""
    while True:
        attempt = journal.find_attempt(ref)
        kept = [journal.find_signal(ref, signal_id(ref, kind)) for kind in SignalType]
        seen = Evidence(
            ref=ref,
            attempt=attempt,
            outcome=journal.find_outcome(ref),
            ledger=journal.ledger(ref),
            signals=tuple(signal for signal in kept if signal is not None),
            effects=tuple(one for one in witness.effects(ref.action_intent_id) if _is_of(one, ref)),
            objects=tuple(one for one in witness.objects(ref.action_intent_id) if _is_of(one, ref)),
            requests=tuple(witness.requests(ref.action_intent_id)),
        )
        if journal.find_attempt(ref) == attempt:
            return seen


def is_final(seen: Evidence, effect: EffectSafety) -> bool:
    """Whether neither an execution nor the reconciler has anything left to do: what remains is a person's."""
    if seen.outcome is None or seen.attempt is None:
        return False
    published = all(signal.published_at is not None for signal in seen.signals)
    if seen.outcome.status is not OutcomeStatus.UNKNOWN:
        return published
    return published and isinstance(effect, Unsafe) and seen.attempt.operator_notified_at is not None


def judge(seen: Evidence, effect: EffectSafety, *, died_unsent: bool = False) -> Judgement:
    """Judge an intent that should have ended.

    ``died_unsent`` says that a sender was killed between the record of its dispatch and the first byte of its call.
    """
    effects = _effects(seen, effect)
    found = (
        *findings(seen.attempt, seen.outcome, seen.ledger),
        *_of_signals(seen),
        *_of_effects(seen, effects),
        *_of_people(seen),
    )
    status = seen.outcome.status if seen.outcome else None
    unknown = _unknown(seen, effect, died_unsent) if status is OutcomeStatus.UNKNOWN else Endings()
    return Judgement(status, effects, found, Endings(judged=1, disagreeing=int(bool(found))) + unknown)


def _effects(seen: Evidence, effect: EffectSafety) -> int:
    """Count what the tool did.

    The reference server recognises every repeated key, so what the mapping does not promise has to be looked through:
    a recognised repeat would have been another effect of a tool that does not dedupe.
    """
    counted = {"CREATE"} if isinstance(effect, Idempotent) else {"CREATE", "DEDUPE"}
    return sum(one.tool == ACTED_UPON and one.operation in counted for one in seen.effects)


def _of_signals(seen: Evidence) -> list[str]:
    if seen.outcome is None:
        return ["no outcome was recorded"]
    kind = SignalType.of(seen.outcome.status)
    told = {signal.signal_type: signal for signal in seen.signals}
    if kind not in told:
        return [f"the outcome is {seen.outcome.status} and its signal {kind} is missing"]
    found = [f"signal {signal.signal_type} was never published" for signal in seen.signals if not signal.published_at]
    if told[kind].data != outcome_facts(seen.outcome):
        found.append(f"signal {kind} does not say what the outcome says")
    earlier = {SignalType.ACTION_UNKNOWN} if seen.outcome.resolution else set()
    return found + [f"signal {other} contradicts {kind}" for other in told if other not in {kind, *earlier}]


def _of_effects(seen: Evidence, effects: int) -> list[str]:
    found = [f"the action took effect {effects} times"] if effects > 1 else []
    exist = len(seen.objects)
    match seen.outcome.status if seen.outcome else None:
        case OutcomeStatus.SUCCEEDED if exist != 1:
            found.append(f"the outcome is SUCCEEDED and {exist} objects exist")
        case OutcomeStatus.FAILED | OutcomeStatus.CANCELLED as status if exist:
            found.append(f"the outcome is {status} and {exist} objects exist")
        case OutcomeStatus.UNKNOWN if exist > 1:
            found.append(f"the outcome is UNKNOWN and {exist} objects exist")
        case _:
            pass
    return found


def _of_people(seen: Evidence) -> list[str]:
    """An outcome that nobody can find out is told to a person; the others are left to the reconciler."""
    unknown = seen.outcome is not None and seen.outcome.status is OutcomeStatus.UNKNOWN
    told = seen.attempt is not None and seen.attempt.operator_notified_at is not None
    return ["the outcome is UNKNOWN and no person was told"] if unknown and not told else []


def _unknown(seen: Evidence, effect: EffectSafety, died_unsent: bool) -> Endings:  # noqa: FBT001  named where it is given
    if not isinstance(effect, Unsafe):
        return Endings(unknown_imprecise=1)
    if any(request.tool == ACTED_UPON for request in seen.requests):
        return Endings(unknown_sent=1)
    return Endings(unknown_died=1) if died_unsent else Endings(unknown_imprecise=1)


def _is_of(one: WitnessedEffect | WitnessedObject, ref: IntentRef) -> bool:
    return (one.tenant_id, one.account_id) == (ref.tenant_id, ref.account_id)
