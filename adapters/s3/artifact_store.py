"""Artifacts on S3: one JSON object per document, under its intent's own prefix."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  botocore's: a connect timeout is one, a read timeout an HTTPClientError
    CredentialRetrievalError,
    HTTPClientError,
)

from domain.model.canonical_json import canonical_json
from domain.model.errors import ConfigurationError, TransientError
from domain.model.identifiers import IDENTIFIER_PATTERN, IntentRef

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from pydantic import JsonValue

_TRANSIENT_CODES: Final = frozenset(
    {
        "ConditionalRequestConflict",
        "ExpiredToken",
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
    }
)
"""Codes after which the same upload may be tried again (Amazon S3 API Reference, "Error responses")."""

_FIRST_SERVER_ERROR: Final = 500


class S3ArtifactStore:
    """Uploads canonical JSON with its SHA-256, which S3 verifies and keeps; it never reads and never deletes.

    Encryption and retention are the bucket's.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, ref: IntentRef, name: str, document: dict[str, JsonValue]) -> str:
        key = _key(ref, name)
        body = canonical_json(document).encode()
        with self._translated():
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
                ChecksumSHA256=base64.b64encode(hashlib.sha256(body).digest()).decode(),
            )
        return f"s3://{self._bucket}/{key}"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code in _TRANSIENT_CODES or status >= _FIRST_SERVER_ERROR:
                raise self._transient(code) from error
            raise self._configuration(code) from error
        except (ConnectionError, HTTPClientError, CredentialRetrievalError) as error:
            raise self._transient(type(error).__name__) from error
        except BotoCoreError as error:
            raise self._configuration(type(error).__name__) from error

    def _transient(self, code: str) -> TransientError:
        return TransientError(f"PutObject into {self._bucket} got no lasting answer ({code}); it can be tried again")

    def _configuration(self, code: str) -> ConfigurationError:
        return ConfigurationError(
            f"PutObject into {self._bucket} was refused ({code}); check that the bucket exists in this region and "
            "that the function's role may write to it"
        )


def _key(ref: IntentRef, name: str) -> str:
    parts = (ref.tenant_id, ref.account_id, ref.action_intent_id, name)
    if not all(re.fullmatch(IDENTIFIER_PATTERN, part) for part in parts):
        raise ValueError("ids and name become parts of a key: give them letters, digits and ._:@+- only")
    return "tenant/{}/account/{}/intent/{}/{}.json".format(*parts)
