"""The judge: what must be true of an intent when nothing is left to do, seen from outside.

It believes nobody: what exists is what the tools' own log says, and what was said is what stands in every store and on
the bus. A sentence is a broken promise; a disagreement is two records that do not say the same; an UNKNOWN is asked
whether it had to be one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.model.attempt import Attempt, AttemptStatus
from domain.model.errors import DuplicateExecution
from domain.model.ledger import LedgerEventType
from domain.model.outcome import CompensationStatus, Outcome, OutcomeStatus
from domain.model.signal import SignalType, outcome_facts
from domain.model.tool_call import CallPurpose
from domain.model.tool_mapping import LONGEST_CALL_SECONDS
from domain.policies.audit import findings
from ports.steps.contract import ERROR_VARIABLE, Junction, StepName
from tests.builders import NOW, a_ref
from tests.proof.rows import Endings
from tests.proof.simulation.driver import FAILED, NO_VALUE, RUNNING, SUCCEEDED, Execution
from tests.proof.simulation.ends import End
from tests.proof.simulation.flows import Safety
from tests.proof.simulation.on_the_way import said_on_the_way
from tests.proof.simulation.world import World


class Unknown(StrEnum):
    """Why an outcome stays UNKNOWN."""

    SENT = "a byte of the call had left"
    DIED = "the sender died, or went silent, between the record of the dispatch and the first byte"
    PEOPLE = "an effect exists that only people can undo"
    IMPRECISE = "the tool could have been asked, or had answered"


@dataclass(frozen=True)
class Verdict:
    """How one end was judged."""

    sentences: tuple[str, ...] = ()
    disagreements: tuple[str, ...] = ()
    unknown: Unknown | None = None

    @property
    def violations(self) -> tuple[str, ...]:
        """Everything that must not be."""
        imprecise = (f"UNKNOWN stays, and {self.unknown}",) if self.unknown is Unknown.IMPRECISE else ()
        return (*self.sentences, *self.disagreements, *imprecise)

    @property
    def endings(self) -> Endings:
        """The same, counted."""
        return Endings(
            judged=1,
            disagreeing=int(bool(self.disagreements)),
            unknown_imprecise=int(self.unknown is Unknown.IMPRECISE),
            unknown_sent=int(self.unknown in {Unknown.SENT, Unknown.PEOPLE}),
            unknown_died=int(self.unknown is Unknown.DIED),
        )


def verdict(
    world: World, safety: Safety, executions: Sequence[Execution], *, may_act: bool = True, due: End | None = None
) -> Verdict:
    """Judge the end of the sample intent and of its executions; raises nothing, whatever it finds."""
    attempt, outcome = world.attempt, world.outcome
    sentences = [*world.broken, *_effects(world), *_ends(executions, attempt, outcome)]
    sentences += _as_due(due, executions, outcome) if due else []
    if world.tools.created and not may_act:
        sentences.append("an effect, where nothing was allowed to act")
    if attempt is None:
        visible = any(one.status not in {RUNNING, SUCCEEDED} for one in executions)
        sentences += [] if visible else ["nothing was claimed, and no failed execution shows it"]
        sentences += ["something was created for an intent that nobody claimed"] if world.tools.created else []
        return Verdict(tuple(sentences))
    if not attempt.is_terminal or outcome is None:
        sentences.append(f"not terminal: the attempt stays {attempt.status}")
        return Verdict(tuple(sentences), findings(attempt, outcome, world.journal.ledger(a_ref())))
    sentences += _truth(world, outcome)
    sentences += said_on_the_way(world.journal.ledger(a_ref()))
    sentences += _visibility(world, attempt)
    unknown = _why_unknown(world, safety, attempt) if outcome.status is OutcomeStatus.UNKNOWN else None
    return Verdict(tuple(sentences), tuple(_disagreements(world, attempt, outcome)), unknown)


def _ends(executions: Sequence[Execution], attempt: Attempt | None, outcome: Outcome | None) -> list[str]:
    """Every execution ended, in a state that says how, and none says SUCCEEDED of what did not."""
    found: list[str] = []
    for one in executions:
        if one.status == RUNNING:
            found.append("an execution never ends")
        if one.status == FAILED and (isinstance(one.state, StepName) or one.error == NO_VALUE) and one.error:
            found.append(f"an execution died in {one.state} of {one.error}, which nothing caught")
        owns = attempt is not None and attempt.owner == one.arn
        if owns and one.state is Junction.SUCCEEDED and outcome and outcome.status is not OutcomeStatus.SUCCEEDED:
            found.append(f"the execution ended SUCCEEDED, and the outcome is {outcome.status}")
        if owns and one.state is _SUPPRESSED:
            found.append("the owner took itself for a duplicate")
        stopped_by = one.variables[ERROR_VARIABLE] or {}
        if stopped_by.get("Error") == DuplicateExecution.__name__ and one.state is not _SUPPRESSED:
            found.append(f"a duplicate ended in {one.state}, as if it had failed")
    return found


def _as_due(due: End, executions: Sequence[Execution], outcome: Outcome | None) -> list[str]:
    """Undisturbed, an action comes to what its flow says: a system that does nothing tells no lies either."""
    first, *others = (one.state for one in executions)
    found = [f"undisturbed a second execution ends in {state}" for state in others if state is not _SUPPRESSED]
    came_to = outcome.status if outcome else None
    if (first, came_to) != due:
        found.append(f"undisturbed it ends in {first} with outcome {came_to}; due are {due.machine} and {due.outcome}")
    return found


def _effects(world: World) -> list[str]:
    """Once at most, whatever was recorded."""
    found: list[str] = []
    created = world.tools.created
    if len(created) > 1:
        found.append(f"{len(created)} effects: {[act.run_ref for act in created]}")
    attempt = world.attempt
    if attempt is not None:
        lifetime = attempt.expires_at_epoch - NOW.timestamp()
        # A call leaves some time after its permission was checked, though within its function's own time.
        late = [at for _, at in world.gateway.sent if at >= lifetime + LONGEST_CALL_SECONDS]
        found += [f"a call left {at - lifetime:.0f} s after the approval expired" for at in late]
    undone = [
        object_id for act in world.tools.acts if act.purpose is CallPurpose.COMPENSATE for object_id in act.object_ids
    ]
    if len(set(undone)) < len(undone):
        found.append(f"undone twice: {undone}")
    return found


_SUPPRESSED: Final = Junction.DUPLICATE_SUPPRESSED
_NOTHING_LEFT: Final = frozenset({CompensationStatus.NOT_NEEDED, CompensationStatus.COMPLETED})


def _truth(world: World, outcome: Outcome) -> list[str]:
    """What the outcome says of the tools' side, against the tools' side."""
    exists = set(world.tools.existing)
    named = {ref.object_id for ref in outcome.external_object_refs}
    match outcome.status:
        case OutcomeStatus.SUCCEEDED:
            if len(world.tools.created) != 1:
                return [f"SUCCEEDED with {len(world.tools.created)} effects"]
            return [] if exists == named else [f"SUCCEEDED names {sorted(named)}, and {sorted(exists)} exist"]
        case OutcomeStatus.FAILED:
            return [f"FAILED, and {sorted(exists)} exist"] if exists else []
        case OutcomeStatus.CANCELLED:
            acted = world.tools.created
            return ["CANCELLED after an effect"] if acted else []
        case _:
            return _listed(exists, outcome)


def _listed(exists: set[str], outcome: Outcome) -> list[str]:
    """An UNKNOWN outcome whose objects are known must list what still exists, and nothing as undone that does."""
    undone = {one.ref.object_id for one in outcome.compensation_refs if one.status is CompensationStatus.COMPLETED}
    lies = undone & exists
    if lies:
        return [f"UNKNOWN says that {sorted(lies)} are undone, and they exist"]
    if exists and outcome.compensation_status in _NOTHING_LEFT:
        return [f"UNKNOWN says that undoing is {outcome.compensation_status}, and {sorted(exists)} exist"]
    hidden = exists - {ref.object_id for ref in outcome.external_object_refs}
    if outcome.external_object_refs and hidden:
        return [f"UNKNOWN lists what exists, without {sorted(hidden)}"]
    return []


def _visibility(world: World, attempt: Attempt) -> list[str]:
    """Whoever has to act was told."""
    if attempt.status is not AttemptStatus.UNKNOWN:
        return []
    told = [notice for notice in world.inbox.notices if notice.ref == attempt.ref]
    if attempt.operator_notified_at is None or not told:
        return ["UNKNOWN stays, and no person was told"]
    return []


def _disagreements(world: World, attempt: Attempt, outcome: Outcome) -> list[str]:
    ref = a_ref()
    ledger = world.journal.ledger(ref)
    found = list(findings(attempt, outcome, ledger))
    kind = SignalType.of(outcome.status)
    if [entry.event_type for entry in ledger].count(kind.ledger_event) != 1:
        found.append(f"the ledger does not say {kind.value} exactly once")
    signals = [signal for signal in world.journal.signals() if signal.signal_type is kind]
    if len(signals) != 1 or signals[0].data != outcome_facts(outcome):
        found.append("the outbox does not hold the outcome's signal")
    published = [signal for signal in world.publisher.published if signal.signal_type is kind]
    if not published or any(signal.data != outcome_facts(outcome) for signal in published):
        found.append("the bus was not told what the outcome says")
    allowed = {kind, SignalType.of(OutcomeStatus.UNKNOWN)} if outcome.resolution else {kind}
    if {signal.signal_type for signal in world.publisher.published} - allowed:
        found.append("the bus was told something else, too")
    kinds = [entry.event_type for entry in ledger]
    dispatched = kinds.count(LedgerEventType.TOOL_DISPATCHED)
    sent = len({call.tool_run_ref for call, _ in world.gateway.sent})
    if dispatched < sent or len(world.gateway.sent) > sent:
        found.append(f"{len(world.gateway.sent)} calls left, {dispatched} are on the ledger")
    # What was sent to find out about an UNKNOWN comes after it.
    told = kinds.index(kind.ledger_event) if kind.ledger_event in kinds else len(kinds)
    if outcome.attempt_count != kinds[:told].count(LedgerEventType.TOOL_DISPATCHED):
        found.append(f"the outcome says {outcome.attempt_count} calls, the ledger before it another number")
    return found


def _why_unknown(world: World, safety: Safety, attempt: Attempt) -> Unknown:
    if not attempt.effect_in_doubt:
        # All is known: only what still exists can keep the outcome open, and it takes people to undo it.
        return Unknown.PEOPLE if world.tools.existing else Unknown.IMPRECISE
    if safety is not Safety.UNSAFE or world.answered:
        return Unknown.IMPRECISE
    if world.gateway.sent:
        return Unknown.SENT
    return Unknown.DIED if attempt.call_ended_at is None and attempt.open_send else Unknown.IMPRECISE
