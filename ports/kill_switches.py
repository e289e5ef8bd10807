"""The kill switch port."""

from collections.abc import Sequence
from typing import Protocol

from domain.model.kill_switch import KillSwitch, SwitchScope


class KillSwitches(Protocol):
    """Holds the switches that stop actions.

    Reads are strongly consistent. All methods raise ``TransientError`` when the store cannot be reached and
    ``ConfigurationError`` when access is denied; a caller that cannot read the switches must not act.
    """

    def find(self, scopes: Sequence[SwitchScope]) -> tuple[KillSwitch, ...]:
        """Return those of these scopes' switches that exist, in the order of ``scopes``."""
        ...

    def flip(self, switch: KillSwitch) -> None:
        """Set a switch; the last writer wins, and repeating it is harmless."""
        ...
