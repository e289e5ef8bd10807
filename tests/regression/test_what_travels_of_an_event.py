"""What the steps see of an approval event: its three ids, whatever else its publisher sends."""

import json
from typing import Final

from pydantic import JsonValue

from ports.steps.contract import Junction, StepName
from tests.support.stage import APPROVAL, Stage

A_PUBLISHERS_OWN: Final[dict[str, JsonValue]] = {
    "parameters": {"title": "forged"},
    "jwt_token": "CANARY",
    "note": "n" * 62_000,
}
"""As much as fits the bound on a state when it stands alone; EventBridge would take four times as much."""


def test_no_step_sees_more_of_an_event_than_its_ids() -> None:
    """A large or forged event neither fills the state nor reaches a function, and the action runs as approved (D14)."""
    stage = Stage()
    run = stage.run({**APPROVAL, **A_PUBLISHERS_OWN})
    assert run.status == "SUCCEEDED"
    assert [payload["approval"] for _, payload in stage.received] == [APPROVAL] * len(stage.received)
    assert "CANARY" not in json.dumps(run.variables)


def test_a_large_event_does_not_make_a_state_too_large_to_spool() -> None:
    """The last resort must hold whatever the event held (D12, D14)."""
    stage = Stage()
    stage.break_function(StepName.RECORD_OUTCOME, "Lambda.Unknown")
    run = stage.run({**APPROVAL, **A_PUBLISHERS_OWN})
    assert run.terminal == Junction.RECORDING_FAILED
    assert len(json.dumps(stage.spooled[0])) < 65_536
    assert stage.spooled[0]["approval"] == APPROVAL
