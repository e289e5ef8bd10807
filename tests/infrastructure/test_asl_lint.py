"""The walk over a state machine, shown to catch each planted defect."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from infrastructure.asl_lint import findings
from tests.infrastructure.test_asl import MACHINE

Damage = Callable[[dict[str, Any]], object]


def damaged(damage: Damage) -> list[str]:
    """What the walk says about the generated machine with one defect planted."""
    machine = copy.deepcopy(MACHINE)
    damage(machine["States"])
    return findings(machine)


DEFECTS: list[tuple[str, Damage, str]] = [
    (
        "a literal path, which every function would receive as text (D1)",
        lambda states: states["InvokeTool"]["Arguments"]["Payload"].update(start="$.start"),
        "is a path written as a literal",
    ),
    (
        "a JSONPath key, which JSONata does not know (D1)",
        lambda states: states["InvokeTool"]["Arguments"]["Payload"].update({"start.$": "x"}),
        "a key ends in .$",
    ),
    (
        "half an expression",
        lambda states: states["InvokeTool"]["Arguments"]["Payload"].update(start="{% $start"),
        "is half an expression",
    ),
    (
        "States.ALL before another catcher",
        lambda states: states["InvokeTool"]["Catch"].reverse(),
        "States.ALL in Catch is not alone and last",
    ),
    (
        "States.ALL in company",
        lambda states: states["MapActionToTool"]["Catch"][0]["ErrorEquals"].append("TransientError"),
        "States.ALL in Catch is not alone and last",
    ),
    (
        "an error name that nothing raises (D5)",
        lambda states: states["InvokeTool"]["Retry"][0].update(ErrorEquals=["TransientErorr"]),
        "names 'TransientErorr', which nothing raises",
    ),
    (
        "an error name given to two retriers",
        lambda states: states["InvokeTool"]["Retry"].append(states["InvokeTool"]["Retry"][0]),
        "names 'TransientError' twice",
    ),
    (
        "a route to nowhere",
        lambda states: states["InvokeTool"].update(Next="CheckInvocatoin"),
        "which does not exist",
    ),
    (
        "a state that no road reaches (D8)",
        lambda states: states.update(Orphan={"Type": "Succeed", "Comment": "x"}),
        "Orphan: cannot be reached",
    ),
    (
        "a task that ends nowhere",
        lambda states: [states["SpoolOutcome"].pop("Next"), states["SpoolOutcome"].pop("Catch")],
        "SpoolOutcome: a Task state that goes nowhere",
    ),
    ("a Fail state that goes on", lambda states: states["RecordingFailed"].update(Next="Succeeded"), "that goes on"),
    ("a Choice without a default", lambda states: states["CheckOutcome"].pop("Default"), "a Choice without Default"),
    ("a task without a timeout (D15)", lambda states: states["InvokeTool"].pop("TimeoutSeconds"), "no TimeoutSeconds"),
    (
        "a recorder without retries (D12)",
        lambda states: states["RecordOutcome"].pop("Retry"),
        "RecordOutcome: no Retry",
    ),
    (
        "a recorder without a catch (D12)",
        lambda states: states["RecordOutcome"].pop("Catch"),
        "RecordOutcome: no Catch",
    ),
    (
        "a retrier without jitter (D15)",
        lambda states: states["InvokeTool"]["Retry"][0].pop("JitterStrategy"),
        "a retrier without JitterStrategy",
    ),
    (
        "a retrier without a cap (D15)",
        lambda states: states["InvokeTool"]["Retry"][0].pop("MaxDelaySeconds"),
        "a retrier without MaxDelaySeconds",
    ),
    (
        "a catch that loses the error (D4)",
        lambda states: states["InvokeTool"]["Catch"][0].pop("Assign"),
        "a catcher that does not assign error",
    ),
    (
        "a task that lets an error through (D12)",
        lambda states: states["InvokeTool"].update(Catch=states["InvokeTool"]["Catch"][:1]),
        "no catcher for States.ALL",
    ),
    ("a state without a word", lambda states: states["InvokeTool"].pop("Comment"), "InvokeTool: no Comment"),
]


@pytest.mark.parametrize("damage, complaint", [(d, c) for _, d, c in DEFECTS], ids=[name for name, _, _ in DEFECTS])
def test_a_planted_defect_is_found(damage: Damage, complaint: str) -> None:
    """Each kind of mistake that validators miss, and some that they find, is named with its state."""
    assert [line for line in damaged(damage) if complaint in line]


@pytest.mark.parametrize(
    "key, value, complaint",
    [
        ("QueryLanguage", "JSONPath", "QueryLanguage is not JSONata"),
        ("TimeoutSeconds", None, "no TimeoutSeconds"),
        ("StartAt", "Begin", "StartAt 'Begin' does not exist"),
    ],
)
def test_a_machine_wide_defect_is_found(key: str, value: object, complaint: str) -> None:
    """The machine's own fields are looked at, not only its states."""
    assert [line for line in findings({**MACHINE, key: value}) if complaint in line]


def test_a_loop_without_an_end_is_found() -> None:
    """A machine that can only go round is reported as one without a terminal state."""
    spin = {"Type": "Wait", "Comment": "x", "Seconds": 1, "Next": "Spin"}
    machine = {"QueryLanguage": "JSONata", "TimeoutSeconds": 1, "StartAt": "Spin", "States": {"Spin": spin}}

    assert findings(machine) == ["machine: no terminal state can be reached"]
