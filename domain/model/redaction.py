"""Make free text safe to keep: what tools and exceptions say may carry secrets, addresses or control codes.

Everything that reaches an outcome, the ledger, a log or an error message passes through ``redact``. It is a filter
for accidents, not a guarantee: structured secrets (tokens, client secrets) must never be handed to it at all.
"""

import re
from typing import Final

MAX_TEXT_CHARACTERS: Final = 500
"""Longest text kept, in characters: enough for a sentence an operator reads, small beside a 64 KiB state."""

_SCAN_CHARACTERS: Final = 4_000
"""How much of a text is looked at, in characters; bounds the time that a hostile text can cost."""

_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # What cannot be seen goes first: it could hide a secret from the rules below.
    (re.compile(r"\x1b\[[0-9;?]{0,32}[ -/]{0,8}[@-~]"), ""),
    (
        re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"),
        "",
    ),
    (re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*)?"), "[token]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 [token]"),
    (
        re.compile(
            r"(?i)\b([\w-]{0,40}(?:password|passwd|secret|token|api[_-]?key|authorization))"
            r"(\"?'?\s*[:=]\s*\"?'?)(?!\[)(?!(?:bearer|basic)\s)[^\s\"',;}]+"
        ),
        r"\1\2[secret]",
    ),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), "[access key]"),
    (re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"), "[email]"),
    (re.compile(r"\b(?:\d[ -]?){13,19}\b"), "[number]"),
)


MAX_DOCUMENT_CHARACTERS: Final = 1_048_576
"""Longest document kept, in characters: the gateway adapter reads no more than this."""


def redact(text: str) -> str:
    """Return ``text`` without tokens, secrets, e-mail addresses, long numbers and control characters, bounded."""
    kept = _filtered(text[:_SCAN_CHARACTERS]).strip()
    if len(kept) > MAX_TEXT_CHARACTERS:
        return kept[: MAX_TEXT_CHARACTERS - 1] + "…"
    return kept


def redact_document(text: str) -> str:
    """Return a whole document through the same filter; only for archives, where its length is affordable."""
    return _filtered(text[:MAX_DOCUMENT_CHARACTERS])


def _filtered(text: str) -> str:
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
