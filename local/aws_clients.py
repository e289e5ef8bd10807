"""The boto3 clients of the embedded AWS, and the call by which it proves that IAM is enforced.

Owns how a client is built for a local endpoint: everything explicit, nothing from the caller's environment or
`~/.aws`. It exists because a profile or proxy picked up by accident could send a local call to a real account.

It will not start or stop anything.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

_POOL_CONNECTIONS = 32  # more than the threads that deploy or watch a stack at once


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key pair, with a session token for an assumed role. `repr` leaves the secrets out."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


ROOT_CREDENTIALS = Credentials("test", "test")
"""The emulator's root key: it may do everything, and works nowhere else."""


class AwsClients:
    """Builds clients for one endpoint, and keeps one root client per service; safe to share between threads."""

    def __init__(self, endpoint_url: str, ca_bundle: Path, region: str) -> None:
        self._endpoint_url = endpoint_url
        self._ca_bundle = ca_bundle
        self._region = region
        self._lock = threading.Lock()
        self._kept: dict[str, Any] = {}

    def of(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes the client's type at run time
        """Return the root client of `service`, the same object on every call."""
        with self._lock:
            if service not in self._kept:
                self._kept[service] = self.new(service, ROOT_CREDENTIALS)
            return self._kept[service]

    def new(self, service: str, credentials: Credentials) -> Any:  # noqa: ANN401 - as above
        """Return a new client of `service` acting as `credentials`; the caller closes it."""
        core = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
        session: Any = boto3.session.Session(botocore_session=core)  # its stubs know services by literal only
        return session.client(
            service,
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            verify=str(self._ca_bundle),
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
            config=Config(
                proxies={},
                retries={"total_max_attempts": 2, "mode": "standard"},
                s3={"addressing_style": "path"},
                max_pool_connections=_POOL_CONNECTIONS,
                use_fips_endpoint=False,
                use_dualstack_endpoint=False,
            ),
        )

    def close(self) -> None:
        """Close every kept client."""
        with self._lock:
            for client in self._kept.values():
                client.close()
            self._kept.clear()


def is_enforcing(clients: AwsClients) -> bool:
    """Tell whether a call that IAM must deny is denied: a fresh user without any policy lists the tables.

    Raises botocore's errors for anything other than that denial.
    """
    iam, user = clients.of("iam"), "must-be-denied"
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    stranger = clients.new("dynamodb", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    with contextlib.closing(stranger):
        denied = _is_denied(stranger.list_tables)
    iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=user)
    return denied


def _is_denied(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDeniedException":
            return True
        raise
    return False
