"""What an operator reads while an action is tried again."""

import logging

import pytest

from domain.model.errors import ActionError
from domain.model.tool_call import TransportPhase
from tests.domain.use_cases.world import INVOKE, World


@pytest.mark.parametrize(
    "http_status, says", [(503, "tool invocation retry"), (403, "tool invocation given up")], ids=["again", "final"]
)
def test_each_failed_send_is_warned_about_with_its_number(
    http_status: int, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning per send names the intent, the attempt, the error and whether it will be tried again (R37)."""
    world = World()
    ready = world.ready()
    world.tools.fail_next(TransportPhase.HTTP_STATUS, times=2, http_status=http_status)
    with caplog.at_level(logging.WARNING, logger="domain"):
        for _ in range(2):
            with pytest.raises(ActionError):
                world.run(ready, INVOKE)
    warnings = [record.__dict__ for record in caplog.records if record.getMessage() == says]
    assert [(one["action_intent_id"], one["attempt"]) for one in warnings] == [("intent-1", 1), ("intent-1", 2)]
    assert {one["levelname"] for one in warnings} == {"WARNING"}
    assert all(one["error_code"] for one in warnings)
