"""What is really asked of Step Functions, and what its answers and failures mean to us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from adapters.stepfunctions.executions import StepFunctionsExecutions
from domain.model.errors import ConfigurationError, TransientError
from domain.model.execution_status import ExecutionStatus
from tests.builders import EXECUTION_ARN, NOW
from tests.support.broken_lines import break_the_line, without_an_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_stepfunctions import SFNClient


@pytest.fixture
def stubbed() -> Iterator[tuple[SFNClient, Stubber]]:
    """A client that answers what a test tells it to, and nothing else."""
    client = boto3.client("stepfunctions", region_name="us-west-2")
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def described_as(status: str) -> dict[str, Any]:
    """The service's description of the sample execution."""
    machine = EXECUTION_ARN.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    return {"executionArn": EXECUTION_ARN, "stateMachineArn": machine, "status": status, "startDate": NOW}


def test_only_the_metadata_of_one_execution_is_asked_for(stubbed: tuple[SFNClient, Stubber]) -> None:
    """Neither input nor output travels, and no key is needed to decrypt them."""
    client, stubber = stubbed
    stubber.add_response(
        "describe_execution",
        described_as("RUNNING"),
        {"executionArn": EXECUTION_ARN, "includedData": "METADATA_ONLY"},
    )

    assert StepFunctionsExecutions(client).status(EXECUTION_ARN) is ExecutionStatus.RUNNING


def test_an_execution_that_waits_to_be_redriven_counts_as_running(stubbed: tuple[SFNClient, Stubber]) -> None:
    """It will go on; whoever took over from it would be the second at work."""
    client, stubber = stubbed
    stubber.add_response("describe_execution", described_as("PENDING_REDRIVE"))

    assert StepFunctionsExecutions(client).status(EXECUTION_ARN) is ExecutionStatus.RUNNING


@pytest.mark.parametrize("status", ["PAUSED", "GONE", "succeeded", ""])
def test_a_status_that_is_new_proves_nothing(stubbed: tuple[SFNClient, Stubber], status: str) -> None:
    """Only the words that are known to mean an end let anybody take over."""
    client, stubber = stubbed
    stubber.add_response("describe_execution", described_as(status))
    with pytest.raises(ConfigurationError) as refused:
        StepFunctionsExecutions(client).status(EXECUTION_ARN)

    assert f"{EXECUTION_ARN} has the status {status}, which this version does not know" in str(refused.value)


def test_an_execution_that_does_not_exist_is_gone(stubbed: tuple[SFNClient, Stubber]) -> None:
    """By the service's own word for it."""
    client, stubber = stubbed
    stubber.add_client_error("describe_execution", "ExecutionDoesNotExist")

    assert StepFunctionsExecutions(client).status(EXECUTION_ARN) is ExecutionStatus.GONE


@pytest.mark.parametrize(
    "code, status, kind",
    [
        ("ThrottlingException", 400, TransientError),
        ("KmsThrottlingException", 400, TransientError),
        ("InternalFailure", 500, TransientError),
        ("SomethingNew", 503, TransientError),
        ("AccessDeniedException", 400, ConfigurationError),
        ("KmsAccessDeniedException", 400, ConfigurationError),
        ("InvalidArn", 400, ConfigurationError),
        ("ValidationException", 400, ConfigurationError),
        ("SomethingNew", 400, ConfigurationError),
    ],
)
def test_a_question_without_an_answer_is_an_error_and_never_gone(
    stubbed: tuple[SFNClient, Stubber], code: str, status: int, kind: type[Exception]
) -> None:
    """A name that the service cannot read included: that nothing is at work under it is not proved."""
    client, stubber = stubbed
    stubber.add_client_error("describe_execution", code, "a customer's words", http_status_code=status)
    with pytest.raises(kind) as raised:
        StepFunctionsExecutions(client).status(EXECUTION_ARN)

    assert f"{EXECUTION_ARN} stands could not be told ({code})" in str(raised.value)
    assert "customer" not in str(raised.value)


@without_an_answer
def test_an_answer_that_never_came_is_transient_and_missing_credentials_are_not(
    stubbed: tuple[SFNClient, Stubber], error: Exception, kind: type[Exception]
) -> None:
    """Errors of the line pass; those of the set-up stay."""
    client, _ = stubbed
    break_the_line(client, "sfn.DescribeExecution", error)
    with pytest.raises(kind, match=type(error).__name__):
        StepFunctionsExecutions(client).status(EXECUTION_ARN)
