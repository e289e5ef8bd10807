"""Kill switches in memory."""

from collections.abc import Sequence
from threading import RLock

from adapters.memory import warn_that_nothing_is_kept
from domain.model.kill_switch import KillSwitch, SwitchScope, SwitchState


class MemoryKillSwitches:
    """Starts without the global switch, like a new table: nothing may run until it is set.

    Whoever holds ``lock`` sees switches that nobody flips meanwhile; the journal dispatches under it.
    """

    def __init__(self) -> None:
        warn_that_nothing_is_kept(self)
        self.lock = RLock()
        self._switches: dict[SwitchScope, KillSwitch] = {}

    def find(self, scopes: Sequence[SwitchScope]) -> tuple[KillSwitch, ...]:
        with self.lock:
            return tuple(self._switches[scope] for scope in scopes if scope in self._switches)

    def flip(self, switch: KillSwitch) -> None:
        with self.lock:
            self._switches[switch.scope] = switch

    def stopping(self, scopes: Sequence[SwitchScope]) -> list[tuple[SwitchScope, str | None]]:
        """Return those of these scopes that let nothing pass now, each with its row's state."""
        found: list[tuple[SwitchScope, str | None]] = []
        with self.lock:
            for scope in scopes:
                switch = self._switches.get(scope)
                if scope.must_exist if switch is None else switch.state is not SwitchState.RUNNING:
                    found.append((scope, switch.state if switch else None))
        return found
