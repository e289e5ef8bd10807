"""Every edge of the generated machine, driven by real steps with the real output of the step before."""

from functools import cache

import pytest

from adapters.memory.tools import EffectKind
from domain.model.errors import CROSSING_ERRORS
from domain.model.ledger import LedgerEventType
from domain.model.outcome import OutcomeStatus
from domain.model.tool_call import CallPurpose
from ports.steps.contract import OUTCOME_ROUTING, SECTIONS, STEPS, Junction, StepName
from ports.steps.state import ExecutionState
from tests.builders import EXECUTION_ARN, OTHER_EXECUTION_ARN, a_ref
from tests.support.asl_interpreter import Run, edges_of
from tests.support.stage import APPROVAL, Stage, the_machine
from tests.workflow.agreement import ended_as_recorded, nothing_recorded, recorded, spooled_once
from tests.workflow.scenarios import SCENARIOS


@cache
def played(name: str) -> tuple[Stage, Run]:
    """Play a scenario once; nobody changes its stage afterwards."""
    scenario = SCENARIOS[name]
    stage = Stage(scenario.mapping())
    return stage, scenario.play(stage)


def _count(stage: Stage, kind: EffectKind) -> int:
    return [effect.kind for effect in stage.gateway.effects].count(kind)


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_execution_ends_as_its_cause_demands(name: str) -> None:
    """Terminal state, outcome, attempt, ledger, signal and the tools' own effect log all tell the same story (D13)."""
    scenario, (stage, run) = SCENARIOS[name], played(name)
    assert run.terminal == scenario.terminal
    assert (_count(stage, EffectKind.CREATED), _count(stage, EffectKind.DELETED)) == (
        scenario.created,
        scenario.deleted,
    )
    assert sum(call.purpose is CallPurpose.INVOKE for call in stage.gateway.sends) == scenario.sends
    if scenario.error_code:
        assert (run.status, run.error) == ("FAILED", scenario.error_code)
    if scenario.outcome is None:
        nothing_recorded(stage)
        return
    outcome = ended_as_recorded(stage, run) if run.terminal in _OWN_ENDS[scenario.outcome] else recorded(stage)
    assert (outcome.status, outcome.compensation_status) == (scenario.outcome, scenario.compensation)


_OWN_ENDS = {OutcomeStatus(status): {target} for status, target in OUTCOME_ROUTING.routes.items()}


def test_the_scenarios_drive_every_edge_of_the_machine() -> None:
    """An edge that no scenario takes is an edge that nobody has seen work."""
    taken = {edge for name in SCENARIOS for edge in played(name)[1].edges}
    declared = set(edges_of(the_machine()))
    assert declared - taken == set()
    assert taken - declared == set()


def test_the_scenarios_reach_every_state() -> None:
    """No state is decoration."""
    reached = {state for name in SCENARIOS for state in played(name)[1].path}
    assert reached == set(the_machine()["States"]) == {*StepName, *Junction}


@pytest.mark.parametrize("name", SCENARIOS)
def test_steps_receive_values_and_never_a_path_or_an_envelope(name: str) -> None:
    """No payload holds an unevaluated path (D1) or Lambda's own envelope around a section (D2)."""
    stage, _ = played(name)
    for step, payload in stage.received:
        texts = list(_texts(payload))
        assert not [text for text in texts if text.startswith(("$", "{%"))], step
        for section in SECTIONS:
            assert "StatusCode" not in (payload.get(section) or {})


def _texts(node: object) -> list[str]:
    match node:
        case str():
            return [node]
        case dict():
            return [text for value in node.values() for text in _texts(value)]
        case list():
            return [text for value in node for text in _texts(value)]
        case _:
            return []


@pytest.mark.parametrize("name", [name for name in SCENARIOS if "broken" not in name])
def test_whatever_a_step_established_reaches_every_later_step(name: str) -> None:
    """No result replaces another: each step gets all of its sections as they were returned, errors beside (D3)."""
    stage, run = played(name)
    for step, payload in stage.received:
        assert set(payload) == {"contract_version", "execution_arn", "started_at", "approval", *STEPS[step].inputs}
        assert payload["execution_arn"] in {EXECUTION_ARN, OTHER_EXECUTION_ARN}
        for section in STEPS[step].requires:
            assert payload[section] is not None
    last_payload = stage.received[-1][1]
    for section in set(last_payload) & set(SECTIONS):
        assert last_payload[section] == run.variables[section]


def test_a_gateway_that_refuses_for_good_leads_through_compensation_with_all_ids() -> None:
    """PermanentError goes to CompensateAction, then to RecordOutcome, and no id is lost (R87, D4, D6, D8)."""
    stage, run = played("forbidden")
    assert run.path[3:] == [
        StepName.INVOKE_TOOL,
        StepName.COMPENSATE_ACTION,
        StepName.RECORD_OUTCOME,
        Junction.CHECK_OUTCOME,
        Junction.EXECUTION_FAILED,
    ]
    payload = dict(stage.received)[StepName.COMPENSATE_ACTION]
    assert payload["approval"] == APPROVAL
    assert payload["error"]["Error"] == "PermanentError"
    assert payload["mapping"]["idempotency_key"] == stage.gateway.sends[0].idempotency_key


@pytest.mark.parametrize("name, undo_calls", [("forbidden", 0), ("refused", 0), ("partial", 1), ("silent, unsafe", 0)])
def test_undoing_follows_evidence_and_not_the_kind_of_error(name: str, undo_calls: int) -> None:
    """Only an object that is named as existing is undone; a refusal or a doubt calls no undo tool (D7)."""
    sends = played(name)[0].gateway.sends
    assert sum(call.purpose is CallPurpose.COMPENSATE for call in sends) == undo_calls


def test_the_outcome_counts_the_calls_that_were_made() -> None:
    """``attempt_count`` is the number of dispatches in the ledger, not a constant (D9)."""
    counts = {name: recorded(played(name)[0]).attempt_count for name in ("carried out", "told to wait", "halted")}
    assert counts == {"carried out": 1, "told to wait": 2, "halted": 0}


@pytest.mark.parametrize("name", ["unknown intent", "halted", "missing mapping", "validator broken"])
def test_an_early_failure_needs_no_tool_response_to_be_recorded(name: str) -> None:
    """RecordFailure works from whatever sections exist (D10)."""
    _, run = played(name)
    assert run.tries(StepName.RECORD_FAILURE) == [1]
    assert run.terminal == Junction.EXECUTION_FAILED


@pytest.mark.parametrize("name", ["carried out", "halted", "forbidden", "silent, unsafe"])
def test_trace_and_start_are_known_on_every_path(name: str) -> None:
    """The execution's own trace, the decision's trace and the start time are in every outcome (D11)."""
    stage, _ = played(name)
    outcome = recorded(stage)
    assert (outcome.trace_id, outcome.decision_trace_id) == ("execution-1", "decision-trace-1")
    assert {payload["started_at"] for _, payload in stage.received} == {"2026-11-23T10:00:00.000Z"}


@pytest.mark.parametrize("name", ["outcome store down", "failure store down", "recorder broken"])
def test_an_outcome_that_cannot_be_recorded_is_spooled_whole(name: str) -> None:
    """The spool message is one ExecutionState document from which the outcome can still be settled (D12)."""
    stage, run = played(name)
    spooled_once(stage, run)
    state = ExecutionState.model_validate(stage.spooled[0])
    assert state.intent_ref == a_ref()
    assert state.start is not None
    assert state.error is not None
    assert state.error.Error in {*CROSSING_ERRORS, "Lambda.Unknown"}
    assert (state.invocation is not None) == (name != "failure store down")
    assert run.tries(Junction.SPOOL_OUTCOME) == [1]


def test_a_recording_that_reaches_no_store_at_all_still_ends_visibly() -> None:
    """With tables and spool queue down the execution fails after patient retries, and keeps its state (D12)."""
    stage, run = played("spool down")
    assert (run.status, run.error) == ("FAILED", "RecordingFailed")
    assert run.tries(Junction.SPOOL_OUTCOME) == [7]
    assert stage.spooled == []
    assert run.variables["invocation"]["status"] == "SUCCEEDED"


def test_a_duplicate_approval_changes_nothing() -> None:
    """The second execution ends in DuplicateSuppressed after one step and leaves every record as it was (D21)."""
    stage = Stage()
    stage.run()
    before = (
        stage.journal.find_attempt(a_ref()),
        stage.journal.find_outcome(a_ref()),
        stage.journal.ledger(a_ref()),
        stage.publisher.published,
        stage.gateway.sends[:],
    )
    run = stage.run(execution_arn=OTHER_EXECUTION_ARN)
    assert run.path == [StepName.START_EXECUTION, Junction.DUPLICATE_SUPPRESSED]
    assert (run.status, run.output) == ("SUCCEEDED", {"status": "DUPLICATE_SUPPRESSED"})
    assert before == (
        stage.journal.find_attempt(a_ref()),
        stage.journal.find_outcome(a_ref()),
        stage.journal.ledger(a_ref()),
        stage.publisher.published,
        stage.gateway.sends,
    )


@pytest.mark.parametrize("name", ["carried out", "outcome store down"], ids=["settled", "in flight"])
def test_a_second_execution_that_fails_before_it_can_claim_changes_nothing(name: str) -> None:
    """Its failure is its own: the intent's outcome belongs to the execution that owns it (D21)."""
    stage = Stage()
    SCENARIOS[name].play(stage)
    before = stage.journal.find_attempt(a_ref()), stage.journal.find_outcome(a_ref()), stage.publisher.published
    stage.break_function(StepName.START_EXECUTION, "Lambda.Unknown")
    run = stage.run(execution_arn=OTHER_EXECUTION_ARN)
    assert (run.terminal, run.variables["outcome"]["recorded"]) == (Junction.EXECUTION_FAILED, False)
    after = stage.journal.find_attempt(a_ref()), stage.journal.find_outcome(a_ref()), stage.publisher.published
    assert after == before


def test_waiting_for_the_tool_takes_the_tools_own_time() -> None:
    """DEFERRED leads to a Wait of exactly Retry-After, then to the tool again."""
    _, run = played("told to wait")
    assert run.path.count(Junction.WAIT_FOR_TOOL) == 1
    assert [visit.waits_seconds for visit in run.visits if visit.state == Junction.WAIT_FOR_TOOL] == [[7]]
    assert run.path.count(StepName.INVOKE_TOOL) == 2


def test_the_ledger_tells_the_whole_way_of_a_carried_out_action() -> None:
    """Claim, dispatch, answer and outcome are one chain in this order."""
    stage, _ = played("carried out")
    assert [entry.event_type for entry in stage.journal.ledger(a_ref())] == [
        LedgerEventType.EXECUTION_STARTED,
        LedgerEventType.TOOL_DISPATCHED,
        LedgerEventType.TOOL_REPLIED,
        LedgerEventType.ACTION_EXECUTED,
    ]
