"""Connector capacity: what one tenant's calls of one connector leave room for, as it is kept between calls.

It is throttling state and no evidence: losing it lets a few calls more go at once, and never lets an action run
twice. Everything that decides over it is in ``domain.policies.capacity``.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from domain.model.identifiers import Identifier
from domain.model.tool_mapping import ToolName

LeaseId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$", strict=True)]
"""Names one send: a step that is entered again for the same send finds its own lease."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CapacityKey(_Frozen):
    """Whose capacity it is: one tenant's, at one connector, so that no tenant's trouble is another's."""

    tenant_id: Identifier
    connector: ToolName

    def __str__(self) -> str:
        """Return ``tenant/connector`` for messages."""
        return f"{self.tenant_id}/{self.connector}"


class BreakerState(StrEnum):
    """Whether calls may go to the connector."""

    CLOSED = "CLOSED"
    """They may."""
    OPEN = "OPEN"
    """None may, until a time."""
    HALF_OPEN = "HALF_OPEN"
    """One may, and what becomes of it decides."""


class Breaker(_Frozen):
    """A circuit breaker as it stands."""

    state: BreakerState = BreakerState.CLOSED
    failures: Annotated[int, Field(ge=0)] = 0
    """Calls in a row that the connector failed, counted while CLOSED."""
    openings: Annotated[int, Field(ge=0)] = 0
    """How often it has opened since the connector last answered; the open time grows with it."""
    open_until: AwareDatetime | None = None
    """While OPEN: when one call may be tried."""
    probe: LeaseId | None = None
    """While HALF_OPEN: the one call that was let through."""


class ConnectorCapacity(_Frozen):
    """All of it for one key, read and replaced as a whole."""

    key: CapacityKey
    version: Annotated[int, Field(ge=0)] = 0
    """Grows by one with each replacement; 0 was never stored."""
    leases: dict[LeaseId, AwareDatetime] = Field(default_factory=dict)
    """The slots that are taken, each with the time at which it frees itself."""
    bucket_full_at: AwareDatetime | None = None
    """The token bucket in one number: when it is full again if nobody takes from it; ``None``: it is."""
    breaker: Breaker = Breaker()
    forget_at_epoch: Annotated[int, Field(ge=0)] = 0
    """When the store may forget it, in seconds: a pair that is not used any more would stay for ever."""

    @classmethod
    def untouched(cls, key: CapacityKey) -> Self:
        """Return the capacity of a key that nobody has called yet."""
        return cls(key=key)
