"""Tokens in memory, for gateways that check none."""

from collections.abc import Sequence
from threading import Lock

from adapters.memory import warn_that_nothing_is_kept
from domain.model.errors import ConfigurationError
from ports.token_provider import TokenUnavailable


class MemoryTokenProvider:
    """Hands out made-up tokens, one per set of scopes until they are forgotten; can be told to fail or to refuse."""

    def __init__(self) -> None:
        warn_that_nothing_is_kept(self)
        self._lock = Lock()
        self._tokens: dict[frozenset[str], str] = {}
        self._failures = 0
        self._refuses = False
        self.issued = 0
        """How many tokens were made; a cached one is not made again."""

    def token(self, scopes: Sequence[str] = ()) -> str:
        with self._lock:
            known = self._tokens.get(frozenset(scopes))
            if known is not None:
                return known
            if self._failures:
                self._failures -= 1
                raise TokenUnavailable("the identity provider was told to fail")
            if self._refuses:
                raise ConfigurationError("The identity provider was told to refuse this client.")
            self.issued += 1
            return self._tokens.setdefault(frozenset(scopes), f"development-token-{self.issued:06d}")

    def forget(self) -> None:
        with self._lock:
            self._tokens.clear()

    def fail_next(self, times: int = 1) -> None:
        """Make the next ``times`` fetches fail as if the identity provider could not be reached."""
        with self._lock:
            self._failures += times

    def refuse(self, *, refuses: bool = True) -> None:
        """Refuse the client from now on, as with a wrong secret; or accept it again."""
        with self._lock:
            self._refuses = refuses
