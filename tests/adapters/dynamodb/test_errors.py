"""What each failure of the service means to us: try again, correct the deployment, or an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    ReadTimeoutError,
)

from adapters.dynamodb.errors import ConditionRefused, translated
from domain.model.errors import ConfigurationError, TransientError

SECRET = "parameters-of-a-customer"


def a_client_error(code: str, *, status: int = 400, **more: Any) -> ClientError:  # noqa: ANN401  raw service answers
    """What botocore raises for an error answer of the service."""
    answer: Any = {
        "Error": {"Code": code, "Message": f"One or more values were wrong: {SECRET}"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(answer, "PutItem")


def a_cancellation(*codes: str, items: tuple[dict[str, Any] | None, ...] = ()) -> ClientError:
    """What botocore raises for a cancelled transaction."""
    reasons = [{"Code": code} for code in codes]
    for reason, item in zip(reasons, items, strict=False):
        if item is not None:
            reason["Item"] = item  # type: ignore[assignment]  # the stub knows no Item here
    return a_client_error("TransactionCanceledException", CancellationReasons=reasons)


def spelled(error: Exception) -> str:
    """A failure as a test id."""
    if not isinstance(error, ClientError):
        return type(error).__name__
    answer: Any = error.response
    reasons = [reason["Code"] for reason in answer.get("CancellationReasons", [])]
    return " ".join([answer["Error"]["Code"], str(answer["ResponseMetadata"]["HTTPStatusCode"]), *reasons])


def raised_for(error: Exception) -> Callable[[], None]:
    """A call of the service that fails so."""

    def call() -> None:
        with translated("PutItem", "action-intents"):
            raise error

    return call


@pytest.mark.parametrize(
    "error",
    [
        a_client_error("ProvisionedThroughputExceededException"),
        a_client_error("ThrottlingException"),
        a_client_error("RequestLimitExceeded"),
        a_client_error("TransactionConflictException"),
        a_client_error("TransactionInProgressException"),
        a_client_error("ExpiredTokenException"),
        a_client_error("InternalServerError", status=500),
        a_client_error("SomethingNew", status=503),
        a_client_error("SomethingNew", status=429),
        a_cancellation("None", "TransactionConflict"),
        a_cancellation("ThrottlingError", "ProvisionedThroughputExceeded"),
        a_client_error("TransactionCanceledException"),
        EndpointConnectionError(endpoint_url="https://dynamodb.example.com"),
        ConnectTimeoutError(endpoint_url="https://dynamodb.example.com"),
        ReadTimeoutError(endpoint_url="https://dynamodb.example.com"),
        ConnectionClosedError(endpoint_url="https://dynamodb.example.com"),
        CredentialRetrievalError(provider="role", error_msg="later"),
    ],
    ids=spelled,
)
def test_a_failure_that_passes_is_transient(error: Exception) -> None:
    """Step Functions tries the step again by this name."""
    with pytest.raises(TransientError) as raised:
        raised_for(error)()

    assert "PutItem on action-intents" in str(raised.value)
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        a_client_error("AccessDeniedException"),
        a_client_error("ResourceNotFoundException"),
        a_client_error("ValidationException"),
        a_client_error("UnrecognizedClientException"),
        a_client_error("IdempotentParameterMismatchException"),
        a_client_error("SomethingNew"),
        a_cancellation("ValidationError", "None"),
        a_cancellation("TransactionConflict", "ItemCollectionSizeLimitExceeded"),
        NoCredentialsError(),
        NoRegionError(),
        ParamValidationError(report="wrong"),
        BotoCoreError(),
    ],
    ids=spelled,
)
def test_a_failure_that_stays_is_the_deployments(error: Exception) -> None:
    """Trying again cannot help; a person must correct something, and the message says where to look."""
    with pytest.raises(ConfigurationError) as raised:
        raised_for(error)()

    assert "PutItem on action-intents was refused" in str(raised.value)
    assert "role" in str(raised.value)


@pytest.mark.parametrize("code", ["ThrottlingException", "ValidationException"])
def test_no_message_repeats_what_the_service_said_about_an_item(code: str) -> None:
    """The service's own text can quote the item."""
    with pytest.raises((TransientError, ConfigurationError)) as raised:
        raised_for(a_client_error(code))()

    assert code in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_refused_condition_is_an_answer_with_the_item_that_stands() -> None:
    """Not a failure: the caller reads from it who was first."""
    with pytest.raises(ConditionRefused) as raised:
        raised_for(a_client_error("ConditionalCheckFailedException", Item={"pk": {"S": "x"}}))()

    assert raised.value.standing == ({"pk": {"S": "x"}},)


def test_a_refused_transaction_says_which_conditions_failed_and_on_what() -> None:
    """One place per write: ``None`` where it would have passed, an empty item where nothing stands."""
    refusal = a_cancellation(
        "ConditionalCheckFailed", "None", "ConditionalCheckFailed", items=({"pk": {"S": "x"}}, None, None)
    )
    with pytest.raises(ConditionRefused) as raised:
        raised_for(refusal)()

    assert raised.value.standing == ({"pk": {"S": "x"}}, None, {})


def test_a_refused_condition_outweighs_a_collision_beside_it() -> None:
    """What is known for sure is reported; the collision says nothing about it."""
    with pytest.raises(ConditionRefused) as raised:
        raised_for(a_cancellation("TransactionConflict", "ConditionalCheckFailed"))()

    assert raised.value.standing == (None, {})


def test_an_error_of_ours_passes_through_unchanged() -> None:
    """Only botocore's are translated."""
    with pytest.raises(ZeroDivisionError):
        raised_for(ZeroDivisionError())()
