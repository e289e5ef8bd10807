"""What can happen to an AWS call before any answer comes: the same for every adapter, so it is written once."""

from typing import Any, Final

import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from domain.model.errors import ConfigurationError, TransientError

_URL: Final = "https://service.example.com"

without_an_answer: Final = pytest.mark.parametrize(
    "error, kind",
    [
        (ConnectTimeoutError(endpoint_url=_URL), TransientError),
        (ReadTimeoutError(endpoint_url=_URL), TransientError),
        (EndpointConnectionError(endpoint_url=_URL), TransientError),
        (CredentialRetrievalError(provider="role", error_msg="later"), TransientError),
        (NoCredentialsError(), ConfigurationError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
"""Runs a test once for each error of the line and of the set-up, with what an adapter makes of it."""


def break_the_line(client: Any, operation: str, error: Exception) -> None:  # noqa: ANN401  boto3's classes are made at run time
    """Let every call of an operation (``sqs.SendMessage``) end in this error, before anything is sent."""

    def fail(**_: object) -> None:
        raise error

    client.meta.events.register(f"provide-client-params.{operation}", fail)
