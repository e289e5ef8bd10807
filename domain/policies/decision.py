"""The result of a check: allowed, or refused with the error that says why.

Refusals are data. A use case that cannot go on turns a refusal into its error with ``require``; a policy never
raises.
"""

from dataclasses import dataclass

from domain.model.errors import ActionError
from domain.model.identifiers import IntentRef


@dataclass(frozen=True)
class Allowed:
    """The check found nothing against it."""


@dataclass(frozen=True)
class Refused:
    """The check refuses, as this error, for this reason."""

    error: type[ActionError]
    reason: str


Decision = Allowed | Refused


def require(decision: Decision, ref: IntentRef) -> None:
    """Raise the refusal's error with the intent it concerns; do nothing if allowed."""
    if isinstance(decision, Refused):
        raise decision.error(decision.reason, **ref.model_dump())
