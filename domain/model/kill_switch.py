"""Kill switches: who can stop which actions, without a deploy."""

from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

from domain.model.identifiers import Identifier


class SwitchState(StrEnum):
    """RUNNING lets actions pass; HALTED stops every action in the switch's scope."""

    RUNNING = "RUNNING"
    HALTED = "HALTED"


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
