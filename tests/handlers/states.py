"""One payload per step, exactly as the machine passes it, taken from real executions."""

from functools import cache
from typing import Any

from ports.steps.contract import STEPS, StepName
from tests.support.stage import Stage
from tests.workflow.scenarios import SCENARIOS


@cache
def _received() -> dict[StepName, dict[str, Any]]:
    found: dict[StepName, dict[str, Any]] = {}
    for name in ("partial", "halted"):
        stage = Stage()
        SCENARIOS[name].play(stage)
        found |= dict(stage.received)
    assert set(found) == set(STEPS)
    return found


def a_payload(step: StepName, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  JSON of any shape
    """Return the payload that a step receives, with top-level fields changed; ``...`` removes one."""
    return {key: value for key, value in {**_received()[step], **changes}.items() if value is not ...}
