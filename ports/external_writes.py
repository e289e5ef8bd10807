"""The external write record port."""

from typing import Protocol

from domain.model.external_write import ExternalWrite


class ExternalWrites(Protocol):
    """Remembers, per idempotency key, which external objects a tool said it created.

    It is evidence beside the execution's state: compensation undoes what either of them names. All methods raise
    ``TransientError`` when the store cannot be reached and ``ConfigurationError`` when access is denied.
    """

    def find(self, idempotency_key: str) -> ExternalWrite | None:
        """Return what is recorded under the key, or ``None``."""
        ...

    def record(self, write: ExternalWrite) -> ExternalWrite:
        """Keep the first record of a key and return the one that stands; repeating it is harmless."""
        ...
