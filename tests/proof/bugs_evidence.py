"""Defects in what a reply is taken to prove."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from domain.model.tool_call import ToolAnswer, TransportFailure, TransportPhase
from domain.policies import answers
from domain.policies.classification import Evidence, Verdict, classify
from domain.use_cases import tool_dispatch
from tests.proof.bugs import Bug, Swap
from tests.proof.looks import Plans
from tests.proof.simulation.flows import Safety
from tests.proof.simulation.gateway import LOST

Json = Any
Outcome = ToolAnswer | TransportFailure

_K, _L, _N = Safety
_SERVICE_UNAVAILABLE: Final = 503


def _read(change: Callable[[Outcome, Verdict], Verdict]) -> tuple[Swap, ...]:
    """Return the swap by which the dispatch reads its replies so."""
    return (Swap(tool_dispatch, "classify", lambda outcome, *reading: change(outcome, classify(outcome, *reading))),)


def _not_done(verdict: Verdict, *, transient: bool = True) -> Verdict:
    return replace(verdict, evidence=Evidence.NOT_DONE, transient=transient)


def _timeout_is_transient(outcome: Outcome, verdict: Verdict) -> Verdict:
    sent = isinstance(outcome, TransportFailure) and outcome.phase in LOST
    return _not_done(verdict) if sent else verdict


def _503_is_transient(outcome: Outcome, verdict: Verdict) -> Verdict:
    refused = isinstance(outcome, TransportFailure) and outcome.http_status == _SERVICE_UNAVAILABLE
    return _not_done(verdict) if refused else verdict


def _unreachable_is_permanent(outcome: Outcome, verdict: Verdict) -> Verdict:
    away = isinstance(outcome, TransportFailure) and outcome.phase is TransportPhase.CONNECT
    return _not_done(verdict, transient=False) if away else verdict


def _busy_is_doubt(outcome: Outcome, verdict: Verdict) -> Verdict:
    del outcome
    return replace(verdict, evidence=Evidence.IN_DOUBT) if verdict.retry_after_seconds else verdict


def _error_without_contract_succeeds(outcome: Outcome, verdict: Verdict) -> Verdict:
    answered = isinstance(outcome, ToolAnswer) and outcome.is_error and verdict.evidence is Evidence.IN_DOUBT
    return Verdict(Evidence.SUCCEEDED) if answered else verdict


def _not_false_is_success(outcome: Outcome, verdict: Verdict) -> Verdict:
    said = outcome.structured if isinstance(outcome, ToolAnswer) else None
    return Verdict(Evidence.SUCCEEDED, refs=verdict.refs) if said and said.get("success") is not False else verdict


def _partial_is_refused(outcome: Outcome, verdict: Verdict) -> Verdict:
    del outcome
    return replace(verdict, evidence=Evidence.REFUSED, refs=()) if verdict.evidence is Evidence.PARTIAL else verdict


def _without_objects(outcome: Outcome, verdict: Verdict) -> Verdict:
    del outcome
    return replace(verdict, refs=())


def _refused_is_doubt(outcome: Outcome, verdict: Verdict) -> Verdict:
    del outcome
    return replace(verdict, evidence=Evidence.IN_DOUBT) if verdict.evidence is Evidence.REFUSED else verdict


def _no_name(_tool_name: str) -> Json:
    raise TypeError("'NoneType' object has no attribute 'startswith'")


BUGS: Final = (
    Bug(
        "timeout-is-not-done",
        "a call whose answer never came is taken for one that did nothing",
        _read(_timeout_is_transient),
        (Plans("done-and-lost", _N),),
        "D25",
    ),
    Bug(
        "503-is-not-done",
        "a gateway's 503 is taken for proof that nothing was done",
        _read(_503_is_transient),
        (Plans("done-503", _N),),
        "D23, D35",
    ),
    Bug(
        "unreachable-is-permanent",
        "a gateway that cannot be reached is not tried again",
        _read(_unreachable_is_permanent),
        (Plans("unreachable", _N),),
        "D32",
    ),
    Bug(
        "busy-is-in-doubt",
        "a gateway's 429 is taken for a call that may have acted",
        _read(_busy_is_doubt),
        (Plans("busy", _N),),
        "D32, D35",
    ),
    Bug(
        "error-without-contract-succeeds",
        "an error that is not of the tool's contract is taken for a success",
        _read(_error_without_contract_succeeds),
        (Plans("grumbled", _N),),
        "D33",
    ),
    Bug(
        "not-false-is-success",
        "any answer that does not say false is taken for a success",
        _read(_not_false_is_success),
        (Plans("hedged", _N),),
        "D36",
    ),
    Bug(
        "partial-is-refused",
        "objects that a failed call names are not believed to exist",
        _read(_partial_is_refused),
        (Plans("half-done", _N),),
        "D7",
    ),
    Bug(
        "objects-are-lost",
        "what a call created is not read from its answer",
        _read(_without_objects),
        (Plans("accepted", _N),),
    ),
    Bug(
        "refused-is-in-doubt",
        "a tool's own refusal is taken for a call that may have acted",
        _read(_refused_is_doubt),
        (Plans("refused", _N),),
    ),
    Bug(
        "every-create-breaks",
        "the step breaks on every answer that names an object",
        (Swap(answers, "system_of_tool", _no_name),),
        (Plans("accepted", _N),),
        "D30",
    ),
)
