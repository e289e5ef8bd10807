"""``TokenProvider`` over Amazon Cognito's token endpoint, by client credentials.

Tokens and the client secret live in this object's memory and nowhere else: not in the state, not in a log, not in an
error. Fetching a token has no effect that could be repeated by mistake, so a stale secret is read again and tried
once more; the tool call itself never is.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from adapters.cognito.client_secret import ClientSecret, read_client_secret
from adapters.http.exchange import Deadline, send_once
from domain.model.errors import ConfigurationError
from ports.clock import Clock
from ports.token_provider import TokenUnavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

RENEW_BEFORE_EXPIRY_SECONDS: Final = 60
"""A token is not used in its last minute: what the port promises, and more than one tool call takes."""

FETCH_SECONDS: Final = 5.0
"""Longest that fetching a token may take, in seconds, a second try with a rotated secret included: less than what a
function keeps back to settle its call. Cognito answers in well under a second (estimated)."""

MAX_RESPONSE_BYTES: Final = 65_536
"""Largest answer that is read, in bytes: a token takes about one thousand."""

_LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_HTTP_OK, _HTTP_TOO_MANY_REQUESTS = 200, 429
_CLIENT_ERRORS, _SERVER_ERRORS = range(400, 500), range(500, 600)


class _Issued(BaseModel):
    """The answer of the token endpoint (RFC 6749, section 5.1)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    access_token: SecretStr = Field(min_length=1)
    expires_in: int = Field(gt=0)


class _ClientRefused(Exception):
    """The identity provider refused the client; holds its error code, never what was sent."""


@dataclass(frozen=True)
class _Token:
    value: str = field(repr=False)
    good_until: float
    """On the monotonic clock, in seconds."""


class CognitoTokenProvider:
    """Caches one token per set of scopes for as long as this process lives; safe to share between threads."""

    def __init__(
        self,
        http: httpx.Client,
        secrets_client: "SecretsManagerClient",
        *,
        secret_arn: str,
        token_endpoint_url: str,
        default_scopes: Sequence[str] = (),
        clock: Clock,
    ) -> None:
        """``default_scopes`` are asked for where the caller names none; without either, Cognito grants all it may."""
        self._http = http
        self._secrets_client = secrets_client
        self._secret_arn = secret_arn
        self._token_endpoint_url = token_endpoint_url
        self._default_scopes = tuple(default_scopes)
        self._clock = clock
        self._lock = Lock()
        self._secret: ClientSecret | None = None
        self._tokens: dict[tuple[str, ...], _Token] = {}

    def __repr__(self) -> str:
        return f"CognitoTokenProvider(token_endpoint_url={self._token_endpoint_url!r})"

    def token(self, scopes: Sequence[str] = ()) -> str:
        wanted = tuple(sorted(set(scopes or self._default_scopes)))
        with self._lock:
            known = self._tokens.get(wanted)
            if known is None or known.good_until <= self._clock.monotonic_seconds():
                known = self._tokens[wanted] = self._fetch(wanted)
            return known.value

    def forget(self) -> None:
        with self._lock:
            self._tokens.clear()
            # Read again too: the token may have been refused because the client was replaced.
            self._secret = None

    def _fetch(self, scopes: tuple[str, ...]) -> _Token:
        url = _checked_endpoint(self._token_endpoint_url)
        deadline = Deadline(self._clock, FETCH_SECONDS)
        if self._secret is not None:
            try:
                return self._ask(url, self._secret, scopes, deadline)
            except _ClientRefused:
                self._secret = None  # perhaps rotated since it was read
        self._secret = read_client_secret(self._secrets_client, self._secret_arn)
        try:
            return self._ask(url, self._secret, scopes, deadline)
        except _ClientRefused as refusal:
            self._secret = None
            raise ConfigurationError(
                f"The identity provider refuses the gateway client ({refusal}). Compare the client secret in Secrets "
                "Manager with the app client, and the requested scopes with those it is allowed."
            ) from None

    def _ask(self, url: httpx.URL, secret: ClientSecret, scopes: tuple[str, ...], deadline: Deadline) -> _Token:
        asked_at = self._clock.monotonic_seconds()
        status, body = self._post(url, secret, scopes, deadline)
        if status == _HTTP_OK:
            return _token_in(body, asked_at)
        if status == _HTTP_TOO_MANY_REQUESTS or status in _SERVER_ERRORS:
            raise TokenUnavailable(f"the identity provider answered HTTP {status}")
        if status in _CLIENT_ERRORS:
            raise _ClientRefused(_error_code(body, status))
        raise ConfigurationError(
            f"The token endpoint answered HTTP {status}, so it is no token endpoint. Correct its URL and deploy again."
        )

    def _post(
        self, url: httpx.URL, secret: ClientSecret, scopes: tuple[str, ...], deadline: Deadline
    ) -> tuple[int, bytes]:
        form = {"grant_type": "client_credentials"} | ({"scope": " ".join(scopes)} if scopes else {})
        client = f"{secret.client_id.get_secret_value()}:{secret.client_secret.get_secret_value()}"
        received = send_once(
            self._http,
            url,
            headers={
                "Authorization": f"Basic {base64.b64encode(client.encode()).decode()}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body=urlencode(form).encode(),
            deadline=deadline,
            max_response_bytes=MAX_RESPONSE_BYTES,
            is_complete=lambda _: False,
        )
        if received.status is None or received.interruption is not None:
            reason = received.interruption.reason if received.interruption else "no answer came"
            raise TokenUnavailable(f"the identity provider could not be asked: {reason}")
        return received.status, bytes(received.body)


def _token_in(body: bytes, asked_at: float) -> _Token:
    try:
        issued = _Issued.model_validate_json(body)
    except ValidationError:
        issued = None
    if issued is None:
        raise TokenUnavailable("the identity provider's answer holds no token")
    if issued.expires_in <= RENEW_BEFORE_EXPIRY_SECONDS:
        raise ConfigurationError(
            f"The identity provider's tokens live {issued.expires_in} s, and at least a minute must be left for a "
            "call. Give the app client a longer access token validity."
        )
    return _Token(issued.access_token.get_secret_value(), asked_at + issued.expires_in - RENEW_BEFORE_EXPIRY_SECONDS)


_ERROR_CODES: Final = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
"""Those of RFC 6749, section 5.2; any other word could be anything, and is not repeated."""


def _error_code(body: bytes, status: int) -> str:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    code = document.get("error") if isinstance(document, dict) else None
    return code if isinstance(code, str) and code in _ERROR_CODES else f"HTTP {status}"


def _checked_endpoint(token_endpoint_url: str) -> httpx.URL:
    try:
        url = httpx.URL(token_endpoint_url)
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL("")
    secure = url.scheme == "https" or (url.scheme == "http" and url.host in _LOOPBACK_HOSTS)
    if not (url.host and secure) or url.userinfo or url.fragment:
        raise ConfigurationError(
            "The configured token endpoint URL is refused: the client secret is sent there, so it must start with "
            "https:// and carry no user name, password or fragment. Correct it and deploy again."
        )
    return url
