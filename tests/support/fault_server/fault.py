"""What a wire fault is: a name, what is done, what that proves at most, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from domain.policies.classification import Evidence
from tests.support.fault_server.exchange import Exchange


class Stage(StrEnum):
    """How far a connection gets before the fault strikes."""

    LISTEN = "listen"
    """Nobody listens."""
    ACCEPT = "accept"
    """The connection is accepted and nothing was read, of TLS neither."""
    CERTIFICATE = "certificate"
    """The TLS handshake presents the wrong certificate."""
    HEAD = "head"
    """The request's head was read."""
    BODY = "body"
    """The whole request was read."""


class Commits(StrEnum):
    """Whether the tool acts before the fault."""

    NEVER = "never"
    ALWAYS = "always"
    EITHER = "either"
    """Both are played: the answer cannot tell."""
    AGAINST_THE_ASSUMPTION = "against-the-assumption"
    """Never by what is assumed of a gateway: it answers this before it calls a target. Played all the same, apart."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong on the wire."""

    name: str
    done: str
    """What the server does, in a few words."""
    evidence: tuple[Evidence, ...]
    """What may be concluded from it; several where the moment at which the peer notices decides."""
    why: str
    act: Callable[[Exchange], None]
    commits: Commits = Commits.EITHER
    stage: Stage = Stage.BODY
    waits: bool = False
    """Whether only the deadline ends it."""
    tls: str = ""
    """Which certificate the server presents (``certificates``); empty: no TLS."""
    permanent: bool = False
    """Whether trying again is known to be of no use."""
    bytes_left: bool = True
    """Whether a byte of the call may have left the caller."""

    @property
    def variants(self) -> tuple[bool, ...]:
        """With the tool having acted or not: those for which the product answers."""
        match self.commits:
            case Commits.NEVER | Commits.AGAINST_THE_ASSUMPTION:
                return (False,)
            case Commits.ALWAYS:
                return (True,)
            case Commits.EITHER:
                return (False, True)
