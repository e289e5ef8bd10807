"""One generated answer through the shipped client, classification and archive, and everything that may not follow.

The gateway, its HTTP client and parser, the archive and the classification are those that are deployed; what is
replaced is the socket. The judge is a second reader of the same bytes.
"""

import logging
import re
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from adapters.mcp.tool_gateway import McpToolGateway
from adapters.memory.artifact_store import MemoryArtifactStore
from adapters.memory.clock import MemoryClock
from adapters.memory.token_provider import MemoryTokenProvider
from domain.model.errors import ConfigurationError
from domain.model.external_object import ExternalSystem
from domain.model.tool_call import CallPurpose, ToolCall
from domain.model.tool_mapping import ErrorText, ResultContract, ResultEvidence
from domain.policies.classification import Evidence, Verdict, classify
from domain.use_cases.gateway_exchange import GatewayExchange
from tests.builders import NOW, a_key, a_mapping, a_ref
from tests.proof.wire.fuzz.generator import Answer, a_greeting_for, an_answer_for, is_big, is_measured
from tests.proof.wire.fuzz.judge import judge
from tests.proof.wire.fuzz.transport import URL, fed_client

Json = Any

NEWEST, OLDER = "2026-07-28", "2025-11-25"
GREETING_EACH: Final = 10
"""One of so many answers is given to a handshake instead of a call."""
_RUN_REF: Final = "gateway_invocation_0123456789abcdef01234567"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_TOOL: Final = "crm___create_task"
_SECONDS_LEFT: Final = 60.0
_HONEST: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    b'{"jsonrpc":"2.0","id":"invoke-%s","result":{"content":[],"structuredContent":{"success":true}}}'
    % _RUN_REF.encode()
)


class _Ear(logging.Handler):
    """Hears what this system's own loggers say."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


@contextmanager
def _listening() -> Iterator[_Ear]:
    ear, before = _Ear(), logging.root.manager.disable
    loggers = [logging.getLogger(name) for name in ("domain", "adapters", "handlers")]
    logging.disable(logging.NOTSET)
    for logger in loggers:
        logger.addHandler(ear)
    try:
        yield ear
    finally:
        logging.disable(before)
        for logger in loggers:
            logger.removeHandler(ear)


@dataclass(frozen=True)
class Told:
    """What one answer came to."""

    seed: int
    evidence: str
    sentences: tuple[str, ...]
    honest: bool
    peak_bytes: int = 0
    """The most memory that it took while it was read, where that was measured."""
    story: tuple[str, ...] = ()


class Read(NamedTuple):
    """One outcome, read under three contracts of a mapping."""

    typed: Verdict
    words_kept: Verdict
    untyped: Verdict


_WORDS_KEPT: Final = ResultContract(error_text=ErrorText.KEPT)
_UNTYPED: Final = ResultContract(evidence=ResultEvidence.NO_ERROR)


class FuzzSession:
    """Sends the same call over and over, to another answer each time."""

    def __init__(self) -> None:
        self._http, self._backend = fed_client()
        self._call = ToolCall(
            purpose=CallPurpose.INVOKE,
            ref=a_ref(),
            tool_name=_TOOL,
            arguments={"title": "Call the customer back"},
            idempotency_key=a_key(),
            tool_run_ref=_RUN_REF,
            trace_id="execution-trace-1",
        )
        self._first: dict[str, bytes] = {}

    def play(self, seed: int) -> Told:
        """Send the call once, to the answer of this seed."""
        greets, measures = seed % GREETING_EACH == GREETING_EACH - 1 and not is_big(seed), is_measured(seed)
        version = OLDER if greets else NEWEST
        answer = (
            a_greeting_for(seed, f"initialize-{_RUN_REF}", OLDER)
            if greets
            else an_answer_for(seed, f"invoke-{_RUN_REF}")
        )
        self._backend.requests.clear()
        self._backend.respond = _greeted(answer) if greets else lambda _: answer.pieces
        with _listening() as ear:
            if measures:
                tracemalloc.start()
            try:
                found = self._send(version)
                peak = tracemalloc.get_traced_memory()[1] if measures else 0
            finally:
                if measures:
                    tracemalloc.stop()
        sentences = [*self._of_the_requests(version, greets=greets), *(f"the log says {said!r}" for said in ear.heard)]
        if isinstance(found, Read):
            sentences += [said for verdict in found for said in _of_the_verdict(verdict)]
            sentences += _of_a_greeting(found.typed) if greets else _of_an_answer(found, answer)
        elif isinstance(found, ConfigurationError) and greets:
            pass  # another version than the configured one: refused, and nothing is sent
        else:
            sentences.append(f"it raised {type(found).__name__}: {found}")
        evidence = found.typed.evidence.value if isinstance(found, Read) else type(found).__name__
        story = (
            f"{'greeting' if greets else 'answer'} mutated in {answer.levels or 'nothing'}",
            repr(answer.pieces),
            repr(found),
        )
        return Told(seed, evidence, tuple(sentences), not answer.levels, peak, story)

    def _send(self, version: str) -> Read | Exception:
        gateway = McpToolGateway(
            self._http,
            gateway_url=URL,
            protocol_version=version,
            tokens=MemoryTokenProvider(),
            clock=MemoryClock(NOW),
        )
        exchange = GatewayExchange(gateway, MemoryArtifactStore(), timeout_seconds=30.0)
        try:
            outcome = exchange.send(self._call, a_mapping(), seconds_left=_SECONDS_LEFT).reply.outcome
            return Read(
                classify(outcome, _TOOL), classify(outcome, _TOOL, _WORDS_KEPT), classify(outcome, _TOOL, _UNTYPED)
            )
        except Exception as error:  # noqa: BLE001  whatever an answer can make it raise is what is looked for
            return error

    def _of_the_requests(self, version: str, *, greets: bool) -> Iterator[str]:
        """Yield where what is sent depends on what was answered before: each request is the same to the last byte."""
        allowed = 4 if greets else 1
        if not 1 <= len(self._backend.requests) <= allowed:
            yield f"{len(self._backend.requests)} requests for one send"
        for request in self._backend.requests:
            line = request.split(b"\r\n", 1)[0]
            kind = f"{version} {line!r} {_method_of(request)}"
            if line not in {b"POST /mcp HTTP/1.1", b"DELETE /mcp HTTP/1.1"}:
                yield f"a request {line!r}"
            plain = re.sub(rb"(?im)^mcp-session-id:.*\r\n", b"", request)
            if plain != self._first.setdefault(kind, plain):
                yield f"{kind} is not what it was before"


def _method_of(request: bytes) -> str:
    found = re.search(rb'"method":"([^"]+)"', request)
    return found.group(1).decode() if found else ""


def _greeted(greeting: Answer) -> Any:  # noqa: ANN401  what the backend asks
    def respond(request: bytes) -> Sequence[bytes | Exception]:
        match _method_of(request):
            case "initialize":
                return greeting.pieces
            case "tools/call":
                return (_HONEST,)
            case _:
                return (b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",)

    return respond


def _of_the_verdict(verdict: Verdict) -> Iterator[str]:
    """Yield where text has become more than text."""
    said = verdict.error_message or ""
    if _CONTROL.search(said) or len(said) > 500:
        yield f"the message is not fit for people: {said!r}"
    if any(ref.system is not ExternalSystem.CRM for ref in verdict.refs):
        yield "an object of another system"


def _of_a_greeting(verdict: Verdict) -> Iterator[str]:
    """Yield where a handshake puts a call into doubt that was never sent."""
    if verdict.evidence not in {Evidence.NOT_DONE, Evidence.SUCCEEDED}:
        yield f"a handshake was taken for {verdict.evidence}"


def _of_an_answer(read: Read, answer: Answer) -> Iterator[str]:
    verdict = read.typed
    if answer.evidence is not None and verdict.evidence is not answer.evidence:
        yield f"an honest {answer.evidence} was taken for {verdict.evidence}: {verdict.error_message}"
    if verdict.evidence is read.untyped.evidence is Evidence.IN_DOUBT:
        return
    proof = judge(answer.raw, f"invoke-{_RUN_REF}", ended_in_order=answer.ended_in_order)
    if read.untyped.evidence is Evidence.SUCCEEDED and not proof.is_plainly_done:
        yield "SUCCEEDED was concluded of a tool without a contract from what is no whole answer without an error"
    if verdict.evidence is Evidence.IN_DOUBT:
        return
    if proof.evidence is not verdict.evidence:
        yield f"{verdict.evidence} was concluded from what proves {proof.evidence}"
    elif {ref.object_id for ref in verdict.refs} != set(proof.object_ids):
        yield f"other objects than {proof.object_ids}: {verdict.refs}"
