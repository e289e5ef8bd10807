"""SweepBacklog: look at everything that is open, so that nothing depends on an event that may be lost."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.errors import ActionError
from domain.model.identifiers import IntentRef
from domain.policies.reconciliation import STALE_SECONDS
from domain.use_cases.reconcile_execution import ReconcileExecution
from ports.backlog import Backlog
from ports.clock import Clock
from ports.steps.contract import LOOK_SECONDS

_log = logging.getLogger(__name__)

FAILED: Final = "FAILED"
"""How the report counts a look that an error ended; the next sweep looks again."""


@dataclass(frozen=True)
class SweepBacklog:
    """Reconciles open attempts and unpublished signals until there are none left or the time is used up.

    One intent's error never stops the others: it is logged, counted and met again by the next sweep. Raises
    ``TransientError`` only where the backlog itself cannot be read.
    """

    backlog: Backlog
    reconcile: ReconcileExecution
    clock: Clock

    def __call__(self, *, seconds_left: float) -> dict[str, int]:
        """Return how many intents were looked at, by what came of it."""
        begun = self.clock.monotonic_seconds()
        found: Counter[str] = Counter()
        for ref in self._due():
            left = seconds_left - (self.clock.monotonic_seconds() - begun)
            if left < LOOK_SECONDS:
                found["LEFT_FOR_THE_NEXT_SWEEP"] += 1
                break
            found[self._look(ref, left)] += 1
        _log.info("swept", extra={"looked_at": dict(found)})
        return dict(found)

    def _look(self, ref: IntentRef, seconds_left: float) -> str:
        try:
            return self.reconcile(ref, seconds_left=seconds_left).value
        except ActionError as error:
            _log.error("reconciling %s failed: %s", ref, error, extra={"action_intent_id": ref.action_intent_id})
            return FAILED

    def _due(self) -> Iterator[IntentRef]:
        """Yield each intent once: stale ones first, then UNKNOWN ones that are due, then unpublished news."""
        now = self.clock.now()
        stale = now - timedelta(seconds=STALE_SECONDS)
        seen: set[IntentRef] = set()
        for status in (AttemptStatus.DISPATCHED, AttemptStatus.CLAIMED):
            yield from _new(seen, (one.ref for one in self.backlog.open_attempts(status, updated_before=stale)))
        unknown = self.backlog.open_attempts(AttemptStatus.UNKNOWN, updated_before=now)
        yield from _new(seen, (one.ref for one in unknown if _may_be_resolved(one)))
        yield from _new(seen, (one.ref for one in self.backlog.unpublished_signals(created_before=stale)))


def _may_be_resolved(attempt: Attempt) -> bool:
    return attempt.operator_notified_at is None


def _new(seen: set[IntentRef], refs: Iterator[IntentRef]) -> Iterator[IntentRef]:
    for ref in refs:
        if ref not in seen:
            seen.add(ref)
            yield ref
