"""Queues and bus as declared."""

import pytest

from infrastructure.naming import handler_dlq
from ports.steps.contract import FUNCTIONS
from tests.infrastructure.program import ACCOUNT, Recording, run

QUEUES = [
    *("ingress-dlq", "outcome-spool", "compensation-tasks", "attention", "quarantine"),
    *(handler_dlq(spec.component) for spec in FUNCTIONS.values()),
]
FILLED_BY_RULES = {"ingress-dlq", "execution-reconciler-handler-dlq"}


def test_the_queues_are_these(dev: Recording) -> None:
    """What arrives badly, what could not be recorded, what a person is asked for, and what a function gave up."""
    assert set(dev.exports["queues"]) == set(QUEUES)
    assert {queue.name for queue in dev.of("aws:sqs/queue:Queue")} == set(QUEUES)


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_is_encrypted_and_keeps_a_fortnight(dev: Recording, queue: str) -> None:
    """R72, D72: nothing on a queue is readable at rest, and an operator has fourteen days."""
    inputs = dev.one("aws:sqs/queue:Queue", queue).inputs

    assert inputs["name"] == f"cc-native-dev-{queue}"
    assert inputs["sqsManagedSseEnabled"] is True
    assert inputs["messageRetentionSeconds"] == 14 * 86_400


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_speaks_tls_only(dev: Recording, queue: str) -> None:
    """Every queue has one policy, on its own ARN, that refuses plain HTTP."""
    first, *others = dev.one("aws:sqs/queuePolicy:QueuePolicy", queue).document("policy")["Statement"]

    assert (first["Effect"], first["Action"]) == ("Deny", "sqs:*")
    assert first["Resource"] == f"arn:aws:sqs:us-west-2:{ACCOUNT}:cc-native-dev-{queue}"
    assert first["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(others) == (1 if queue in FILLED_BY_RULES else 0)


def test_a_supplied_bus_is_used_and_not_managed() -> None:
    """R90: rule, target, environment and grant are on the bus that exists already."""
    recording = run("dev", eventBusName="company-bus")

    assert recording.of("aws:cloudwatch/eventBus:EventBus") == []
    assert recording.exports["event_bus"] == "company-bus"
    for kind in ("eventRule:EventRule", "eventTarget:EventTarget"):
        assert recording.one(f"aws:cloudwatch/{kind}", "action-approved").inputs["eventBusName"] == "company-bus"
    recorder = recording.one("aws:lambda/function:Function", "execution-recorder")
    assert recorder.inputs["environment"]["variables"]["EVENT_BUS_NAME"] == "company-bus"
    policy = recording.one("aws:iam/rolePolicy:RolePolicy", "execution-recorder").inputs["policy"]
    assert f'"arn:aws:events:us-west-2:{ACCOUNT}:event-bus/company-bus"' in policy
