"""Ids as validated values, and the reference that names one intent within its tenant and account.

Ids become parts of store keys that are joined with ``#``, of S3 keys and of log fields, so their alphabet is closed
and their length bounded *before* they get there. Two tenants can use the same intent id: only the three together
name an intent.
"""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

IDENTIFIER_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$"
"""1 to 128 characters, ASCII only: no ``#`` (the key separator), no slash, no white space, no look-alikes."""

Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN, strict=True)]
Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", strict=True)]


class IntentRef(BaseModel):
    """The full name of an intent: its id means nothing outside its tenant and account."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: Identifier
    account_id: Identifier
    action_intent_id: Identifier

    def __str__(self) -> str:
        """Return ``tenant/account/intent`` for messages."""
        return f"{self.tenant_id}/{self.account_id}/{self.action_intent_id}"
