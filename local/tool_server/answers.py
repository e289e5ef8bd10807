"""What a tool answers: the result contract that every tool of the reference server keeps.

Owns the shape of success, refusal and failure. It exists because an execution may call itself succeeded only on
the tool's own evidence, so the evidence has one documented form.

It will not decide anything; the same JSON goes out as structured content and as one text block.
"""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

ErrorClass = Literal["VALIDATION", "DOWNSTREAM"]


class ObjectRef(BaseModel):
    """One object that exists in the system of record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    object_type: str
    object_id: str
    object_url: str


class Answer(BaseModel):
    """One tool's answer; what does not apply is left out of the JSON.

    `external_objects` are the objects that exist because of the call: the created one, also when the call
    failed after writing; none after a deletion.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    success: bool
    external_objects: tuple[ObjectRef, ...]
    external_object_id: str | None = None
    object_type: str | None = None
    object_url: str | None = None
    deduplicated: bool | None = None
    found: bool | None = None
    error_code: str | None = None
    error_class: ErrorClass | None = None
    error_message: str | None = None

    @classmethod
    def created(cls, ref: ObjectRef) -> Self:
        """The object now exists, and did not before this call."""
        return cls(
            success=True,
            external_object_id=ref.object_id,
            object_type=ref.object_type,
            object_url=ref.object_url,
            external_objects=(ref,),
            deduplicated=False,
        )

    @classmethod
    def gone(cls, ref: ObjectRef, *, deduplicated: bool) -> Self:
        """The object does not exist; `deduplicated` when it did not exist before this call either."""
        return cls(
            success=True,
            external_object_id=ref.object_id,
            object_type=ref.object_type,
            object_url=ref.object_url,
            external_objects=(),
            deduplicated=deduplicated,
        )

    @classmethod
    def lookup(cls, refs: tuple[ObjectRef, ...]) -> Self:
        """What exists for the key that was asked about."""
        return cls(success=True, found=bool(refs), external_objects=refs)

    @classmethod
    def refused(cls, message: str, code: str = "VALIDATION_ERROR") -> Self:
        """Nothing was done, and the same request would be refused again."""
        return cls(success=False, error_code=code, error_class="VALIDATION", error_message=message, external_objects=())

    def failed_after_writing(self, message: str) -> Self:
        """Return the failure that names what this call wrote before it failed."""
        return type(self)(
            success=False,
            error_code="DOWNSTREAM_ERROR",
            error_class="DOWNSTREAM",
            error_message=message,
            external_objects=self.external_objects,
        )

    def repeated(self) -> Self:
        """Return this first answer as a repeat of the same call receives it."""
        return self.model_copy(update={"deduplicated": True})

    def as_json(self) -> dict[str, Any]:
        """Return the JSON object that goes out."""
        return self.model_dump(mode="json", exclude_none=True)
