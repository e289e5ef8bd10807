"""Kill switches: who can stop which actions, without a deploy."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

from domain.model.errors import ActionError, ExecutionHalted, ExecutionHeld
from domain.model.identifiers import Identifier, IntentRef


class SwitchState(StrEnum):
    """What a switch does with the actions in its scope. Whatever is none of these counts as CANCEL."""

    RUNNING = "RUNNING"
    """Lets them pass."""
    CANCEL = "CANCEL"
    """Ends those that have not been sent."""
    HOLD = "HOLD"
    """Makes them wait, before they are sent, until the switch is released or their approval expires."""


class SwitchKind(StrEnum):
    """What a switch's scope is measured by."""

    GLOBAL = "GLOBAL"
    TENANT = "TENANT"
    ACTION_TYPE = "ACTION_TYPE"
    TOOL = "TOOL"
    CONNECTOR = "CONNECTOR"
    INTENT = "INTENT"


class SwitchScope(BaseModel):
    """The scope of one switch. The global one must exist for anything to run; any other may be absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: SwitchKind
    subject: str = ""

    def __str__(self) -> str:
        """Return the store key of the scope, ``GLOBAL`` or ``KIND#subject``."""
        return f"{self.kind.value}#{self.subject}" if self.subject else self.kind.value

    @model_validator(mode="after")
    def _subject_fits(self) -> Self:
        if (self.kind is SwitchKind.GLOBAL) != (self.subject == ""):
            wanted = "none" if self.kind is SwitchKind.GLOBAL else "one"
            msg = f"subject: a {self.kind} switch needs {wanted}, else it stops nothing"
            raise ValueError(msg)
        return self

    @property
    def must_exist(self) -> bool:
        """Whether a missing row means "stopped" (only for the global switch)."""
        return self.kind is SwitchKind.GLOBAL

    @classmethod
    def before_mapping(cls, *, tenant_id: str, action_type: str, action_intent_id: str) -> tuple[Self, ...]:
        """Return the scopes that are known before the tool is."""
        return (
            cls(kind=SwitchKind.GLOBAL),
            cls(kind=SwitchKind.TENANT, subject=tenant_id),
            cls(kind=SwitchKind.ACTION_TYPE, subject=action_type),
            cls(kind=SwitchKind.INTENT, subject=f"{tenant_id}#{action_intent_id}"),
        )

    @classmethod
    def of_tool(cls, *, tool_name: str, connector: str) -> tuple[Self, ...]:
        """Return the scopes of the tool and of the connector behind it."""
        return (
            cls(kind=SwitchKind.TOOL, subject=tool_name),
            cls(kind=SwitchKind.CONNECTOR, subject=connector),
        )


class KillSwitch(BaseModel):
    """One switch as it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scope: SwitchScope
    state: SwitchState
    reason: str
    changed_by: Identifier
    changed_at: AwareDatetime


def stopped_by(ref: IntentRef, stopping: Sequence[tuple[SwitchScope, str | None]]) -> ActionError:
    """Return the error of a dispatch that these switches stop; the second of a pair is the row's state, if any.

    One word decides for all of them: what one switch cancels, no other can make wait.
    """
    cancelling = [scope for scope, state in stopping if state != SwitchState.HOLD]
    if cancelling:
        return ExecutionHalted(
            f"the kill switch {cancelling[0]} stops intent {ref}; nothing was sent. "
            "Set it to RUNNING and approve the action anew to let it pass",
            action_intent_id=ref.action_intent_id,
            tenant_id=ref.tenant_id,
            scope=str(cancelling[0]),
        )
    held = stopping[0][0]
    return ExecutionHeld(
        f"the kill switch {held} holds intent {ref}; nothing was sent, and it waits until the switch is RUNNING again",
        action_intent_id=ref.action_intent_id,
        tenant_id=ref.tenant_id,
        scope=str(held),
    )
