"""The gateway between functions and tools: carries calls, loses them, delays them, refuses them, and takes its time."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from adapters.memory.clock import MemoryClock
from domain.model.tool_call import CallPurpose, GatewayReply, ToolAnswer, ToolCall, TransportFailure, TransportPhase
from tests.proof.simulation.sites import Kind
from tests.proof.simulation.tool_side import ToolSide


class Passage(StrEnum):
    """What becomes of a call on its way."""

    THROUGH = "through"
    NO_TOKEN = "no-token"
    UNREACHABLE = "unreachable"
    FORBIDDEN = "forbidden"
    TOKEN_REFUSED = "token-refused"
    BUSY = "busy"
    """429, with a time to come again."""
    DONE_503 = "done-503"
    DONE_LOST = "done-lost"
    """The tool acts; the caller waits to its deadline and hears nothing."""
    DONE_GARBLED = "done-garbled"
    CUT = "cut"
    """A byte has left and the tool never hears of it."""
    LATE = "late"
    BAD_REQUEST = "bad-request"
    """A JSON-RPC error that precedes any tool call."""


_FAULTS: Final = {
    Kind.ERROR: Passage.UNREACHABLE,
    Kind.THROTTLE: Passage.BUSY,
    Kind.LOST_REPLY: Passage.DONE_LOST,
    Kind.CUT: Passage.CUT,
    Kind.LATE: Passage.LATE,
}
_NOT_ARRIVED: Final = frozenset(
    {
        Passage.NO_TOKEN,
        Passage.UNREACHABLE,
        Passage.FORBIDDEN,
        Passage.TOKEN_REFUSED,
        Passage.BUSY,
        Passage.CUT,
        Passage.BAD_REQUEST,
    }
)
NO_BYTE_LEFT: Final = frozenset({Passage.NO_TOKEN, Passage.UNREACHABLE})
BUSY_SECONDS: Final = 7
LOST: Final = frozenset({TransportPhase.SENT_SOMETHING, TransportPhase.RESPONSE_HEAD, TransportPhase.RESPONSE_BODY})
"""The phases in which a call may have been carried out and its answer was lost."""

_FAILURES: Final = {
    Passage.NO_TOKEN: TransportFailure(phase=TransportPhase.TOKEN, detail="no token"),
    Passage.UNREACHABLE: TransportFailure(phase=TransportPhase.CONNECT, detail="connection refused"),
    Passage.FORBIDDEN: TransportFailure(phase=TransportPhase.HTTP_STATUS, detail="403", http_status=403),
    Passage.TOKEN_REFUSED: TransportFailure(phase=TransportPhase.HTTP_STATUS, detail="401", http_status=401),
    Passage.BUSY: TransportFailure(
        phase=TransportPhase.HTTP_STATUS, detail="429", http_status=429, retry_after_seconds=BUSY_SECONDS
    ),
    Passage.DONE_503: TransportFailure(phase=TransportPhase.HTTP_STATUS, detail="503", http_status=503),
    Passage.DONE_LOST: TransportFailure(phase=TransportPhase.RESPONSE_HEAD, detail="no answer", timed_out=True),
    Passage.DONE_GARBLED: TransportFailure(phase=TransportPhase.MALFORMED, detail="half an answer"),
    Passage.CUT: TransportFailure(phase=TransportPhase.SENT_SOMETHING, detail="reset"),
    Passage.LATE: TransportFailure(phase=TransportPhase.RESPONSE_HEAD, detail="no answer", timed_out=True),
    Passage.BAD_REQUEST: TransportFailure(phase=TransportPhase.RPC_ERROR, detail="-32602", rpc_code=-32602),
}


@dataclass
class SimulatedGateway:
    """Carries one call at a time to the tools."""

    clock: MemoryClock
    tools: ToolSide
    lands_within_seconds: float
    """How long after the caller gave up a late call takes effect, at the longest."""
    passages: deque[Passage] = field(default_factory=deque)
    """What becomes of the next acting calls; THROUGH when it is used up."""
    undo_passages: deque[Passage] = field(default_factory=deque)
    verify_passages: deque[Passage] = field(default_factory=deque)
    caller_ends_at: float = math.inf
    """When Lambda ends the function that sends, in seconds: nobody waits for an answer any longer than that."""
    sent: list[tuple[ToolCall, float]] = field(default_factory=list)
    """Every acting call of which a byte left, and when, in seconds."""

    def send(
        self, call: ToolCall, *, deadline_seconds: float, scopes: Sequence[str] = (), fault: Kind | None = None
    ) -> GatewayReply:
        """Carry the call; the port's own contract, with the fault that strikes it."""
        del scopes
        passage = self._passage(call, fault)
        now = self.clock.monotonic_seconds()
        if call.purpose is CallPurpose.INVOKE and passage not in NO_BYTE_LEFT:
            self.sent.append((call, now))
        patience = max(min(deadline_seconds, self.caller_ends_at - now), 0.0)
        if passage is Passage.LATE:
            self.tools.carry_out_later(call, now + patience + self.lands_within_seconds)
            answer = None
        else:
            answer = None if passage in _NOT_ARRIVED else self.tools.carry_out(call, now)
        if passage in {Passage.LATE, Passage.DONE_LOST}:
            self.clock.advance(patience)
        outcome: ToolAnswer | TransportFailure = _FAILURES[passage] if passage is not Passage.THROUGH else _said(answer)
        return GatewayReply(outcome=outcome, request={}, response_text="")

    def _passage(self, call: ToolCall, fault: Kind | None) -> Passage:
        if fault is not None:
            return _FAULTS[fault]
        script = {
            CallPurpose.INVOKE: self.passages,
            CallPurpose.COMPENSATE: self.undo_passages,
            CallPurpose.VERIFY: self.verify_passages,
        }[call.purpose]
        return script.popleft() if script else Passage.THROUGH

    def mark(self) -> tuple[object, ...]:
        """Return what decides everything that can still happen here."""
        return (
            tuple(self.passages),
            tuple(self.undo_passages),
            tuple(self.verify_passages),
            tuple((call.tool_run_ref, at) for call, at in self.sent),
            self.tools.mark(),
        )


def _said(answer: ToolAnswer | None) -> ToolAnswer:
    if answer is None:  # pragma: no cover  a call that goes through has an answer
        raise AssertionError("a call went through without an answer")
    return answer
