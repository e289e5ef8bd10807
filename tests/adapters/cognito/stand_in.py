"""An identity provider behind ``httpx.MockTransport``, and Secrets Manager in this process."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

import boto3
import httpx
from moto import mock_aws

from adapters.cognito.token_provider import CognitoTokenProvider
from adapters.memory.clock import MemoryClock
from tests.builders import NOW

ENDPOINT = "https://tokens.example.test/oauth2/token"
CLIENT_ID, CLIENT_SECRET = "client-1", "CANARY-client-secret"
GOOD_SECRET = json.dumps({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})

Respond = Callable[[httpx.Request], httpx.Response]


def issuing(*, expires_in: int = 3_600) -> Respond:
    """Issue another token for each request."""
    count = iter(range(1, 1_000))

    def respond(_: httpx.Request) -> httpx.Response:
        body = {"access_token": f"CANARY-token-{next(count)}", "expires_in": expires_in, "token_type": "Bearer"}
        return httpx.Response(200, json=body)

    return respond


class IdentityProvider:
    """Notes each request and answers as it is told; by default it checks the client and issues tokens."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.respond: Respond = issuing()
        self.accepted_secret = CLIENT_SECRET

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests.append(request)
        sent = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        if sent != f"{CLIENT_ID}:{self.accepted_secret}":
            return httpx.Response(400, json={"error": "invalid_client"})
        return self.respond(request)

    @property
    def forms(self) -> list[dict[str, list[str]]]:
        """The forms that were sent."""
        return [parse_qs(request.content.decode()) for request in self.requests]


class Harness:
    """A provider with its stand-ins, inside ``mock_aws``."""

    def __init__(self, *, secret: str | None = GOOD_SECRET, endpoint: str = ENDPOINT) -> None:
        self.identity_provider = IdentityProvider()
        self.clock = MemoryClock(NOW)
        self.secrets = boto3.client("secretsmanager")
        if secret is not None:
            self.secrets.create_secret(Name="gateway-client", SecretString=secret)
        self.provider = CognitoTokenProvider(
            httpx.Client(transport=httpx.MockTransport(self.identity_provider), trust_env=False),
            self.secrets,
            secret_arn="gateway-client",
            token_endpoint_url=endpoint,
            default_scopes=("tools/invoke",),
            clock=self.clock,
        )

    def rotate(self, secret: str) -> None:
        """Store another secret and let the identity provider accept only that one."""
        self.secrets.put_secret_value(
            SecretId="gateway-client", SecretString=json.dumps({"client_id": CLIENT_ID, "client_secret": secret})
        )
        self.identity_provider.accepted_secret = secret


@contextmanager
def a_harness(*, secret: str | None = GOOD_SECRET, endpoint: str = ENDPOINT) -> Iterator[Harness]:
    """One provider with everything around it."""
    with mock_aws():
        yield Harness(secret=secret, endpoint=endpoint)
