"""The operator inbox port."""

from typing import Protocol

from domain.model.notice import Notice


class OperatorInbox(Protocol):
    """Hands notices to people: one queue for each kind, each with an alarm on its first message."""

    def put(self, notice: Notice) -> None:
        """Hand the notice over, at least once; readers dedupe by ``notice_id``.

        Raises ``TransientError`` if the queue did not accept it and ``ConfigurationError`` when access is denied or
        this function was given no queue for the notice's kind.
        """
        ...
