"""Who the functions are at the gateway: one machine client, its secret, and where tokens come from.

Client credentials replace the plan's user calls, whose grants do nothing (D74). The client's secret lives in Secrets
Manager and nowhere else that a function or an export could show; no user can sign up or sign in. The gateway is the
business of ``gateway``, which lets this client in.
"""

import re
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infrastructure.naming import USER_POOL
from infrastructure.settings import StackSettings
from ports.steps.resources import Resource

TOKEN_MINUTES: Final = 15
"""A guess: short enough that a leaked token is soon worthless, long enough that most calls find one cached."""

RECOVERY_DAYS: Final = 30
"""Days in which a deleted secret can be brought back, in a protected stack (the service's longest)."""


@dataclass(frozen=True)
class IdentityConfig:
    """What the identity depends on."""

    settings: StackSettings
    account_id: pulumi.Output[str]


class Identity(pulumi.ComponentResource):
    """Pool (or the supplied one), client and secret; ``arns`` and ``environment`` are what functions may use."""

    def __init__(self, name: str, config: IdentityConfig, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cc-native:infrastructure:Identity", name, None, opts)
        self._config = config
        settings = config.settings
        self.user_pool_id, self.token_endpoint_url, servers = self._pool()
        client = self._client(servers)
        secret = self._secret(client)
        self.client_id = client.id
        self.secret_arn = secret.arn
        self.issuer = self.user_pool_id.apply(
            lambda pool: f"https://cognito-idp.{settings.region}.{settings.dns_suffix}/{pool}"
        )
        self.jwks_uri = self.issuer.apply(lambda issuer: f"{issuer}/.well-known/jwks.json")
        self.arns = {Resource.GATEWAY_CREDENTIALS: secret.arn}
        self.environment: dict[str, pulumi.Input[str]] = {
            "GATEWAY_CREDENTIALS_SECRET_ARN": secret.arn,
            "TOKEN_ENDPOINT_URL": self.token_endpoint_url,
            "TOKEN_SCOPES": " ".join(settings.scopes),
        }
        self.register_outputs({"client_id": self.client_id, "secret_arn": self.secret_arn})

    def _pool(self) -> tuple[pulumi.Output[str], pulumi.Output[str], list[aws.cognito.ResourceServer]]:
        settings = self._config.settings
        if settings.user_pool_id is not None:
            return (
                pulumi.Output.from_input(settings.user_pool_id),
                pulumi.Output.from_input(settings.token_endpoint_url or ""),
                [],
            )
        opts = pulumi.ResourceOptions(parent=self)
        pool = aws.cognito.UserPool(
            USER_POOL,
            name=settings.names.of(USER_POOL),
            admin_create_user_config={"allow_admin_create_user_only": True},
            deletion_protection="ACTIVE" if settings.protected else "INACTIVE",
            opts=pulumi.ResourceOptions(parent=self, protect=settings.protected),
        )
        servers = [
            aws.cognito.ResourceServer(
                server,
                identifier=server,
                name=_legible(server),
                user_pool_id=pool.id,
                scopes=[{"scope_name": right, "scope_description": f"{right} at {server}"} for right in rights],
                opts=opts,
            )
            for server, rights in settings.resource_servers.items()
        ]
        domain = aws.cognito.UserPoolDomain(
            USER_POOL,
            domain=self._config.account_id.apply(settings.names.login_domain),
            user_pool_id=pool.id,
            opts=opts,
        )
        endpoint = pulumi.Output.from_input(settings.token_endpoint_url) if settings.token_endpoint_url else None
        hosted = domain.domain.apply(
            lambda prefix: f"https://{prefix}.auth.{settings.region}.amazoncognito.com/oauth2/token"
        )
        return pool.id, endpoint or hosted, servers

    def _client(self, servers: list[aws.cognito.ResourceServer]) -> aws.cognito.UserPoolClient:
        settings = self._config.settings
        return aws.cognito.UserPoolClient(
            "gateway-client",
            name=settings.names.of("gateway-client"),
            user_pool_id=self.user_pool_id,
            generate_secret=True,
            allowed_oauth_flows=["client_credentials"],
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_scopes=list(settings.scopes),
            explicit_auth_flows=["ALLOW_REFRESH_TOKEN_AUTH"],
            access_token_validity=TOKEN_MINUTES,
            token_validity_units={"access_token": "minutes"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(servers)),
        )

    def _secret(self, client: aws.cognito.UserPoolClient) -> aws.secretsmanager.Secret:
        settings = self._config.settings
        name = Resource.GATEWAY_CREDENTIALS.value
        secret = aws.secretsmanager.Secret(
            name,
            name=settings.names.of(name),
            description="Client id and secret with which the functions fetch gateway tokens.",
            recovery_window_in_days=RECOVERY_DAYS if settings.protected else 0,
            opts=pulumi.ResourceOptions(parent=self),
        )
        credentials: pulumi.Output[str] = pulumi.Output.secret(
            pulumi.Output.json_dumps({"client_id": client.id, "client_secret": client.client_secret})
        )
        aws.secretsmanager.SecretVersion(
            name,
            secret_id=secret.id,
            secret_string=credentials,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return secret


def _legible(server: str) -> str:
    """Return a resource server's name, which unlike its identifier takes no slash and no colon.

    The alphabet is that of ResourceServerNameType (Amazon Cognito API Reference, CreateResourceServer).
    """
    return re.sub(r"[^\w\s+=,.@-]+", "-", server)
