"""Defects in who may act, and whether at all: claims, fences, switches, approvals and their time."""

from collections.abc import Sequence
from typing import Final

from adapters.memory.execution_journal import MemoryExecutionJournal
from adapters.memory.kill_switches import MemoryKillSwitches
from domain.model.attempt import Attempt
from domain.model.errors import DuplicateExecution
from domain.model.kill_switch import SwitchScope, SwitchState
from domain.model.ledger import LedgerEntry
from domain.policies.decision import Allowed, Decision, Refused
from domain.use_cases import approved_action, start_execution, tool_dispatch, validate_preflight
from tests.proof.bugs import Bug, Swap
from tests.proof.looks import Flips, Plans, Schedules, Stops
from tests.proof.simulation.flows import Safety

_K, _L, _N = Safety
_stopping = MemoryKillSwitches.stopping
_NOBODY_ASKS: Final = Swap(Attempt, "owned_by", lambda self, _owner, _fence: self)


def _claim_over(self: MemoryExecutionJournal, attempt: Attempt, entry: LedgerEntry) -> Attempt:
    self._append(attempt, entry)
    return attempt


def _own_claim_is_a_duplicate(wanted: Attempt, standing: Attempt) -> Decision:
    return Allowed() if standing is wanted else Refused(DuplicateExecution, "somebody has claimed it already")


def _only_cancelling(self: MemoryKillSwitches, scopes: Sequence[SwitchScope]) -> list[tuple[SwitchScope, str | None]]:
    return [(scope, state) for scope, state in _stopping(self, scopes) if state != SwitchState.HOLD]


def _all_cancelling(self: MemoryKillSwitches, scopes: Sequence[SwitchScope]) -> list[tuple[SwitchScope, str | None]]:
    return [(scope, SwitchState.CANCEL) for scope, _ in _stopping(self, scopes)]


def _allowed(*_: object) -> Decision:
    return Allowed()


BUGS: Final = (
    Bug(
        "claim-overwrites",
        "a claim takes the place of the one that stands",
        (Swap(MemoryExecutionJournal, "claim", _claim_over),),
        (Plans("approved-twice", _N),),
        "D20",
    ),
    Bug(
        "own-claim-is-a-duplicate",
        "a starter that is run again takes its own claim for another's",
        (Swap(start_execution, "claim_stands", _own_claim_is_a_duplicate),),
        (Plans("accepted", _N),),
        "D22",
    ),
    Bug(
        "duplicate-goes-on",
        "a duplicate execution goes on as if it owned the intent",
        (Swap(start_execution, "claim_stands", _allowed), _NOBODY_ASKS),
        (Plans("approved-twice", _N),),
        "D20",
    ),
    Bug(
        "owner-not-asked",
        "a step does not ask whether the attempt is still its execution's",
        (_NOBODY_ASKS,),
        (Stops("accepted", _N),),
    ),
    Bug(
        "stale-writer-writes",
        "a writer need not find the record that it read",
        (Swap(MemoryExecutionJournal, "_require_still", lambda _self, _current: None),),
        (Schedules(0, 1_000),),
    ),
    Bug(
        "dispatch-ignores-switches",
        "a dispatch is recorded whatever the kill switches say",
        (Swap(MemoryKillSwitches, "stopping", lambda _self, _scopes: []),),
        (Flips("accepted", _N),),
        "D83",
    ),
    Bug(
        "missing-global-switch-passes",
        "a global switch that has no row lets everything pass",
        (Swap(SwitchScope, "must_exist", False),),  # noqa: FBT003  a property's constant value
        (Flips("accepted", _N),),
        "D83",
    ),
    Bug(
        "hold-passes",
        "a switch that holds lets everything pass",
        (Swap(MemoryKillSwitches, "stopping", _only_cancelling),),
        (Flips("accepted", _N),),
    ),
    Bug(
        "hold-cancels",
        "a switch that holds ends what should wait",
        (Swap(MemoryKillSwitches, "stopping", _all_cancelling),),
        (Plans("held", _N),),
    ),
    Bug(
        "tool-switch-not-asked",
        "a dispatch asks the switches known before the mapping, and not the tool's",
        (Swap(SwitchScope, "of_tool", lambda **_: ()),),
        (Flips("accepted", _N),),
        "D83",
    ),
    Bug(
        "expiry-not-checked-at-dispatch",
        "the approval's time is checked before the action waits, and not after",
        (Swap(tool_dispatch, "approval_unexpired", _allowed),),
        (Plans("expires-while-held", _N),),
        "D83",
    ),
    Bug(
        "expiry-never-checked",
        "nobody looks at the approval's time",
        (
            Swap(tool_dispatch, "approval_unexpired", _allowed),
            Swap(validate_preflight, "approval_unexpired", _allowed),
        ),
        (Plans("expired", _N),),
        "D83",
    ),
    Bug(
        "content-not-as-approved",
        "what runs need not be what was approved",
        (Swap(approved_action, "digest_matches", _allowed),),
        (Plans("tampered", _N),),
        "D81",
    ),
    Bug(
        "revocation-not-seen",
        "an approval that was taken back permits what has begun",
        (Swap(approved_action, "approval_present", _allowed),),
        (Plans("revoked-while-waiting", _L),),
        "D81",
    ),
)
