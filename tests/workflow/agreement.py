"""What must agree after every execution: outcome, attempt, ledger, signal, execution, and what the tools really did.

One predicate for all scenarios, so that no scenario can forget a witness. It asserts and returns the outcome.
"""

from domain.model.ledger import LedgerEventType, first_broken_entry
from domain.model.outcome import Outcome, OutcomeStatus
from domain.model.signal import SignalType, outcome_facts
from domain.model.tool_call import CallPurpose
from domain.policies.audit import findings
from ports.steps.contract import OUTCOME_ROUTING, Junction
from tests.builders import NOW, a_ref
from tests.support.asl_interpreter import Run
from tests.support.stage import Stage


def recorded(stage: Stage) -> Outcome:
    """Assert that outcome, attempt, ledger and signal say the same, and return the outcome."""
    ref = a_ref()
    outcome, attempt, ledger = (
        stage.journal.find_outcome(ref),
        stage.journal.find_attempt(ref),
        stage.journal.ledger(ref),
    )
    assert outcome is not None
    assert attempt is not None
    kind = SignalType.of(outcome.status)
    assert attempt.status.value == outcome.status.value
    assert ledger[-1].event_type is kind.ledger_event
    assert findings(attempt, outcome, ledger) == ()
    assert [entry.event_type for entry in ledger].count(kind.ledger_event) == 1
    assert first_broken_entry(ledger) is None
    assert (len(ledger), ledger[-1].entry_hash) == (attempt.ledger_seq, attempt.ledger_hash)
    dispatches = [entry for entry in ledger if entry.event_type is LedgerEventType.TOOL_DISPATCHED]
    sends = [call for call in stage.gateway.sends if call.purpose is CallPurpose.INVOKE]
    assert outcome.attempt_count == attempt.attempt_count == len(dispatches) >= len(sends)
    assert {entry.trace_id for entry in ledger} == {outcome.trace_id} == {attempt.owner.rsplit(":", 1)[-1]}
    assert NOW <= outcome.started_at <= outcome.completed_at <= outcome.recorded_at
    published = stage.publisher.published
    assert {signal.signal_type for signal in published} == {kind}
    assert [signal.data for signal in published] == [outcome_facts(outcome)] * len(published)
    kept = stage.journal.find_signal(ref, published[0].signal_id)
    assert kept is not None
    assert kept.published_at is not None
    return outcome


def ended_as_recorded(stage: Stage, run: Run) -> Outcome:
    """Assert, besides, that the execution ended in the outcome's own way, and return the outcome."""
    outcome = recorded(stage)
    assert run.terminal == OUTCOME_ROUTING.routes[outcome.status.value]
    if outcome.status is OutcomeStatus.SUCCEEDED:
        assert run.status == "SUCCEEDED"
        assert run.output["signal_id"] == stage.publisher.published[0].signal_id
    else:
        assert (run.status, run.error, run.cause) == ("FAILED", outcome.error_code, outcome.error_message)
    assert stage.spooled == []
    return outcome


def nothing_recorded(stage: Stage) -> None:
    """Assert that no outcome, no signal and no terminal attempt exist."""
    attempt = stage.journal.find_attempt(a_ref())
    assert stage.journal.find_outcome(a_ref()) is None
    assert stage.publisher.published == ()
    assert attempt is None or not attempt.is_terminal


def spooled_once(stage: Stage, run: Run) -> None:
    """Assert that the execution ended visibly and that its whole state is on the spool queue."""
    assert (run.status, run.error, run.terminal) == ("FAILED", "RecordingFailed", Junction.RECORDING_FAILED)
    assert len(stage.spooled) == 1
