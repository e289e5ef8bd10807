"""ProposeIntent: store what somebody proposes, and leave alone what has already been executed."""

from dataclasses import dataclass
from typing import Final

from domain.model.errors import PermanentError
from domain.model.intent import ActionIntent
from ports.execution_journal import ExecutionJournal
from ports.intent_store import IntentStore

NOT_CONTENT: Final = ("status", "approval", "created_at")
"""What is around a proposal and not what is proposed."""


@dataclass(frozen=True)
class ProposeIntent:
    """Stores an intent until its execution has begun; from then on its stored copy is evidence and stays.

    Proposing what was executed again, unchanged, is harmless. Raises ``PermanentError`` where it would replace what an
    execution has run with.
    """

    intents: IntentStore
    journal: ExecutionJournal

    def __call__(self, intent: ActionIntent, *, expiry_is_content: bool = True) -> bool:
        """Store an intent and say whether it was; ``False``: it has been executed with this very content.

        ``expiry_is_content`` is false where the end is counted from the moment of proposing.
        """
        if not self.may_store(intent, expiry_is_content=expiry_is_content):
            return False
        self.intents.put(intent)
        return True

    def may_store(self, intent: ActionIntent, *, expiry_is_content: bool = True) -> bool:
        """Return whether an intent may be stored, ``False`` where it needs not; raises as the call does."""
        if self.journal.find_attempt(intent.ref) is None:
            return True
        standing = self.intents.find(intent.ref)
        left_out = {*NOT_CONTENT} if expiry_is_content else {*NOT_CONTENT, "expires_at_epoch"}
        if standing is not None and standing.model_dump(exclude=left_out) == intent.model_dump(exclude=left_out):
            return False
        raise PermanentError(
            f"the execution of intent {intent.ref} has begun, and what it runs with is not replaced; "
            "propose this one under a new action_intent_id",
            **intent.ref.model_dump(),
        )
