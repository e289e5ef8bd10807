"""What people read is bounded and free of tokens, secrets, addresses and control codes; no text can stall it."""

import time

import pytest
from hypothesis import given

from domain.model.redaction import MAX_DOCUMENT_CHARACTERS, MAX_TEXT_CHARACTERS, redact, redact_document
from tests.strategies import any_text

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text, secret",
    [
        (f"refused: {JWT}", JWT),
        (f"Authorization: Bearer {JWT}", JWT),
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
        ("authorization=basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        ("client_secret=hunter2hunter2", "hunter2hunter2"),
        ('{"password": "hunter2"}', "hunter2"),
        ("PASSWORD : hunter2", "hunter2"),
        ("x-api-key: 0123abcd", "0123abcd"),
        ("refresh_token='abc.def'", "abc.def"),
        ("key AKIAIOSFODNN7EXAMPLE is bad", "AKIAIOSFODNN7EXAMPLE"),
        ("key ASIAIOSFODNN7EXAMPLE is bad", "ASIAIOSFODNN7EXAMPLE"),
        ("no contact jane.doe+crm@customer.example.test here", "jane.doe"),
        ("card 4111 1111 1111 1111 declined", "4111"),
        ("card 4111-1111-1111-1111 declined", "1111-1111"),
    ],
)
def test_a_secret_or_address_never_survives(text: str, secret: str) -> None:
    """Tool text may carry anything; what people read carries none of it (D84)."""
    assert secret not in redact(text)
    assert secret not in redact_document(text)


@pytest.mark.parametrize(
    "text",
    [
        "The task already exists",
        "HTTP 503 from the gateway",
        "field 'due_date': must not be in the past",
        "intent tenant-1/account-1/intent-1 has changed",
        "2026-11-23T10:00:00Z",
        "the token expired",
    ],
)
def test_an_ordinary_sentence_stays_as_it_is(text: str) -> None:
    """A filter that eats the message helps nobody."""
    assert redact(text) == text


@pytest.mark.parametrize(
    "text, expected",
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x00b\x07c\x7fd\x85e", "abcde"),
        ("abc\u202edef", "abcdef"),
        ("a\u200bb\ufeffc", "abc"),
        ("a\ud800b", "ab"),
        ("  a\tb\nc  ", "a\tb\nc"),
    ],
    ids=ascii,
)
def test_control_codes_never_reach_a_terminal(text: str, expected: str) -> None:
    """Colours, bells, direction marks and half surrogates are taken out; tabs and line ends stay (D84)."""
    assert redact(text) == expected


@given(any_text)
def test_any_text_comes_out_bounded_printable_and_in_utf_8(text: str) -> None:
    """Whatever goes in, what comes out can be stored, logged and shown."""
    kept = redact(text * 50)
    assert len(kept) <= MAX_TEXT_CHARACTERS
    assert "\x1b" not in kept
    assert "\x00" not in kept
    assert kept.encode().decode() == kept


@pytest.mark.parametrize(
    "text", ["pass\x00word=hunter2", "to\u200bken: hunter2", "\x07Bea\u202erer hunter2hunter2"], ids=ascii
)
def test_a_control_code_cannot_hide_a_secret(text: str) -> None:
    """What looks harmless with an invisible character inside is a secret once that is taken out (D84)."""
    assert "hunter2" not in redact(text)


@given(any_text)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    """Text passes through several hands, each of which redacts; the record must not depend on how many."""
    assert redact(redact(text)) == redact(text)


def test_a_long_text_says_that_it_was_cut() -> None:
    """A reader can tell a cut message from a whole one."""
    kept = redact("word " * 200)
    assert (len(kept), kept[-1]) == (MAX_TEXT_CHARACTERS, "…")


def test_a_document_keeps_its_length_up_to_a_bound() -> None:
    """An archive is whole where that is affordable."""
    assert len(redact_document("a " * 5_000)) == 10_000
    assert len(redact_document("a " * MAX_DOCUMENT_CHARACTERS)) == MAX_DOCUMENT_CHARACTERS


HOSTILE = {
    "letters": "a",
    "digits": "1",
    "digits and blanks": "1 -",
    "half an escape": "\x1b[",
    "half a token": "eyJ",
    "many short tokens": "eyJaaaaaaaaaaaaaaaaaaa",
    "bearer": "bearer ",
    "password": "password ",
    "password and blanks": "password" + " " * 4_000,
    "dashed words": "a-",
    "half an address": "a@a.",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_megabyte_is_redacted_in_no_time(piece: str) -> None:
    """A message costs its bound, not its length: no text of a tool can spend the function's time (D84)."""
    text = piece * (MAX_DOCUMENT_CHARACTERS // len(piece))
    started = time.process_time()
    kept = redact(text)
    assert time.process_time() - started < 0.5
    assert len(kept) <= MAX_TEXT_CHARACTERS


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_the_cost_of_a_hostile_document_grows_with_its_length_and_not_faster(piece: str) -> None:
    """Archiving happens between the call and its record, so no text may cost more than its length (D84).

    Four times the text: a quadratic rule costs sixteen times as much, a linear one four.
    """
    small, large = piece * (12_288 // len(piece)), piece * (49_152 // len(piece))

    def cost(text: str) -> float:
        started = time.process_time()
        redact_document(text)
        return time.process_time() - started

    assert min(cost(large), cost(large)) < 8 * max(cost(small), 0.012)
