"""Physical names: their form, and what is refused before a service refuses it."""

import pytest

from infrastructure.naming import IllegalName, Names, handler_dlq, partition_of

NAMES = Names("cc-native", "dev", "us-west-2")


@pytest.mark.parametrize(
    "component, queue",
    [
        ("tool-mapper", "tool-mapper-handler-dlq"),
        ("tool-invoker", "tool-invoker-handler-dlq"),
        ("execution-recorder", "execution-recorder-handler-dlq"),
        ("compensation-handler", "compensation-handler-dlq"),
    ],
)
def test_a_dead_letter_queue_keeps_its_planned_name(component: str, queue: str) -> None:
    """R72: the four names of the plan, without a doubled "handler"."""
    assert handler_dlq(component) == queue


def test_names_carry_prefix_and_stack() -> None:
    """D79: two stacks in one account share no name."""
    assert NAMES.function("tool-mapper") == "cc-native-dev-tool-mapper"
    assert NAMES.machine == "cc-native-dev-execution-orchestrator"
    assert NAMES.bucket("123456789012") == "cc-native-dev-execution-artifacts-123456789012-us-west-2"


def test_a_name_that_is_too_long_is_refused() -> None:
    """The message says how long it is and what the service allows."""
    with pytest.raises(IllegalName) as refused:
        NAMES.function("x" * 60)

    assert "has 74 characters and its service allows 64" in str(refused.value)


@pytest.mark.parametrize("component", ["Upper", "two--hyphens", "under_score", "ends-", ""])
def test_a_name_with_other_characters_is_refused(component: str) -> None:
    """One alphabet for every service, so that no name works here and fails there."""
    with pytest.raises(IllegalName) as refused:
        NAMES.of(component)

    assert "no legal name" in str(refused.value)


@pytest.mark.parametrize(
    "region, partition", [("us-west-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_arns_follow_the_partition(region: str, partition: str) -> None:
    """An ARN of the wrong partition names nothing."""
    assert partition_of(region) == partition
    assert Names("cc", "dev", region).machine_arn("1" * 12).startswith(f"arn:{partition}:states:{region}:")


def test_the_machines_executions_are_known_before_the_machine_is() -> None:
    """Every execution of this machine, and of no other whose name only begins alike."""
    pattern = NAMES.execution_arns("123456789012")

    assert pattern == "arn:aws:states:us-west-2:123456789012:execution:cc-native-dev-execution-orchestrator:*"
    assert pattern.removesuffix(":*").replace(":execution:", ":stateMachine:") == NAMES.machine_arn("123456789012")
