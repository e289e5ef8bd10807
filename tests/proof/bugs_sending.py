"""Defects in sending: too early, too often, without a record, under another key, and without asking."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.canonical_json import digest
from domain.model.errors import TransientError
from domain.model.ledger import LedgerEntry
from domain.model.tool_call import GatewayReply, ToolCall, TransportFailure
from domain.model.tool_mapping import EffectSafety, Idempotent, ToolMapping, Unsafe, Verifiable
from domain.policies import retry
from domain.policies.classification import Verification, classify_verification
from domain.policies.retry import Disposition, Move
from domain.use_cases import invoke_tool, tool_dispatch
from domain.use_cases.approved_action import ApprovedAction
from domain.use_cases.gateway_exchange import Exchange, GatewayExchange
from domain.use_cases.map_action_to_tool import key_of
from domain.use_cases.tool_dispatch import Sent, ToolDispatch
from ports.execution_journal import ExecutionJournal
from tests.proof.bugs import Bug, Swap
from tests.proof.looks import Plans
from tests.proof.simulation.flows import Safety
from tests.proof.simulation.gateway import LOST

Json = Any

_K, _L, _N = Safety
_on_entry, _after_reply = retry.on_entry, retry.after_reply
_exchange_send, _dispatch_send, _dispatch_record = GatewayExchange.send, ToolDispatch.send, ToolDispatch._dispatch
_attempt_dispatch, _attempt_not_done = Attempt.dispatch, Attempt.not_done
_FOR_A_DAY: Final = Idempotent(key_ttl_seconds=86_400)


def _http_sends_again(self: GatewayExchange, call: ToolCall, mapping: ToolMapping, *, seconds_left: float) -> Exchange:
    first = _exchange_send(self, call, mapping, seconds_left=seconds_left)
    failed = first.reply.outcome
    doubtful = isinstance(failed, TransportFailure) and failed.phase in LOST
    return _exchange_send(self, call, mapping, seconds_left=seconds_left) if doubtful else first


def _under_a_fresh_key(self: GatewayExchange, call: ToolCall, mapping: ToolMapping, *, seconds_left: float) -> Exchange:
    fresh = call.model_copy(update={"idempotency_key": digest({"fresh": call.tool_run_ref})})
    return _exchange_send(self, fresh, mapping, seconds_left=seconds_left)


def _unsafe_as_idempotent_on_entry(effect: EffectSafety, **known: Json) -> Disposition:
    return _on_entry(_FOR_A_DAY if isinstance(effect, Unsafe) else effect, **known)


def _unsafe_as_idempotent_after_reply(verdict: Json, effect: EffectSafety, **known: Json) -> Disposition:
    return _after_reply(verdict, _FOR_A_DAY if isinstance(effect, Unsafe) else effect, **known)


def _asks_at_once(effect: EffectSafety, **known: Json) -> Disposition:
    found = _on_entry(effect, **known)
    return Disposition(Move.VERIFY) if isinstance(effect, Verifiable) and found.move is Move.DEFER else found


@dataclass(frozen=True)
class _Canned:
    """A gateway that gives the answer that was had before."""

    reply: GatewayReply

    def send(self, call: ToolCall, *, deadline_seconds: float, scopes: Sequence[str] = ()) -> GatewayReply:
        del call, deadline_seconds, scopes
        return self.reply


def _sends_before_the_record(
    self: ToolDispatch, attempt: Attempt, action: ApprovedAction, *, seconds_left: float
) -> Sent:
    sent = attempt.model_copy(update={"attempt_count": attempt.attempt_count + 1})
    call = self._call(sent, action.mapping, key_of(action)).model_copy(update={"arguments": action.arguments})
    reply = self.exchange.gateway.send(call, deadline_seconds=self.exchange.deadline_seconds(seconds_left))
    told = replace(self, exchange=replace(self.exchange, gateway=_Canned(reply)))
    return _dispatch_send(told, attempt, action, seconds_left=seconds_left)


@dataclass(frozen=True)
class _Forgiving:
    """A journal whose dispatch cannot fail for want of a store."""

    journal: ExecutionJournal

    def dispatch(self, *record: Json) -> None:
        try:
            self.journal.dispatch(*record)
        except TransientError:
            return


def _sends_unrecorded(self: ToolDispatch, attempt: Attempt, action: ApprovedAction) -> tuple[Attempt, ToolCall]:
    forgiving: Json = _Forgiving(self.journal)
    return _dispatch_record(replace(self, journal=forgiving), attempt, action)


def _without_doubt(self: Attempt, **facts: Json) -> tuple[Attempt, LedgerEntry]:
    following, entry = _attempt_dispatch(self, **facts)
    return following.model_copy(update={"in_doubt": False, "doubtful_until": None}), entry


def _clears_all_doubt(self: Attempt, **facts: Json) -> tuple[Attempt, LedgerEntry]:
    following, entry = _attempt_not_done(self, **facts)
    free = following.status if following.status is AttemptStatus.UNKNOWN else AttemptStatus.CLAIMED
    return following.model_copy(update={"in_doubt": False, "status": free}), entry


def _absent(found: Verification) -> Verification:
    return replace(found, found=False, refs=())


def _found_is_absent(outcome: Json, tool_name: str) -> Verification:
    found = classify_verification(outcome, tool_name)
    return _absent(found) if found.found else found


def _absent_is_found(outcome: Json, tool_name: str) -> Verification:
    found = classify_verification(outcome, tool_name)
    return replace(found, found=True) if found.found is False else found


def _silence_is_absent(outcome: Json, tool_name: str) -> Verification:
    found = classify_verification(outcome, tool_name)
    return _absent(found) if found.found is None else found


BUGS: Final = (
    Bug(
        "sent-on-every-entry",
        "a step that is entered again sends again, whatever may be on its way",
        (Swap(invoke_tool, "on_entry", lambda *_, **__: Disposition(Move.SEND)),),
        (Plans("accepted", _N),),
        "D18",
    ),
    Bug(
        "unsafe-sent-again",
        "an UNSAFE call in doubt is sent again like an IDEMPOTENT one",
        (
            Swap(invoke_tool, "on_entry", _unsafe_as_idempotent_on_entry),
            Swap(invoke_tool, "after_reply", _unsafe_as_idempotent_after_reply),
        ),
        (Plans("done-and-lost", _N),),
        "D23",
    ),
    Bug(
        "http-sends-again",
        "a call whose connection broke is sent again within the same run",
        (Swap(GatewayExchange, "send", _http_sends_again),),
        (Plans("done-and-lost", _N),),
        "D23, D24",
    ),
    Bug(
        "sent-before-the-record",
        "the call leaves before its dispatch is recorded",
        (Swap(ToolDispatch, "send", _sends_before_the_record),),
        (Plans("accepted", _N),),
        "D27",
    ),
    Bug(
        "sent-without-a-record",
        "a dispatch that could not be recorded is sent all the same",
        (Swap(ToolDispatch, "_dispatch", _sends_unrecorded),),
        (Plans("accepted", _N),),
        "D27",
    ),
    Bug(
        "fresh-key-for-each-send",
        "each send has an idempotency key of its own",
        (Swap(GatewayExchange, "send", _under_a_fresh_key),),
        (Plans("done-and-lost", _K),),
    ),
    Bug(
        "answer-not-kept",
        "the tool's answer is handed on and not kept on the attempt",
        (Swap(ToolDispatch, "_keep", lambda _self, attempt, *_, **__: attempt),),
        (Plans("accepted", _N),),
        "D27",
    ),
    Bug(
        "proof-not-recorded",
        "the proof that a call did nothing is not recorded",
        (Swap(ToolDispatch, "_take_back", lambda _self, attempt, *_: attempt),),
        (Plans("unreachable", _N),),
    ),
    Bug(
        "next-send-forgets-doubt",
        "another send wipes out that one before it has no proof",
        (Swap(Attempt, "dispatch", _without_doubt),),
        (Plans("late-then-refused", _K),),
    ),
    Bug(
        "one-proof-clears-all-doubt",
        "proof that the last call did nothing counts for every call before it",
        (Swap(Attempt, "not_done", _clears_all_doubt),),
        (Plans("forbidden", _K),),
    ),
    Bug(
        "any-answer-ends-doubt",
        "the answer to a resend speaks at once for every call before it",
        (Swap(tool_dispatch, "answer_ends_doubt", lambda *_, **__: True),),
        (Plans("late-then-refused", _K),),
    ),
    Bug(
        "asked-too-early",
        "a tool is asked while a call may still land",
        (Swap(invoke_tool, "on_entry", _asks_at_once),),
        (Plans("late", _L),),
    ),
    Bug(
        "found-read-as-absent",
        "a verify tool that finds the effect is taken to say that there is none",
        (Swap(tool_dispatch, "classify_verification", _found_is_absent),),
        (Plans("done-and-lost", _L),),
        "D23",
    ),
    Bug(
        "absent-read-as-found",
        "a verify tool that finds nothing is taken to say that the effect exists",
        (Swap(tool_dispatch, "classify_verification", _absent_is_found),),
        (Plans("cut", _L),),
        "D23",
    ),
    Bug(
        "silence-read-as-absent",
        "a verify tool that gives no answer is taken to say that there is no effect",
        (Swap(tool_dispatch, "classify_verification", _silence_is_absent),),
        (Plans("lost-and-verifier-down", _L),),
        "D23",
    ),
)
