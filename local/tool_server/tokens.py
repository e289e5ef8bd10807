"""Who may call the tools: access tokens checked against the issuer's own key set.

Owns the check of a bearer token. It exists because the reference server must refuse what a real gateway refuses:
an unsigned, altered, expired or foreign token, another client, or a missing scope.

It will not log or keep a token. The scope is checked by the SDK, which answers 403; all else is a 401.
"""

import logging
import ssl
from pathlib import Path
from typing import Any

import anyio.to_thread
import jwt
from mcp.server.auth.provider import AccessToken
from pydantic import BaseModel, ConfigDict

_logger = logging.getLogger(__name__)
_ALGORITHMS = ["RS256"]  # what Cognito signs with
_REQUIRED_CLAIMS = ["exp", "iss", "client_id", "token_use"]


class TokenPolicy(BaseModel):
    """What a token must be: from this issuer, signed by this key set, of these clients, with these scopes.

    The key set's URL is given, not derived, because a local issuer serves its keys elsewhere than it says it
    does. `ca_bundle` is the PEM file to trust for it; without one, the system's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    jwks_url: str
    issuer: str
    required_scopes: tuple[str, ...]
    allowed_client_ids: tuple[str, ...]
    ca_bundle: Path | None = None


class IssuerTokenVerifier:
    """The SDK's `TokenVerifier` for one `TokenPolicy`. Cognito's client tokens carry no audience to check."""

    def __init__(self, policy: TokenPolicy) -> None:
        self._policy = policy
        trust = ssl.create_default_context(cafile=str(policy.ca_bundle) if policy.ca_bundle else None)
        self._keys = jwt.PyJWKClient(policy.jwks_url, ssl_context=trust)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what the token grants, or `None` when it is not to be believed."""
        return await anyio.to_thread.run_sync(self._verify, token)

    def _verify(self, token: str) -> AccessToken | None:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._keys.get_signing_key_from_jwt(token).key,
                algorithms=_ALGORITHMS,
                issuer=self._policy.issuer,
                options={"require": _REQUIRED_CLAIMS, "verify_aud": False},
            )
        except jwt.PyJWTError as error:
            _logger.warning("A token was refused: %s", error)
            return None
        use, client_id = claims["token_use"], claims["client_id"]
        if use != "access" or client_id not in self._policy.allowed_client_ids:
            _logger.warning("A token was refused: it is no access token of an allowed client.")
            return None
        return AccessToken(
            token=token,
            client_id=client_id,
            scopes=str(claims.get("scope", "")).split(),
            expires_at=int(claims["exp"]),
            claims=claims,
        )
