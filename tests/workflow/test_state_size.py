"""The state stays small, however much a tool says (D14)."""

import json

from adapters.memory.tool_gateway import Effects
from domain.model.outcome import OutcomeStatus
from domain.model.tool_call import ToolAnswer
from domain.policies.answers import MAX_REFS
from ports.steps.state import MAX_STATE_BYTES
from tests.builders import an_approved_intent
from tests.support.stage import Stage
from tests.workflow.agreement import recorded


def _largest_answer() -> ToolAnswer:
    refs = [
        {
            "object_type": "T" * 64,
            "object_id": f"{number:03d}" + "i" * 253,
            "object_url": f"https://crm.example.com/{number:03d}/".ljust(1_024, "u"),
        }
        for number in range(MAX_REFS)
    ]
    contract = {"success": False, "external_objects": refs, "error_message": "é" * 4_000, "chatter": "x" * 300_000}
    return ToolAnswer.model_validate({"is_error": True, "structured": contract})


def test_the_largest_answer_a_tool_may_give_fits_the_state() -> None:
    """Every object named and undone, each with the longest id and url, stays below the bound in every payload."""
    stage = Stage()
    stage.gateway.answer_next(_largest_answer(), effects=Effects.NONE)
    stage.run()
    outcome = recorded(stage)
    assert len(outcome.external_object_refs) == len(outcome.compensation_refs) == MAX_REFS
    assert outcome.status is OutcomeStatus.FAILED
    largest = max(len(json.dumps(payload)) for _, payload in stage.received)
    assert MAX_STATE_BYTES / 2 < largest < MAX_STATE_BYTES


def test_large_parameters_travel_by_reference() -> None:
    """Arguments of 200 kB reach the tool and never the state."""
    stage = Stage()
    stage.approve(an_approved_intent(parameters={"title": "t" * 200_000}))
    run = stage.run()
    assert run.status == "SUCCEEDED"
    assert len(str(stage.gateway.sends[0].arguments["title"])) == 200_000
    assert max(len(json.dumps(payload)) for _, payload in stage.received) < 8_192


def test_the_spool_message_of_the_largest_state_fits_the_queue() -> None:
    """The whole state with everything in it is still one message (D12)."""
    stage = Stage()
    stage.gateway.answer_next(_largest_answer(), effects=Effects.NONE)
    stage.break_function("RecordOutcome", "Lambda.Unknown", cause="c" * 8_000)
    stage.run()
    assert len(json.dumps(stage.spooled[0])) < MAX_STATE_BYTES
