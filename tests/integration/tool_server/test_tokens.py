"""Whom the tools let in, with tokens of the embedded issuer."""

import ssl
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from local.emulator import Emulator
from local.tool_server.faults import Fault, FaultKind
from local.tool_server.server import ToolServer
from local.tool_server.tokens import TokenPolicy
from local.tool_server.witness import Witness
from tests.integration.tool_server.calling import Caller, answer_of, plan


class Guarded(NamedTuple):
    """A server that checks tokens, and the tokens that a real issuer gave for it."""

    tools: ToolServer
    good: str
    other_scope: str
    other_client: str


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The tool server behind the embedded AWS's Cognito, as the stack uses it."""
    folder = tmp_path_factory.mktemp("guarded")
    with Emulator(folder / "emulator") as aws:
        cognito = aws.client("cognito-idp")
        pool = cognito.create_user_pool(PoolName="tools")["UserPool"]["Id"]
        cognito.create_resource_server(
            UserPoolId=pool,
            Identifier="tools",
            Name="tools",
            Scopes=[{"ScopeName": name, "ScopeDescription": name} for name in ("invoke", "read")],
        )
        client_id, good, other_scope = _client(aws, pool, "tools/invoke", "tools/read")
        _, other_client = _client(aws, pool, "tools/invoke")
        policy = TokenPolicy(
            jwks_url=f"{aws.endpoint_url}/{pool}/.well-known/jwks.json",
            issuer=f"https://cognito-idp.{aws.region}.amazonaws.com/{pool}",
            required_scopes=("tools/invoke",),
            allowed_client_ids=(client_id,),
            ca_bundle=aws.ca_bundle,
        )
        with ToolServer(folder / "tools.db", tokens=policy) as tools:
            yield Guarded(tools, good, other_scope, other_client)


def _client(aws: Emulator, pool: str, *scopes: str) -> list[str]:
    """Register a client, and return its id and one token per scope."""
    client = aws.client("cognito-idp").create_user_pool_client(
        UserPoolId=pool,
        ClientName="caller",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=list(scopes),
    )["UserPoolClient"]
    trust = ssl.create_default_context(cafile=aws.ca_bundle)
    tokens = []
    with httpx.Client(trust_env=False, verify=trust) as http:
        for scope in scopes:
            granted = http.post(
                f"{aws.endpoint_url}/oauth2/token",
                data={"grant_type": "client_credentials", "scope": scope},
                auth=(client["ClientId"], client["ClientSecret"]),
            )
            tokens.append(granted.json()["access_token"])
    return [client["ClientId"], *tokens]


def _create_with(guarded: Guarded, token: str | None) -> httpx.Response:
    with httpx.Client(trust_env=False) as http:
        return Caller(http, guarded.tools.url).create(token=token)


def test_the_issuers_own_token_opens_the_tools(guarded: Guarded) -> None:
    """A real client-credentials token, verified against the issuer's published keys, is let in."""
    assert answer_of(_create_with(guarded, guarded.good))["success"] is True


def test_tokens_that_prove_nothing_are_answered_401(guarded: Guarded) -> None:
    """A missing, garbled, altered or foreign client's token is refused before any tool runs."""
    written = len(Witness(guarded.tools.database).effects())
    head, payload, signature = guarded.good.split(".")
    middle = len(signature) // 2
    altered = signature[:middle] + ("A" if signature[middle] != "A" else "B") + signature[middle + 1 :]
    unsigned = "eyJhbGciOiJub25lIn0"
    refused = {
        "missing": None,
        "garbled": "no-token",
        "altered": f"{head}.{payload}.{altered}",
        "unsigned": f"{unsigned}.{payload}.",
        "other client": guarded.other_client,
    }
    answers = {name: _create_with(guarded, token) for name, token in refused.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(refused, 401)
    assert all(answer.headers["WWW-Authenticate"].startswith("Bearer ") for answer in answers.values())
    assert len(Witness(guarded.tools.database).effects()) == written


def test_a_token_without_the_scope_is_answered_403(guarded: Guarded) -> None:
    """The right client with the wrong scope is known, and still not allowed."""
    response = _create_with(guarded, guarded.other_scope)
    assert response.status_code == 403
    assert response.json()["error"] == "insufficient_scope"


def test_a_refused_token_does_not_use_up_a_planned_fault(guarded: Guarded) -> None:
    """The fault waits for the first call that is allowed, and the log shows both."""
    plan(guarded.tools, Fault(kind=FaultKind.UNAVAILABLE))
    statuses = [_create_with(guarded, token).status_code for token in (None, guarded.good)]
    assert statuses == [401, 503]
    logged = Witness(guarded.tools.database).requests("intent-1")[-2:]
    assert [(entry.fault, entry.http_status) for entry in logged] == [(None, 401), ("UNAVAILABLE", 503)]
    assert guarded.good not in guarded.tools.database.read_bytes().decode("latin-1")
