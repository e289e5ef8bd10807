"""What a planted defect is: one thing of the product taken away or turned round, for as long as somebody looks.

The rows find nothing in the product as it is. That says something only if they find what is wrong with a product that
is wrong; so known defects are put back, one at a time, in the running process, where the product decides: in its
policies, use cases, memory adapters and step contract.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from tests.proof.looks import Look
from tests.proof.simulation.schedule import plays_of_their_own

Json = Any


@dataclass(frozen=True, eq=False)
class Swap:
    """One value in another's place: an attribute of a module or class, or an entry of a dictionary."""

    owner: object
    name: Json
    value: object

    @property
    def standing(self) -> object:
        """What is there now."""
        return (self.owner if isinstance(self.owner, dict) else vars(self.owner)).get(self.name)

    @contextmanager
    def made(self) -> Iterator[None]:
        """Put it there, and what was there before back at the end."""
        if isinstance(self.owner, dict):
            with mock.patch.dict(self.owner, {self.name: self.value}):
                yield
        else:
            with mock.patch.object(self.owner, self.name, self.value):
                yield


@dataclass(frozen=True)
class Bug:
    """One defect, and where it is looked for first."""

    id: str
    defect: str
    """What is wrong, in one sentence."""
    swaps: tuple[Swap, ...]
    looks: tuple[Look, ...]
    known: str = ""
    """The numbers of the original plan's defects that this puts back, as the traceability table has them."""

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Have the defect in this process, for plays that are set up inside and forgotten at the end."""
        with ExitStack() as stack:
            stack.enter_context(plays_of_their_own())
            for swap in self.swaps:
                stack.enter_context(swap.made())
            yield
