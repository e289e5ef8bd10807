"""The kill switches as a person at a terminal sees and sets them.

Owns how a scope is written on a command line, and the list of all switches. The list shows a row that is missing or
wrong as what it counts as, because that is what every dispatch goes by.

It will not decide what a switch stops: ``domain.model.kill_switch`` does.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from adapters.dynamodb import keys
from adapters.dynamodb.kill_switches import DynamoDbKillSwitches
from domain.model.kill_switch import KillSwitch, SwitchKind, SwitchScope, SwitchState
from local.stack_info import StackInfo

_KINDS: Final = {
    "global": SwitchKind.GLOBAL,
    "tenant": SwitchKind.TENANT,
    "action-type": SwitchKind.ACTION_TYPE,
    "tool": SwitchKind.TOOL,
    "connector": SwitchKind.CONNECTOR,
    "intent": SwitchKind.INTENT,
}
_WORDS: Final = {kind.value: word for word, kind in _KINDS.items()}

SCOPE_RULE: Final = (
    "must be global, tenant:ID, action-type:X, tool:NAME, connector:NAME or intent:TENANT/ID, e.g. tenant:tenant-acme"
)


def parse_scope(text: str) -> SwitchScope:
    """Return the scope that a person wrote; raises ``ValueError`` with the rule."""
    word, _, subject = text.partition(":")
    kind = _KINDS.get(word)
    if kind is SwitchKind.INTENT:
        tenant_id, slash, intent_id = subject.partition("/")
        subject = f"{tenant_id}#{intent_id}" if slash else ""
    if kind is None or (kind is SwitchKind.GLOBAL) != (subject == "") or (kind is SwitchKind.GLOBAL and ":" in text):
        raise ValueError(SCOPE_RULE)
    scope = SwitchScope(kind=kind, subject=subject)
    try:
        keys.switch(scope)
    except ValueError:
        raise ValueError(SCOPE_RULE) from None
    return scope


def spell_scope(key: str) -> str:
    """Return a row's key as a person would write the scope; total, so that a strange row is shown and not hidden."""
    kind, _, subject = key.partition("#")
    word = _WORDS.get(kind, kind)
    return f"{word}:{subject.replace('#', '/', 1)}" if subject else word


@dataclass(frozen=True)
class SwitchRow:
    """One switch as it stands; ``counts_as`` is what every dispatch takes its state for."""

    scope: str
    state: str
    counts_as: str
    reason: str
    changed_by: str
    changed_at: str

    def as_json(self) -> dict[str, str]:
        """Return the row as plain data."""
        return asdict(self)

    def as_text(self) -> str:
        """Return the row as one line."""
        wrong = "" if self.state == self.counts_as else f" (counts as {self.counts_as})"
        why = f"  {self.reason} ({self.changed_by}, {self.changed_at})" if self.changed_by else f"  {self.reason}"
        return f"{self.scope:<32} {self.state}{wrong}{why}"


@dataclass(frozen=True)
class Switchboard:
    """Every kill switch of a stack; the last writer wins, and no deployment is needed."""

    info: StackInfo

    def flip(
        self, scope: SwitchScope, state: SwitchState, *, reason: str, changed_by: str, changed_at: datetime
    ) -> KillSwitch:
        """Set one switch; raises ``ValueError`` for a subject that no key can hold."""
        switch = KillSwitch(scope=scope, state=state, reason=reason, changed_by=changed_by, changed_at=changed_at)
        DynamoDbKillSwitches(self.info.client("dynamodb"), self.info.tables["kill-switches"]).flip(switch)
        return switch

    def rows(self) -> list[SwitchRow]:
        """Return every switch, the global one first, whether or not its row exists."""
        rows = sorted(self._read(), key=lambda row: (row.scope != "global", row.scope))
        if rows and rows[0].scope == "global":
            return rows
        missing = SwitchRow(
            "global", "MISSING", SwitchState.CANCEL.value, "a missing global row stops everything", "", ""
        )
        return [missing, *rows]

    def _read(self) -> Iterator[SwitchRow]:
        pages = (
            self.info.client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.info.tables["kill-switches"],
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": keys.SWITCH_PARTITION}},
                ConsistentRead=True,
            )
        )
        for item in (item for page in pages for item in page["Items"]):
            told = {name: value.get("S", "") for name, value in item.items()}
            state = told.get("state", "")
            counts_as = state if state in SwitchState.__members__ else SwitchState.CANCEL.value
            yield SwitchRow(
                spell_scope(told["sk"]),
                state or "MISSING",
                counts_as,
                told.get("reason", ""),
                told.get("changed_by", ""),
                told.get("changed_at", ""),
            )
