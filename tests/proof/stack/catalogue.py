"""The rows of the proof that are played on the embedded AWS, in the order in which they are played."""

from typing import Final

from tests.proof.rows import Row
from tests.proof.stack import approvals, canaries, claims, kills, load, tenants

STACK_ROWS: Final[tuple[Row, ...]] = (claims.ROW, approvals.ROW, load.ROW, tenants.ROW, canaries.ROW, kills.ROW)
"""The first four share one stack; ``canaries`` calls a tool server of its own, and the last kills its processes."""
