"""A tool as the gateway lists it: what a mapping is checked against before it is published, and again for drift.

Source: Model Context Protocol specification 2026-07-28, "Tools" (``Tool``, ``ToolAnnotations``). What a tool says of
itself is a claim: it can refuse a mapping, and it never makes a call safer than the mapping declares.
"""

from pydantic import BaseModel, ConfigDict

from domain.model.canonical_json import JsonObject, digest
from domain.model.tool_mapping import ToolName


class ToolAnnotations(BaseModel):
    """The hints of a tool about itself; ``None`` where it says nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None


class ToolDescription(BaseModel):
    """One tool of the gateway's ``tools/list``, with what decides whether a mapping fits it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ToolName
    input_schema: JsonObject
    """JSON Schema of the arguments, dialect 2020-12 unless it names another."""
    output_schema: JsonObject | None = None
    annotations: ToolAnnotations = ToolAnnotations()

    @property
    def schema_hash(self) -> str:
        """The digest of the input schema: what a mapping pins, and what drift is seen by."""
        return digest(self.input_schema)
