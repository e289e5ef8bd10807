"""The ledger's chain shows every edit, gap, swap and stranger at the entry where it happened."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from domain.model.identifiers import IntentRef
from domain.model.ledger import GENESIS_HASH, LedgerEntry, LedgerEventType, first_broken_entry
from tests.builders import NOW, a_ref, later
from tests.strategies import json_objects


def a_chain(length: int, ref: IntentRef | None = None, data: Sequence[dict[str, JsonValue]] = ()) -> list[LedgerEntry]:
    """That many entries, each sealed to the one before."""
    entries: list[LedgerEntry] = []
    for at in range(length):
        entries.append(
            LedgerEntry.chained(
                ref=ref or a_ref(),
                seq=at + 1,
                previous_hash=entries[-1].entry_hash if entries else GENESIS_HASH,
                event_type=LedgerEventType.TOOL_DISPATCHED,
                occurred_at=later(at),
                trace_id="execution-1",
                decision_trace_id="decision-1",
                data=data[at] if at < len(data) else {"at": at},
            )
        )
    return entries


def test_the_hash_of_a_known_entry_never_changes() -> None:
    """An auditor must be able to recompute the chain years later."""
    assert a_chain(2)[1].entry_hash == "0b605d1c22701a6b7395c49bc23795ac8f5c000bfe6b106f58880051b68c7f96"


@given(st.lists(json_objects, max_size=6))
def test_an_untouched_chain_holds(data: list[dict[str, JsonValue]]) -> None:
    """Whatever the entries say, their own chain is whole, also after a round trip through JSON."""
    entries = a_chain(len(data), data=data)
    assert first_broken_entry(entries) is None
    assert first_broken_entry([LedgerEntry.model_validate_json(entry.model_dump_json()) for entry in entries]) is None


@pytest.mark.parametrize(
    "edit",
    [
        {"data": {"at": 99}},
        {"event_type": LedgerEventType.ACTION_EXECUTED},
        {"occurred_at": NOW + timedelta(milliseconds=1)},
        {"trace_id": "another"},
        {"decision_trace_id": "another"},
        {"previous_hash": "f" * 64},
        {"entry_hash": "f" * 64},
        {"seq": 7},
        {"account_id": "account-2"},
    ],
    ids=lambda edit: next(iter(edit)),
)
@pytest.mark.parametrize("at", [0, 2, 4])
def test_an_edited_entry_is_found_where_it_stands(at: int, edit: dict[str, object]) -> None:
    """No field of any entry can change unnoticed."""
    entries = a_chain(5)
    entries[at] = entries[at].model_copy(update=edit)
    assert first_broken_entry(entries) == at + 1


@pytest.mark.parametrize("at", [0, 1, 3])
def test_a_dropped_entry_is_found_at_the_gap(at: int) -> None:
    """The entry after the gap does not follow from the one before."""
    entries = a_chain(5)
    del entries[at]
    assert first_broken_entry(entries) == at + 1


def test_swapped_entries_are_found_at_the_first_of_them() -> None:
    """The order is part of what is sealed."""
    entries = a_chain(5)
    entries[1], entries[2] = entries[2], entries[1]
    assert first_broken_entry(entries) == 2


def test_a_repeated_entry_is_found() -> None:
    """Nothing happened twice because it is written twice."""
    entries = a_chain(3)
    assert first_broken_entry([*entries, entries[-1]]) == 4


def test_a_whole_entry_of_another_intent_is_found() -> None:
    """An entry that is sealed correctly, but belongs to another tenant, breaks the chain."""
    mine = a_chain(3)
    foreign = LedgerEntry.chained(
        ref=a_ref(tenant_id="tenant-2"),
        seq=4,
        previous_hash=mine[-1].entry_hash,
        event_type=LedgerEventType.ACTION_EXECUTED,
        occurred_at=later(4),
        trace_id="execution-1",
        decision_trace_id="decision-1",
        data={},
    )
    assert first_broken_entry([*mine, foreign]) == 4


def test_a_resealed_edit_is_found_at_the_next_entry() -> None:
    """Who recomputes the hash of an edited entry would have to recompute every one after it."""
    entries = a_chain(4)
    edited = entries[1].model_copy(update={"data": {"at": 99}})
    entries[1] = edited.model_copy(update={"entry_hash": edited.sealed_hash()})
    assert first_broken_entry(entries) == 3


def test_an_empty_ledger_holds() -> None:
    """No entries, no break."""
    assert first_broken_entry([]) is None


def test_the_moment_is_sealed_in_utc() -> None:
    """The same moment told in another time zone gives the same entry."""
    abroad = NOW.astimezone(timezone(timedelta(hours=9)))

    def at(moment: datetime) -> LedgerEntry:
        return LedgerEntry.chained(
            ref=a_ref(),
            seq=1,
            previous_hash=GENESIS_HASH,
            event_type=LedgerEventType.EXECUTION_STARTED,
            occurred_at=moment,
            trace_id="execution-1",
            decision_trace_id="decision-1",
            data={},
        )

    assert at(abroad).entry_hash == at(NOW).entry_hash


@pytest.mark.parametrize("change", [{"seq": 0}, {"seq": 10**9}, {"tenant_id": "a#b"}, {"previous_hash": "x"}], ids=str)
def test_an_entry_that_no_key_could_hold_is_refused(change: dict[str, object]) -> None:
    """The sequence fits nine digits, so that keys sort as numbers do."""
    with pytest.raises(ValidationError) as caught:
        LedgerEntry.model_validate({**a_chain(1)[0].model_dump(), **change})
    assert caught.value.error_count() == 1
