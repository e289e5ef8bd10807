"""Compensation: what is undone rests on evidence, in reverse order, and the total never says more than is known."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model.attempt import Attempt
from domain.model.canonical_json import digest
from domain.model.errors import ErrorCode
from domain.model.external_object import ExternalObjectRef, ExternalSystem
from domain.model.invocation import Invocation, InvocationStatus
from domain.model.outcome import Compensation, CompensationStatus, RefCompensation
from domain.model.tool_mapping import CompensationPolicy, CompensationStrategy, RefField
from domain.policies.classification import Evidence, Verdict
from domain.policies.compensation import (
    Undo,
    UndoMove,
    after_undo,
    existing_refs,
    plan,
    total,
    undo_arguments,
    undo_status,
)
from tests.builders import a_claim, a_dispatch, a_mapping, an_object_ref, later
from tests.strategies import object_refs

COMPLETED, PARTIAL, FAILED, UNKNOWN = (
    CompensationStatus.COMPLETED,
    CompensationStatus.PARTIAL,
    CompensationStatus.FAILED,
    CompensationStatus.UNKNOWN,
)
AUTOMATIC = a_mapping().compensation
MANUAL = CompensationPolicy(strategy=CompensationStrategy.MANUAL)
NONE = CompensationPolicy()
ONE, TWO, THREE = (an_object_ref(object_id=f"task-{number}") for number in (1, 2, 3))


def sent() -> Attempt:
    """An attempt with a call that has no proof."""
    return a_dispatch(a_claim()[0])[0]


def told(status: InvocationStatus) -> Invocation:
    """What the invocation came to."""
    return Invocation(status=status, attempt_count=1, completed_at=later(2))


@pytest.mark.parametrize("strategy", [AUTOMATIC, MANUAL, NONE], ids=lambda policy: policy.strategy)
@pytest.mark.parametrize(
    "attempt, status, expected",
    [
        (sent(), InvocationStatus.FAILED, "NOT_NEEDED"),
        (sent(), InvocationStatus.UNKNOWN, "UNKNOWN"),
        (sent(), None, "UNKNOWN"),
        (a_claim()[0], None, "NOT_NEEDED"),
        (a_claim()[0], InvocationStatus.DEFERRED, "NOT_NEEDED"),
        (sent(), InvocationStatus.DEFERRED, "UNKNOWN"),
        (a_dispatch(sent())[0], InvocationStatus.FAILED, "UNKNOWN"),
    ],
    ids=[
        "refused",
        "in doubt",
        "no answer",
        "never sent",
        "deferred before a send",
        "deferred, then in doubt",
        "refused resend",
    ],
)
def test_without_objects_the_result_says_only_what_is_proved(
    strategy: CompensationPolicy, attempt: Attempt, status: InvocationStatus | None, expected: str
) -> None:
    """NOT_NEEDED where it is proved that nothing exists, UNKNOWN where a call is in doubt (R63, D62)."""
    step = plan(strategy, (), attempt=attempt, invocation=told(status) if status else None)
    assert isinstance(step, Compensation)
    assert step.status is CompensationStatus(expected)


@pytest.mark.parametrize(
    "policy, status, reason",
    [
        (NONE, CompensationStatus.NONE, "Compensation not supported for this action type"),
        (MANUAL, CompensationStatus.PENDING, "Requires manual compensation"),
    ],
    ids=["none", "manual"],
)
def test_without_an_automatic_way_the_result_says_who_must_act(
    policy: CompensationPolicy, status: CompensationStatus, reason: str
) -> None:
    """Objects exist and no tool is called for them (R62, R65)."""
    step = plan(policy, (ONE,), attempt=sent(), invocation=told(InvocationStatus.PARTIAL))
    assert step == Compensation(status=status, reason=reason)


@pytest.mark.parametrize("strategy", [AUTOMATIC, MANUAL, NONE], ids=lambda policy: policy.strategy)
def test_what_succeeded_is_never_undone(strategy: CompensationPolicy) -> None:
    """A run that gave up may be followed by one that succeeded: its effect is the action's, and stays."""
    attempt, succeeded = sent(), told(InvocationStatus.SUCCEEDED)
    step = plan(strategy, (ONE,), attempt=attempt, invocation=succeeded)
    assert step == Compensation(status=CompensationStatus.NOT_NEEDED, reason="The action succeeded")


@given(st.lists(object_refs, min_size=1, max_size=6).map(tuple))
def test_objects_are_undone_last_created_first(refs: tuple[ExternalObjectRef, ...]) -> None:
    """What was built on something else goes before it (R64, D63)."""
    assert plan(AUTOMATIC, refs, attempt=sent(), invocation=told(InvocationStatus.PARTIAL)) == Undo(refs[::-1])


def test_evidence_from_all_sides_is_joined() -> None:
    """The answer and the write record each know what the other may lack; nothing is undone twice (D7)."""
    assert existing_refs((ONE, TWO), (TWO, THREE), ()) == (ONE, TWO, THREE)
    assert existing_refs() == ()


def test_the_first_witness_of_an_object_is_kept() -> None:
    """The same object told again with less is still one object."""
    assert existing_refs((ONE,), (ONE.model_copy(update={"object_url": None}),)) == (ONE,)


@pytest.mark.parametrize("change", [{"system": ExternalSystem.CALENDAR}, {"object_type": "Note"}], ids=str)
def test_equal_ids_of_two_systems_or_types_are_two_objects(change: dict[str, object]) -> None:
    """An id means nothing outside its system and type; losing one would leave it behind (D7)."""
    elsewhere = ONE.model_copy(update=change)
    assert existing_refs((ONE,), (elsewhere,)) == (ONE, elsewhere)


def test_the_undo_call_is_filled_from_the_object() -> None:
    """Each argument takes its field; a field that the object lacks is left out, not sent as null."""
    policy = AUTOMATIC.model_copy(
        update={"arguments": {"id": RefField.OBJECT_ID, "kind": RefField.OBJECT_TYPE, "link": RefField.OBJECT_URL}}
    )
    assert undo_arguments(policy, ONE) == {"id": "task-1", "kind": "Task", "link": ONE.object_url}
    assert undo_arguments(policy, ONE.model_copy(update={"object_url": None})) == {"id": "task-1", "kind": "Task"}


@pytest.mark.parametrize(
    "evidence, transient, move, status",
    [
        (Evidence.SUCCEEDED, False, UndoMove.RECORD, COMPLETED),
        (Evidence.REFUSED, False, UndoMove.RECORD, FAILED),
        (Evidence.PARTIAL, False, UndoMove.RECORD, FAILED),
        (Evidence.NOT_DONE, False, UndoMove.RECORD, FAILED),
        (Evidence.NOT_DONE, True, UndoMove.RETRY, FAILED),
        (Evidence.IN_DOUBT, False, UndoMove.RETRY, UNKNOWN),
    ],
)
def test_each_kind_of_evidence_has_its_move_and_status(
    evidence: Evidence, move: UndoMove, status: CompensationStatus, *, transient: bool
) -> None:
    """Only a success proves an undo; doubt is asked again because an undo is harmless to repeat (D61)."""
    verdict = Verdict(evidence, error_code=ErrorCode.UNKNOWN_ERROR, transient=transient)
    assert (after_undo(verdict), undo_status(verdict)) == (move, status)


def expected_total(statuses: tuple[CompensationStatus, ...]) -> CompensationStatus:
    """The total as the design words it: all, some, nobody knows, none."""
    done = statuses.count(COMPLETED)
    if done == len(statuses):
        return COMPLETED
    if done:
        return PARTIAL
    return UNKNOWN if UNKNOWN in statuses else FAILED


@pytest.mark.parametrize(
    "statuses",
    [c for n in (1, 2, 3, 4) for c in itertools.product((COMPLETED, FAILED, UNKNOWN), repeat=n)],
    ids="-".join,
)
def test_every_combination_of_results_adds_up(statuses: tuple[CompensationStatus, ...]) -> None:
    """One to four objects in every mixture: COMPLETED only if all are undone, PARTIAL if only some are (R18, D63)."""
    results = [
        RefCompensation(
            ref=an_object_ref(object_id=f"task-{at}"), status=status, idempotency_key=digest([at, status.value])
        )
        for at, status in enumerate(statuses)
    ]
    found = total(results)
    assert found.status is expected_total(statuses)
    assert found.refs == tuple(results)
    assert found.reason == f"{statuses.count(COMPLETED)} of {len(statuses)} external objects undone"
