"""What a message of each queue asks for: every shape that its sender may use, and nothing else."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from domain.model.errors import TransientError
from domain.model.notice import Notice, NoticeKind
from domain.model.outcome import OutcomeStatus
from local.dead_letters import GivenUpEvent, LostApproval, PersonsTask, Quarantined, SpooledOutcome
from local.functions import FunctionFailed
from local.redrive import Became, NotNow, Poison
from ports.reconciler_events import ExecutionEnded, SpooledState, read_event
from ports.steps.contract import StepName, Worker
from ports.steps.state import ExecutionState
from tests.builders import EXECUTION_ARN, NOW, a_ref, an_unsafe_mapping
from tests.domain.use_cases.test_resolve_unknown import resolve, unknown
from tests.domain.use_cases.world import World

IDS = a_ref().model_dump()
EVENT = {
    "version": "0",
    "id": "e-1",
    "source": "cc-native",
    "detail-type": "ACTION_APPROVED",
    "detail": {"data": IDS},
}
STATE = {"contract_version": 1, "execution_arn": EXECUTION_ARN, "started_at": NOW.isoformat(), "approval": IDS}
SETTLED = {"settled": {"status": "SUCCEEDED", "error_code": "NONE"}}


@dataclass
class Stack:
    """Functions that answer what a test tells them to, in turn, and a bus that remembers."""

    answers: list[dict[str, Any] | FunctionFailed] = field(default_factory=list)
    invoked: list[tuple[StepName | Worker, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)

    def invoke(self, function: StepName | Worker, event: object) -> dict[str, Any]:
        """Answer, or fail."""
        self.invoked.append((function, event))
        answer = self.answers.pop(0)
        if isinstance(answer, FunctionFailed):
            raise answer
        return answer


def failed(error_type: str, function: StepName | Worker = Worker.RECONCILER) -> FunctionFailed:
    """A function's own error."""
    return FunctionFailed(function, error_type, f"{error_type.upper()}: as a test wishes")


@pytest.mark.parametrize("body", [EVENT, IDS], ids=["the whole event", "the data that the rule takes out of it"])
def test_a_lost_approval_goes_back_on_the_bus(body: dict[str, Any]) -> None:
    """Whichever of the two EventBridge puts into the queue, the same data is sent."""
    stack = Stack()
    worked = LostApproval(stack.sent.append)(json.dumps(body))
    assert worked.became is Became.SENT
    assert stack.sent == [IDS]
    assert str(a_ref()) in worked.detail


def test_of_a_lost_approval_only_the_ids_are_sent_again() -> None:
    """As the rule takes them: a large event, written anew, may not fit through the bus, and would block the queue."""
    stack = Stack()
    LostApproval(stack.sent.append)(json.dumps({**EVENT, "detail": {"data": {**IDS, "note": "\u4e2d" * 60_000}}}))
    assert stack.sent == [IDS]


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "null",
        "[]",
        "{}",
        json.dumps({**EVENT, "detail": None}),
        json.dumps({**EVENT, "detail": {}}),
        json.dumps({**IDS, "tenant_id": "a#b"}),
        "[" * 100_000,
    ],
)
def test_an_approval_that_names_no_intent_is_poison_and_is_not_sent(body: str) -> None:
    """It would start an execution that can only fail."""
    stack = Stack()
    with pytest.raises(Poison):
        LostApproval(stack.sent.append)(body)
    assert stack.sent == []


def test_a_spooled_state_is_recorded_by_the_reconciler() -> None:
    """It gets the message's body as it is, in the shape that it reads."""
    stack = Stack([SETTLED])
    body = json.dumps(STATE)
    assert SpooledOutcome(stack.invoke)(body).became is Became.RECORDED
    ((function, event),) = stack.invoked
    assert function is Worker.RECONCILER
    read = read_event(event)
    assert isinstance(read, SpooledState)
    assert read.state == ExecutionState.model_validate_json(body)


def test_an_intent_that_the_reconciler_has_begun_to_settle_is_settled_first() -> None:
    """It raised the fence and then could not record; the execution's end wakes it again, and the state follows."""
    stack = Stack([failed("TransientError"), {"reconciled": "SETTLED"}, SETTLED])
    body = json.dumps(STATE)
    assert SpooledOutcome(stack.invoke)(body).became is Became.RECORDED
    spooled, woken, again = (event for _, event in stack.invoked)
    assert read_event(woken) == ExecutionEnded(EXECUTION_ARN, a_ref())
    assert spooled == again == {"spooled": body}


@pytest.mark.parametrize(
    "answers",
    [
        [failed("ConfigurationError")],
        [failed("Sandbox.Timedout")],
        [failed("TransientError"), failed("ConfigurationError")],
        [failed("TransientError"), {"reconciled": "AT_WORK"}, failed("TransientError")],
        [{}],
    ],
)
def test_a_spooled_state_that_cannot_be_recorded_now_stays(answers: list[dict[str, Any] | FunctionFailed]) -> None:
    """Nothing was settled, so nothing may be deleted."""
    stack = Stack(answers)
    with pytest.raises(NotNow):
        SpooledOutcome(stack.invoke)(json.dumps(STATE))
    assert stack.answers == []


def test_a_spooled_message_that_the_reconciler_cannot_read_is_in_the_quarantine_already() -> None:
    """The function put it there, so it can go."""
    stack = Stack([{"quarantined": "0" * 64, "reason": "no JSON"}])
    assert SpooledOutcome(stack.invoke)("no JSON").became is Became.QUARANTINED


@pytest.mark.parametrize("wrapped", [False, True], ids=["the event itself", "in a destination's envelope"])
def test_a_given_up_event_runs_its_function_again(*, wrapped: bool) -> None:
    """With the event as it was, in whichever shape Lambda left it."""
    stack = Stack([{"fence": 1}])
    body = {"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": STATE} if wrapped else STATE
    worked = GivenUpEvent(StepName.START_EXECUTION, stack.invoke)(json.dumps(body))
    assert worked.became is Became.RUN
    assert stack.invoked == [(StepName.START_EXECUTION, STATE)]


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        json.dumps({"anything": "else"}),
        json.dumps({**STATE, "approval": {}}),
        json.dumps({**STATE, "contract_version": 0}),
        json.dumps(STATE),
    ],
    ids=["no JSON", "no state", "no intent", "another version", "without the sections it needs"],
)
def test_an_event_that_a_step_could_never_work_on_is_poison(body: str) -> None:
    """It is told before the function is asked, which would only say that the deployment is wrong."""
    stack = Stack()
    with pytest.raises(Poison):
        GivenUpEvent(StepName.INVOKE_TOOL, stack.invoke)(body)
    assert stack.invoked == []


def test_the_reconciler_reads_its_own_events() -> None:
    """Rules fill its queue too, with events of their own shape; what it puts into the quarantine can go."""
    stack = Stack([{"swept": {}}, {"quarantined": "0" * 64, "reason": "an event of no kind that is known here"}])
    work = GivenUpEvent(Worker.RECONCILER, stack.invoke)
    scheduled = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
    assert work(json.dumps(scheduled)).became is Became.RUN
    assert work(json.dumps({"source": "nobody"})).became is Became.QUARANTINED


@pytest.mark.parametrize("error_type", ["OwnershipLost", "DuplicateExecution", "IntentExpired", "PermanentError"])
def test_an_event_that_its_function_refuses_for_good_is_not_kept(error_type: str) -> None:
    """No repeat can change it, so leaving it would be trying for ever."""
    stack = Stack([failed(error_type, StepName.START_EXECUTION)])
    with pytest.raises(Poison, match=error_type.upper()):
        GivenUpEvent(StepName.START_EXECUTION, stack.invoke)(json.dumps(STATE))


@pytest.mark.parametrize(
    "error_type", ["TransientError", "ExecutionHeld", "ConfigurationError", "Runtime.ExitError", "ErrorCode", "json"]
)
def test_an_event_whose_function_may_work_tomorrow_stays(error_type: str) -> None:
    """A deployment is mended and tried again; a name that is no error of ours says nothing about the event."""
    stack = Stack([failed(error_type, StepName.START_EXECUTION)])
    with pytest.raises(NotNow):
        GivenUpEvent(StepName.START_EXECUTION, stack.invoke)(json.dumps(STATE))


def a_task(world: World) -> str:
    """The notice that a person got about the world's intent."""
    return Notice.about_intent(
        NoticeKind.ATTENTION,
        a_ref(),
        reason="TIMEOUT: nobody knows",
        advice="Look at the tool's side.",
        execution_arn=EXECUTION_ARN,
        now=world.clock.now(),
    ).model_dump_json()


def test_a_notice_says_what_to_do_until_its_intent_is_settled() -> None:
    """Then it goes, whoever settled it."""
    world = unknown()
    work, body = PersonsTask(world.records), a_task(world)
    standing = work(body)
    assert standing.became is Became.LEFT
    assert "Look at the tool's side." in standing.detail
    resolve(world)(a_ref(), OutcomeStatus.SUCCEEDED, resolved_by="operator-1", evidence="it is there")
    assert work(body).became is Became.DONE


def test_a_notice_of_an_intent_that_is_not_on_record_is_kept() -> None:
    """A store that shows nothing is no proof that a person's work is done."""
    assert PersonsTask(World(mapping=an_unsafe_mapping()).records)(a_task(unknown())).became is Became.LEFT


def test_a_notice_that_cannot_be_read_is_poison() -> None:
    """A queue for people is filled by our functions only, so it came from somewhere else."""
    with pytest.raises(Poison):
        PersonsTask(unknown().records)('{"anything": "else"}')


def test_the_quarantine_is_read_until_a_person_says_that_it_is_done() -> None:
    """It shows hash, reason and advice, and forgets nothing by itself."""
    notice = Notice.of_quarantined("0" * 64, reason="no JSON", advice="Find its sender.", now=NOW).model_dump_json()
    shown = Quarantined(done=False)(notice)
    assert shown.became is Became.LEFT
    assert "0" * 64 in shown.detail
    assert "no JSON. Find its sender." in shown.detail
    assert Quarantined(done=True)(notice).became is Became.DONE


def test_what_is_no_notice_does_not_go_round_in_the_quarantine() -> None:
    """Putting it into the quarantine once more would make it a new message for ever."""
    assert Quarantined(done=False)("no notice").became is Became.LEFT
    assert Quarantined(done=True)("no notice").became is Became.DONE


def test_a_bus_that_does_not_take_an_approval_leaves_it_to_the_next_try() -> None:
    """The error passes through to the loop, which keeps the message."""

    def refuse(_data: dict[str, Any]) -> None:
        raise TransientError("the bus did not take it")

    with pytest.raises(TransientError):
        LostApproval(refuse)(json.dumps(IDS))
