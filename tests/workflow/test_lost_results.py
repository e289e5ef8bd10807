"""A function that did its work and whose result was lost: nothing happens twice, and nothing untrue is recorded."""

import pytest

from adapters.memory.tool_gateway import Effects
from adapters.memory.tools import EffectKind
from domain.model.ledger import LedgerEventType
from domain.model.outcome import CompensationStatus, OutcomeStatus
from ports.steps.contract import STEPS, Junction, StepName
from tests.builders import a_mapping, a_ref, an_unsafe_mapping
from tests.support.faulty import Killed, When
from tests.support.stage import Stage
from tests.workflow.agreement import ended_as_recorded, recorded
from tests.workflow.scenarios import a_partial_answer, a_verifiable_mapping, halted, partial, plain

S = StepName
ROUTE_OF = {**dict.fromkeys(STEPS, plain), S.COMPENSATE_ACTION: partial, S.RECORD_FAILURE: halted}
LOST_ONCE = ["Runtime.ExitError", "Sandbox.Timedout", "States.Timeout", "Lambda.Unknown", "Lambda.ServiceException"]
MAPPINGS = {"idempotent": a_mapping, "verifiable": a_verifiable_mapping, "unsafe": an_unsafe_mapping}
CALLS = [
    ("journal", "find_attempt"),
    ("intents", "find"),
    ("registry", "find"),
    ("journal", "dispatch"),
    ("gateway", "send"),
    ("artifacts", "put"),
    ("journal", "advance"),
    ("external_writes", "record"),
]
"""Every port call of a plain InvokeTool, in order."""

IN_DOUBT = {
    ("dispatch", When.AFTER),
    ("send", When.BEFORE),
    ("send", When.AFTER),
    ("put", When.BEFORE),
    ("put", When.AFTER),
    ("advance", When.BEFORE),
}
"""Between the record of the dispatch and the record of the answer, nobody can know what the tool did."""


def _created(stage: Stage) -> int:
    return [effect.kind for effect in stage.gateway.effects].count(EffectKind.CREATED)


@pytest.mark.parametrize("error", LOST_ONCE)
@pytest.mark.parametrize("step", STEPS)
def test_a_result_lost_once_leaves_the_same_record(step: StepName, error: str) -> None:
    """Entered again after its work, each step finds what it did: same end, same ledger, one effect (D12, D18, D22)."""
    undisturbed, stage = Stage(), Stage()
    expected = ROUTE_OF[step](undisturbed)
    stage.break_function(step, error, times=1, after_the_work=True)
    run = ROUTE_OF[step](stage)
    assert run.path == expected.path
    assert run.tries(step) == [2]
    assert [entry.event_type for entry in stage.journal.ledger(a_ref())] == [
        entry.event_type for entry in undisturbed.journal.ledger(a_ref())
    ]
    assert [effect.kind for effect in stage.gateway.effects] == [effect.kind for effect in undisturbed.gateway.effects]
    assert ended_as_recorded(stage, run).status is recorded(undisturbed).status


@pytest.mark.parametrize(
    "step, terminal, status, created",
    [
        (S.START_EXECUTION, Junction.EXECUTION_FAILED, OutcomeStatus.FAILED, 0),
        (S.VALIDATE_PREFLIGHT, Junction.EXECUTION_FAILED, OutcomeStatus.FAILED, 0),
        (S.MAP_ACTION_TO_TOOL, Junction.EXECUTION_FAILED, OutcomeStatus.FAILED, 0),
        (S.INVOKE_TOOL, Junction.SUCCEEDED, OutcomeStatus.SUCCEEDED, 1),
        (S.COMPENSATE_ACTION, Junction.EXECUTION_FAILED, OutcomeStatus.FAILED, 1),
        (S.RECORD_OUTCOME, Junction.RECORDING_FAILED, OutcomeStatus.SUCCEEDED, 1),
        (S.RECORD_FAILURE, Junction.RECORDING_FAILED, OutcomeStatus.CANCELLED, 0),
    ],
)
def test_results_that_are_always_lost_end_in_what_the_stores_prove(
    step: StepName, terminal: Junction, status: OutcomeStatus, created: int
) -> None:
    """The attempt, not the lost reply, decides the outcome: a kept answer is a success, a kept undo a failure."""
    stage = Stage()
    stage.break_function(step, "Runtime.ExitError", after_the_work=True)
    run = ROUTE_OF[step](stage)
    assert (run.terminal, recorded(stage).status, _created(stage)) == (terminal, status, created)


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("port, method", CALLS)
@pytest.mark.parametrize("safety", MAPPINGS)
def test_a_crash_anywhere_in_the_invocation_never_acts_twice_or_lies(
    safety: str, port: str, method: str, when: When
) -> None:
    """Killed before or after any port call, the invoker creates one task at most, and the outcome says what exists."""
    stage = Stage(MAPPINGS[safety]())
    stage.port(S.INVOKE_TOOL, port).fail(method, Killed(), when=when)
    run = stage.run()
    assert "Runtime.ExitError" in [error for visit in run.visits for error in visit.errors]
    outcome = ended_as_recorded(stage, run)
    assert _created(stage) <= 1
    if safety == "unsafe" and (method, when) in IN_DOUBT:
        assert outcome.status is OutcomeStatus.UNKNOWN
        assert len(stage.gateway.sends) <= 1
    else:
        assert outcome.status is OutcomeStatus.SUCCEEDED
        assert [ref.object_id for ref in outcome.external_object_refs] == [stage.gateway.objects[0].object_id]


@pytest.mark.parametrize(
    "safety, when, status, sends",
    [
        ("idempotent", When.AFTER, OutcomeStatus.SUCCEEDED, 2),
        ("verifiable", When.AFTER, OutcomeStatus.SUCCEEDED, 1),
        ("unsafe", When.AFTER, OutcomeStatus.UNKNOWN, 1),
        ("idempotent", When.BEFORE, OutcomeStatus.SUCCEEDED, 1),
        ("verifiable", When.BEFORE, OutcomeStatus.SUCCEEDED, 1),
        ("unsafe", When.BEFORE, OutcomeStatus.UNKNOWN, 0),
    ],
)
def test_a_crash_around_the_call_is_resolved_by_effect_safety(
    safety: str, when: When, status: OutcomeStatus, sends: int
) -> None:
    """Resent under one key, asked about, or left UNKNOWN: never simply sent again (D18, D23)."""
    stage = Stage(MAPPINGS[safety]())
    stage.port(S.INVOKE_TOOL, "gateway").fail("send", Killed(), when=when)
    outcome = ended_as_recorded(stage, stage.run())
    made = [call for call in stage.gateway.sends if call.tool_name == "crm___create_task"]
    assert (outcome.status, len(made)) == (status, sends)
    kinds = [entry.event_type for entry in stage.journal.ledger(a_ref())]
    assert outcome.attempt_count == kinds.count(LedgerEventType.TOOL_DISPATCHED)


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize(
    "port, method",
    [
        ("journal", "find_attempt"),
        ("registry", "find"),
        ("journal", "advance"),
        ("gateway", "send"),
        ("artifacts", "put"),
    ],
)
def test_a_crash_anywhere_in_the_undo_undoes_once(port: str, method: str, when: When) -> None:
    """Killed before or after any port call, the undo is carried through on the next try and recorded COMPLETED."""
    stage = Stage()
    stage.gateway.answer_next(a_partial_answer(), effects=Effects.WRITTEN)
    stage.port(S.COMPENSATE_ACTION, port).fail(method, Killed(), when=when)
    outcome = ended_as_recorded(stage, stage.run())
    assert (outcome.status, outcome.compensation_status) == (OutcomeStatus.FAILED, CompensationStatus.COMPLETED)
    kinds = [effect.kind for effect in stage.gateway.effects]
    assert (kinds.count(EffectKind.CREATED), kinds.count(EffectKind.DELETED)) == (1, 1)
    assert stage.gateway.objects == []


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize(
    "port, method",
    [("journal", "settle"), ("journal", "find_signal"), ("publisher", "publish"), ("journal", "mark_published")],
)
def test_a_crash_anywhere_in_recording_leaves_one_outcome_and_at_least_one_signal(
    port: str, method: str, when: When
) -> None:
    """The outcome is written once; the signal may be published twice, under one id that consumers dedupe by."""
    stage = Stage()
    stage.port(S.RECORD_OUTCOME, port).fail(method, Killed(), when=when)
    run = stage.run()
    assert ended_as_recorded(stage, run).status is OutcomeStatus.SUCCEEDED
    assert run.tries(S.RECORD_OUTCOME) == [2]
    assert len({signal.signal_id for signal in stage.publisher.published}) == 1
