"""Defects in what is written down and told: outcome, attempt, ledger, outbox and bus."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from adapters.memory.execution_journal import MemoryExecutionJournal
from domain.model import attempt as attempt_model
from domain.model.attempt import Attempt, AttemptStatus
from domain.model.errors import TransientError
from domain.model.idempotency import signal_id
from domain.model.ledger import GENESIS_HASH, LedgerEntry, LedgerEventType
from domain.model.outcome import Compensation, CompensationStatus, Outcome, OutcomeStatus
from domain.model.signal import Signal, SignalType
from domain.policies import settlement
from domain.policies.settlement import Settlement, answer_of
from domain.use_cases import reconcile_execution, recording
from domain.use_cases.recording import Recording, section_of
from ports.execution_journal import ExecutionJournal
from tests.proof.bugs import Bug, Swap
from tests.proof.looks import Plans
from tests.proof.simulation.flows import Safety

Json = Any

_K, _L, _N = Safety
_settle, _outcome, _advance = settlement.settle, recording._outcome, Attempt.advance
_settle_all = Recording._settle


def _in_doubt_is_failed(attempt: Attempt, **known: Json) -> Settlement:
    found = _settle(attempt, **known)
    if found.status is not OutcomeStatus.UNKNOWN:
        return found
    nothing = Compensation(status=CompensationStatus.NOT_NEEDED, reason="No external objects created")
    return replace(found, status=OutcomeStatus.FAILED, compensation=nothing)


@dataclass(frozen=True)
class _InPieces:
    """A journal whose settling is two writes."""

    journal: ExecutionJournal

    def settle(self, current: Attempt, following: Attempt, entry: LedgerEntry, *told: Json) -> None:
        self.journal.advance(current, following, entry)
        self.journal.settle(current, following, entry, *told)


def _written_apart(self: Recording, *known: Json) -> Outcome:
    pieces: Json = _InPieces(self.journal)
    return _settle_all(replace(self, journal=pieces), *known)


def _outcome_and_signal(
    self: MemoryExecutionJournal, _current: Attempt, _following: Attempt, _entry: LedgerEntry, *told: Json
) -> None:
    outcome, signal = told
    self._outcomes[outcome.ref] = outcome
    self._signals.setdefault((signal.tenant_id, signal.account_id, signal.signal_id), signal)


def _without_a_signal(
    self: MemoryExecutionJournal, current: Attempt, following: Attempt, entry: LedgerEntry, *told: Json
) -> None:
    self.advance(current, following, entry)
    self._outcomes[told[0].ref] = told[0]


def _without_an_entry(
    self: MemoryExecutionJournal, current: Attempt, following: Attempt, _entry: LedgerEntry, *told: Json
) -> None:
    self._attempts[current.ref] = following
    self._outcomes[told[0].ref] = told[0]
    self._signals[told[1].tenant_id, told[1].account_id, told[1].signal_id] = told[1]


def _without_the_attempt(
    self: MemoryExecutionJournal, current: Attempt, _following: Attempt, _entry: LedgerEntry, *told: Json
) -> None:
    del current
    self._outcomes[told[0].ref] = told[0]
    self._signals[told[1].tenant_id, told[1].account_id, told[1].signal_id] = told[1]


def _whatever_stands(
    self: MemoryExecutionJournal, _current: Attempt, following: Attempt, entry: LedgerEntry, *told: Json
) -> None:
    self._append(following, entry)
    self._outcomes[told[0].ref] = told[0]
    self._signals[told[1].tenant_id, told[1].account_id, told[1].signal_id] = told[1]


def _records_again(self: Recording, attempt: Attempt, *, invocation: Json, **known: Json) -> Json:
    settled = settlement.settle(attempt, invocation=invocation, **known)
    outcome = self._settle(attempt, settled, answer_of(attempt, invocation))
    self.publish(outcome)
    return section_of(outcome)


def _marked_first(self: Recording, outcome: Outcome) -> None:
    signal = _unpublished(self, outcome)
    if signal is not None:
        self.journal.mark_published(signal.model_copy(update={"published_at": self.clock.now()}))
        self.publisher.publish(signal)


def _marked_whatever_happens(self: Recording, outcome: Outcome) -> None:
    signal = _unpublished(self, outcome)
    if signal is not None:
        with suppress(TransientError):
            self.publisher.publish(signal)
        self.journal.mark_published(signal.model_copy(update={"published_at": self.clock.now()}))


def _unpublished(self: Recording, outcome: Outcome) -> Signal | None:
    signal = self.journal.find_signal(outcome.ref, signal_id(outcome.ref, SignalType.of(outcome.status)))
    return signal if signal is not None and signal.published_at is None else None


def _always_one(attempt: Attempt, *known: Json, **named: Json) -> Outcome:
    return _outcome(attempt, *known, **named).model_copy(update={"attempt_count": 1})


def _unchained(
    self: Attempt, status: AttemptStatus, event: LedgerEventType, data: Json, *, now: datetime, **changes: Json
) -> tuple[Attempt, LedgerEntry]:
    following, entry = _advance(self, status, event, data, now=now, **changes)
    loose = entry.model_copy(update={"previous_hash": GENESIS_HASH})
    sealed = loose.model_copy(update={"entry_hash": loose.sealed_hash()})
    return following.model_copy(update={"ledger_hash": sealed.entry_hash}), sealed


def _only_from_the_state(_attempt: Attempt, invocation: Json) -> Json:
    return invocation


_WITHOUT_THE_KEPT_ANSWER: Final = tuple(
    Swap(module, "answer_of", _only_from_the_state) for module in (settlement, recording, reconcile_execution)
)

BUGS: Final = (
    Bug(
        "in-doubt-is-failed",
        "a call without proof is recorded as failed",
        (Swap(recording, "settle", _in_doubt_is_failed),),
        (Plans("done-and-lost", _N),),
        "D25",
    ),
    Bug(
        "outcome-written-apart",
        "attempt and ledger are one write, outcome and signal another",
        (
            Swap(Recording, "_settle", _written_apart),
            Swap(MemoryExecutionJournal, "settle", _outcome_and_signal),
        ),
        (Plans("accepted", _N),),
        "D26",
    ),
    Bug(
        "no-signal-in-the-outbox",
        "an outcome is recorded without its signal",
        (Swap(MemoryExecutionJournal, "settle", _without_a_signal),),
        (Plans("accepted", _N),),
        "D26, D57",
    ),
    Bug(
        "no-entry-in-the-ledger",
        "an outcome is recorded without its ledger entry",
        (Swap(MemoryExecutionJournal, "settle", _without_an_entry),),
        (Plans("accepted", _N),),
        "D26",
    ),
    Bug(
        "attempt-stays-open",
        "an outcome is recorded and the attempt is not",
        (Swap(MemoryExecutionJournal, "settle", _without_the_attempt),),
        (Plans("accepted", _N),),
        "D26",
    ),
    Bug(
        "settled-again",
        "a recorder that is run again records again, over what stands",
        (
            Swap(Recording, "record", _records_again),
            Swap(MemoryExecutionJournal, "settle", _whatever_stands),
            Swap(attempt_model, "LEGAL_TRANSITIONS", {status: frozenset(AttemptStatus) for status in AttemptStatus}),
        ),
        (Plans("accepted", _N),),
        "D26",
    ),
    Bug(
        "nobody-is-told",
        "no signal is ever published",
        (Swap(Recording, "publish", lambda _self, _outcome: None),),
        (Plans("accepted", _N),),
        "D57",
    ),
    Bug(
        "marked-before-published",
        "a signal is marked as published before it is",
        (Swap(Recording, "publish", _marked_first),),
        (Plans("accepted", _N),),
        "D26",
    ),
    Bug(
        "marked-though-refused",
        "a signal that the bus refused is marked as published",
        (Swap(Recording, "publish", _marked_whatever_happens),),
        (Plans("bus-down", _N),),
        "D26",
    ),
    Bug(
        "always-one-attempt",
        "every outcome says that one call was sent",
        (Swap(recording, "_outcome", _always_one),),
        (Plans("done-and-lost", _K),),
        "D9",
    ),
    Bug(
        "ledger-not-chained",
        "an entry of the ledger does not hold on to the one before it",
        (Swap(Attempt, "advance", _unchained),),
        (Plans("accepted", _N),),
    ),
    Bug(
        "kept-answer-not-read",
        "an outcome is settled from the execution's state alone, not from the answer kept on the attempt",
        _WITHOUT_THE_KEPT_ANSWER,
        (Plans("half-done", _K),),
    ),
)
