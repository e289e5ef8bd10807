"""Defects in what comes after an execution: taking over, finding out, telling people, and looking at all."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from adapters.memory.backlog import MemoryBacklog
from domain.model.attempt import Attempt, AttemptStatus
from domain.model.execution_status import ExecutionStatus
from domain.model.ledger import LedgerEntry, LedgerEventType
from domain.model.outcome import Outcome
from domain.model.tool_mapping import ToolMapping, Unsafe, Verifiable
from domain.policies import reconciliation
from domain.policies.reconciliation import Remedy, after_its_execution, of_unknown
from domain.use_cases import reconcile_execution
from domain.use_cases.reconcile_execution import Reconciled, ReconcileExecution
from domain.use_cases.sweep_backlog import SweepBacklog
from ports.operator_inbox import OperatorInbox
from tests.proof.bugs import Bug, Swap
from tests.proof.looks import Plans, Schedules, Stops
from tests.proof.simulation.flows import Safety

Json = Any

_K, _L, _N = Safety
_open_attempts = MemoryBacklog.open_attempts
_tell = ReconcileExecution._tell


def _same_fence(
    self: Attempt, *, by: str, run: str, execution_status: str, now: datetime
) -> tuple[Attempt, LedgerEntry]:
    data = {"taken_over_by": by, "run": run, "execution_status": execution_status, "fence": self.fence}
    return self.advance(self.status, LedgerEventType.EXECUTION_TAKEN_OVER, data, now=now)


def _runs_or_not(attempt: Attempt, _execution: ExecutionStatus, now: datetime) -> Remedy:
    return after_its_execution(attempt, ExecutionStatus.ABORTED, now)


def _nothing_is_on_its_way(attempt: Attempt, execution: ExecutionStatus, now: datetime) -> Remedy:
    found = after_its_execution(attempt, execution, now)
    waits = found is Remedy.WAIT and attempt.status is AttemptStatus.DISPATCHED and execution.is_over
    return Remedy.SETTLE if waits else found


def _asks_at_once(attempt: Attempt, mapping: ToolMapping | None, now: datetime) -> Remedy:
    found = of_unknown(attempt, mapping, now)
    asks = found is Remedy.WAIT and mapping and isinstance(mapping.effect_safety, Verifiable)
    waits_for_landing = attempt.operator_notified_at is None and attempt.next_try_at is None
    return Remedy.ASK if asks and waits_for_landing and attempt.effect_in_doubt else found


def _resends_unsafe(attempt: Attempt, mapping: ToolMapping | None, now: datetime) -> Remedy:
    found = of_unknown(attempt, mapping, now)
    unsafe = mapping is not None and isinstance(mapping.effect_safety, Unsafe)
    return Remedy.RESEND if found is Remedy.TELL and unsafe and attempt.effect_in_doubt else found


class _Nowhere:
    """An inbox that keeps nothing."""

    def put(self, notice: object) -> None:
        del notice


def _told_nobody(self: ReconcileExecution, attempt: Attempt, outcome: Outcome) -> None:
    nowhere: OperatorInbox = _Nowhere()
    _tell(_with(self, inbox=nowhere), attempt, outcome)


def _with(self: ReconcileExecution, **ports: Json) -> ReconcileExecution:
    return replace(self, **ports)


class _Later:
    """An inbox that is written to once the record says so."""

    def __init__(self) -> None:
        self.notices: list[Json] = []

    def put(self, notice: Json) -> None:
        self.notices.append(notice)


def _recorded_before_told(self: ReconcileExecution, attempt: Attempt, outcome: Outcome) -> None:
    later = _Later()
    _tell(_with(self, inbox=later), attempt, outcome)
    for notice in later.notices:
        self.inbox.put(notice)


def _blind_to(skipped: AttemptStatus) -> Swap:
    def open_attempts(
        self: MemoryBacklog, status: AttemptStatus, *, updated_before: datetime, newest_first: bool = False
    ) -> Iterator[Attempt]:
        if status is not skipped:
            yield from _open_attempts(self, status, updated_before=updated_before, newest_first=newest_first)

    return Swap(MemoryBacklog, "open_attempts", open_attempts)


BUGS: Final = (
    Bug(
        "takeover-without-a-fence",
        "the reconciler takes over and leaves the fence as it is",
        (Swap(Attempt, "taken_over", _same_fence),),
        (Stops("accepted", _N),),
    ),
    Bug(
        "execution-not-asked",
        "the reconciler does not ask whether the execution still runs",
        (Swap(reconcile_execution, "after_its_execution", _runs_or_not),),
        (Schedules(0, 1_000),),
        "D17",
    ),
    Bug(
        "settled-while-on-its-way",
        "the reconciler does not wait for a call that may still be answered",
        (Swap(reconcile_execution, "after_its_execution", _nothing_is_on_its_way),),
        (Stops("accepted", _N, heard=True),),
    ),
    Bug(
        "reconciler-asks-too-early",
        "the reconciler asks while a call may still land",
        (Swap(reconcile_execution, "of_unknown", _asks_at_once),),
        (Stops("late", _L, heard=True),),
    ),
    Bug(
        "reconciler-resends-unsafe",
        "the reconciler sends an UNSAFE call in doubt again",
        (Swap(reconcile_execution, "of_unknown", _resends_unsafe),),
        (Plans("done-and-lost", _N),),
        "D23",
    ),
    Bug(
        "no-person-is-told",
        "nobody is told of what only people can settle",
        (Swap(ReconcileExecution, "_tell", _told_nobody),),
        (Plans("done-and-lost", _N),),
    ),
    Bug(
        "told-only-on-record",
        "that a person was told is recorded before they are",
        (Swap(ReconcileExecution, "_tell", _recorded_before_told),),
        (Plans("done-and-lost", _N),),
    ),
    Bug(
        "gives-up-at-once",
        "every UNKNOWN outcome is a person's, without a try",
        (Swap(reconciliation, "MOST_TRIES", 0),),
        (Plans("late-then-refused", _K),),
    ),
    Bug(
        "sweep-skips-dispatched",
        "the sweep does not look at executions that stopped after a dispatch",
        (_blind_to(AttemptStatus.DISPATCHED),),
        (Stops("accepted", _N),),
        "D17",
    ),
    Bug(
        "sweep-skips-claimed",
        "the sweep does not look at executions that stopped before a dispatch",
        (_blind_to(AttemptStatus.CLAIMED),),
        (Stops("accepted", _N),),
        "D17",
    ),
    Bug(
        "sweep-skips-unknown",
        "the sweep does not look at UNKNOWN outcomes",
        (_blind_to(AttemptStatus.UNKNOWN),),
        (Stops("done-and-lost", _N),),
        "D17",
    ),
    Bug(
        "sweep-skips-unpublished",
        "the sweep does not look at signals that were never published",
        (Swap(MemoryBacklog, "unpublished_signals", lambda _self, **_: iter(())),),
        (Stops("accepted", _N),),
        "D17, D26",
    ),
    Bug(
        "nobody-looks-again",
        "nothing looks at executions that are over",
        (
            Swap(SweepBacklog, "__call__", lambda _self, **_: {}),
            Swap(ReconcileExecution, "__call__", lambda _self, _ref, **_: Reconciled.SETTLED),
        ),
        (Stops("accepted", _N),),
        "D17",
    ),
)
