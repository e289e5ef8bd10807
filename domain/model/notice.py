"""Notices: what needs a person, said so that they can act on it without looking anything up first.

A notice is handed over at least once and carries an id made of what it is about, so a reader can tell a repeat from
news. It holds ids, references and reasons, with a tool's error text only filtered and bounded as in the outcome;
never parameters, answers or the content of a bad message.
"""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.model.canonical_json import digest
from domain.model.external_object import ExternalObjectRef
from domain.model.identifiers import IntentRef, Sha256Hex


class NoticeKind(StrEnum):
    """What a person is asked to do; each kind has a queue of its own."""

    COMPENSATION = "COMPENSATION"
    """Objects exist that should not, and only a person can undo them."""
    ATTENTION = "ATTENTION"
    """Nobody can find out by asking what became of an action: a person must decide, with evidence."""
    QUARANTINE = "QUARANTINE"
    """A message or event could not be understood and is not tried again."""


class Notice(BaseModel):
    """One thing for a person to do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    notice_id: Sha256Hex
    kind: NoticeKind
    reason: str
    advice: str
    ref: IntentRef | None = None
    """The intent it concerns; ``None`` where none could be read."""
    external_object_refs: tuple[ExternalObjectRef, ...] = ()
    execution_arn: str | None = None
    content_sha256: Sha256Hex | None = None
    """Of what was quarantined: enough to recognise it where it came from, and nothing of it."""
    raised_at: AwareDatetime

    @classmethod
    def about_intent(
        cls,
        kind: NoticeKind,
        ref: IntentRef,
        *,
        reason: str,
        advice: str,
        execution_arn: str,
        now: datetime,
        refs: tuple[ExternalObjectRef, ...] = (),
    ) -> Self:
        """Return the notice about one intent: one id for each kind, however often it is raised."""
        return cls(
            notice_id=digest({"kind": kind.value, **ref.model_dump()}),
            kind=kind,
            reason=reason,
            advice=advice,
            ref=ref,
            external_object_refs=refs,
            execution_arn=execution_arn,
            raised_at=now,
        )

    @classmethod
    def of_quarantined(
        cls, content_sha256: str, *, reason: str, advice: str, now: datetime, execution_arn: str | None = None
    ) -> Self:
        """Return the notice about a message that could not be understood: one id for each content and origin."""
        return cls(
            notice_id=digest({"content_sha256": content_sha256, "execution_arn": execution_arn}),
            kind=NoticeKind.QUARANTINE,
            reason=reason,
            advice=advice,
            execution_arn=execution_arn,
            content_sha256=content_sha256,
            raised_at=now,
        )
