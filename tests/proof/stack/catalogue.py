"""The rows of the proof that are played on the embedded AWS, in the order in which they are played."""

from typing import Final

from tests.proof.rows import Row
from tests.proof.stack import approvals, claims, kills, load, tenants

STACK_ROWS: Final[tuple[Row, ...]] = (claims.ROW, approvals.ROW, load.ROW, tenants.ROW, kills.ROW)
"""All but the last share one stack; the last kills the processes of its own."""
