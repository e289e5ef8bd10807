"""The attempt makes only its legal transitions, each with one entry of an unbroken ledger chain."""

import json
from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.model.attempt import Attempt, AttemptStatus, IllegalTransition
from domain.model.errors import OwnershipLost
from domain.model.idempotency import tool_run_ref
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.ledger import GENESIS_HASH, LedgerEntry, LedgerEventType, first_broken_entry
from tests.builders import EXECUTION_ARN, OTHER_EXECUTION_ARN, a_claim, a_dispatch, a_key, a_ref, an_object_ref, later

CLAIMED, DISPATCHED, SUCCEEDED, FAILED, CANCELLED, UNKNOWN = AttemptStatus

ALLOWED: Final = {
    (CLAIMED, CLAIMED),
    (CLAIMED, DISPATCHED),
    (CLAIMED, FAILED),
    (CLAIMED, CANCELLED),
    (DISPATCHED, CLAIMED),
    (DISPATCHED, DISPATCHED),
    (DISPATCHED, SUCCEEDED),
    (DISPATCHED, FAILED),
    (DISPATCHED, UNKNOWN),
    (UNKNOWN, UNKNOWN),
    (UNKNOWN, SUCCEEDED),
    (UNKNOWN, FAILED),
}
"""Written from the design, not from the code: nothing succeeds that was never sent, nothing is cancelled that may
have been sent, nothing leaves a settled state but UNKNOWN, and nothing is in doubt before it was sent. UNKNOWN stays
UNKNOWN while somebody looks into it."""


def in_status(status: AttemptStatus) -> Attempt:
    """The sample attempt as if it stood there."""
    sent = status in {DISPATCHED, UNKNOWN}
    return a_claim()[0].model_copy(update={"status": status, "open_send": sent})


def a_reply(status: InvocationStatus = InvocationStatus.SUCCEEDED, count: int = 1) -> Invocation:
    """A tool's answer that names one object."""
    return Invocation(
        status=status,
        tool_run_ref=tool_run_ref(a_key(), count),
        external_object_refs=(an_object_ref(),),
        attempt_count=count,
        completed_at=later(2),
    )


@pytest.mark.parametrize("target", AttemptStatus)
@pytest.mark.parametrize("origin", AttemptStatus)
def test_every_pair_of_statuses_is_legal_or_refused_as_designed(origin: AttemptStatus, target: AttemptStatus) -> None:
    """All thirty-six transitions against a table written from the design (D25, D62)."""
    attempt = in_status(origin)
    try:
        following, entry = attempt.advance(target, LedgerEventType.TOOL_REPLIED, {}, now=later())
    except IllegalTransition as error:
        assert (origin, target) not in ALLOWED
        assert f"{origin} may not become {target}" in str(error)  # noqa: PT017  the table says which it must be
    else:
        assert (origin, target) in ALLOWED
        assert (following.status, following.ledger_seq, following.ledger_hash) == (target, 2, entry.entry_hash)


@pytest.mark.parametrize(
    "status, terminal, nothing_done",
    [
        (CLAIMED, False, True),
        (DISPATCHED, False, False),
        (SUCCEEDED, True, False),
        (FAILED, True, False),
        (CANCELLED, True, True),
        (UNKNOWN, True, False),
    ],
)
def test_what_a_status_proves(status: AttemptStatus, *, terminal: bool, nothing_done: bool) -> None:
    """Only before a send, or cancelled before one, is it proved that nothing was done."""
    attempt = in_status(status)
    assert (attempt.is_terminal, attempt.nothing_was_done) == (terminal, nothing_done)


def test_a_claim_records_who_owns_what_and_who_approved_it() -> None:
    """The first entry carries owner, digest, version and approval, so that an auditor needs nothing else (D56)."""
    attempt, entry = a_claim()
    assert (attempt.status, attempt.attempt_count, attempt.in_doubt, attempt.fence) == (CLAIMED, 0, False, 1)
    assert (entry.seq, entry.previous_hash, entry.event_type) == (1, GENESIS_HASH, LedgerEventType.EXECUTION_STARTED)
    assert entry.data == {
        "owner": EXECUTION_ARN,
        "action_digest": attempt.action_digest,
        "action_type": "CREATE_CRM_TASK",
        "mapping_version": "v1",
        "approved_by": "approver-1",
        "approved_at": "2026-11-23T09:55:00+00:00",
    }
    assert (attempt.execution_trace_id, attempt.decision_trace_id) == (entry.trace_id, entry.decision_trace_id)


def test_a_dispatch_counts_and_remembers_the_first_send() -> None:
    """The count is the number of sends that were recorded, never a constant (D9)."""
    first, _ = a_dispatch(a_claim()[0], now=later(1))
    second, entry = a_dispatch(first, now=later(5))
    assert (second.attempt_count, second.first_dispatched_at, second.last_dispatched_at) == (2, later(1), later(5))
    assert entry.data["attempt_count"] == 2
    assert entry.data["tool_run_ref"] == tool_run_ref(a_key(), 2)


def test_a_send_on_top_of_an_unproved_one_leaves_doubt_that_its_own_failure_cannot_clear() -> None:
    """That the second call did nothing says nothing about the first (D25)."""
    first, _ = a_dispatch(a_claim()[0])
    second, _ = a_dispatch(first)
    after, _ = second.not_done(code="RATE_LIMIT", detail="429", now=later(3))
    assert (after.status, after.in_doubt, after.last_failure_code) == (DISPATCHED, True, "RATE_LIMIT")


def test_a_send_proved_undone_is_taken_back() -> None:
    """With no earlier doubt the attempt is as free as before the send, and still counts it."""
    sent, _ = a_dispatch(a_claim()[0])
    after, entry = sent.not_done(code="AUTH_FAILED", detail="401", now=later(3))
    assert (after.status, after.in_doubt, after.attempt_count) == (CLAIMED, False, 1)
    assert entry.event_type is LedgerEventType.TOOL_NOT_EXECUTED


def test_proof_of_absence_clears_all_doubt() -> None:
    """Only the tool's own side can say that no send of this key took effect."""
    sent, _ = a_dispatch(a_dispatch(a_claim()[0])[0])
    after, entry = sent.verified_absent(verify_tool="crm___find_task", now=later(9))
    assert (after.status, after.in_doubt, after.attempt_count) == (CLAIMED, False, 2)
    assert entry.data == {"verify_tool": "crm___find_task", "found": False, "attempt_count": 2}


def test_an_answer_is_kept_whole_and_ledgered() -> None:
    """A step entered again must find exactly the answer that came."""
    sent, _ = a_dispatch(a_claim()[0])
    reply = a_reply()
    after, entry = sent.replied(reply, now=later(2))
    assert after.reply == reply
    assert after.status is DISPATCHED
    assert entry.data["external_object_refs"] == [an_object_ref().model_dump(mode="json")]


def test_an_attempt_reads_back_from_its_own_json() -> None:
    """Nothing of an attempt is lost in a store that keeps JSON."""
    sent, _ = a_dispatch(a_claim()[0])
    after, _ = sent.replied(a_reply(), now=later(2))
    assert Attempt.model_validate(json.loads(after.model_dump_json())) == after


def test_only_the_owner_may_go_on() -> None:
    """Another execution is told who owns the attempt and at which fence (D22)."""
    attempt, _ = a_claim()
    assert attempt.owned_by(EXECUTION_ARN, 1) is attempt
    with pytest.raises(OwnershipLost) as caught:
        attempt.owned_by(OTHER_EXECUTION_ARN, 1)
    assert EXECUTION_ARN in caught.value.message
    assert caught.value.ids == {"action_intent_id": "intent-1", "tenant_id": "tenant-1"}


def test_no_caller_can_forge_the_head_of_the_chain() -> None:
    """Whatever a caller passes beside the transition, status and ledger head are the model's own."""
    attempt, _ = a_claim()
    following, entry = attempt.advance(
        CLAIMED, LedgerEventType.TOOL_REPLIED, {}, now=later(), ledger_seq=77, ledger_hash="f" * 64
    )
    assert (following.ledger_seq, following.ledger_hash) == (2, entry.entry_hash)


class AttemptLife(RuleBasedStateMachine):
    """Every order in which an attempt's methods may be called, with the truth kept beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.attempt = a_claim()[0]
        self.entries: list[LedgerEntry] = []
        self.sends = 0
        self.unproved: set[int] = set()
        self.clock = 1.0

    @initialize()
    def claim(self) -> None:
        """Start from a fresh claim."""
        self.attempt, entry = a_claim()
        self.entries = [entry]

    def take(self, step: tuple[Attempt, LedgerEntry]) -> None:
        """Accept a transition."""
        self.attempt, entry = step
        self.entries.append(entry)
        self.clock += 1

    @property
    def status(self) -> AttemptStatus:
        """Where the attempt stands; read anew each time."""
        return self.attempt.status

    @precondition(lambda self: self.status in {CLAIMED, DISPATCHED} and self.attempt.reply is None)
    @rule()
    def send(self) -> None:
        """Record one more call."""
        self.sends += 1
        self.unproved.add(self.sends)
        self.take(a_dispatch(self.attempt, now=later(self.clock)))

    @precondition(lambda self: self.status is DISPATCHED and self.attempt.reply is None and self.sends in self.unproved)
    @rule()
    def learn_that_the_last_send_did_nothing(self) -> None:
        """Take back the last send, and only that one."""
        self.unproved.remove(self.sends)
        self.take(self.attempt.not_done(code="RATE_LIMIT", detail="429", now=later(self.clock)))

    @precondition(lambda self: self.status is DISPATCHED and self.attempt.reply is None)
    @rule()
    def learn_that_nothing_exists(self) -> None:
        """Take back every send."""
        self.unproved.clear()
        self.take(self.attempt.verified_absent(verify_tool="crm___find_task", now=later(self.clock)))

    @precondition(lambda self: self.status is DISPATCHED)
    @rule(status=st.sampled_from([InvocationStatus.SUCCEEDED, InvocationStatus.FAILED, InvocationStatus.PARTIAL]))
    def hear_an_answer(self, status: InvocationStatus) -> None:
        """Keep an answer."""
        self.take(self.attempt.replied(a_reply(status, self.attempt.attempt_count), now=later(self.clock)))

    @precondition(lambda self: self.status is not DISPATCHED)
    @rule()
    def an_answer_without_a_send_is_refused(self) -> None:
        """Nothing can answer a call that is not on its way; where the outcome is UNKNOWN one may be."""
        if self.status in {CLAIMED, UNKNOWN}:
            return
        with pytest.raises(IllegalTransition):
            self.attempt.replied(a_reply(), now=later(self.clock))

    @rule(target_status=st.sampled_from(AttemptStatus))
    def settle(self, target_status: AttemptStatus) -> None:
        """Try to settle in every status; only the designed ones succeed."""
        if target_status in {CLAIMED, DISPATCHED}:
            return
        event = LedgerEventType.ACTION_UNKNOWN
        if (self.status, target_status) in ALLOWED:
            self.take(self.attempt.advance(target_status, event, {}, now=later(self.clock)))
            return
        with pytest.raises(IllegalTransition):
            self.attempt.advance(target_status, event, {}, now=later(self.clock))

    @invariant()
    def the_chain_holds_and_ends_at_the_attempts_head(self) -> None:
        """One entry for each transition, each sealed to the one before."""
        assert first_broken_entry(self.entries) is None
        if self.entries:
            head = self.entries[-1]
            assert (self.attempt.ledger_seq, self.attempt.ledger_hash) == (head.seq, head.entry_hash)
            assert self.attempt.ledger_seq == len(self.entries)

    @invariant()
    def the_count_is_the_number_of_sends(self) -> None:
        """Never more, never less, whatever came of them (D9)."""
        assert self.attempt.attempt_count == self.sends
        assert sum(entry.event_type is LedgerEventType.TOOL_DISPATCHED for entry in self.entries) == self.sends

    @invariant()
    def doubt_is_what_the_sends_before_the_last_left(self) -> None:
        """Only proof clears it, and an attempt is free again exactly when every send is proved undone."""
        assert self.attempt.in_doubt is bool(self.unproved - {self.sends})
        if self.status in {CLAIMED, DISPATCHED}:
            assert (self.status is DISPATCHED) is bool(self.unproved)


AttemptLife.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestAttemptLife = AttemptLife.TestCase


def test_another_intents_attempt_has_another_chain() -> None:
    """Two intents never share an entry hash, though everything else is equal."""
    one, other = a_dispatch(a_claim()[0]), a_dispatch(a_claim()[0].model_copy(update={"tenant_id": "tenant-2"}))
    assert one[1].entry_hash != other[1].entry_hash
    assert other[0].ref == a_ref(tenant_id="tenant-2")
