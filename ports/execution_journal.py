"""The execution journal port: attempt, ledger, outcome and outbox, written together or not at all.

The journal is one port over four stores because their agreement is the point: every method that writes is one
transaction, so no crash can leave an outcome without its ledger entry or a state without its evidence. It decides
nothing: which transition is legal is the model's business; the journal only refuses a writer whose record is stale.
"""

from collections.abc import Sequence
from typing import Protocol

from domain.model.attempt import Attempt
from domain.model.identifiers import IntentRef
from domain.model.kill_switch import SwitchScope
from domain.model.ledger import LedgerEntry
from domain.model.outcome import Outcome
from domain.model.signal import Signal


class ExecutionJournal(Protocol):
    """Keeps the record of executions.

    Every method raises ``TransientError`` when a store cannot be reached or answers that the transaction collided
    (nothing was written, or the same write can be repeated), and ``ConfigurationError`` when access is denied.
    Every write but ``dispatch`` is harmless to repeat: finding one's own identical record counts as success. A repeated
    dispatch is refused, because its success is the permission to send once.
    """

    def find_attempt(self, ref: IntentRef) -> Attempt | None:
        """Return the attempt as it stands (strongly consistent), or ``None``."""
        ...

    def claim(self, attempt: Attempt, entry: LedgerEntry) -> Attempt:
        """Put the attempt if none exists, with its first ledger entry, and return the attempt that now stands.

        If one exists nothing is written and the existing one is returned, whoever owns it:
        ``domain.policies.ownership`` judges it.
        """
        ...

    def advance(self, current: Attempt, following: Attempt, entry: LedgerEntry) -> None:
        """Replace ``current`` by ``following`` and append ``entry``.

        Raises ``OwnershipLost`` if the attempt belongs to another owner or fence, or is gone, and ``TransientError`` if
        it is still this owner's but has moved on: another run of the same execution wrote, so read it again.
        """
        ...

    def dispatch(
        self, current: Attempt, following: Attempt, entry: LedgerEntry, switches: Sequence[SwitchScope]
    ) -> None:
        """Do ``advance``, but only while every switch lets it pass at that instant.

        The global switch must exist and be RUNNING; any other may be absent. Raises ``ExecutionHalted`` naming a
        scope that cancels it, ``ExecutionHeld`` if all that stop it hold it, and ``OwnershipLost`` as ``advance``
        does. Raises ``TransientError`` if this very record already stands: another run may be sending, so the caller
        must read the attempt again.
        """
        ...

    def settle(
        self, current: Attempt, following: Attempt, entry: LedgerEntry, outcome: Outcome, signal: Signal
    ) -> None:
        """Do ``advance`` and put the outcome and the unpublished signal, all in one transaction.

        The outcome is write-once; an UNKNOWN one gives way only to an outcome that cites its resolution. Raises
        ``OwnershipLost``.
        """
        ...

    def find_outcome(self, ref: IntentRef) -> Outcome | None:
        """Return the recorded outcome (strongly consistent), or ``None``."""
        ...

    def ledger(self, ref: IntentRef) -> tuple[LedgerEntry, ...]:
        """Return the intent's ledger entries in order; empty if there are none."""
        ...

    def find_signal(self, ref: IntentRef, signal_id: str) -> Signal | None:
        """Return a signal of this intent's tenant and account, or ``None``."""
        ...

    def mark_published(self, signal: Signal) -> None:
        """Store the signal's ``published_at``; repeating it is harmless."""
        ...
