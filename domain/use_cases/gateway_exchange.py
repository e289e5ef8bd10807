"""One exchange with the gateway: send a call, keep the exchange as an artifact, return what came back.

Shared by invoking, verifying and compensating, so that each of them is exactly one call with the same deadline and
the same evidence.
"""

import hashlib
import logging
from dataclasses import dataclass

from pydantic import JsonValue

from domain.model.canonical_json import digest
from domain.model.errors import ActionError
from domain.model.redaction import redact
from domain.model.tool_call import GatewayReply, ToolAnswer, ToolCall, TransportFailure
from domain.model.tool_mapping import ToolMapping
from domain.policies.archiving import ArchiveRules
from ports.artifact_store import ArtifactStore
from ports.steps.contract import SETTLING_MARGIN_SECONDS
from ports.tool_gateway import ToolGateway

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exchange:
    """What came back, and where it is archived (``None`` if archiving failed: that never undoes an action)."""

    reply: GatewayReply
    artifact_ref: str | None


@dataclass(frozen=True)
class GatewayExchange:
    """Sends calls within a deadline; archives best effort."""

    gateway: ToolGateway
    artifacts: ArtifactStore
    timeout_seconds: float
    """The longest a call may take, in seconds, however much time the function has left."""

    def deadline_seconds(self, seconds_left: float) -> float:
        """Return how long a call may take when the function has ``seconds_left``; zero or less means: not at all."""
        return min(self.timeout_seconds, seconds_left - SETTLING_MARGIN_SECONDS)

    def send(self, call: ToolCall, mapping: ToolMapping, *, seconds_left: float) -> Exchange:
        """Send the call once, with the scopes of its mapping, and archive what the mapping lets be kept."""
        reply = self.gateway.send(
            call, deadline_seconds=self.deadline_seconds(seconds_left), scopes=mapping.required_scopes
        )
        return Exchange(reply, self._archive(call, reply, ArchiveRules.of(mapping)))

    def _archive(self, call: ToolCall, reply: GatewayReply, rules: ArchiveRules) -> str | None:
        try:
            return self.artifacts.put(call.ref, call.tool_run_ref, _document(call, reply, rules))
        except (ActionError, ValueError) as error:
            _log.warning(
                "artifact missing: the exchange stands but could not be archived",
                extra={"action_intent_id": call.ref.action_intent_id, "reason": redact(str(error))},
            )
            return None


def _document(call: ToolCall, reply: GatewayReply, rules: ArchiveRules) -> dict[str, JsonValue]:
    response = reply.response_text.encode()
    answer = reply.outcome if isinstance(reply.outcome, ToolAnswer) else None
    failure = reply.outcome if isinstance(reply.outcome, TransportFailure) else None
    return {
        "purpose": call.purpose.value,
        "tool_run_ref": call.tool_run_ref,
        "trace_id": call.trace_id,
        "request": rules.request(call),
        "request_sha256": digest(reply.request),
        "answer": rules.answer(answer, call.tool_name) if answer else None,
        "failure": failure.model_dump(mode="json") if failure else None,
        "response_bytes": len(response),
        "response_sha256": hashlib.sha256(response).hexdigest(),
    }
