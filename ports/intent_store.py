"""The intent store port."""

from typing import Protocol

from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent


class IntentStore(Protocol):
    """Holds the intents that people propose and approve.

    Reads are strongly consistent: an approval that was written before its event was sent must be seen. All methods
    raise ``TransientError`` when the store cannot be reached and ``ConfigurationError`` when access is denied.
    """

    def find(self, ref: IntentRef) -> ActionIntent | None:
        """Return the intent under this tenant, account and id *together*, or ``None``.

        An intent of another tenant is ``None`` too: there is no way to ask across tenants.
        """
        ...

    def put(self, intent: ActionIntent) -> None:
        """Store the intent, replacing an earlier one of the same ref; repeating it is harmless."""
        ...
