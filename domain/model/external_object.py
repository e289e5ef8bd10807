"""References to what a tool created in another system: the evidence that outcomes and compensation rest on."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

UNKNOWN_OBJECT_TYPE: Final = "Unknown"


class ExternalSystem(StrEnum):
    """The kinds of system that tools act on."""

    CRM = "CRM"
    CALENDAR = "CALENDAR"
    INTERNAL = "INTERNAL"


ObjectType = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,64}$", strict=True)]
_Id = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,256}$", strict=True)]
_Url = Annotated[str, StringConstraints(max_length=1_024, pattern=r"^https?://[\x21-\x7e]+$", strict=True)]
"""Printable ASCII only and bounded, so that every ref an execution can carry fits its state in bytes."""


class ExternalObjectRef(BaseModel):
    """One object in an external system, as the tool named it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: ExternalSystem
    object_type: ObjectType = UNKNOWN_OBJECT_TYPE
    object_id: _Id
    object_url: _Url | None = None


def system_of_tool(tool_name: str) -> ExternalSystem:
    """Return the system a tool acts on, from its name and never from its output.

    Accepts both spellings: the tool's own (``crm.create_task``) and the gateway's (``crm___create_task``;
    Amazon Bedrock AgentCore Developer Guide, "Gateway tool naming").
    """
    prefix = tool_name.replace("___", ".").split(".", 1)[0].lower()
    return {"crm": ExternalSystem.CRM, "calendar": ExternalSystem.CALENDAR}.get(prefix, ExternalSystem.INTERNAL)
