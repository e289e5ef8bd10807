"""An operator of the simulated world: somebody who looks at the tools' side and says what they see."""

from domain.model.attempt import AttemptStatus
from domain.model.errors import ActionError
from domain.model.external_object import ExternalObjectRef, ExternalSystem
from domain.model.outcome import OutcomeStatus
from domain.use_cases.recording import Recording
from domain.use_cases.resolve_unknown import ResolveUnknown
from tests.builders import a_ref
from tests.proof.simulation.world import World


def resolve_as_seen(world: World) -> str | None:
    """Resolve an UNKNOWN outcome with what exists at the tools; return what was done, ``None`` if there is nothing to.

    An operator is honest and in no way patient: what they see may not be the end of it. A refusal of the command is an
    answer like any other.
    """
    attempt = world.attempt
    if attempt is None or attempt.status is not AttemptStatus.UNKNOWN or attempt.last_dispatched_at is None:
        return None
    seen = tuple(world.tools.existing)
    recording = Recording(world.journal, world.publisher, world.clock)
    try:
        outcome = ResolveUnknown(world.journal, recording, world.clock)(
            a_ref(),
            OutcomeStatus.SUCCEEDED if seen else OutcomeStatus.FAILED,
            resolved_by="operator-1",
            evidence=f"The CRM shows {', '.join(seen) or 'nothing'}.",
            refs=tuple(
                ExternalObjectRef(system=ExternalSystem.CRM, object_type="Task", object_id=object_id)
                for object_id in seen
            ),
        )
    except ActionError as refused:
        return f"refused: {type(refused).__name__}"
    return f"resolved as {outcome.status}"
