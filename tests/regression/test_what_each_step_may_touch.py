"""What each step may touch, written down once more apart from the step contract that everything is generated from.

A grant that slips into the contract is in the IAM documents, the environments and the tests at the same moment; here
it is seen.
"""

from typing import Final

import pytest

from ports.steps.contract import FUNCTIONS, StepName, Worker
from ports.steps.resources import ResourceKind

S = StepName
GATEWAY: Final = {"gateway-credentials:GET", "execution-artifacts:PUT"}
CAPACITY: Final = {"connector-capacity:GET", "connector-capacity:PUT"}
RECORDER: Final = {
    *("execution-attempts:GET", "execution-attempts:PUT", "execution-outcomes:GET", "execution-outcomes:PUT"),
    *("ledger:PUT", "signals:GET", "signals:PUT", "signals:UPDATE", "event-bus:PUBLISH"),
}
MAY: Final = {
    S.START_EXECUTION: {"action-intents:GET", "execution-attempts:PUT", "ledger:PUT"},
    S.VALIDATE_PREFLIGHT: {"action-intents:GET", "kill-switches:GET"},
    S.MAP_ACTION_TO_TOOL: {"action-intents:GET", "action-type-registry:GET"},
    S.INVOKE_TOOL: {
        *("action-intents:GET", "action-type-registry:GET", "execution-attempts:GET", "execution-attempts:PUT"),
        *("ledger:PUT", "kill-switches:GET", "kill-switches:CHECK", "external-write-dedupe:PUT"),
        *CAPACITY,
        *GATEWAY,
    },
    S.COMPENSATE_ACTION: {
        *("action-type-registry:GET", "execution-attempts:GET", "execution-attempts:PUT", "ledger:PUT"),
        "external-write-dedupe:GET",
        *GATEWAY,
    },
    S.RECORD_OUTCOME: RECORDER,
    S.RECORD_FAILURE: {*RECORDER, "quarantine:SEND"},
    Worker.RECONCILER: {
        *RECORDER,
        *CAPACITY,
        *GATEWAY,
        *("action-intents:GET", "action-type-registry:GET", "execution-attempts:QUERY", "signals:QUERY"),
        *("kill-switches:CHECK", "external-write-dedupe:GET", "external-write-dedupe:PUT", "executions:DESCRIBE"),
        *("compensation-tasks:SEND", "attention:SEND", "quarantine:SEND"),
    },
}


@pytest.mark.parametrize("step", FUNCTIONS)
def test_a_step_touches_what_its_work_needs_and_no_more(step: StepName | Worker) -> None:
    """Only who acts writes, only recorders settle, nobody but the caller of the gateway reads its secret (R77, D64)."""
    granted = {
        f"{use.resource}:{access}"
        for use in FUNCTIONS[step].uses
        for access in use.access
        if use.resource.kind is not ResourceKind.SETTING
    }
    assert granted == MAY[step]
