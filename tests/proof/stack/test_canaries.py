"""The search for secrets is shown what it must find, and a search that looks past something must say so."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.proof.stack.canaries import PARAMETER, Canary, Search, search_for, verdict
from tests.proof.stack.store_scan import HISTORY, OBJECTS, PLACES, TABLES
from tests.proof.stack.talkative_tools import WAYS

HOME = "action-intents"
CANARIES = [Canary("access token", ("tok-1", "tok-2")), Canary(PARAMETER, ("param",))]
GOOD = Search((), Counter(dict.fromkeys(PLACES, 1)), at_home=2)


def judged(search: Search, ways: set[str] | None = None, tokens: int = 3) -> list[str]:
    """What the row says of a search, as the stories of its violations."""
    measured = verdict(search, intents=2, tokens=tokens, ways=set(WAYS) if ways is None else ways)
    assert measured.ok is not bool(measured.violations)
    return [one.story for one in measured.violations]


def test_any_spelling_in_any_place_is_a_hit() -> None:
    """A secret inside of a longer text, and each token that was ever used."""
    kept = [(HISTORY, "arn", '{"a": "xtok-2x"}'), (OBJECTS, "key", "clean"), (TABLES, "ledger", "param")]
    search = search_for(CANARIES, kept, home=HOME)
    assert [(hit.canary, hit.place) for hit in search.hits] == [("access token", HISTORY), (PARAMETER, TABLES)]
    assert (search.read[HISTORY], search.read[OBJECTS], search.at_home) == (1, 1, 0)


def test_the_parameter_is_at_home_in_the_approved_intent_and_a_token_is_not() -> None:
    """The intent is what was approved; nothing else may stand there either."""
    search = search_for(CANARIES, [(TABLES, HOME, "param"), (TABLES, HOME, "tok-1")], home=HOME)
    assert (search.at_home, [hit.canary for hit in search.hits]) == (1, ["access token"])


def test_a_clean_search_that_looked_everywhere_is_ok() -> None:
    """The good world, beside the bad ones below."""
    assert judged(GOOD) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_place_where_nothing_was_read_fails_the_row(place: str) -> None:
    """An empty place proves nothing."""
    read = {one: count for one, count in GOOD.read.items() if one != place}
    assert judged(replace(GOOD, read=Counter(read))) == [f"nothing was read in {place}: the search looked past it"]


def test_a_blind_search_fails_the_row() -> None:
    """It must have found the parameter where it belongs, been shown a token, and heard every way of talking."""
    assert "the search is blind" in judged(replace(GOOD, at_home=1))[0]
    assert "no token" in judged(GOOD, tokens=0)[0]
    assert "never asked for refused" in judged(GOOD, ways=set(WAYS) - {"refused"})[0]
