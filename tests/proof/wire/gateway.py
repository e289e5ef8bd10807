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
from domain.model.errors import ConfigurationError
from domain.model.identifiers import IntentRef
from domain.model.tool_call import NEVER_SENT, CallPurpose, GatewayReply, ToolCall, TransportFailure
from domain.model.tool_mapping import RESERVED_ARGUMENT
from domain.policies.classification import Evidence, classify
from tests.proof.simulation.flows import Flow, Safety
from tests.proof.simulation.gateway import SimulatedGateway
from tests.proof.simulation.sites import Kind
from tests.proof.simulation.world import World
from tests.support.fault_server.certificates import identities
from tests.support.fault_server.exchange import Seen
from tests.support.fault_server.fault import Stage
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
    return a_fresh_http_client()


def a_fresh_http_client() -> httpx.Client:
    """Return a shipped HTTP client of its own."""
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
    phase: str
    """How far it got."""
    timed_out: bool
    detail: str
    seconds: float

    @property
    def never_left(self) -> bool:
        """Whether no byte of the call was sent."""
        return self.phase in _NEVER_LEFT


REFUSED_BY_US: Final = "CONFIGURATION"
"""The phase of a send that the client itself refuses: the gateway speaks another version than it was told."""
_NEVER_LEFT: Final = frozenset({*(phase.value for phase in NEVER_SENT), REFUSED_BY_US})


@dataclass
class WireGateway(SimulatedGateway):
    """Sends over the wire to the world's own tools."""

    version: str = ""
    sends: list[Send] = field(default_factory=list)
    _server: FaultServer | None = None
    _client: McpToolGateway | None = None

    def attach(self, server: FaultServer, http: httpx.Client) -> None:
        """Send to this server from now on."""
        self._server = server
        self._client = McpToolGateway(
            http,
            gateway_url=server.url,
            protocol_version=self.version,
            tokens=MemoryTokenProvider(),
            clock=_Clock(self.clock),
        )

    def send(
        self, call: ToolCall, *, deadline_seconds: float, scopes: Sequence[str] = (), fault: Kind | None = None
    ) -> GatewayReply:
        """Send the call with the shipped client; the simulation's own faults strike elsewhere."""
        del fault
        server, client = self._server, self._client
        if server is None or client is None:  # pragma: no cover  attached before anything is sent
            raise AssertionError("no server")
        deadline = min(deadline_seconds, SHORT_SECONDS if _waits(server, call) else LONG_SECONDS)
        struck, begun = server.struck, time.monotonic()
        try:
            reply = client.send(call, deadline_seconds=deadline, scopes=scopes)
        except ConfigurationError as error:
            self._note(call, struck, begun, REFUSED_BY_US, Evidence.NOT_DONE, error.message)
            raise
        evidence = classify(reply.outcome, call.tool_name).evidence
        if isinstance(reply.outcome, TransportFailure):
            failure = reply.outcome
            self._note(call, struck, begun, failure.phase.value, evidence, failure.detail, timed_out=failure.timed_out)
        else:
            self._note(call, struck, begun, "ANSWER", evidence, "")
        return reply

    def _note(
        self,
        call: ToolCall,
        struck: int,
        begun: float,
        phase: str,
        evidence: Evidence,
        detail: str,
        *,
        timed_out: bool = False,
    ) -> None:
        server = self._server
        if server is None:  # pragma: no cover  asked before
            return
        seconds = time.monotonic() - begun
        server.refused_once()
        send = Send(call, server.struck > struck, evidence, phase, timed_out, detail, seconds)
        self.sends.append(send)
        # The judge of the simulation asks whether a byte left: the server says so of what it read, else the table.
        hit = send.struck and server.strike is not None and not server.strike.fault.bytes_left
        if call.purpose is CallPurpose.INVOKE and not hit and not send.never_left:
            self.sent.append((call, self.clock.monotonic_seconds()))

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


def _waits(server: FaultServer, call: ToolCall) -> bool:
    """Whether only the deadline can end this send."""
    strike = server.strike
    if strike is None or not strike.fault.waits or server.struck >= strike.times:
        return False
    return strike.fault.stage is not Stage.BODY or strike.tool in {None, call.tool_name}


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
