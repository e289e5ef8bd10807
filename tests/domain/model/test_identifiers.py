"""Ids are a closed alphabet of bounded length, checked before they become part of a key."""

import re

import pytest
from hypothesis import given
from pydantic import TypeAdapter, ValidationError

from domain.model.identifiers import Identifier, IntentRef, Sha256Hex
from tests.strategies import any_text, identifiers

HOSTILE = [
    "",
    "a#b",
    "TENANT#t",
    "a/b",
    "../a",
    "a\\b",
    "a b",
    " a",
    "a ",
    "a\n",
    "a\r\n",
    "a\x00",
    "a\u200b",
    "tenаnt",  # noqa: RUF001  the third vowel is Cyrillic, which is the point
    "ａ",  # noqa: RUF001  a full-width letter
    "\u0661",
    "é",
    "e\u0301",
    ".hidden",
    "-option",
    "@a",
    "_a",
    "a*",
    "a$b",
    "a'b",
    'a"b',
    "a{b}",
    "a%23b",
    "a" * 129,
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_hostile_id_is_refused(text: str) -> None:
    """A key separator, a path, white space, a look-alike or a trailing newline never gets as far as a key."""
    adapter: TypeAdapter[str] = TypeAdapter(Identifier)
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(text)
    assert caught.value.error_count() == 1


@pytest.mark.parametrize("value", [1, None, b"a", True, ["a"]], ids=repr)
def test_an_id_is_never_made_from_something_else(value: object) -> None:
    """No number becomes an id by accident."""
    adapter: TypeAdapter[str] = TypeAdapter(Identifier)
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    assert caught.value.error_count() == 1


@pytest.mark.parametrize("text", ["a", "0", "a" * 128, "A.b_c:d@e+f-g", "01JD-ulid"], ids=lambda text: text[:20])
def test_an_ordinary_id_is_accepted(text: str) -> None:
    """Every character of the alphabet and the full length are legal."""
    assert TypeAdapter(Identifier).validate_python(text) == text


@given(any_text)
def test_every_text_is_an_id_exactly_if_it_has_the_shape(text: str) -> None:
    """The shape is decided character by character, with no exception for any text."""
    legal = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}", text) is not None
    adapter: TypeAdapter[str] = TypeAdapter(Identifier)
    try:
        accepted = adapter.validate_python(text) == text
    except ValidationError:
        accepted = False
    assert accepted is legal


@given(identifiers, identifiers, identifiers, identifiers)
def test_joined_ids_can_be_told_apart(a: str, b: str, c: str, d: str) -> None:
    """No two pairs of ids give the same joined key: the separator is not in the alphabet."""
    assert (f"{a}#{b}" == f"{c}#{d}") is ((a, b) == (c, d))


@pytest.mark.parametrize("text", ["A" * 64, "0" * 63, "0" * 65, "g" * 64, "0" * 64 + "\n"], ids=ascii)
def test_a_hash_is_64_lower_case_hex_digits(text: str) -> None:
    """One spelling per hash, so that comparing texts compares hashes."""
    adapter: TypeAdapter[str] = TypeAdapter(Sha256Hex)
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(text)
    assert caught.value.error_count() == 1


def test_a_ref_names_an_intent_only_with_tenant_and_account() -> None:
    """The same intent id under another tenant or account is another intent, also as a dictionary key (R10)."""
    refs = {
        IntentRef(tenant_id=tenant, account_id=account, action_intent_id="i")
        for tenant in ("t1", "t2")
        for account in ("a1", "a2")
    }
    assert len(refs) == 4
    assert {str(ref) for ref in refs} == {"t1/a1/i", "t1/a2/i", "t2/a1/i", "t2/a2/i"}
