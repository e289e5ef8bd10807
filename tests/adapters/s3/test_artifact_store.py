"""What is really asked of S3, and what its failures mean to us."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

from adapters.s3.artifact_store import S3ArtifactStore
from domain.model.errors import ConfigurationError, TransientError
from tests.builders import a_ref
from tests.support.broken_lines import break_the_line, without_an_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

DOCUMENT = {"answer": "a customer's words"}
BODY = b'{"answer":"a customer\'s words"}'


@pytest.fixture
def stubbed() -> Iterator[tuple[S3Client, Stubber]]:
    """A client that answers what a test tells it to, and nothing else."""
    client = boto3.client("s3", region_name="us-west-2")
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def test_an_upload_names_key_type_and_checksum(stubbed: tuple[S3Client, Stubber]) -> None:
    """S3 verifies the SHA-256 on arrival, so a truncated upload is never taken for the document."""
    client, stubber = stubbed
    stubber.add_response(
        "put_object",
        {},
        {
            "Bucket": "artifacts",
            "Key": "tenant/tenant-1/account/account-1/intent/intent-1/reply-1.json",
            "Body": BODY,
            "ContentType": "application/json",
            "ChecksumSHA256": base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
        },
    )
    reference = S3ArtifactStore(client, "artifacts").put(a_ref(), "reply-1", dict(DOCUMENT))

    assert reference == "s3://artifacts/tenant/tenant-1/account/account-1/intent/intent-1/reply-1.json"


@pytest.mark.parametrize(
    "code, status", [("SlowDown", 503), ("InternalError", 500), ("RequestTimeout", 400), ("SomethingNew", 502)]
)
def test_a_failure_that_passes_is_transient(stubbed: tuple[S3Client, Stubber], code: str, status: int) -> None:
    """The upload may be tried again."""
    client, stubber = stubbed
    stubber.add_client_error("put_object", code, "a customer's words", http_status_code=status)
    with pytest.raises(TransientError) as raised:
        S3ArtifactStore(client, "artifacts").put(a_ref(), "reply-1", dict(DOCUMENT))

    assert "PutObject into artifacts" in str(raised.value)
    assert "customer" not in str(raised.value)


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "InvalidAccessKeyId", "SomethingNew"])
def test_a_failure_that_stays_is_the_deployments(stubbed: tuple[S3Client, Stubber], code: str) -> None:
    """A person must correct something, and the message says where to look."""
    client, stubber = stubbed
    stubber.add_client_error("put_object", code, "a customer's words", http_status_code=403)
    with pytest.raises(ConfigurationError) as raised:
        S3ArtifactStore(client, "artifacts").put(a_ref(), "reply-1", dict(DOCUMENT))

    assert f"PutObject into artifacts was refused ({code})" in str(raised.value)
    assert "customer" not in str(raised.value)


@without_an_answer
def test_an_answer_that_never_came_is_transient_and_missing_credentials_are_not(
    stubbed: tuple[S3Client, Stubber], error: Exception, kind: type[Exception]
) -> None:
    """Errors of the line pass; those of the set-up stay."""
    client, _ = stubbed
    break_the_line(client, "s3.PutObject", error)
    with pytest.raises(kind, match=type(error).__name__):
        S3ArtifactStore(client, "artifacts").put(a_ref(), "reply-1", dict(DOCUMENT))


def test_an_id_that_escaped_validation_does_not_become_a_key(stubbed: tuple[S3Client, Stubber]) -> None:
    """A slash in a tenant id would reach into another prefix."""
    ref = a_ref().model_copy(update={"tenant_id": "tenant-1/account"})
    with pytest.raises(ValueError, match="parts of a key"):
        S3ArtifactStore(stubbed[0], "artifacts").put(ref, "reply-1", {})
