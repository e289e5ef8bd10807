"""``python -m tests.proof``: what no failure may bring about, played out, counted and printed as a scoreboard.

Each row is a claim with a target. What contradicts one is printed with the one command that plays it again. Exit
codes: 0 every row is ok; 1 one is not; 2 wrong options.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence

from tests.proof.catalogue import ROWS, TOTALS
from tests.proof.rows import Options
from tests.proof.scoreboard import QUICK_SCOREBOARD, ROWS_SCOREBOARD, SCOREBOARD, play_rows, standard_out, write


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the rows that the options name, all by default."""
    options = _parser().parse_args(arguments)
    if options.replay is not None:
        return _replay(options.replay)
    chosen = options.row or list(ROWS)
    if set(chosen) <= TOTALS:
        print(f"error: {', '.join(chosen)} adds up other rows; name some of them, too", file=sys.stderr)
        return 2
    rows = [row for row in ROWS.values() if row.id in chosen]
    out = standard_out(as_json=options.json)
    if options.quick:
        print("quick: the same rules over fewer cases than the targets ask", file=out)
    try:
        lines = play_rows(rows, Options(seed=options.seed, quick=options.quick, workers=options.workers), out)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    path = ROWS_SCOREBOARD if options.row else QUICK_SCOREBOARD if options.quick else SCOREBOARD
    write(lines, path)
    ok = sum(line.measured.ok for line in lines)
    seconds = sum(line.seconds for line in lines)
    print(f"{ok} of {len(lines)} rows ok in {seconds:.0f} s; written to .local/{path.name}", file=out)
    if options.json:
        print(json.dumps([line.as_json() for line in lines], indent=2, ensure_ascii=False))
    return 0 if ok == len(lines) else 1


def _replay(token: str) -> int:
    """Play one case again and tell its story."""
    row_id, _, rest = token.partition(":")
    row = ROWS.get(row_id)
    if row is None or row.replay is None:
        named = [row.id for row in ROWS.values() if row.replay is not None]
        print(f"error: a token begins with one of {', '.join(named)} and a colon", file=sys.stderr)
        return 2
    try:
        print(row.replay(rest))
    except ValueError as error:
        print(f"error: this token names no case: {error}. One that does is {row_id}:{row.example}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make prove ARGS=…", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="the same rules over fewer cases, in three minutes")
    parser.add_argument(
        "--row",
        action="append",
        choices=list(ROWS),
        metavar="ID",
        help="play this row only; may be given several times",
    )
    parser.add_argument("--seed", type=_natural, default=0, help="where chance begins (default 0)")
    parser.add_argument("--workers", type=_positive, default=os.cpu_count() or 1, help="processes (default: all cores)")
    parser.add_argument("--replay", metavar="TOKEN", help="play one case again, as a counter-example names it")
    parser.add_argument("--json", action="store_true", help="print the scoreboard as JSON, progress to standard error")
    return parser


def _natural(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError("must be a whole number from 0 to 999999999")
    return int(text)


def _positive(text: str) -> int:
    found = _natural(text)
    if found == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return found


if __name__ == "__main__":
    sys.exit(main())
