"""A tool gateway in memory: the same rules, tools whose effects can be counted, and every failure on request."""

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import RLock

from pydantic import JsonValue

from adapters.memory import warn_that_nothing_is_kept
from adapters.memory.tools import Effect, MemoryTools, StoredObject
from domain.model.tool_call import NEVER_SENT, GatewayReply, ToolAnswer, ToolCall, TransportFailure, TransportPhase


class Effects(StrEnum):
    """Whether a call that is made to fail takes effect all the same, which is what its caller cannot know."""

    NONE = "NONE"
    WRITTEN = "WRITTEN"
    """The tool carried the call out before the answer was lost or spoilt."""
    LATE = "LATE"
    """The tool carries the call out only when ``let_late_calls_land`` is called, long after the caller gave up."""


@dataclass(frozen=True)
class _Scripted:
    outcome: ToolAnswer | TransportFailure
    effects: Effects


class MemoryToolGateway:
    """Carries out each call on its own in-memory tools, unless the next outcome was scripted."""

    def __init__(self) -> None:
        warn_that_nothing_is_kept(self)
        self._lock = RLock()
        self._tools = MemoryTools()
        self._script: deque[_Scripted] = deque()
        self._late: list[ToolCall] = []
        self.sends: list[ToolCall] = []
        """Every call that was sent, oldest first, those that were made to fail included."""

    @property
    def effects(self) -> list[Effect]:
        """What the tools really did, oldest first."""
        return self._tools.effects

    @property
    def objects(self) -> list[StoredObject]:
        """What exists at the tools now."""
        return self._tools.objects

    def send(self, call: ToolCall, *, deadline_seconds: float, scopes: Sequence[str] = ()) -> GatewayReply:
        del scopes
        with self._lock:
            self.sends.append(call)
            scripted = self._script.popleft() if self._script else None
            if deadline_seconds <= 0:
                return _reply(call, _over())
            if scripted is None:
                return _reply(call, self._tools.carry_out(call))
            if scripted.effects is Effects.WRITTEN:
                self._tools.carry_out(call)
            elif scripted.effects is Effects.LATE:
                self._late.append(call)
            return _reply(call, scripted.outcome)

    def fail_next(
        self,
        phase: TransportPhase,
        times: int = 1,
        *,
        effects: Effects = Effects.NONE,
        http_status: int = 503,
        rpc_code: int = -32603,
        retry_after_seconds: int | None = None,
        timed_out: bool = False,
    ) -> None:
        """Make the next ``times`` sends fail in ``phase``; ``effects`` says what the tool does meanwhile.

        ``http_status`` and ``rpc_code`` count in their own phases only. Raises ``ValueError`` for an effect in a phase
        that no call survives.
        """
        if phase in NEVER_SENT and effects is not Effects.NONE:
            raise ValueError(f"effects is {effects}, but a call that fails in phase {phase} never reaches the tool")
        failure = TransportFailure(
            phase=phase,
            detail=f"the gateway was told to fail in phase {phase}",
            http_status=http_status if phase is TransportPhase.HTTP_STATUS else None,
            rpc_code=rpc_code if phase is TransportPhase.RPC_ERROR else None,
            retry_after_seconds=retry_after_seconds,
            timed_out=timed_out,
        )
        self._add(failure, times, effects)

    def answer_next(self, answer: ToolAnswer, times: int = 1, *, effects: Effects = Effects.NONE) -> None:
        """Make the next ``times`` sends come back with ``answer``, whatever the tool did."""
        self._add(answer, times, effects)

    def let_late_calls_land(self) -> None:
        """Carry out the calls whose effect was to come late."""
        with self._lock:
            late, self._late = self._late, []
            for call in late:
                self._tools.carry_out(call)

    def _add(self, outcome: ToolAnswer | TransportFailure, times: int, effects: Effects) -> None:
        if times < 1:
            raise ValueError(f"times is {times}; script at least one send")
        with self._lock:
            self._script.extend([_Scripted(outcome, effects)] * times)


def _over() -> TransportFailure:
    return TransportFailure(
        phase=TransportPhase.SENT_NOTHING, detail="The deadline was over before the call was sent.", timed_out=True
    )


def _reply(call: ToolCall, outcome: ToolAnswer | TransportFailure) -> GatewayReply:
    request: dict[str, JsonValue] = {"name": call.tool_name, "arguments": call.wire_arguments}
    text = json.dumps(outcome.model_dump(mode="json")) if isinstance(outcome, ToolAnswer) else ""
    return GatewayReply(outcome=outcome, request=request, response_text=text)
