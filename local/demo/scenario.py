"""What a story is made of: how it is prepared, who steps in and when, and what must then be true."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent
from local.demo.hands import Hands
from local.demo.observations import Observer
from local.tool_server.faults import Fault

CREATE_TASK: Final = "crm___create_task"
Expectation = dict[str, object]


@dataclass(frozen=True)
class Intervention:
    """Somebody steps in once, as soon as ``when`` is seen by a witness.

    ``expected`` names facts that the witnesses must confirm just before; ``act`` returns what was done, as a sentence
    without its subject.
    """

    who: str
    when: Callable[[Observer, IntentRef], bool]
    act: Callable[[Hands, IntentRef], str]
    expected: Expectation = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """One story with its expected end.

    ``faults`` are what the tool is told to do wrong, ``setup`` what is done to the stack beforehand. ``tamper`` changes
    the stored intent after its approval. ``effect_safety`` is what the tool's mapping says of a repeat, where it is
    another than the example's. ``expected`` names facts that the witnesses must all confirm (see
    ``observations.Observed``).
    """

    name: str
    story: str
    expected: Expectation
    faults: tuple[Fault, ...] = ()
    approvals: int = 1
    lifetime_seconds: int = 86_400
    tamper: Callable[[ActionIntent], ActionIntent] | None = None
    setup: Callable[[Hands], str] | None = None
    interventions: tuple[Intervention, ...] = ()
    effect_safety: dict[str, object] | None = None

    @property
    def intent_id(self) -> str:
        """The id of the scenario's intent."""
        return f"demo-{self.name}"

    @property
    def mapping_version(self) -> str | None:
        """The version of the mapping that this story publishes for itself, if it does."""
        return f"1.0-{self.effect_safety['kind']}" if self.effect_safety else None
