"""What botocore's errors say about trying again, whatever the service."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from adapters.aws.faults import FAILED_CALLS, Fault, fault_of, fault_of_code

URL = "https://service.example.com"


def a_client_error(code: str, status: int = 400) -> ClientError:
    """What botocore raises for an error answer of a service."""
    answer: Any = {"Error": {"Code": code, "Message": "secret"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "AnyOperation")


def spelled(error: Exception) -> str:
    """A failure as a test id."""
    if not isinstance(error, ClientError):
        return type(error).__name__
    return f"{error.response['Error']['Code']} {error.response['ResponseMetadata']['HTTPStatusCode']}"


@pytest.mark.parametrize(
    "error",
    [
        a_client_error("ThrottlingException"),
        a_client_error("RequestThrottled", 403),
        a_client_error("ExpiredToken", 403),
        a_client_error("SomethingNew", 429),
        a_client_error("SomethingNew", 500),
        a_client_error("SomethingNew", 503),
        ConnectTimeoutError(endpoint_url=URL),
        ReadTimeoutError(endpoint_url=URL),
        EndpointConnectionError(endpoint_url=URL),
        ConnectionClosedError(endpoint_url=URL),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
        CredentialRetrievalError(provider="role", error_msg="later"),
        ResponseParserError("not JSON"),
    ],
    ids=spelled,
)
def test_a_throttle_a_fault_of_the_service_and_a_broken_line_pass(error: Exception) -> None:
    """Nothing about the request has to change."""
    assert isinstance(error, FAILED_CALLS)
    assert fault_of(error).passes is True


@pytest.mark.parametrize(
    "error",
    [
        a_client_error("AccessDeniedException"),
        a_client_error("AccessDenied", 403),
        a_client_error("SomethingNew", 499),
        NoCredentialsError(),
        ParamValidationError(report="wrong"),
        BotoCoreError(),
    ],
    ids=spelled,
)
def test_a_refusal_and_a_wrong_setup_stay(error: Exception) -> None:
    """Also one that nobody has heard of: it is shown to a person rather than repeated for ever."""
    assert isinstance(error, FAILED_CALLS)
    assert fault_of(error).passes is False


def test_a_services_own_codes_are_known_to_its_room_only() -> None:
    """What one service means by a word says nothing about another's."""
    error = a_client_error("OperationAborted")

    assert fault_of(error) == Fault("OperationAborted", passes=False)
    assert fault_of(error, also_transient=frozenset({"OperationAborted"})) == Fault("OperationAborted", passes=True)
    assert fault_of_code("OperationAborted", also_transient=frozenset({"OperationAborted"})).passes is True


@pytest.mark.parametrize(
    "error, code",
    [(a_client_error("AccessDenied"), "AccessDenied"), (NoCredentialsError(), "NoCredentialsError")],
    ids=["answer", "no answer"],
)
def test_a_fault_is_named_in_one_word(error: Exception, code: str) -> None:
    """The text beside it can quote what was sent."""
    assert fault_of(error).code == code


def test_an_error_answer_without_a_code_is_a_fault_all_the_same() -> None:
    """A proxy's answer has none of the service's fields."""
    assert fault_of(ClientError({}, "AnyOperation")) == Fault("", passes=False)
