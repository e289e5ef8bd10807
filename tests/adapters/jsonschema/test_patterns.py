"""A pattern is applied where it is sure to end soon, and left to the tool elsewhere."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.jsonschema.patterns import mismatches, why_unchecked

SAFE = (
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?$",
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    r"^(?:low|high)$",
    r"[a-f0-9]{8}-[a-f0-9]{4}",
    r"^[(]+[)]*$",
    r"\(\d+\)",
    r"^(?P<year>\d{4})",
)
ENDLESS = (
    r"(a+)+$",
    r"(a|aa)+$",
    r"^(a?){40}a{40}$",
    r"((a*)b)*$",
    r"(?:(?:a+))+$",
    r"(a+)\1$",
    r"([a-z]+\.)*x",
    r"(.*a){20}",
)


@pytest.mark.parametrize("pattern", SAFE)
def test_the_patterns_that_people_write_are_applied(pattern: str) -> None:
    """Dates, addresses, words, ids."""
    assert why_unchecked(pattern) is None
    assert mismatches(pattern, "!") == (re.search(pattern, "!") is None)


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_repetition_of_repetitions_is_left_to_the_tool(pattern: str) -> None:
    """On forty characters some of these would outlive the function."""
    assert why_unchecked(pattern) is not None
    assert not mismatches(pattern, "a" * 40 + "!")


@pytest.mark.parametrize(
    "pattern, why", [(r"\p{L}+", "no regular expression of Python"), ("(", "no regular"), ("a" * 1_001, "1001")]
)
def test_what_python_cannot_read_is_left_to_the_tool(pattern: str, why: str) -> None:
    """The dialect is ECMA-262's."""
    assert why in (why_unchecked(pattern) or "")


@pytest.mark.parametrize("pattern", [r"\d*\d*\d*\d*x", r"a?" * 40 + "a" * 40, r"(a|b)" * 40 + "!"])
def test_no_text_takes_longer_than_a_few_seconds(pattern: str) -> None:
    """Texts that are too long for a pattern are left to the tool."""
    began = time.monotonic()
    for length in (10, 100, 1_000, 20_000):
        mismatches(pattern, "1" * length)
        mismatches(pattern, "a" * length)
    assert time.monotonic() - began < 20


@given(pattern=st.text("ab+*?|(){}1,[]^$\\.", max_size=12))
def test_any_text_is_a_pattern_or_is_not(pattern: str) -> None:
    """No pattern ends in an error, and none that is applied takes long over a short text."""
    began = time.monotonic()
    mismatches(pattern, "ab" * 12)
    assert time.monotonic() - began < 5


def test_a_pattern_with_flags_of_python_is_left_to_the_tool() -> None:
    """With white space ignored, the asterisk repeats the group, and takes for ever."""
    assert "flags of Python" in (why_unchecked("(?x)^(aa|a.|a) *$") or "")
    assert mismatches("(?x)^(aa|a.|a) *$", "a" * 60 + "!") is False
