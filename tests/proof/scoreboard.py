"""The scoreboard: plays rows, shows how far each one is, and writes down what was measured."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TextIO

from tests.proof.rows import SHOWN_VIOLATIONS, Measured, NothingMoves, Options, Progress, Row
from tests.proof.totals import MEASURED

FOLDER: Final = Path(__file__).parents[2] / ".local"
SCOREBOARD: Final = FOLDER / "scoreboard.json"
QUICK_SCOREBOARD: Final = FOLDER / "scoreboard-quick.json"
"""Apart, so that a test run never replaces a proof."""
ROWS_SCOREBOARD: Final = FOLDER / "scoreboard-rows.json"
"""Where single rows go, for the same reason."""

_STEPS_SHOWN: Final = 10
"""Where nobody watches a terminal, progress is said so many times for each row."""


@dataclass(frozen=True)
class Line:
    """One row as it was measured."""

    row: Row
    measured: Measured
    seed: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return the line as the scoreboard's file has it."""
        return {
            "id": self.row.id,
            "figure": self.row.figure,
            "target": self.row.target,
            "value": self.measured.value,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "ok": self.measured.ok,
        }


def play_rows(rows: Sequence[Row], options: Options, out: TextIO) -> list[Line]:
    """Play the rows in order, telling ``out`` about each as it goes and ends."""
    measured: dict[str, Measured] = {}
    options.shared[MEASURED] = measured
    lines: list[Line] = []
    with options.until_the_end:
        for row in rows:
            begun = time.monotonic()
            told = _Told(row.id, out)
            try:
                found = row.play(replace(options, progress=told.progress))
            except NothingMoves as error:
                found = Measured(f"not played to its end: {error}", ok=False)  # the other rows still can be
            told.done()
            measured[row.id] = found
            lines.append(Line(row, found, options.seed, time.monotonic() - begun))
            out.write(_text(lines[-1]))
            out.flush()
    return lines


def write(lines: Sequence[Line], path: Path) -> None:
    """Write the scoreboard's file."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([line.as_json() for line in lines], indent=2, ensure_ascii=False) + "\n")


def _text(line: Line) -> str:
    """Return what a person reads of one row: the verdict, the figure, the value, and what contradicts it."""
    verdict = "ok    " if line.measured.ok else "FAILED"
    shown = line.measured.violations[:SHOWN_VIOLATIONS]
    parts = [
        f"{verdict} {line.row.id:<20} {line.seconds:6.1f} s  {line.measured.value}\n",
        f"{'':6} {'':<20} {'':6}    target: {line.row.target}\n",
    ]
    for one in shown:
        parts.append(f"       {one.story}\n")
        if line.row.replay is not None:
            parts.append(f"         replay: make prove ARGS='--replay {one.token}'\n")
    return "".join(parts)


class _Told:
    """How far a row is: one line that is written over on a terminal, a few lines elsewhere."""

    def __init__(self, row_id: str, out: TextIO) -> None:
        self._row_id, self._out = row_id, out
        self._over = out.isatty()
        self._last = -1

    @property
    def progress(self) -> Progress:
        return self._tell

    def _tell(self, done: int, total: int) -> None:
        step = _STEPS_SHOWN * done // max(total, 1)
        if step == self._last and not self._over:
            return
        self._last = step
        text = f"…      {self._row_id:<20} {done:,} of {total:,}"
        self._out.write(f"\r\x1b[K{text}" if self._over else f"{text}\n")
        self._out.flush()

    def done(self) -> None:
        """Clear the line for the row's result."""
        if self._over:
            self._out.write("\r\x1b[K")


def standard_out(*, as_json: bool) -> TextIO:
    """Return where people are told: not where a script reads."""
    return sys.stderr if as_json else sys.stdout
