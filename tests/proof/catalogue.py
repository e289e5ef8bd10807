"""Every row of the scoreboard, in the order in which it is played and printed."""

from typing import Final

from tests.proof import (
    compensation,
    crash_matrix,
    fairness,
    kill_switch,
    planted_bugs,
    random_schedules,
    stuck_executions,
    totals,
)
from tests.proof.drift import row as drift
from tests.proof.rows import Row
from tests.proof.stack.catalogue import STACK_ROWS
from tests.proof.wire.catalogue import WIRE_ROWS

_TOTALS: Final = (totals.AGREEMENT, totals.UNKNOWN_PRECISION)

ROWS: Final[dict[str, Row]] = {
    row.id: row
    for row in (
        crash_matrix.ROW,
        random_schedules.ROW,
        kill_switch.ROW,
        compensation.ROW,
        stuck_executions.ROW,
        fairness.ROW,
        planted_bugs.ROW,
        drift.ROW,
        *WIRE_ROWS,
        *STACK_ROWS,
        *_TOTALS,
    )
}

TOTALS: Final = frozenset(row.id for row in _TOTALS)
"""Rows that add up the ones before them."""
