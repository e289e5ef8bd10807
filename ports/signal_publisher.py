"""The signal publisher port."""

from typing import Protocol

from domain.model.signal import Signal


class SignalPublisher(Protocol):
    """Tells the rest of the platform what happened, at least once."""

    def publish(self, signal: Signal) -> None:
        """Publish the signal; consumers dedupe by ``signal_id``.

        Raises ``TransientError`` if the bus did not accept it and ``ConfigurationError`` when access is denied.
        """
        ...
