"""Which wire faults are played how: each for every effect safety and protocol version, once and until people notice.

A case is its token, so that a counter-example can be played again.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from adapters.mcp.wire import CALL, INITIALIZE, INITIALIZED, SUPPORTED_PROTOCOL_VERSIONS, begins_with_handshake
from tests.proof.rows import token_parts
from tests.proof.simulation.flows import Safety
from tests.support.fault_server.catalogue import FAULTS
from tests.support.fault_server.fault import Commits, Fault, Stage

ONCE: Final = 1
STUBBORN: Final = 5
"""More often than the state machine tries (``ports.steps.retries``): the fault outlives the execution."""
HANDSHAKE: Final = (INITIALIZE, INITIALIZED)
NEVER_READ: Final = frozenset({Stage.LISTEN, Stage.ACCEPT, Stage.CERTIFICATE, Stage.HEAD})
"""Stages in which the server does not know yet what is asked."""
_SESSIONLESS: Final = "2025-06-18"
_ACTED, _UNTOUCHED = "acted", "untouched"


class Case(NamedTuple):
    """One play."""

    fault: str
    commits: bool
    """Whether the tool acts before the fault."""
    safety: Safety
    version: str
    times: int = ONCE
    at: str = CALL
    """Which request is struck."""

    @property
    def handshakes(self) -> bool:
        """Whether the version begins with a handshake."""
        return begins_with_handshake(self.version)

    @property
    def sessions(self) -> bool:
        """Whether the server keeps sessions: of one version it does not, and where the handshake itself is struck."""
        return self.handshakes and self.version != _SESSIONLESS and self.at == CALL

    @property
    def breaks_the_assumption(self) -> bool:
        """Whether the gateway does what the evidence table assumes that none does."""
        return self.at == CALL and self.commits and FAULTS[self.fault].commits is Commits.AGAINST_THE_ASSUMPTION

    def __str__(self) -> str:
        """Return the token."""
        acted = _ACTED if self.commits else _UNTOUCHED
        return f"{self.fault}/{acted}/{self.safety}/{self.version}/{self.times}/{self.at.rpartition('/')[2]}"


def case_of(token: str) -> Case:
    """Return the case of a token; raises ``ValueError`` where it names none."""
    fault, acted, safety, version, times, at = token_parts(token, "/", "fault/acted/safety/version/times/request")
    if fault not in FAULTS:
        raise ValueError(f"{fault!r} is no fault; choose one of {', '.join(FAULTS)}")
    if version not in SUPPORTED_PROTOCOL_VERSIONS:
        raise ValueError(f"{version!r} is no protocol version; choose one of {', '.join(SUPPORTED_PROTOCOL_VERSIONS)}")
    if acted not in {_ACTED, _UNTOUCHED}:
        raise ValueError(f"{acted!r} is neither {_ACTED} nor {_UNTOUCHED}")
    requests = {one.rpartition("/")[2]: one for one in (CALL, *HANDSHAKE)}
    if at not in requests:
        raise ValueError(f"{at!r} is no request; choose one of {', '.join(requests)}")
    return Case(fault, acted == _ACTED, Safety(safety), version, int(times), requests[at])


def every_case() -> Iterator[Case]:
    """Yield all of them: the newest version with everything, the older ones with the variant that hurts most."""
    older, newest = SUPPORTED_PROTOCOL_VERSIONS[:-1], SUPPORTED_PROTOCOL_VERSIONS[-1]
    for fault in FAULTS.values():
        for safety in Safety:
            yield from (Case(fault.name, commits, safety, newest) for commits in variants(fault))
            yield Case(fault.name, fault.variants[-1], safety, newest, STUBBORN)
            yield from (Case(fault.name, fault.variants[-1], safety, version) for version in older)
        if fault.stage not in NEVER_READ:
            yield from (
                Case(fault.name, fault.variants[-1], Safety.UNSAFE, _SESSIONLESS, ONCE, request)
                for request in HANDSHAKE
            )


def quick_cases() -> Iterator[Case]:
    """Yield each fault once, where it hurts most: the tool has acted, if it can have, and would act again."""
    for fault in FAULTS.values():
        yield Case(fault.name, fault.variants[-1], Safety.UNSAFE, SUPPORTED_PROTOCOL_VERSIONS[-1])


def variants(fault: Fault) -> tuple[bool, ...]:
    """Return with the tool having acted or not: what the product answers for, then what breaks the assumption."""
    return (False, True) if fault.commits is Commits.AGAINST_THE_ASSUMPTION else fault.variants
