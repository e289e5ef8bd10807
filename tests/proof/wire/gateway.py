"""The shipped gateway adapter on a real socket, in the place that a simulated one has in the world of one intent.

The functions, the machine and the tools are those of the simulation; between them lie the shipped client, its own HTTP
client, the kernel's sockets and the fault server. Time is the world's, but for what a socket waits.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final

import httpx

from adapters.mcp.endpoint import build_http_client
from adapters.mcp.tool_gateway import McpToolGateway
from adapters.memory.clock import MemoryClock
from adapters.memory.token_provider import MemoryTokenProvider
from domain.model.identifiers import IntentRef
from domain.model.tool_call import CallPurpose, GatewayReply, ToolAnswer, ToolCall, TransportFailure
from domain.model.tool_mapping import RESERVED_ARGUMENT
from domain.policies.classification import Evidence, classify
from tests.proof.simulation.flows import Flow, Safety
from tests.proof.simulation.gateway import SimulatedGateway
from tests.proof.simulation.sites import Kind
from tests.proof.simulation.world import World
from tests.support.fault_server.certificates import identities
from tests.support.fault_server.exchange import Seen
from tests.support.fault_server.server import FaultServer

Json = Any

SHORT_SECONDS: Final = 0.25
"""The deadline where only the deadline ends a fault."""
LONG_SECONDS: Final = 20.0
"""The deadline elsewhere: never reached, however busy the machine is."""
_PURPOSES: Final = {
    "crm___create_task": CallPurpose.INVOKE,
    "crm___delete_task": CallPurpose.COMPENSATE,
    "crm___find_task": CallPurpose.VERIFY,
}


@cache
def http_client() -> httpx.Client:
    """Return the shipped HTTP client, one for all plays of this process: what one leaves behind, the next one meets."""
    return build_http_client(identities().ca_bundle)


@dataclass(frozen=True)
class _Clock:
    """The world's calendar over the machine's own seconds: a socket does not wait on a virtual clock."""

    world: MemoryClock

    def now(self) -> datetime:
        return self.world.now()

    def monotonic_seconds(self) -> float:
        return time.monotonic()


@dataclass(frozen=True)
class Send:
    """What one send came to."""

    call: ToolCall
    struck: bool
    evidence: Evidence
    outcome: ToolAnswer | TransportFailure
    seconds: float

    @property
    def phase(self) -> str:
        """How far it got."""
        return self.outcome.phase.value if isinstance(self.outcome, TransportFailure) else "ANSWER"


@dataclass
class WireGateway(SimulatedGateway):
    """Sends over the wire to the world's own tools."""

    server: FaultServer | None = None
    version: str = ""
    sends: list[Send] = field(default_factory=list)

    def send(
        self, call: ToolCall, *, deadline_seconds: float, scopes: Sequence[str] = (), fault: Kind | None = None
    ) -> GatewayReply:
        """Send the call with the shipped client; the simulation's own faults strike elsewhere."""
        del fault
        server = self.server
        if server is None:  # pragma: no cover  set before anything is sent
            raise AssertionError("no server")
        strike = server.strike
        waits = (
            strike is not None and strike.fault.waits and server.struck < strike.times and strike.tool == call.tool_name
        )
        struck, begun = server.struck, time.monotonic()
        reply = self._client(server).send(
            call, deadline_seconds=min(deadline_seconds, SHORT_SECONDS if waits else LONG_SECONDS), scopes=scopes
        )
        seconds = time.monotonic() - begun
        server.refused_once()
        hit = server.struck > struck
        evidence = classify(reply.outcome, call.tool_name).evidence
        self.sends.append(Send(call, hit, evidence, reply.outcome, seconds))
        if call.purpose is CallPurpose.INVOKE and not (hit and server.strike and not server.strike.fault.bytes_left):
            self.sent.append((call, self.clock.monotonic_seconds()))
        return reply

    def _client(self, server: FaultServer) -> McpToolGateway:
        return McpToolGateway(
            http_client(),
            gateway_url=server.url,
            protocol_version=self.version,
            tokens=_tokens(self.clock),
            clock=_Clock(self.clock),
        )

    def carry_out(self, seen: Seen) -> dict[str, Json]:
        """Let the world's tools do what a request asks for, and return their result as MCP has it."""
        answer = self.tools.carry_out(_call_of(seen), self.clock.monotonic_seconds())
        said = answer.structured
        texts = [json.dumps(said)] if said is not None else list(answer.texts)
        result: dict[str, Json] = {
            "content": [{"type": "text", "text": text} for text in texts],
            "isError": answer.is_error,
            "resultType": "complete",
        }
        return result if said is None else {**result, "structuredContent": said}


@cache
def _tokens(_: MemoryClock) -> MemoryTokenProvider:
    return MemoryTokenProvider()


def _call_of(seen: Seen) -> ToolCall:
    params = seen.document["params"]
    context = params["_meta"]["cc-native/execution"]
    arguments = {name: value for name, value in params["arguments"].items() if name != RESERVED_ARGUMENT}
    return ToolCall(
        purpose=_PURPOSES[params["name"]],
        ref=IntentRef.model_validate({name: context[name] for name in IntentRef.model_fields}),
        tool_name=params["name"],
        arguments=arguments,
        idempotency_key=context["idempotency_key"],
        tool_run_ref=context["tool_run_ref"],
        trace_id=context["trace_id"],
    )


@dataclass(frozen=True)
class WireFlow(Flow):
    """An undisturbed action, but for the wire."""

    version: str = ""

    def world(self, safety: Safety) -> World:
        """Return the world, with the wire in the gateway's place."""
        world = super().world(safety)
        plain = world.gateway
        world.send_through(WireGateway(plain.clock, plain.tools, plain.lands_within_seconds, version=self.version))
        return world
