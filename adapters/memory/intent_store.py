"""Intents in memory."""

from threading import Lock

from adapters.memory import warn_that_nothing_is_kept
from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent


class MemoryIntentStore:
    """Keeps copies, so that nobody changes a stored intent through the object they handed over or got back."""

    def __init__(self) -> None:
        warn_that_nothing_is_kept(self)
        self._intents: dict[IntentRef, ActionIntent] = {}
        self._lock = Lock()

    def find(self, ref: IntentRef) -> ActionIntent | None:
        with self._lock:
            found = self._intents.get(ref)
        return found.model_copy(deep=True) if found else None

    def put(self, intent: ActionIntent) -> None:
        with self._lock:
            self._intents[intent.ref] = intent.model_copy(deep=True)
