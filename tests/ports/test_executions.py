"""The contract of the executions, over every adapter: each status as the workflow service has it now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws
from moto.stepfunctions.models import stepfunctions_backends

from adapters.memory.executions import MemoryExecutions
from adapters.stepfunctions.executions import StepFunctionsExecutions
from domain.model.execution_status import ExecutionStatus
from tests.builders import EXECUTION_ARN, OTHER_EXECUTION_ARN

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from ports.executions import Executions

ACCOUNT, REGION = "123456789012", "us-west-2"
MACHINE = "cc-native-test-executor"
KNOWN = [status for status in ExecutionStatus if status is not ExecutionStatus.GONE]


@dataclass(frozen=True)
class Subject:
    """The port, and the workflow service as a test plays it: an execution's ARN and its status."""

    executions: Executions
    play: Callable[[str, ExecutionStatus], None]


@pytest.fixture(params=["memory", "stepfunctions"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """One adapter after the other."""
    if request.param == "memory":
        yield a_memory_subject()
        return
    with mock_aws():
        yield a_stepfunctions_subject(boto3.client("stepfunctions", region_name=REGION))


def a_memory_subject() -> Subject:
    """The executions in memory."""
    executions = MemoryExecutions()
    return Subject(executions, executions.set_status)


def a_stepfunctions_subject(client: SFNClient) -> Subject:
    """A machine whose executions stand as they are told to: moto starts them and runs nothing."""
    role = f"arn:aws:iam::{ACCOUNT}:role/machine"
    machine = client.create_state_machine(name=MACHINE, definition="{}", roleArn=role)["stateMachineArn"]
    kept = stepfunctions_backends[ACCOUNT][REGION]

    def play(execution_arn: str, status: ExecutionStatus) -> None:
        name = execution_arn.rpartition(":")[2]
        if not any(execution.name == name for execution in kept.describe_state_machine(machine).executions):
            client.start_execution(stateMachineArn=machine, name=name)
        kept.describe_execution(execution_arn).status = status.value

    return Subject(StepFunctionsExecutions(client), play)


@pytest.mark.parametrize("status", KNOWN)
def test_an_execution_stands_as_the_service_says(subject: Subject, status: ExecutionStatus) -> None:
    """Only a running one is at work."""
    subject.play(EXECUTION_ARN, status)

    assert subject.executions.status(EXECUTION_ARN) is status
    assert subject.executions.status(EXECUTION_ARN).is_over is (status is not ExecutionStatus.RUNNING)


def test_the_status_is_the_one_of_now(subject: Subject) -> None:
    """Each question is asked anew: an execution ends while somebody watches it."""
    subject.play(EXECUTION_ARN, ExecutionStatus.RUNNING)
    before = subject.executions.status(EXECUTION_ARN)
    subject.play(EXECUTION_ARN, ExecutionStatus.ABORTED)

    assert (before, subject.executions.status(EXECUTION_ARN)) == (ExecutionStatus.RUNNING, ExecutionStatus.ABORTED)


def test_an_execution_that_the_service_does_not_know_is_gone(subject: Subject) -> None:
    """And it is over: nothing can be at work under a name that nobody has. The one beside it changes nothing."""
    subject.play(EXECUTION_ARN, ExecutionStatus.RUNNING)

    assert subject.executions.status(OTHER_EXECUTION_ARN) is ExecutionStatus.GONE


if TYPE_CHECKING:

    def _conforms(client: SFNClient) -> tuple[Executions, ...]:
        return a_memory_subject().executions, a_stepfunctions_subject(client).executions
