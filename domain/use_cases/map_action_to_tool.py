"""MapActionToTool: which tool, with which arguments, under which idempotency key."""

from dataclasses import dataclass

from domain.model.canonical_json import digest
from domain.model.idempotency import idempotency_key
from domain.use_cases.approved_action import ApprovedAction, read_approved_action
from domain.use_cases.required import section
from ports.intent_store import IntentStore
from ports.mapping_registry import MappingRegistry
from ports.steps.state import ExecutionState, MappingSection


@dataclass(frozen=True)
class MapActionToTool:
    """Resolves the approved mapping version and proves that the parameters fit it.

    The arguments themselves stay out of the state (they may be large or sensitive); their digest goes in, and
    InvokeTool proves that it sends the same ones. It only reads, so entering it again is harmless. Raises
    ``ToolMappingNotFound``, ``ApprovalMismatch``, ``InvalidParameters``.
    """

    intents: IntentStore
    registry: MappingRegistry

    def __call__(self, state: ExecutionState) -> MappingSection:
        """Map the intent's parameters with the version fixed at approval."""
        start = section(state.start, "start")
        action = read_approved_action(self.intents, self.registry, state.intent_ref, start.action_digest)
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


def key_of(action: ApprovedAction) -> str:
    """Return the idempotency key of carrying out an approved action."""
    return idempotency_key(
        action.intent.ref,
        tool_name=action.mapping.tool_name,
        arguments=action.arguments,
        mapping_version=action.mapping.version,
    )
