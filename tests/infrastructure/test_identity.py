"""The machine client as declared, with its own pool and with a supplied one."""

import re

from tests.infrastructure.program import CLIENT_SECRET, Recording, run

CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
POOL_TYPES = ("userPool:UserPool", "userPoolDomain:UserPoolDomain", "resourceServer:ResourceServer")


def test_the_client_is_a_machine(dev: Recording) -> None:
    """D74, R25: client credentials with a secret; no user flow, and nobody can sign up."""
    client = dev.one(CLIENT, "gateway-client").inputs

    assert client["generateSecret"] is True
    assert client["allowedOauthFlows"] == ["client_credentials"]
    assert client["allowedOauthScopes"] == ["cc-native-dev-gateway/invoke"]
    assert client["explicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
    pool = dev.one("aws:cognito/userPool:UserPool", "agents").inputs
    assert pool["adminCreateUserConfig"] == {"allowAdminCreateUserOnly": True}


def test_the_declared_scopes_exist_at_the_resource_server(dev: Recording) -> None:
    """A client that asks for a scope nobody declared is refused at deployment."""
    server = dev.one("aws:cognito/resourceServer:ResourceServer", "cc-native-dev-gateway").inputs

    assert server["identifier"] == "cc-native-dev-gateway"
    assert [scope["scopeName"] for scope in server["scopes"]] == ["invoke"]


def test_a_resource_server_may_be_named_by_a_url() -> None:
    """A scope's last slash divides it; Cognito takes the identifier as it is, but no name with slashes or colons."""
    recording = run("dev", tokenScopes='["https://api.example.com/read", "https://api.example.com/write"]')

    (server,) = recording.of("aws:cognito/resourceServer:ResourceServer")
    assert server.inputs["identifier"] == "https://api.example.com"
    assert re.fullmatch(r"[\w\s+=,.@-]+", server.inputs["name"])
    assert [scope["scopeName"] for scope in server.inputs["scopes"]] == ["read", "write"]


def test_the_secret_holds_the_client_and_is_a_secret_to_pulumi(dev: Recording) -> None:
    """D51: id and secret in one JSON document, marked secret, so that the state keeps it encrypted."""
    version = dev.one("aws:secretsmanager/secretVersion:SecretVersion", "gateway-credentials")

    assert version.document("secretString") == {
        "client_id": "cc-native-dev-gateway-client-id",
        "client_secret": CLIENT_SECRET,
    }
    assert "secretString" in version.secret_keys


def test_a_protected_secret_can_be_brought_back(dev: Recording, prod: Recording) -> None:
    """In dev a destroyed stack can be made again at once; in prod a deleted secret waits thirty days."""
    found = [
        recording.one("aws:secretsmanager/secret:Secret", "gateway-credentials").inputs["recoveryWindowInDays"]
        for recording in (dev, prod)
    ]

    assert found == [0, 30]


def test_a_protected_pool_refuses_deletion(dev: Recording, prod: Recording) -> None:
    """Whoever deletes the pool takes every token away, so in prod the service refuses it."""
    found = [recording.one("aws:cognito/userPool:UserPool", "agents").inputs for recording in (dev, prod)]

    assert [pool["deletionProtection"] for pool in found] == ["INACTIVE", "ACTIVE"]


def test_the_token_endpoint_is_the_pools_own(dev: Recording) -> None:
    """Functions learn the hosted domain's token endpoint; issuer and key set are exported for the gateway."""
    url = "https://cc-native-dev-123456789012.auth.us-west-2.amazoncognito.com/oauth2/token"

    assert dev.exports["token_endpoint_url"] == url
    invoker = dev.one("aws:lambda/function:Function", "tool-invoker").inputs["environment"]["variables"]
    assert invoker["TOKEN_ENDPOINT_URL"] == url
    assert dev.exports["jwks_uri"] == f"{dev.exports['token_issuer']}/.well-known/jwks.json"


def test_a_custom_domain_replaces_the_hosted_one() -> None:
    """An endpoint without a pool stands for a domain in front of the pool that is created."""
    recording = run("dev", tokenEndpointUrl="https://login.example.com/oauth2/token")

    assert recording.exports["token_endpoint_url"] == "https://login.example.com/oauth2/token"
    assert len(recording.of("aws:cognito/userPool:UserPool")) == 1


def test_a_supplied_pool_gets_a_client_and_nothing_else() -> None:
    """R25: the client and its secret are ours; pool, domain and scopes belong to whoever made them."""
    recording = run(
        "dev",
        userPoolId="us-west-2_abc",
        tokenEndpointUrl="https://login.example.com/oauth2/token",
        tokenScopes='["tools/call"]',
    )

    assert [recording.of(f"aws:cognito/{kind}") for kind in POOL_TYPES] == [[], [], []]
    client = recording.one(CLIENT, "gateway-client").inputs
    assert (client["userPoolId"], client["allowedOauthScopes"]) == ("us-west-2_abc", ["tools/call"])
    assert recording.exports["token_issuer"].endswith("/us-west-2_abc")
