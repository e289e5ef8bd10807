"""An execution driven from the step contract: the routes of the generated machine, without evaluating JSONata.

The proof plays millions of steps, and evaluating the definition's expressions would take most of its time. What the
definition is generated from decides here: order, sections, retries, catches, routes. That both take identical paths is
shown by ``test_driver``, route by route. An execution is a value: what follows from it can be played several times.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from infrastructure.asl import DUPLICATE_OUTPUT, RECORDING_FAILED_CAUSE, SPOOL_CATCH, SPOOL_RETRY
from ports.steps.contract import (
    ERROR_VARIABLE,
    FIRST_STEP,
    INVOCATION_ROUTING,
    MACHINE_TIMEOUT_SECONDS,
    OUTCOME_ROUTING,
    SECTIONS,
    STEPS,
    CatchRule,
    Junction,
    Routing,
    StepName,
    Target,
)
from ports.steps.retries import RetryRule
from ports.steps.state import APPROVAL_IDS, CONTRACT_VERSION
from tests.support.asl_interpreter import StateError, matches

Json = Any

RUNNING, SUCCEEDED, FAILED, TIMED_OUT = "RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT"
_ROUTINGS: Final = {Junction.CHECK_INVOCATION: INVOCATION_ROUTING, Junction.CHECK_OUTCOME: OUTCOME_ROUTING}
NO_VALUE: Final = "States.QueryEvaluationError"
"""The end of an execution whose state names a value that no step has assigned."""
_BLANK: Final[dict[str, Json]] = dict.fromkeys((*SECTIONS, ERROR_VARIABLE))


class Platform(Protocol):
    """What AWS does for an execution."""

    def now(self) -> datetime:
        """Return the time."""
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def invoke(self, step: StepName, payload: Json) -> Json:
        """Run a step's function once; raises ``StateError``."""
        ...

    def spool(self, body: Json) -> None:
        """Put a whole state on the outcome spool queue; raises ``StateError``."""
        ...


@dataclass(frozen=True)
class Execution:
    """Where an execution stands."""

    arn: str
    started_at: datetime
    approval: Json
    state: Target = FIRST_STEP
    """The state that is entered, or tried again, next."""
    variables: dict[str, Json] = field(default_factory=lambda: dict(_BLANK))
    """Never changed in place."""
    used: tuple[int, ...] = ()
    """How often each retrier of the state was used on this visit."""
    status: str = RUNNING
    error: str | None = None
    cause: str | None = None
    path: tuple[Target, ...] = (FIRST_STEP,)
    """Every state entered, in order."""

    def advance(self, platform: Platform) -> "Execution":
        """Return the execution one try, one choice or one wait later."""
        following = self._advance(platform)
        if (platform.now() - self.started_at).total_seconds() > MACHINE_TIMEOUT_SECONDS:
            return replace(following, status=TIMED_OUT, error="States.Timeout", cause=None)
        return following

    def _advance(self, platform: Platform) -> "Execution":
        state = self.state
        if isinstance(state, StepName):
            return self._try(state, platform)
        match state:
            case Junction.CHECK_INVOCATION | Junction.CHECK_OUTCOME:
                return self._to(self._choice(_ROUTINGS[state]))
            case Junction.WAIT_FOR_TOOL:
                platform.wait(self.variables["invocation"]["retry_after_seconds"])
                return self._to(StepName.INVOKE_TOOL)
            case Junction.SPOOL_OUTCOME:
                return self._spool(platform)
            case Junction.SUCCEEDED | Junction.DUPLICATE_SUPPRESSED:
                return replace(self, status=SUCCEEDED)
            case Junction.RECORDING_FAILED:
                return replace(self, status=FAILED, error="RecordingFailed", cause=RECORDING_FAILED_CAUSE)
            case _:
                outcome = self.variables["outcome"]
                if outcome is None:
                    return replace(self, status=FAILED, error=NO_VALUE)
                return replace(self, status=FAILED, error=outcome["error_code"], cause=outcome["error_message"])

    def _choice(self, routing: Routing) -> Target:
        section = self.variables[routing.section]
        return routing.routes.get(section["status"], routing.otherwise) if section else routing.otherwise

    def _to(self, target: Target, **assigned: Json) -> "Execution":
        return replace(self, state=target, used=(), path=(*self.path, target), variables={**self.variables, **assigned})

    def payload(self, step: StepName) -> dict[str, Json]:
        """Return what the step's function is given."""
        return {**self._envelope(), **{name: self.variables[name] for name in STEPS[step].inputs}}

    def _envelope(self) -> dict[str, Json]:
        begun = self.started_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "contract_version": CONTRACT_VERSION,
            "execution_arn": self.arn,
            "started_at": begun,
            "approval": {name: self.approval.get(name) for name in APPROVAL_IDS},
        }

    def _try(self, step: StepName, platform: Platform) -> "Execution":
        spec = STEPS[step]
        try:
            result = platform.invoke(step, self.payload(step))
        except StateError as failed:
            return self._after_error(spec.retries, spec.catches, failed, platform)
        return self._to(spec.next, **{spec.section: result})

    def _after_error(
        self, retries: Sequence[RetryRule], catches: Sequence[CatchRule], failed: StateError, platform: Platform
    ) -> "Execution":
        used = list(self.used or (0,) * len(retries))
        for index, rule in enumerate(retries):
            if not matches(rule.errors, failed.error):
                continue
            if used[index] >= rule.max_attempts:
                break
            platform.wait(min(rule.interval_seconds * rule.backoff_rate ** used[index], rule.max_delay_seconds))
            used[index] += 1
            return replace(self, used=tuple(used))
        for catch in catches:
            if matches(catch.errors, failed.error):
                return self._to(catch.target, **{ERROR_VARIABLE: {"Error": failed.error, "Cause": failed.cause}})
        return replace(self, status=FAILED, error=failed.error, cause=failed.cause)

    def _spool(self, platform: Platform) -> "Execution":
        try:
            platform.spool({**self._envelope(), **self.variables})
        except StateError as failed:
            return self._after_error((SPOOL_RETRY,), (SPOOL_CATCH,), failed, platform)
        return self._to(Junction.RECORDING_FAILED)

    @property
    def output(self) -> Json:
        """What an execution that succeeded ends with; ``None`` of any other."""
        if self.status != SUCCEEDED:
            return None
        return DUPLICATE_OUTPUT if self.state is Junction.DUPLICATE_SUPPRESSED else self.variables["outcome"]
