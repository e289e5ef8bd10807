"""Rows ``agreement`` and ``unknown-precision``: what the judged ends of all other rows add up to."""

from collections.abc import Mapping
from typing import Final

from tests.proof.rows import NO_ENDINGS, Endings, Measured, Options, Row

MEASURED: Final = "measured"
"""Under this name the runner shares what the rows before have measured, by row id."""


def _added_up(options: Options) -> Endings:
    measured = options.shared.get(MEASURED, {})
    rows = measured.values() if isinstance(measured, Mapping) else ()
    return sum((one.endings for one in rows if isinstance(one, Measured)), NO_ENDINGS)


def _agreement(options: Options) -> Measured:
    found = _added_up(options)
    agreeing = found.judged - found.disagreeing
    share = agreeing / found.judged if found.judged else 0.0
    return Measured(
        value=f"{share:.0%} ({agreeing:,} of {found.judged:,} ended intents agree)",
        ok=found.judged > 0 and found.disagreeing == 0,
    )


def _unknown_precision(options: Options) -> Measured:
    found = _added_up(options)
    return Measured(
        value=f"{found.unknown_imprecise} needlessly UNKNOWN; {found.unknown_sent:,} after a byte was sent or with "
        f"objects that only people can undo, {found.unknown_died:,} after the sender died at the send",
        ok=found.judged > 0 and found.unknown_imprecise == 0,
    )


AGREEMENT: Final = Row(
    id="agreement",
    figure="outcome = attempt = ledger = signal over all rows above",
    target="100 %",
    play=_agreement,
)

UNKNOWN_PRECISION: Final = Row(
    id="unknown-precision",
    figure="UNKNOWN left after faults stop, tool reachable",
    target="0 for IDEMPOTENT and VERIFIABLE; for UNSAFE only if a byte may have been sent",
    play=_unknown_precision,
)
