"""The execution journal in memory."""

from collections.abc import Sequence
from threading import RLock

from adapters.memory import warn_that_nothing_is_kept
from adapters.memory.kill_switches import MemoryKillSwitches
from domain.model.attempt import Attempt
from domain.model.errors import ExecutionHalted, PermanentError, TransientError
from domain.model.identifiers import IntentRef
from domain.model.kill_switch import SwitchScope
from domain.model.ledger import LedgerEntry
from domain.model.outcome import Outcome, OutcomeStatus
from domain.model.signal import Signal


class MemoryExecutionJournal:
    """Makes every write under one lock, so that it is whole or absent, as a transaction is."""

    def __init__(self, kill_switches: MemoryKillSwitches) -> None:
        warn_that_nothing_is_kept(self)
        self._kill_switches = kill_switches
        self._attempts: dict[IntentRef, Attempt] = {}
        self._ledger: dict[IntentRef, list[LedgerEntry]] = {}
        self._outcomes: dict[IntentRef, Outcome] = {}
        self._signals: dict[tuple[str, str, str], Signal] = {}
        self._lock = RLock()

    def find_attempt(self, ref: IntentRef) -> Attempt | None:
        with self._lock:
            return self._attempts.get(ref)

    def claim(self, attempt: Attempt, entry: LedgerEntry) -> Attempt:
        with self._lock:
            standing = self._attempts.get(attempt.ref)
            if standing is None:
                self._append(attempt, entry)
            return standing or attempt

    def advance(self, current: Attempt, following: Attempt, entry: LedgerEntry) -> None:
        with self._lock:
            if not self._is_recorded(entry):
                self._require_still(current)
                self._append(following, entry)

    def dispatch(
        self, current: Attempt, following: Attempt, entry: LedgerEntry, switches: Sequence[SwitchScope]
    ) -> None:
        with self._kill_switches.lock, self._lock:
            if self._is_recorded(entry):
                raise TransientError(
                    f"dispatch {entry.seq} of intent {entry.ref} is already recorded, so a call may be on its way; "
                    "read the attempt again instead of sending",
                    action_intent_id=entry.action_intent_id,
                    tenant_id=entry.tenant_id,
                )
            self._require_still(current)
            stopping = self._kill_switches.stopping(switches)
            if stopping is not None:
                raise ExecutionHalted(
                    f"the kill switch {stopping} stops intent {entry.ref}; nothing was sent. "
                    "Set it to RUNNING and approve the action anew to let it pass",
                    action_intent_id=entry.action_intent_id,
                    tenant_id=entry.tenant_id,
                    scope=str(stopping),
                )
            self._append(following, entry)

    def settle(
        self, current: Attempt, following: Attempt, entry: LedgerEntry, outcome: Outcome, signal: Signal
    ) -> None:
        key = (signal.tenant_id, signal.account_id, signal.signal_id)
        with self._lock:
            if self._is_recorded(entry):
                return
            self._require_still(current)
            recorded = self._outcomes.get(outcome.ref)
            if (recorded and recorded.status is not OutcomeStatus.UNKNOWN) or key in self._signals:
                raise current.overtaken_by(None)
            self._append(following, entry)
            self._outcomes[outcome.ref] = outcome
            self._signals[key] = signal.model_copy(deep=True)

    def find_outcome(self, ref: IntentRef) -> Outcome | None:
        with self._lock:
            return self._outcomes.get(ref)

    def ledger(self, ref: IntentRef) -> tuple[LedgerEntry, ...]:
        with self._lock:
            return tuple(entry.model_copy(deep=True) for entry in self._ledger.get(ref, ()))

    def find_signal(self, ref: IntentRef, signal_id: str) -> Signal | None:
        with self._lock:
            return self._signals.get((ref.tenant_id, ref.account_id, signal_id))

    def mark_published(self, signal: Signal) -> None:
        if signal.published_at is None:
            raise ValueError("published_at is missing; set it to the moment the bus accepted the signal")
        key = (signal.tenant_id, signal.account_id, signal.signal_id)
        with self._lock:
            kept = self._signals.get(key)
            if kept is None:
                raise PermanentError(
                    f"signal {signal.signal_id} of intent {signal.ref} is not in the outbox; settle it first",
                    signal_id=signal.signal_id,
                    tenant_id=signal.tenant_id,
                )
            if kept.published_at is None:
                self._signals[key] = kept.model_copy(update={"published_at": signal.published_at})

    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt as it stands now, of all tenants: what the backlog looks through."""
        with self._lock:
            return tuple(self._attempts.values())

    def signals(self) -> tuple[Signal, ...]:
        """Every signal of the outbox as it stands now, of all tenants."""
        with self._lock:
            return tuple(signal.model_copy(deep=True) for signal in self._signals.values())

    def _is_recorded(self, entry: LedgerEntry) -> bool:
        entries = self._ledger.get(entry.ref, [])
        return entry.seq <= len(entries) and entries[entry.seq - 1].entry_hash == entry.entry_hash

    def _require_still(self, current: Attempt) -> None:
        standing = self._attempts.get(current.ref)
        if standing is None or _head(standing) != _head(current):
            raise current.overtaken_by(standing)

    def _append(self, attempt: Attempt, entry: LedgerEntry) -> None:
        self._attempts[attempt.ref] = attempt
        self._ledger.setdefault(entry.ref, []).append(entry.model_copy(deep=True))


def _head(attempt: Attempt) -> tuple[str, int, int, str]:
    return attempt.owner, attempt.fence, attempt.ledger_seq, attempt.ledger_hash
