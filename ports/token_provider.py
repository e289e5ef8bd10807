"""The token provider port."""

from collections.abc import Sequence
from typing import Protocol


class TokenUnavailable(Exception):
    """No token could be had now; nothing was sent to the gateway. The message holds no secret."""


class TokenProvider(Protocol):
    """Provides the access token for the gateway; it never leaves memory.

    Raises ``TokenUnavailable`` when the identity provider cannot be reached or fails, and ``ConfigurationError``
    when it refuses the client (wrong secret, unknown client, scope not allowed).
    """

    def token(self, scopes: Sequence[str] = ()) -> str:
        """Return a token that is valid for at least another minute; cached until then."""
        ...

    def forget(self) -> None:
        """Drop cached tokens: the gateway refused one."""
        ...
