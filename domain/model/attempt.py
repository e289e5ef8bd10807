"""The attempt: the one record that owns an intent's execution, and the only transitions it may make.

One attempt exists per intent, for ever: claimed once, never expired, at the end a small tombstone that turns every
later approval into a duplicate. Each transition carries exactly one ledger entry, so the attempt also holds the head
of the intent's ledger chain; ``ledger_seq`` is at the same time the revision that a writer must still find.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.model.errors import ActionError, OwnershipLost, TransientError
from domain.model.identifiers import Identifier, IntentRef, Sha256Hex
from domain.model.intent import ActionIntent, Approval
from domain.model.invocation import Invocation
from domain.model.ledger import GENESIS_HASH, LedgerEntry, LedgerEventType
from domain.model.tool_mapping import LONGEST_CALL_SECONDS


class AttemptStatus(StrEnum):
    """Where an execution stands."""

    CLAIMED = "CLAIMED"
    """Owned; it is proved that nothing has been done."""
    DISPATCHED = "DISPATCHED"
    """A call may have been sent; until evidence says otherwise the effect is in doubt."""
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"
    """Recorded as in doubt; only a resolution that cites evidence leaves it."""


ARTIFACT_MISSING: Final = "missing"
"""Stands in the ledger where an exchange could not be archived: a lost archive is on record, like everything else."""

TERMINAL: Final = frozenset(
    {AttemptStatus.SUCCEEDED, AttemptStatus.FAILED, AttemptStatus.CANCELLED, AttemptStatus.UNKNOWN}
)

LEGAL_TRANSITIONS: Final[dict[AttemptStatus, frozenset[AttemptStatus]]] = {
    AttemptStatus.CLAIMED: frozenset(
        {AttemptStatus.CLAIMED, AttemptStatus.DISPATCHED, AttemptStatus.FAILED, AttemptStatus.CANCELLED}
    ),
    AttemptStatus.DISPATCHED: frozenset(
        {
            AttemptStatus.DISPATCHED,
            AttemptStatus.CLAIMED,
            AttemptStatus.SUCCEEDED,
            AttemptStatus.FAILED,
            AttemptStatus.UNKNOWN,
        }
    ),
    AttemptStatus.UNKNOWN: frozenset({AttemptStatus.UNKNOWN, AttemptStatus.SUCCEEDED, AttemptStatus.FAILED}),
    AttemptStatus.SUCCEEDED: frozenset(),
    AttemptStatus.FAILED: frozenset(),
    AttemptStatus.CANCELLED: frozenset(),
}
"""CANCELLED is reachable only while nothing can have been done; SUCCEEDED only after something was sent."""


FIRST_FENCE: Final = 1
"""The fence of a claim; each takeover raises it by one."""


class IllegalTransition(Exception):
    """A use case asked for a transition that the model forbids: a defect in the caller, never a state of the world."""


class Attempt(BaseModel):
    """The execution record of one intent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: Identifier
    account_id: Identifier
    action_intent_id: Identifier
    owner: str = Field(min_length=1, max_length=512)
    """The ARN of the owning state machine execution."""
    fence: int = Field(ge=1)
    """Raised by whoever takes over; a writer with an older fence is refused."""
    status: AttemptStatus
    action_digest: Sha256Hex
    action_type: Identifier
    mapping_version: Identifier
    execution_trace_id: str
    decision_trace_id: Identifier
    approved_by: Identifier
    approved_at: AwareDatetime
    expires_at_epoch: int
    started_at: AwareDatetime
    updated_at: AwareDatetime
    attempt_count: int = Field(default=0, ge=0)
    """How many times a call was dispatched: the truth behind the outcome's ``attempt_count``."""
    in_doubt: bool = False
    """Whether a send before the last one has no proof: what a resend came to says nothing about it."""
    open_send: bool = False
    """Whether the last send has no proof yet."""
    doubtful_until: AwareDatetime | None = None
    """When the last of the sends that ``in_doubt`` speaks of had left our side at the latest."""
    idempotency_key: Sha256Hex | None = None
    tool_name: str | None = None
    tool_schema_version: str | None = None
    first_dispatched_at: AwareDatetime | None = None
    last_dispatched_at: AwareDatetime | None = None
    call_ended_at: AwareDatetime | None = None
    """When the last send was seen to end; ``None`` while it may still be on its way, its function dead or alive."""
    last_failure_code: str | None = None
    reply: Invocation | None = None
    """What the tool answered, kept before anything else is done with it: a step entered again reads it here."""
    undone: tuple[Sha256Hex, ...] = ()
    """Compensation keys of the objects that are proved undone: what a repeated compensation may skip."""
    resolution_tries: int = Field(default=0, ge=0)
    """How often an UNKNOWN outcome was looked into without a result."""
    next_try_at: AwareDatetime | None = None
    """When an UNKNOWN outcome is looked into again; ``None``: at once."""
    operator_notified_at: AwareDatetime | None = None
    """When a person was told that only they can settle this."""
    ledger_seq: int = Field(ge=1)
    ledger_hash: Sha256Hex

    @property
    def ref(self) -> IntentRef:
        """The intent this attempt belongs to."""
        return IntentRef(tenant_id=self.tenant_id, account_id=self.account_id, action_intent_id=self.action_intent_id)

    @property
    def is_terminal(self) -> bool:
        """Whether an outcome is recorded."""
        return self.status in TERMINAL

    @property
    def nothing_was_done(self) -> bool:
        """Whether it is proved that no effect exists by this attempt."""
        if self.status in {AttemptStatus.CLAIMED, AttemptStatus.CANCELLED}:
            return True
        return self.status is AttemptStatus.UNKNOWN and not (self.effect_in_doubt or self.reply)

    @property
    def effect_in_doubt(self) -> bool:
        """Whether an effect may exist that no answer speaks of."""
        return self.in_doubt or self.open_send

    @property
    def on_its_way_until(self) -> datetime | None:
        """When the last send has left our side at the latest; ``None`` if there was none."""
        if self.call_ended_at is not None or self.last_dispatched_at is None:
            return self.call_ended_at
        # Whoever sent it may be sending still, its function heard of or not.
        return self.last_dispatched_at + timedelta(seconds=LONGEST_CALL_SECONDS)

    @classmethod
    def claim(
        cls, intent: ActionIntent, approval: Approval, *, owner: str, action_digest: str, trace_id: str, now: datetime
    ) -> tuple[Self, LedgerEntry]:
        """Return the first record of an execution and the ledger entry that goes with it."""
        entry = LedgerEntry.chained(
            ref=intent.ref,
            seq=1,
            previous_hash=GENESIS_HASH,
            event_type=LedgerEventType.EXECUTION_STARTED,
            occurred_at=now,
            trace_id=trace_id,
            decision_trace_id=intent.trace_id,
            data={
                "owner": owner,
                "action_digest": action_digest,
                "action_type": intent.action_type,
                "mapping_version": intent.mapping_version,
                "approved_by": approval.approved_by,
                "approved_at": approval.approved_at.isoformat(),
            },
        )
        attempt = cls(
            tenant_id=intent.tenant_id,
            account_id=intent.account_id,
            action_intent_id=intent.action_intent_id,
            owner=owner,
            fence=FIRST_FENCE,
            status=AttemptStatus.CLAIMED,
            action_digest=action_digest,
            action_type=intent.action_type,
            mapping_version=intent.mapping_version,
            execution_trace_id=trace_id,
            decision_trace_id=intent.trace_id,
            approved_by=approval.approved_by,
            approved_at=approval.approved_at,
            expires_at_epoch=intent.expires_at_epoch,
            started_at=now,
            updated_at=now,
            ledger_seq=entry.seq,
            ledger_hash=entry.entry_hash,
        )
        return attempt, entry

    def owned_by(self, owner: str, fence: int) -> Self:
        """Return this attempt, or raise ``OwnershipLost`` if another execution owns it or it was taken over."""
        if (self.owner, self.fence) != (owner, fence):
            raise OwnershipLost(
                f"the attempt of intent {self.ref} belongs to {self.owner} with fence {self.fence}, not to {owner} "
                f"with fence {fence}; this execution may not write and ends here",
                action_intent_id=self.action_intent_id,
                tenant_id=self.tenant_id,
            )
        return self

    def overtaken_by(self, standing: Self | None) -> ActionError:
        """Return the error of a writer that expected this record and found ``standing``.

        Another run of the same execution having written is no loss of ownership: the writer reads again and goes on
        from there. Anything else ends it.
        """
        ids = self.ref.model_dump()
        if standing is not None and (standing.owner, standing.fence) == (self.owner, self.fence):
            return TransientError(
                f"another run of this execution has moved the attempt of {self.ref} from entry {self.ledger_seq} "
                f"to {standing.ledger_seq}; nothing was written, read it again",
                **ids,
            )
        return OwnershipLost(
            f"the attempt of intent {self.ref} is no longer this execution's (fence {self.fence}, entry "
            f"{self.ledger_seq}); nothing was written, this execution ends here",
            **ids,
        )

    def advance(
        self,
        status: AttemptStatus,
        event_type: LedgerEventType,
        data: Mapping[str, object],
        *,
        now: datetime,
        **changes: object,
    ) -> tuple[Self, LedgerEntry]:
        """Return the next record and its ledger entry, or raise ``IllegalTransition``."""
        if status not in LEGAL_TRANSITIONS[self.status]:
            msg = f"attempt {self.ref}: {self.status} may not become {status}"
            raise IllegalTransition(msg)
        entry = LedgerEntry.chained(
            ref=self.ref,
            seq=self.ledger_seq + 1,
            previous_hash=self.ledger_hash,
            event_type=event_type,
            occurred_at=now,
            trace_id=self.execution_trace_id,
            decision_trace_id=self.decision_trace_id,
            data=data,
        )
        head = {"status": status, "updated_at": now, "ledger_seq": entry.seq, "ledger_hash": entry.entry_hash}
        return type(self).model_validate({**self.model_dump(), **changes, **head}), entry

    def dispatch(
        self, *, key: str, tool_name: str, tool_schema_version: str, run_ref: str, now: datetime
    ) -> tuple[Self, LedgerEntry]:
        """Return the record of one more send; a send on top of an unproved one leaves doubt behind."""
        count = self.attempt_count + 1
        return self.advance(
            self._while_sent,
            LedgerEventType.TOOL_DISPATCHED,
            {"tool_name": tool_name, "idempotency_key": key, "tool_run_ref": run_ref, "attempt_count": count},
            now=now,
            attempt_count=count,
            in_doubt=self.effect_in_doubt,
            doubtful_until=self.on_its_way_until if self.open_send else self.doubtful_until,
            open_send=True,
            idempotency_key=key,
            tool_name=tool_name,
            tool_schema_version=tool_schema_version,
            first_dispatched_at=self.first_dispatched_at or now,
            last_dispatched_at=now,
            call_ended_at=None,
            last_failure_code=None,
        )

    def replied(self, reply: Invocation, *, now: datetime, ends_doubt: bool = False) -> tuple[Self, LedgerEntry]:
        """Return the record of the tool's answer; with ``ends_doubt`` it speaks for every send before it too."""
        data = reply.model_dump(mode="json", exclude={"retry_after_seconds"}, exclude_none=True)
        data.setdefault("raw_response_artifact_ref", ARTIFACT_MISSING)
        return self.advance(
            self._while_sent,
            LedgerEventType.TOOL_REPLIED,
            data,
            now=now,
            reply=reply,
            open_send=False,
            in_doubt=self.in_doubt and not ends_doubt,
            call_ended_at=now,
        )

    def verified_absent(self, *, verify_tool: str, now: datetime) -> tuple[Self, LedgerEntry]:
        """Return the record after the tool's side proved that no effect exists: all doubt is gone."""
        data = {"verify_tool": verify_tool, "found": False, "attempt_count": self.attempt_count}
        status = AttemptStatus.UNKNOWN if self.status is AttemptStatus.UNKNOWN else AttemptStatus.CLAIMED
        gone = {"in_doubt": False, "open_send": False, "reply": None}
        return self.advance(status, LedgerEventType.EFFECT_VERIFIED, data, now=now, **gone)

    def not_done(
        self, *, code: str, detail: str, now: datetime, artifact: str | None = None
    ) -> tuple[Self, LedgerEntry]:
        """Return the record after proof that the last send did nothing; earlier doubt stays.

        ``artifact`` says where the exchange is archived, or that it is missing; without it there was no exchange.
        """
        free = AttemptStatus.CLAIMED if not self.in_doubt else AttemptStatus.DISPATCHED
        return self.advance(
            AttemptStatus.UNKNOWN if self.status is AttemptStatus.UNKNOWN else free,
            LedgerEventType.TOOL_NOT_EXECUTED,
            self._failure(code, detail, artifact),
            now=now,
            last_failure_code=code,
            call_ended_at=now,
            open_send=False,
        )

    def doubted(
        self, *, code: str, detail: str, now: datetime, artifact: str | None = None
    ) -> tuple[Self, LedgerEntry]:
        """Return the record after a send ended without proof either way."""
        data = self._failure(code, detail, artifact)
        return self.advance(self._while_sent, LedgerEventType.TOOL_IN_DOUBT, data, now=now, call_ended_at=now)

    def _failure(self, code: str, detail: str, artifact: str | None) -> dict[str, object]:
        archived = {} if artifact is None else {"raw_response_artifact_ref": artifact}
        return {"error_code": code, "detail": detail, "attempt_count": self.attempt_count, **archived}

    @property
    def _while_sent(self) -> AttemptStatus:
        """The status while a call is on its way: an outcome that stands as UNKNOWN stays so until it is resolved."""
        return AttemptStatus.UNKNOWN if self.status is AttemptStatus.UNKNOWN else AttemptStatus.DISPATCHED

    def taken_over(self, *, by: str, run: str, execution_status: str, now: datetime) -> tuple[Self, LedgerEntry]:
        """Return the record under a higher fence: whoever held the lower one can write no more.

        ``run`` tells two takeovers at one moment apart, so that only one of them can find itself recorded.
        """
        data = {"taken_over_by": by, "run": run, "execution_status": execution_status, "fence": self.fence + 1}
        return self.advance(self.status, LedgerEventType.EXECUTION_TAKEN_OVER, data, now=now, fence=self.fence + 1)

    def tried(self, *, detail: str, next_try_at: datetime, now: datetime) -> tuple[Self, LedgerEntry]:
        """Return the record of a look into an UNKNOWN outcome that found nothing out."""
        tries = self.resolution_tries + 1
        data = {"tries": tries, "detail": detail, "next_try_at": next_try_at.isoformat()}
        return self.advance(
            AttemptStatus.UNKNOWN,
            LedgerEventType.RESOLUTION_TRIED,
            data,
            now=now,
            resolution_tries=tries,
            next_try_at=next_try_at,
        )

    def operator_notified(self, *, kind: str, notice_id: str, now: datetime) -> tuple[Self, LedgerEntry]:
        """Return the record of having told a person."""
        return self.advance(
            AttemptStatus.UNKNOWN,
            LedgerEventType.OPERATOR_NOTIFIED,
            {"notice_kind": kind, "notice_id": notice_id},
            now=now,
            operator_notified_at=now,
        )
