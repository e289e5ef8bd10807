"""The deployer's rules and targets: by pattern or by clock, with or without a role."""

from typing import Any

import pytest

from local.deployer.events import event_rule, event_target
from local.deployer.frame import DeployError, Inputs


class EventsRecorder:
    """Keeps the requests that would create rules and targets."""

    region = "us-west-2"

    def __init__(self) -> None:
        self.rule: dict[str, Any] = {}
        self.targets: dict[str, Any] = {}

    def client(self, service: str) -> "EventsRecorder":
        """Return itself as the EventBridge client."""
        assert service == "events"
        return self

    def put_rule(self, **request: Any) -> dict[str, str]:  # noqa: ANN401 - boto3's own shape
        """Keep the request."""
        self.rule = request
        return {"RuleArn": "arn:rule"}

    def put_targets(self, **request: Any) -> dict[str, object]:  # noqa: ANN401 - boto3's own shape
        """Keep the request, and refuse none of it."""
        self.targets = request
        return {"FailedEntryCount": 0, "FailedEntries": []}


@pytest.mark.parametrize(
    "key, value, member",
    [
        ("eventPattern", '{"source": ["aws.states"]}', "EventPattern"),
        ("scheduleExpression", "rate(1 minute)", "ScheduleExpression"),
    ],
)
def test_a_rule_is_created_by_pattern_or_by_clock(key: str, value: str, member: str) -> None:
    """What is not declared is not sent: an empty pattern or schedule would be refused."""
    aws, inputs = EventsRecorder(), Inputs({"name": "ended", "eventBusName": "default", key: value})
    assert event_rule(inputs, aws).outputs == {"arn": "arn:rule"}
    assert inputs.unread() == []
    assert {name: aws.rule.get(name) for name in ("EventPattern", "ScheduleExpression") if name in aws.rule} == {
        member: value
    }
    assert (aws.rule["Name"], aws.rule["EventBusName"], aws.rule["State"]) == ("ended", "default", "ENABLED")


def test_a_rule_that_nothing_could_set_off_is_refused() -> None:
    """It would look deployed and never fire."""
    with pytest.raises(DeployError, match="neither"):
        event_rule(Inputs({"name": "ended", "eventBusName": "default"}), EventsRecorder())


@pytest.mark.parametrize("extra", [{}, {"roleArn": "arn:role", "inputPath": "$.detail"}], ids=["plain", "with a role"])
def test_a_target_has_the_role_and_path_that_it_declares_and_no_other(extra: dict[str, str]) -> None:
    """A function is let in by its own policy and takes no role; a state machine cannot do without one."""
    aws = EventsRecorder()
    inputs = Inputs({"rule": "ended", "eventBusName": "default", "targetId": "t", "arn": "arn:function:live", **extra})
    event_target(inputs, aws)
    assert inputs.unread() == []
    (target,) = aws.targets["Targets"]
    members = {"roleArn": "RoleArn", "inputPath": "InputPath"}
    assert target == {"Id": "t", "Arn": "arn:function:live", **{members[key]: value for key, value in extra.items()}}
