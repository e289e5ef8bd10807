"""MapActionToTool: which tool, with which arguments, under which idempotency key."""

from dataclasses import dataclass

from domain.model.canonical_json import digest
from domain.model.errors import InvalidParameters
from domain.model.idempotency import idempotency_key
from domain.model.tool_call import execution_context_of
from domain.model.tool_mapping import RESERVED_ARGUMENT
from domain.use_cases.approved_action import ApprovedAction, read_approved_action
from domain.use_cases.required import section
from ports.argument_schemas import ArgumentSchemas
from ports.intent_store import IntentStore
from ports.mapping_registry import MappingRegistry
from ports.steps.state import ExecutionState, MappingSection


@dataclass(frozen=True)
class MapActionToTool:
    """Resolves the approved mapping version and proves that the parameters fit it.

    The arguments themselves stay out of the state (they may be large or sensitive); their digest goes in, and
    InvokeTool proves that it sends the same ones. It only reads, so entering it again is harmless. Raises
    ``ToolMappingNotFound``, ``ApprovalMismatch``, ``InvalidParameters``; and ``ConfigurationError`` where the pinned
    schema cannot be applied.
    """

    intents: IntentStore
    registry: MappingRegistry
    schemas: ArgumentSchemas

    def __call__(self, state: ExecutionState) -> MappingSection:
        """Map the intent's parameters with the version fixed at approval."""
        start = section(state.start, "start")
        action = read_approved_action(self.intents, self.registry, state.intent_ref, start.action_digest)
        self._prove_that_they_fit(action)
        return MappingSection(
            tool_name=action.mapping.tool_name,
            tool_schema_version=action.mapping.tool_schema_version,
            mapping_hash=action.mapping.content_hash,
            arguments_digest=digest(action.arguments),
            idempotency_key=key_of(action),
            system=action.mapping.system,
            effect_safety=action.mapping.effect_safety.kind,
            compensation_strategy=action.mapping.compensation.strategy,
        )

    def _prove_that_they_fit(self, action: ApprovedAction) -> None:
        """Hold what will be sent, the reserved argument included, against the schema that was pinned at publication.

        A mapping of before schemas were pinned has none, and its tool is then the first to check.
        """
        mapping = action.mapping
        if mapping.tool_input_schema is None:
            return
        arguments = dict(action.arguments)
        if mapping.passes_execution_context:
            arguments[RESERVED_ARGUMENT] = execution_context_of(action.intent.ref, key_of(action))
        faults = self.schemas.faults(mapping.tool_input_schema, arguments)
        if faults:
            raise InvalidParameters(
                f"the arguments do not fit the input schema of {mapping.tool_name}, pinned in {mapping.action_type} "
                f"version {mapping.version}: {'; '.join(map(str, faults))}. Nothing was sent; propose the action again "
                "with parameters that fit",
                **action.intent.ref.model_dump(),
            )


def key_of(action: ApprovedAction) -> str:
    """Return the idempotency key of carrying out an approved action."""
    return idempotency_key(
        action.intent.ref,
        tool_name=action.mapping.tool_name,
        arguments=action.arguments,
        mapping_version=action.mapping.version,
    )
