"""One exchange with the gateway: send a call, keep the exchange as an artifact, return what came back.

Shared by invoking, verifying and compensating, so that each of them is exactly one call with the same deadline and
the same evidence.
"""

import hashlib
import json
import logging
from dataclasses import dataclass

from pydantic import JsonValue

from domain.model.errors import ActionError
from domain.model.redaction import redact, redact_document
from domain.model.tool_call import GatewayReply, ToolAnswer, ToolCall
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

    def send(self, call: ToolCall, *, seconds_left: float, scopes: tuple[str, ...] = ()) -> Exchange:
        """Send the call once."""
        reply = self.gateway.send(call, deadline_seconds=self.deadline_seconds(seconds_left), scopes=scopes)
        return Exchange(reply, self._archive(call, reply))

    def _archive(self, call: ToolCall, reply: GatewayReply) -> str | None:
        text = reply.response_text
        try:
            return self.artifacts.put(
                call.ref,
                call.tool_run_ref,
                {
                    "purpose": call.purpose.value,
                    "tool_name": call.tool_name,
                    "tool_run_ref": call.tool_run_ref,
                    "trace_id": call.trace_id,
                    "idempotency_key": call.idempotency_key,
                    "request_text": redact_document(json.dumps(reply.request, ensure_ascii=False)),
                    "response_text": redact_document(text),
                    "response_sha256": hashlib.sha256(text.encode()).hexdigest(),
                    "failure": _failure(reply),
                },
            )
        except (ActionError, ValueError) as error:
            _log.warning(
                "artifact missing: the exchange stands but could not be archived",
                extra={"action_intent_id": call.ref.action_intent_id, "reason": redact(str(error))},
            )
            return None


def _failure(reply: GatewayReply) -> JsonValue:
    if isinstance(reply.outcome, ToolAnswer):
        return None
    failure: JsonValue = reply.outcome.model_dump(mode="json")
    return failure
