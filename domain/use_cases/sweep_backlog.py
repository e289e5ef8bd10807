"""SweepBacklog: look at everything that is open, so that nothing depends on an event that may be lost."""

import logging
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from domain.model.attempt import AttemptStatus
from domain.model.errors import ActionError, TransientError
from domain.model.identifiers import IntentRef
from domain.policies.reconciliation import STALE_SECONDS, is_due
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

    One intent's error never stops the others: it is logged, counted and met again by the next sweep. What no next
    sweep can mend (a record that cannot be read, an access that is denied) is raised when everything else is done,
    so that the function's alarm tells it; so is an error where nothing at all could be done.
    """

    backlog: Backlog
    reconcile: ReconcileExecution
    clock: Clock

    def __call__(self, *, seconds_left: float) -> dict[str, int]:
        """Return how many intents were looked at, by what came of it."""
        begun = self.clock.monotonic_seconds()
        found: Counter[str] = Counter()
        faults: list[ActionError] = []
        seen: set[IntentRef] = set()
        for ref in _in_turns([_readable(source, faults) for source in self._sources()]):
            if ref in seen:
                continue
            seen.add(ref)
            left = seconds_left - (self.clock.monotonic_seconds() - begun)
            if left < LOOK_SECONDS:
                found["LEFT_FOR_THE_NEXT_SWEEP"] += 1
                break
            found[self._look(ref, left, faults)] += 1
        _log.info("swept", extra={"looked_at": dict(found)})
        lasting = [fault for fault in faults if not isinstance(fault, TransientError)]
        if lasting:
            raise lasting[0]
        if faults and set(found) <= {FAILED}:
            raise faults[0]
        return dict(found)

    def _look(self, ref: IntentRef, seconds_left: float, faults: list[ActionError]) -> str:
        try:
            return self.reconcile(ref, seconds_left=seconds_left).value
        except ActionError as error:
            _log.error("reconciling %s failed: %s", ref, error, extra={"action_intent_id": ref.action_intent_id})
            faults.append(error)
            return FAILED

    def _sources(self) -> Iterator[Iterator[IntentRef]]:
        """Yield where to look: stale attempts, UNKNOWN ones that are due for a machine, and news.

        Claims are looked at from both ends: thousands on hold, which all stand still, would else hide a new one.
        """
        now = self.clock.now()
        stale = now - timedelta(seconds=STALE_SECONDS)
        for status in (AttemptStatus.DISPATCHED, AttemptStatus.CLAIMED):
            yield (one.ref for one in self.backlog.open_attempts(status, updated_before=stale))
        claimed = self.backlog.open_attempts(AttemptStatus.CLAIMED, updated_before=stale, newest_first=True)
        yield (one.ref for one in claimed)
        unknown = self.backlog.open_attempts(AttemptStatus.UNKNOWN, updated_before=now)
        yield (one.ref for one in unknown if is_due(one, now))
        yield (one.ref for one in self.backlog.unpublished_signals(created_before=stale))


def _in_turns(sources: list[Iterator[IntentRef]]) -> Iterator[IntentRef]:
    """Yield one of each source after the other.

    A thousand actions on hold, which all stand still, or a tool that lets every question run out of time, must not use
    up the sweep before anything else is looked at.
    """
    waiting = deque(sources)
    while waiting:
        source = waiting.popleft()
        for ref in source:
            yield ref
            waiting.append(source)
            break


def _readable(refs: Iterator[IntentRef], faults: list[ActionError]) -> Iterator[IntentRef]:
    """Yield what a source gives, and keep the error that ends it: the other sources are read all the same."""
    try:
        yield from refs
    except ActionError as error:
        _log.error("the backlog could not be read to its end: %s", error)
        faults.append(error)
