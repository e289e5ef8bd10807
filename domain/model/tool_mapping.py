"""The tool mapping: how one version of an action type becomes one tool call, how safe that call is, how it is undone.

A published mapping is immutable, and its content hash is part of what an approver approves, so an intent keeps
executing with exactly the mapping it was approved with.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from domain.model.canonical_json import JsonObject, digest
from domain.model.external_object import ExternalSystem, ObjectType, system_of_tool
from domain.model.identifiers import Identifier, Sha256Hex

RESERVED_ARGUMENT: Final = "execution_context"
"""The argument namespace that this system fills (idempotency key, intent, tenant, account); no parameter may."""

ToolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,256}$", strict=True)]
"""As the gateway lists it, ``{target}___{tool}``; 256 characters at most
(Amazon Bedrock AgentCore Developer Guide, "Quotas")."""
JsonPointer = Annotated[str, StringConstraints(pattern=r"^(?:/(?:[^~/]|~[01]){0,128}){1,8}$", strict=True)]
ArgumentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,127}$", strict=True)]


LONGEST_CALL_SECONDS: Final = 60
"""The longest that a function which calls tools may run (R70): a call that it sent is on its way no longer than this,
whatever became of the function."""

ScopeName = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,256}$", strict=True)]
"""An OAuth scope, e.g. ``server/invoke`` (RFC 6749 section 3.3, ``scope-token``)."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Transform(StrEnum):
    """What happens to a parameter's value on its way into the tool's argument."""

    PASSTHROUGH = "PASSTHROUGH"
    UPPERCASE = "UPPERCASE"
    LOWERCASE = "LOWERCASE"


class ParameterType(StrEnum):
    """The JSON type a parameter must have; values are never coerced from one to another."""

    STRING = "STRING"
    INTEGER = "INTEGER"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    ARRAY = "ARRAY"
    OBJECT = "OBJECT"
    ANY = "ANY"


class ParameterRule(_Frozen):
    """One parameter of the intent, and the tool argument that it becomes."""

    parameter: ArgumentName
    argument: ArgumentName
    type: ParameterType = ParameterType.ANY
    required: bool = False
    transform: Transform = Transform.PASSTHROUGH
    sensitive: bool = False
    """Whether the value is kept out of every archive; only the intent itself, which was approved with it, holds it."""

    @model_validator(mode="after")
    def _not_reserved(self) -> Self:
        if self.argument == RESERVED_ARGUMENT:
            msg = f"argument: {RESERVED_ARGUMENT!r} is reserved for the execution's own context; rename it"
            raise ValueError(msg)
        if self.transform is not Transform.PASSTHROUGH and self.type is not ParameterType.STRING:
            msg = f"transform: {self.transform} needs type STRING, but {self.parameter!r} has type {self.type}"
            raise ValueError(msg)
        return self


class Idempotent(_Frozen):
    """The tool dedupes on our idempotency key, so an ambiguous call may be sent again inside the key's lifetime."""

    kind: Literal["IDEMPOTENT"] = "IDEMPOTENT"
    key_ttl_seconds: int = Field(gt=2 * LONGEST_CALL_SECONDS, le=31_536_000)
    """How long the tool remembers a key, counted from the first send; a resend is made only while it would still
    arrive inside."""


class Verifiable(_Frozen):
    """A verify tool answers whether the effect of our key exists, once the server can no longer be working on it."""

    kind: Literal["VERIFIABLE"] = "VERIFIABLE"
    verify_tool: ToolName
    server_bound_seconds: int = Field(ge=0, le=3_600)
    verify_tool_schema_hash: Sha256Hex | None = None
    """The digest of the verify tool's input schema when the mapping was published."""


class Unsafe(_Frozen):
    """Neither: after an ambiguous result nothing may be sent again, and a person decides."""

    kind: Literal["UNSAFE"] = "UNSAFE"


EffectSafety = Annotated[Idempotent | Verifiable | Unsafe, Field(discriminator="kind")]


class CompensationStrategy(StrEnum):
    """How an effect that must not stay is undone."""

    NONE = "NONE"
    AUTOMATIC = "AUTOMATIC"
    MANUAL = "MANUAL"


class RefField(StrEnum):
    """The field of an external object ref that a compensation argument is filled from."""

    OBJECT_ID = "object_id"
    OBJECT_TYPE = "object_type"
    OBJECT_URL = "object_url"


class CompensationPolicy(_Frozen):
    """The undo half of a mapping. An AUTOMATIC tool must be harmless to repeat for the same object."""

    strategy: CompensationStrategy = CompensationStrategy.NONE
    compensation_tool: ToolName | None = None
    arguments: dict[ArgumentName, RefField] = Field(default_factory=dict)
    compensation_tool_schema_hash: Sha256Hex | None = None
    """The digest of the compensation tool's input schema when the mapping was published."""

    @model_validator(mode="after")
    def _automatic_names_its_tool(self) -> Self:
        automatic = self.strategy is CompensationStrategy.AUTOMATIC
        if automatic and (self.compensation_tool is None or not self.arguments):
            msg = "compensation_tool and arguments: an AUTOMATIC policy needs both, else nothing could be undone"
            raise ValueError(msg)
        if not automatic and (self.compensation_tool is not None or self.arguments):
            msg = f"compensation_tool and arguments: a {self.strategy} policy never uses them; remove them"
            raise ValueError(msg)
        if not automatic and self.compensation_tool_schema_hash is not None:
            msg = f"compensation_tool_schema_hash: a {self.strategy} policy has no tool to pin; remove it"
            raise ValueError(msg)
        if RESERVED_ARGUMENT in self.arguments:
            msg = f"arguments: {RESERVED_ARGUMENT!r} is reserved for the execution's own context; rename it"
            raise ValueError(msg)
        return self


class ResultEvidence(StrEnum):
    """Which answer of the tool is evidence that it acted."""

    TYPED = "TYPED"
    """A JSON object with a boolean ``success``, or one that names what was created."""
    NO_ERROR = "NO_ERROR"
    """Any complete answer that is not marked as an error: for a tool that knows nothing of this system."""


class ErrorText(StrEnum):
    """What becomes of a tool's own words about its failure."""

    WITHHELD = "WITHHELD"
    """Only their length and digest are recorded: a tool may say anything, secrets too."""
    KEPT = "KEPT"
    """They are recorded, filtered and bounded: whoever publishes the mapping trusts the tool with that."""


class ResultContract(_Frozen):
    """How the tool's answer is read: what proves success, where it names the object, what is kept of its words."""

    evidence: ResultEvidence = ResultEvidence.TYPED
    object_id: JsonPointer | None = None
    """Where a NO_ERROR answer names the object it created (RFC 6901); without it nothing can be undone."""
    object_type: ObjectType | None = None
    error_text: ErrorText = ErrorText.WITHHELD

    @property
    def of_an_undo(self) -> Self:
        """How the answer of the compensation tool is read: the same, but that it creates nothing."""
        return self.model_copy(update={"object_id": None, "object_type": None})

    @model_validator(mode="after")
    def _object_is_read_from_untyped_answers(self) -> Self:
        if self.evidence is ResultEvidence.TYPED and (self.object_id or self.object_type):
            msg = "object_id and object_type: a TYPED answer names its objects itself; remove them"
            raise ValueError(msg)
        if self.object_type and not self.object_id:
            msg = "object_type: says the type of the object that object_id points at; give both or neither"
            raise ValueError(msg)
        return self


class RiskClass(StrEnum):
    """How much harm a wrong execution could do; shown to approvers."""

    MINIMAL = "MINIMAL"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class ToolMapping(_Frozen):
    """One immutable version of how an action type is carried out."""

    action_type: Identifier
    version: Identifier
    tool_name: ToolName
    tool_schema_version: Identifier
    tool_schema_hash: Sha256Hex | None = None
    """The digest of ``tool_input_schema``."""
    tool_input_schema: JsonObject | None = None
    """The tool's input schema as it was listed when the mapping was published: the arguments of each call are checked
    against it, not against what the tool has become since."""
    parameters: tuple[ParameterRule, ...]
    effect_safety: EffectSafety
    """Required, without a default: what an ambiguous result means is a decision of whoever registers the tool."""
    compensation: CompensationPolicy = CompensationPolicy()
    result: ResultContract = ResultContract()
    passes_execution_context: bool = True
    """Whether the tool's schema declares the reserved argument; without it the context travels in ``_meta`` only."""
    required_scopes: tuple[ScopeName, ...] = ()
    risk_class: RiskClass = RiskClass.MEDIUM
    created_at: AwareDatetime
    deprecated_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for label in ("parameter", "argument"):
            names = [getattr(rule, label) for rule in self.parameters]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                msg = f"parameters: {label} {', '.join(map(repr, twice))} is mapped more than once"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _tools_have_one_job(self) -> Self:
        named = [
            name for name in (self.tool_name, self.verify_tool, self.compensation.compensation_tool) if name is not None
        ]
        if len(set(named)) < len(named):
            msg = (
                "tool_name, effect_safety.verify_tool and compensation.compensation_tool must be different tools: "
                "asking or undoing with the tool that acts would act again"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _schema_and_hash_agree(self) -> Self:
        pinned = None if self.tool_input_schema is None else digest(self.tool_input_schema)
        if pinned is not None and self.tool_schema_hash not in (None, pinned):
            msg = "tool_schema_hash: is not the digest of tool_input_schema; leave it out, it is computed"
            raise ValueError(msg)
        return self

    @property
    def verify_tool(self) -> str | None:
        """The tool that is asked whether an effect exists; ``None`` where there is none."""
        return self.effect_safety.verify_tool if isinstance(self.effect_safety, Verifiable) else None

    @property
    def without_pins(self) -> "ToolMapping":
        """The mapping as a person writes it, without what was taken from the gateway when it was published."""
        effect = self.effect_safety
        if isinstance(effect, Verifiable):
            effect = effect.model_copy(update={"verify_tool_schema_hash": None})
        compensation = self.compensation.model_copy(update={"compensation_tool_schema_hash": None})
        unpinned = {"tool_input_schema": None, "tool_schema_hash": None}
        return self.model_copy(update={**unpinned, "effect_safety": effect, "compensation": compensation})

    @property
    def system(self) -> ExternalSystem:
        """The system the tool acts on; refs of any other system are not believed."""
        return system_of_tool(self.tool_name)

    @property
    def connector(self) -> str:
        """The gateway target behind the tool: the part of its name before ``___``, or the whole name."""
        return self.tool_name.split("___", 1)[0]

    @property
    def content_hash(self) -> str:
        """The digest of everything that decides behaviour; the dates around it are not part of it.

        What the model learned to say later counts only where a mapping says it, so that the hashes of mappings that
        were approved before stay what they were.
        """
        content = self.model_dump(mode="json", exclude={"created_at", "deprecated_at"})
        for field in ("tool_input_schema", "result"):
            if getattr(self, field) == type(self).model_fields[field].default:
                del content[field]
        for part, field in (
            ("effect_safety", "verify_tool_schema_hash"),
            ("compensation", "compensation_tool_schema_hash"),
        ):
            if content[part].get(field) is None:
                content[part].pop(field, None)
        for rule in content["parameters"]:
            if not rule["sensitive"]:
                del rule["sensitive"]
        return digest(content)
