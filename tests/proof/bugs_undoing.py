"""Defects in undoing: not done, done wrongly, done too early, or told otherwise."""

from collections.abc import Sequence
from typing import Any, Final

from domain.model.attempt import Attempt
from domain.model.external_object import ExternalObjectRef
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.outcome import Compensation, CompensationStatus, RefCompensation
from domain.model.tool_mapping import CompensationPolicy, CompensationStrategy
from domain.policies import compensation, settlement
from domain.policies.classification import Evidence, Verdict
from domain.policies.compensation import IN_DOUBT, Undo, UndoMove, plan, undo_status
from domain.use_cases import recording, undoing
from domain.use_cases.undoing import Undoing
from ports.steps.contract import INVOCATION_ROUTING, StepName
from tests.proof.bugs import Bug, Swap
from tests.proof.compensation import Part
from tests.proof.looks import Plans, Undoings
from tests.proof.simulation.flows import Safety
from tests.proof.simulation.tool_side import Doing

Json = Any

_K, _L, _N = Safety
_outcome = recording._outcome
_note = Undoing._note
_settle = settlement.settle


def _without_people(
    policy: CompensationPolicy, refs: Sequence[ExternalObjectRef], **known: Json
) -> Undo | Compensation:
    found = plan(policy, refs, **known)
    if isinstance(found, Compensation) and policy.strategy is CompensationStrategy.MANUAL and refs:
        return found.model_copy(update={"status": CompensationStatus.COMPLETED})
    return found


def _nothing_to_do(policy: CompensationPolicy, refs: Sequence[ExternalObjectRef], **known: Json) -> Undo | Compensation:
    found = plan(policy, refs, **known)
    if isinstance(found, Compensation) and policy.strategy is CompensationStrategy.NONE and refs:
        return found.model_copy(update={"status": CompensationStatus.NOT_NEEDED})
    return found


def _whatever_was_created(
    policy: CompensationPolicy, refs: Sequence[ExternalObjectRef], *, attempt: Attempt, invocation: Invocation | None
) -> Undo | Compensation:
    failed = invocation.model_copy(update={"status": InvocationStatus.FAILED}) if invocation else None
    return plan(policy, refs, attempt=attempt, invocation=failed)


def _nothing_created(
    policy: CompensationPolicy, refs: Sequence[ExternalObjectRef], **known: Json
) -> Undo | Compensation:
    found = plan(policy, refs, **known)
    return Compensation(status=CompensationStatus.NOT_NEEDED, reason="") if found == IN_DOUBT and not refs else found


def _first_only(policy: CompensationPolicy, refs: Sequence[ExternalObjectRef], **known: Json) -> Undo | Compensation:
    found = plan(policy, refs, **known)
    return Undo(found.refs[:1]) if isinstance(found, Undo) else found


def _another_object(policy: CompensationPolicy, ref: ExternalObjectRef) -> dict[str, Json]:
    return dict.fromkeys(policy.arguments, ref.object_type)


def _silence_is_undone(verdict: Verdict) -> CompensationStatus:
    return CompensationStatus.COMPLETED if verdict.evidence is Evidence.IN_DOUBT else undo_status(verdict)


def _without_keys(self: Undoing, *record: Json, **changes: Json) -> Attempt:
    return _note(self, *record, **{name: value for name, value in changes.items() if name != "undone"})


def _unwritten(attempt: Attempt, found: settlement.Settlement, *rest: Json, **known: Json) -> Json:
    return _outcome(attempt, found, *rest, **known).model_copy(
        update={"compensation_status": CompensationStatus.NOT_NEEDED, "compensation_refs": ()}
    )


def _doubt_forgotten(attempt: Attempt, **known: Json) -> settlement.Settlement:
    return _settle(attempt.model_copy(update={"in_doubt": False}), **known)


def _done_however(results: Sequence[RefCompensation]) -> Compensation:
    return Compensation(status=CompensationStatus.COMPLETED, reason="all external objects undone", refs=tuple(results))


_TO_THE_RECORD: Final = tuple(
    Swap(INVOCATION_ROUTING.routes, status.value, StepName.RECORD_OUTCOME)
    for status in (InvocationStatus.FAILED, InvocationStatus.PARTIAL)
)

BUGS: Final = (
    Bug(
        "failed-is-not-undone",
        "an action that failed and names objects goes to the record without an undo",
        _TO_THE_RECORD,
        (Plans("half-done", _N),),
        "D7",
    ),
    Bug(
        "failed-undo-completes",
        "an undo that failed is told as done",
        (Swap(undoing, "undo_status", lambda _verdict: CompensationStatus.COMPLETED),),
        (Plans("half-done-undo-refused", _N),),
        "D61",
    ),
    Bug(
        "silent-undo-completes",
        "an undo that gave no proof is told as done, and not tried again",
        (
            Swap(undoing, "undo_status", _silence_is_undone),
            Swap(undoing, "after_undo", lambda _verdict: UndoMove.RECORD),
        ),
        (Plans("half-done-undo-silent", _N),),
        "D61",
    ),
    Bug(
        "some-undone-is-all-undone",
        "several objects count as undone, whatever became of each",
        (Swap(undoing, "total", _done_however),),
        (Plans("half-done-undo-refused", _N),),
        "D63",
    ),
    Bug(
        "work-for-people-is-done",
        "objects that a person has to undo are told as undone",
        (Swap(undoing, "plan", _without_people),),
        (Plans("half-done-by-hand", _N),),
        "D58",
    ),
    Bug(
        "no-way-to-undo-is-no-need",
        "objects that nothing can undo are told as needing no undo",
        (Swap(undoing, "plan", _nothing_to_do),),
        (Plans("half-done-for-good", _N),),
        "D58, D62",
    ),
    Bug(
        "success-is-undone",
        "an action that succeeded is undone",
        (
            Swap(INVOCATION_ROUTING.routes, InvocationStatus.SUCCEEDED.value, StepName.COMPENSATE_ACTION),
            Swap(undoing, "plan", _whatever_was_created),
        ),
        (Plans("accepted", _N),),
    ),
    Bug(
        "late-success-is-undone",
        "what one run of a step created is undone because another run had given up",
        (Swap(undoing, "plan", _whatever_was_created),),
        (Plans("forbidden", _K),),
    ),
    Bug(
        "undone-while-in-doubt",
        "what is to be undone is decided while a call is in doubt",
        (Swap(compensation, "_in_doubt", lambda _attempt, _invocation: False),),
        (Plans("forbidden", _K),),
    ),
    Bug(
        "nothing-named-is-nothing-there",
        "no undo is needed where no object is named, though a call is in doubt",
        (Swap(undoing, "plan", _nothing_created),),
        (Plans("forbidden", _K),),
        "D62",
    ),
    Bug(
        "refused-resend-is-final",
        "that a resend was refused counts for the call before it",
        (
            Swap(recording, "settle", _doubt_forgotten),
            Swap(compensation, "_in_doubt", lambda _attempt, _invocation: False),
        ),
        (Plans("late-then-refused", _K),),
    ),
    Bug(
        "only-one-is-undone",
        "of several objects the last one is undone",
        (Swap(undoing, "plan", _first_only),),
        (Plans("half-done-twofold", _N),),
        "D63",
    ),
    Bug(
        "another-object-is-undone",
        "the undo names another object than the one that exists",
        (Swap(undoing, "undo_arguments", _another_object),),
        (Plans("half-done", _N),),
        "D63",
    ),
    Bug(
        "undone-is-forgotten",
        "which objects are undone is not kept, so that they are undone again",
        (Swap(Undoing, "_note", _without_keys),),
        (Undoings(Part(_N, 2, 1, Doing.REFUSE)),),
        "D63",
    ),
    Bug(
        "undo-is-not-written",
        "what became of the undo does not get into the outcome",
        (Swap(recording, "_outcome", _unwritten),),
        (Plans("half-done-by-hand", _N),),
        "D58",
    ),
    Bug(
        "undo-is-not-repeated",
        "an undo without proof is not tried again",
        (Swap(undoing, "after_undo", lambda _verdict: UndoMove.RECORD),),
        (Plans("half-done-undo-silent", _N),),
        "D61",
    ),
)
