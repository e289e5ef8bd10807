"""Artifacts on S3: one JSON object per document, under its intent's own prefix."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final

from adapters.aws.faults import FAILED_CALLS, Fault, fault_of
from domain.model.canonical_json import canonical_json
from domain.model.errors import ActionError, ConfigurationError, TransientError
from domain.model.identifiers import IDENTIFIER_PATTERN, IntentRef

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from pydantic import JsonValue

_TRANSIENT_CODES: Final = frozenset({"ConditionalRequestConflict", "OperationAborted"})
"""S3's own codes after which the same upload may be tried again (Amazon S3 API Reference, "Error responses")."""


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
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
                ChecksumSHA256=base64.b64encode(hashlib.sha256(body).digest()).decode(),
            )
        except FAILED_CALLS as error:
            raise self._failed(fault_of(error, also_transient=_TRANSIENT_CODES)) from error
        return f"s3://{self._bucket}/{key}"

    def _failed(self, fault: Fault) -> ActionError:
        what = f"PutObject into {self._bucket}"
        if fault.passes:
            return TransientError(f"{what} got no lasting answer ({fault.code}); it can be tried again")
        return ConfigurationError(
            f"{what} was refused ({fault.code}); check that the bucket exists in this region and that the function's "
            "role may write to it"
        )


def _key(ref: IntentRef, name: str) -> str:
    parts = (ref.tenant_id, ref.account_id, ref.action_intent_id, name)
    if not all(re.fullmatch(IDENTIFIER_PATTERN, part) for part in parts):
        raise ValueError("ids and name become parts of a key: give them letters, digits and ._:@+- only")
    return "tenant/{}/account/{}/intent/{}/{}.json".format(*parts)
