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


_Text = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Url = Annotated[str, StringConstraints(max_length=2_048, pattern=r"^https?://[^\s\x00-\x1f]+$")]


class ExternalObjectRef(BaseModel):
    """One object in an external system, as the tool named it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: ExternalSystem
    object_type: _Text = UNKNOWN_OBJECT_TYPE
    object_id: _Text
    object_url: _Url | None = None


def system_of_tool(tool_name: str) -> ExternalSystem:
    """Return the system a tool acts on, from its name and never from its output.

    Accepts both spellings: the tool's own (``crm.create_task``) and the gateway's (``crm___create_task``;
    Amazon Bedrock AgentCore Developer Guide, "Gateway tool naming").
    """
    prefix = tool_name.replace("___", ".").split(".", 1)[0].lower()
    return {"crm": ExternalSystem.CRM, "calendar": ExternalSystem.CALENDAR}.get(prefix, ExternalSystem.INTERNAL)
