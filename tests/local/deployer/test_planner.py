"""The planner: made-up answers that have the shape of real ones and never change."""

from typing import Any

import pulumi
import pytest

from local.deployer.frame import DeployError
from local.deployer.planner import ACCOUNT_ID, Planner


def planned(typ: str, name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Plan one resource in a fresh program."""
    return Planner("eu-central-1").new_resource(
        pulumi.runtime.MockResourceArgs(typ=typ, name=name, inputs=inputs, custom=True)
    )


def test_a_planned_resource_has_the_arn_that_aws_would_give_it() -> None:
    """Policies and outputs of a preview can be read as they will be."""
    url, queue = planned("aws:sqs/queue:Queue", "jobs", {"name": "stack-jobs"})
    assert queue["arn"] == f"arn:aws:sqs:eu-central-1:{ACCOUNT_ID}:stack-jobs"
    assert url == queue["url"] == f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT_ID}/stack-jobs"
    _, alias = planned("aws:lambda/alias:Alias", "step", {"name": "live", "functionName": "stack-step"})
    assert alias["arn"].endswith(":function:stack-step:live")


@pytest.mark.parametrize("bus, path", [("default", ""), ("company", "company/")])
def test_a_rule_of_the_default_bus_is_named_without_it(bus: str, path: str) -> None:
    """A queue policy that names the rule otherwise would let it deliver nothing."""
    _, rule = planned("aws:cloudwatch/eventRule:EventRule", "ended", {"name": "stack-ended", "eventBusName": bus})
    assert rule["arn"] == f"arn:aws:events:eu-central-1:{ACCOUNT_ID}:rule/{path}stack-ended"


def test_a_type_without_outputs_is_planned_with_its_inputs() -> None:
    """A policy document has nothing that another resource could be built on."""
    assert planned("aws:iam/rolePolicy:RolePolicy", "p", {"role": "r"}) == ("p-planned", {"role": "r"})


def test_a_name_declared_twice_is_refused_in_a_preview_too() -> None:
    """A deployment would fail on it."""
    planner = Planner("us-west-2")
    twice = pulumi.runtime.MockResourceArgs(typ="aws:sns/topic:Topic", name="alarms", inputs={}, custom=True)
    planner.new_resource(twice)
    with pytest.raises(DeployError, match="'alarms' is declared twice"):
        planner.new_resource(twice)


def test_an_unknown_question_is_refused_in_a_preview_too() -> None:
    """An empty answer would become `None` in a name."""
    with pytest.raises(DeployError, match="getZones"):
        Planner("us-west-2").call(pulumi.runtime.MockCallArgs("aws:index/getZones:getZones", {}, ""))
