"""One action with one wire fault, from its approval until nothing is left to do, judged by the server's own log.

What must be true of the wire is asked of the log: how many requests came, of which kind, with what, and where else.
What must be true of the action is asked by the simulation's judge, which reads the tools' own acts.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from adapters.mcp.wire import CALL
from domain.model.outcome import OutcomeStatus
from domain.policies.classification import Evidence
from tests.proof.rows import NO_ENDINGS, Endings
from tests.proof.simulation.flows import Safety
from tests.proof.simulation.oracles import verdict
from tests.proof.simulation.play import Moment, Play
from tests.proof.wire.cases import ONCE, Case
from tests.proof.wire.elsewhere import elsewhere
from tests.proof.wire.gateway import WireFlow, WireGateway, a_fresh_http_client, http_client
from tests.proof.wire.oracles import calls_in, of_the_log, of_the_sends
from tests.support.fault_server.catalogue import FAULTS
from tests.support.fault_server.certificates import identities
from tests.support.fault_server.fault import Fault
from tests.support.fault_server.server import FaultServer, Strike


@dataclass(frozen=True)
class Played:
    """What one case came to."""

    case: Case
    sends: int
    posts: int
    """``tools/call`` requests that reached the server."""
    gets: int
    elsewhere: int
    """Requests that reached the other host."""
    sentences: tuple[str, ...]
    """Everything that must not be."""
    endings: Endings
    effects: int
    false_end: bool
    """Whether the record says something else than the tools' side: possible only where the assumption is broken."""
    phases: tuple[tuple[str, str], ...]
    """Phase and evidence of each send that the fault struck."""
    story: tuple[str, ...]


class _Kept(threading.local):
    """The plays of one thread, each with its beginning: setting one up takes longer than playing it."""

    def __init__(self) -> None:
        self.plays: dict[tuple[str, Safety], tuple[Play, Moment]] = {}


_KEPT: Final = _Kept()


def at_the_beginning(version: str, safety: Safety, *, fresh: bool = False) -> Play:
    """Return a play over the wire that has not begun: this thread's own, or a ``fresh`` one."""
    known = None if fresh else _KEPT.plays.get((version, safety))
    if known is None:
        whole = Play(WireFlow(version=version), safety)
        if not fresh:
            _KEPT.plays[version, safety] = (whole, whole.moment())
        return whole
    whole, begin = known
    whole.go_back(begin)
    whole.functions.invocations.clear()
    return whole


def play(case: Case, *, fresh: bool = False) -> Played:
    """Play a case and judge it; ``fresh`` sets everything up anew, for a product that was changed meanwhile."""
    fault = FAULTS[case.fault]
    other = elsewhere()
    mark = other.mark()
    whole = at_the_beginning(case.version, case.safety, fresh=fresh)
    gateway = whole.world.gateway
    if not isinstance(gateway, WireGateway):  # pragma: no cover  the flow puts it there
        raise TypeError("the world has no wire")
    tool = whole.world.mapping.tool_name if case.at == CALL else None
    strike = Strike(fault, case.commits, case.times, tool, case.at)
    secure = identities() if fault.tls else None
    server = FaultServer(
        gateway.carry_out,
        strike,
        secure.right if secure else None,
        secure.wrong.get(fault.tls) if secure else None,
        other.url_for(mark),
        handshakes=case.handshakes,
        sessions=case.sessions,
    )
    with server:
        gateway.attach(server, a_fresh_http_client() if fresh else http_client())
        while not whole.over:
            whole.step()
    return _judged(case, fault, whole, gateway, server, other.hits(mark))


def _judged(
    case: Case, fault: Fault, whole: Play, gateway: WireGateway, server: FaultServer, hits: list[str]
) -> Played:
    on_the_wire = [*of_the_log(case, gateway, server), *(f"another host was asked: {hit}" for hit in hits)]
    said = verdict(whole.world, case.safety, whole.position.executions)
    outcome = whole.world.outcome
    status = outcome.status if outcome else None
    effects = len(whole.world.tools.created)
    sentences = [*on_the_wire, *of_the_sends(case, gateway.sends)]
    if case.breaks_the_assumption:
        sentences += ["several effects of a tool that dedupes"] if _twice(case, effects) else []
    else:
        sentences += said.violations
        sentences += _of_the_end(case, fault, status) if case.times == ONCE else []
    return Played(
        case,
        sends=len(gateway.sends),
        posts=len(calls_in(server.log)),
        gets=sum(one.method == "GET" for one in server.log),
        elsewhere=len(hits),
        sentences=tuple(sentences),
        endings=NO_ENDINGS if case.breaks_the_assumption else said.endings,
        effects=effects,
        false_end=bool(said.violations),
        phases=tuple((send.phase, send.evidence.value) for send in gateway.sends if send.struck),
        story=tuple(_story(gateway, server, status, whole)),
    )


def _twice(case: Case, effects: int) -> bool:
    return case.safety is Safety.IDEMPOTENT and effects != 1


def _of_the_end(case: Case, fault: Fault, status: OutcomeStatus | None) -> Iterator[str]:
    """Yield how it should have ended, since the fault struck once and everything worked afterwards."""
    due = {_due(evidence, fault, case.safety) for evidence in fault.evidence}
    if case.at != CALL:
        due = {OutcomeStatus.SUCCEEDED, OutcomeStatus.FAILED}  # never UNKNOWN: no call was sent
    if status not in due:
        yield f"it ended as {status}, and {' or '.join(sorted(due))} is due"


def _due(evidence: Evidence, fault: Fault, safety: Safety) -> OutcomeStatus:
    match evidence:
        case Evidence.IN_DOUBT if safety is Safety.UNSAFE:
            return OutcomeStatus.UNKNOWN
        case Evidence.NOT_DONE if fault.permanent:
            return OutcomeStatus.FAILED
        case Evidence.REFUSED | Evidence.PARTIAL:
            return OutcomeStatus.FAILED
        case _:
            return OutcomeStatus.SUCCEEDED


def _story(gateway: WireGateway, server: FaultServer, status: OutcomeStatus | None, whole: Play) -> Iterator[str]:
    for send in gateway.sends:
        struck = "struck" if send.struck else "undisturbed"
        named = f"{send.call.purpose} {send.call.tool_run_ref}"
        yield f"send {named} ({struck}): {send.phase} -> {send.evidence} {send.detail}"
    for one in server.log:
        acted = ", the tool acted or answered" if one.committed else ""
        yield f"server: {one.method} {one.path} {one.rpc_method} {one.tool} ({len(one.body)} bytes of body{acted})"
    yield f"connections {server.connections}, effects {[act.run_ref for act in whole.world.tools.created]}"
    yield f"machine {'; '.join(str(one.state) for one in whole.position.executions)}, outcome {status}"
