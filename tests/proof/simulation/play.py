"""The play of one intent, from its approval until nothing is left to do: executions, events, sweeps, redrives.

It advances by one invocation of a function at a time and can be put back to any moment between two of them. What the
platform and people do on their own (status events, schedule, redrive of the spool) is played here, in one fixed order;
other orders are the schedules' matter.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.execution_status import ExecutionStatus
from domain.model.idempotency import signal_id
from domain.model.signal import SignalType
from ports.steps.contract import StepName, Worker
from tests.builders import EXECUTION_ARN, a_ref
from tests.proof.simulation.driver import RUNNING, SUCCEEDED, Execution
from tests.proof.simulation.ends import End, due_end
from tests.proof.simulation.flows import FLOWS, Flow, Safety
from tests.proof.simulation.functions import Functions
from tests.proof.simulation.sites import NO_FAULTS, Faults, Invocation, Kind, Site
from tests.proof.simulation.world import Snapshot, World
from tests.support.asl_interpreter import StateError

Json = Any

APPROVAL: Final[dict[str, Json]] = dict(a_ref().model_dump())
SWEEP: Final = {"source": "aws.events", "detail-type": "Scheduled Event"}
FIRST_SWEEP_SECONDS: Final = 130.0
LONGEST_GAP_SECONDS: Final = 6 * 3_600.0
MOST_SWEEPS: Final = 40
MOST_REDRIVES: Final = 8
ENDED: Final = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})


def arn_of(number: int) -> str:
    """Return the ARN of the n-th execution, counted from 1."""
    return f"{EXECUTION_ARN.rsplit('-', 1)[0]}-{number}"


def ended_event(arn: str, status: str, approval: Json = APPROVAL) -> Json:
    """Return the status change that Step Functions sends."""
    return {"source": "aws.states", "detail": {"executionArn": arn, "status": status, "input": json.dumps(approval)}}


class Phase(StrEnum):
    """What happens next."""

    EXECUTING = "executing"
    TELLING = "telling"
    """The status change of an execution that did not succeed is delivered."""
    SWEEPING = "sweeping"
    REDRIVING = "redriving"
    OVER = "over"


@dataclass(frozen=True)
class Position:
    """Where the play stands, beside the world."""

    phase: Phase = Phase.EXECUTING
    executions: tuple[Execution, ...] = ()
    sweeps: int = 0
    redrives: int = 0
    disturbed: bool = False
    """Whether a fault struck or somebody interfered, so that another end than the flow's own may follow."""


class Moment(NamedTuple):
    """A moment to go back to."""

    world: Snapshot
    position: Position


class _Platform:
    """What AWS does for one execution of this play."""

    def __init__(self, play: "Play", faults: Faults) -> None:
        self._play, self._faults = play, faults

    def now(self) -> datetime:
        return self._play.world.clock.now()

    def wait(self, seconds: float) -> None:
        self._play.world.let_pass(seconds)

    def invoke(self, step: StepName, payload: Json) -> Json:
        return self._play.functions.call(step, payload, self._faults)

    def spool(self, body: Json) -> None:
        run = Invocation("SpoolOutcome", self._faults)
        self._play.functions.invocations.append(run)
        kind = run.enter("sqs", "spool")
        copies = {None: 1, Kind.LOST_REPLY: 1, Kind.DUPLICATE: 2}.get(kind, 0)
        self._play.world.spooled.extend([body] * copies)
        if kind in {Kind.ERROR, Kind.LOST_REPLY}:
            raise StateError("Sqs.SdkClientException", "the queue did not answer")


class Play:
    """One intent's life in one world."""

    def __init__(self, flow: Flow, safety: Safety, undisturbed_end: End | None = None) -> None:
        self.flow, self.safety = flow, safety
        self._undisturbed_end = undisturbed_end
        self.world: World = flow.world(safety)
        self.functions = Functions(self.world)
        first = Execution(arn_of(1), self.world.clock.now(), APPROVAL)
        self.position = Position(executions=(first,))
        self.loses_events = False
        """Whether status changes get lost, so that only sweeps are left."""
        self._begin(first)

    @classmethod
    def of(cls, name: str, safety: Safety) -> "Play":
        """Return the play of a named flow."""
        return cls(FLOWS[name], safety, due_end(name, safety))

    def _begin(self, execution: Execution) -> None:
        self.world.executions.set_status(execution.arn, ExecutionStatus.RUNNING)

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return self.position.phase is Phase.OVER

    def moment(self) -> Moment:
        """Return this moment."""
        return Moment(self.world.snapshot(), self.position)

    def go_back(self, moment: Moment) -> None:
        """Go back to a moment of this play."""
        self.world.restore(moment.world)
        self.position = moment.position

    def mark(self) -> int:
        """Return a number that two moments share only if the same follows from both."""
        position = self.position
        executions = tuple(
            (one.state, one.used, one.status, one.error, repr(one.variables)) for one in position.executions
        )
        return hash((self.world.mark(), position.phase, executions, position.sweeps, position.redrives))

    def step(self, faults: Faults = NO_FAULTS) -> list[Site]:
        """Go on until one function was invoked, or there is nothing more; return the sites it passed."""
        self.functions.invocations.clear()
        while not self.functions.invocations and not self.over:
            match self.position.phase:
                case Phase.EXECUTING:
                    self._execute(faults)
                case Phase.TELLING:
                    self._tell(faults)
                case Phase.REDRIVING:
                    self._redrive(faults)
                case _:
                    self._sweep(faults)
        if any(run.struck for run in self.functions.invocations):
            self.disturb()
        return self.functions.invocations[0].called if self.functions.invocations else []

    def disturb(self) -> None:
        """Note that what follows is not the flow's own doing alone."""
        self.position = replace(self.position, disturbed=True)

    @property
    def due(self) -> End | None:
        """How this play has to end; ``None`` where it was disturbed, or its flow has no name."""
        return None if self.position.disturbed else self._undisturbed_end

    @property
    def execution(self) -> Execution:
        """The execution that was begun last."""
        return self.position.executions[-1]

    def stop(self, status: ExecutionStatus) -> None:
        """End the running execution from outside, as an operator or its timeout does."""
        stopped = replace(self.execution, status=status.value, error=None)
        self.disturb()
        self._replace(stopped)
        self._after_end(stopped)

    def _replace(self, execution: Execution) -> None:
        self.position = replace(self.position, executions=(*self.position.executions[:-1], execution))

    def _execute(self, faults: Faults) -> None:
        following = self.execution.advance(_Platform(self, faults))
        self._replace(following)
        if following.status != RUNNING:
            self._after_end(following)

    def _after_end(self, execution: Execution) -> None:
        self.world.executions.set_status(execution.arn, ExecutionStatus(execution.status))
        if execution.status != SUCCEEDED and not self.loses_events:
            self.position = replace(self.position, phase=Phase.TELLING)
        else:
            self._next_execution()

    def _next_execution(self) -> None:
        begun = len(self.position.executions)
        if begun < self.flow.approvals:
            another = Execution(arn_of(begun + 1), self.world.clock.now(), APPROVAL)
            self._begin(another)
            self.position = replace(
                self.position, phase=Phase.EXECUTING, executions=(*self.position.executions, another)
            )
        else:
            self.world.down = frozenset()
            self.position = replace(self.position, phase=Phase.SWEEPING)

    def _tell(self, faults: Faults) -> None:
        execution = self.execution
        self._reconcile(ended_event(execution.arn, execution.status), faults)
        self._next_execution()

    def _reconcile(self, event: Json, faults: Faults) -> bool:
        try:
            self.functions.call(Worker.RECONCILER, event, faults)
        except StateError:
            return False
        return True

    def _sweep(self, faults: Faults) -> None:
        position = self.position
        self.world.let_pass(self._gap_seconds())
        self._reconcile(SWEEP, faults)
        phase = Phase.SWEEPING
        if self.world.spooled and position.redrives < MOST_REDRIVES:
            phase = Phase.REDRIVING
        elif self.is_quiet or position.sweeps >= MOST_SWEEPS:
            phase = Phase.OVER
            self.world.let_pass(2 * self.world.gateway.lands_within_seconds + 120)
        self.position = replace(position, phase=phase, sweeps=position.sweeps + 1)

    def _gap_seconds(self) -> float:
        attempt = self.world.attempt
        if attempt is not None and attempt.next_try_at is not None:
            due = (attempt.next_try_at - self.world.clock.now()) / timedelta(seconds=1)
            return min(max(due, 60.0), LONGEST_GAP_SECONDS)
        return min(FIRST_SWEEP_SECONDS + 60.0 * self.position.sweeps, LONGEST_GAP_SECONDS)

    def _redrive(self, faults: Faults) -> None:
        if self._reconcile({"spooled": json.dumps(self.world.spooled[0])}, faults):
            self.world.spooled.popleft()
        phase = Phase.REDRIVING if self.world.spooled else Phase.SWEEPING
        redrives = self.position.redrives + 1
        if redrives >= MOST_REDRIVES:
            phase = Phase.SWEEPING
        self.position = replace(self.position, phase=phase, redrives=redrives)

    @property
    def is_quiet(self) -> bool:
        """Whether everybody has done what they can: settled and told, or in a person's hands."""
        attempt = self.world.attempt
        if attempt is None:
            return True
        return attempt.is_terminal and self.is_published and _is_final(attempt)

    @property
    def is_published(self) -> bool:
        """Whether the signal of the standing outcome is marked as published."""
        outcome = self.world.outcome
        if outcome is None:
            return False
        kept = self.world.journal.find_signal(a_ref(), signal_id(a_ref(), SignalType.of(outcome.status)))
        return kept is not None and kept.published_at is not None


def _is_final(attempt: Attempt) -> bool:
    return attempt.status is not AttemptStatus.UNKNOWN or attempt.operator_notified_at is not None
