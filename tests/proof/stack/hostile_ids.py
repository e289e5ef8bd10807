"""Ids with which one tenant would reach into another's records, if any store let it; and legal ids that look alike.

Owns the list of both. What is illegal must be refused by a typed error before it can become a part of a key; what is
legal must be kept apart however similar it is.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from pydantic import JsonValue, ValidationError

from domain.model.errors import InvalidEvent
from domain.model.identifiers import IntentRef
from domain.model.kill_switch import SwitchKind, SwitchScope
from ports.steps.state import intent_ref_of
from tests.ports.stores import Stores

ILLEGAL: Final[tuple[str, ...]] = (
    "",
    "#",
    "{other}#ACCOUNT#account-1",
    "{own}#",
    "#{other}",
    "account-1#EXECUTION#intent-1",
    "intent-1#000000001",
    "{other}\n",
    "{other} ",
    " {other}",
    "{other}\x00",
    "{other}\u200b",
    "tenant\u20101",
    "t\u0435nant-1",
    "intent-\uff11",
    "intent-\u0661",
    "\u00efntent-1",
    "i\u0301ntent-1",
    "../{other}",
    "a/b",
    "*",
    "-intent-1",
    "x" * 129,
    "x" * 10_000,
)
"""Separators, white space, look-alikes from other alphabets, paths, wildcards, lengths. ``{own}`` and ``{other}`` are
the two tenants."""

NO_STRINGS: Final[tuple[JsonValue, ...]] = (None, 7, True, 1.5, ["intent-1"], {"S": "intent-1"})
"""What an event may hold where an id should be."""

LOOK_ALIKES: Final[tuple[tuple[str, str], ...]] = (
    ("tenant-{n}", "Tenant-{n}"),
    ("tenant-{n}", "tenant-{n}0"),
    ("tenant-{n}", "tenant-{n}:account-1"),
    ("tenant.{n}", "tenant-{n}"),
    ("ACCOUNT{n}", "TENANT{n}"),
    ("{n:x<127}", "{n:x<128}"),
    ("{n}@a", "{n}+a"),
)
"""Pairs of legal tenant ids that a careless key, prefix or comparison would take for one another."""

INTENTS: Final = ("intent-1", "intent-10", "intent-1:0", "INTENT-1")
"""Both tenants use all of them, in an account of the same name."""


class NotRefused(Exception):
    """An id that is illegal was let in."""


def refuse_event(ids: dict[str, JsonValue]) -> str:
    """Let an approval event name an intent by these ids; return the name of the error that refuses it."""
    return _error(lambda: intent_ref_of(ids), InvalidEvent)


def refuse_ref(ids: dict[str, JsonValue]) -> str:
    """Make the model's own name of an intent out of these ids; return the name of the error that refuses it."""
    return _error(lambda: IntentRef.model_validate(ids), ValidationError)


def refuse_keys(stores: Stores, ids: dict[str, Any], illegal: str) -> str:
    """Go past the model and ask every store on DynamoDB for these ids; return the name of the error that refuses it."""
    ref = IntentRef.model_construct(None, **ids)
    journal = stores.journal
    reaches: list[Callable[[IntentRef], object]] = [
        stores.intents.find,
        journal.find_attempt,
        journal.find_outcome,
        journal.ledger,
        # A signal's key holds its own id instead of the intent's.
        lambda ref: journal.find_signal(ref, illegal),
    ]
    return {_error(partial(reach, ref), ValueError) for reach in reaches}.pop()


def refuse_switch(stores: Stores, subject: str) -> str:
    """Look for a tenant's kill switch under an id that no tenant has; return the name of the error that refuses it."""
    return _error(lambda: stores.switches.find([SwitchScope(kind=SwitchKind.TENANT, subject=subject)]), ValueError)


def _error(reach: Callable[[], object], wanted: type[Exception]) -> str:
    with suppress(wanted):
        reach()
        raise NotRefused
    return wanted.__name__
