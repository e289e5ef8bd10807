"""The judge of the wire: what the server's own log may show, and what may be concluded from each answer."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from adapters.mcp.wire import CALL, INITIALIZE, INITIALIZED
from domain.model.tool_call import CallPurpose
from domain.policies.classification import Evidence
from tests.proof.simulation.flows import Safety
from tests.proof.wire.cases import Case
from tests.proof.wire.gateway import SHORT_SECONDS, Send, WireGateway
from tests.support.fault_server.catalogue import FAULTS, phases_of
from tests.support.fault_server.exchange import Seen
from tests.support.fault_server.fault import Fault, Stage
from tests.support.fault_server.server import FaultServer

_PATIENCE_SECONDS: Final = 4.0
"""How much later than its deadline a send may come back on a busy machine."""


def calls_in(log: Sequence[Seen]) -> list[Seen]:
    """Return the POSTs that are a call, or were not read far enough to be anything else."""
    return [one for one in log if one.method == "POST" and one.rpc_method not in {INITIALIZE, INITIALIZED}]


def of_the_log(case: Case, gateway: WireGateway, server: FaultServer) -> Iterator[str]:
    """Yield what the server saw and must not have seen, or has not seen and should have."""
    fault, sends, calls = FAULTS[case.fault], gateway.sends, calls_in(server.log)
    read = Counter(one.document["id"] for one in calls if one.document is not None)
    sent = Counter(f"invoke-{send.call.tool_run_ref}" for send in sends)
    yield from (f"{count} POSTs for {sent[run]} sends of {run}" for run, count in read.items() if count > sent[run])
    due = sum(_arrives(send, case, fault) for send in sends)
    if sum(read.values()) != due:
        yield f"{sum(read.values())} POSTs arrived whole of {due} that were due"
    if len(calls) > len(sends):
        yield f"{len(calls)} POSTs for {len(sends)} sends"
    yield from server.broken
    kinds = Counter(one.rpc_method or one.method for one in server.log)
    yield from _of_the_handshakes(case, kinds, server, len(sends))
    for one in server.log:
        yield from _of_one(one, case)


def _of_the_handshakes(case: Case, kinds: Counter[str], server: FaultServer, sends: int) -> Iterator[str]:
    each = 1 + 2 * case.handshakes + case.sessions
    if server.connections > each * sends:
        yield f"{server.connections} connections for {sends} sends"
    for kind, allowed in ((INITIALIZE, case.handshakes), (INITIALIZED, case.handshakes), ("DELETE", case.sessions)):
        if kinds[kind] > sends * allowed:
            yield f"{kinds[kind]} times {kind} for {sends} sends"


def _of_one(one: Seen, case: Case) -> Iterator[str]:
    if one.method not in {"POST", "DELETE"}:
        yield f"a {one.method} of {one.path}"
    if not one.authorized:
        yield f"a {one.method} without a token"
    if "cookie" in one.headers:
        yield "a cookie came back"
    if one.headers.get("mcp-protocol-version", case.version) != case.version:
        yield f"version {one.headers['mcp-protocol-version']} in the middle of a call"
    if case.sessions and one.rpc_method == CALL and not one.headers.get("mcp-session-id"):
        yield "a call without its session"


def _arrives(send: Send, case: Case, fault: Fault) -> bool:
    """Whether the server must have read the whole call."""
    if send.struck and case.at == CALL:
        return fault.stage is Stage.BODY
    return not send.never_left and not _handshake_failed(send, case)


def _handshake_failed(send: Send, case: Case) -> bool:
    return send.struck and case.at != CALL and send.evidence is not Evidence.SUCCEEDED


def _ran_out_of_time(send: Send) -> bool:
    """Whether a busy machine took all of a short deadline before anything was sent."""
    return send.timed_out and send.never_left


def of_the_sends(case: Case, sends: Sequence[Send]) -> Iterator[str]:
    """Yield what was wrongly concluded, and what was done about it."""
    fault, doubted = FAULTS[case.fault], False
    for send in sends:
        if send.seconds > SHORT_SECONDS + _PATIENCE_SECONDS and fault.waits and send.struck:
            yield f"a send took {send.seconds:.1f} s with a deadline of {SHORT_SECONDS} s"
        if send.call.purpose is not CallPurpose.INVOKE:
            continue
        if doubted and case.safety is Safety.UNSAFE:
            yield "an UNSAFE call was sent again after one in doubt"
        doubted |= send.evidence is Evidence.IN_DOUBT
        expected = expected_of(send, case)
        if send.struck and case.at == CALL and send.phase not in phases_of(fault):
            yield f"it ended in phase {send.phase}, and {' or '.join(phases_of(fault))} is due"
        if send.evidence not in expected and (send.struck or not _ran_out_of_time(send)):
            yield f"{send.phase} was taken for {send.evidence}, and {' or '.join(expected)} is due"
    if not any(send.struck for send in sends):
        yield "the fault never struck"


def expected_of(send: Send, case: Case) -> tuple[Evidence, ...]:
    """Return what may be concluded from a send."""
    if not send.struck:
        return (Evidence.SUCCEEDED,)
    if case.at != CALL:
        return (Evidence.NOT_DONE, Evidence.SUCCEEDED)
    return FAULTS[case.fault].evidence
