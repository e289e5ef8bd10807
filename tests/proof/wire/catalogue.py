"""The rows that need sockets of this machine, and nothing else: no stack and no emulator."""

from typing import Final

from tests.proof.rows import Row
from tests.proof.wire import fuzzed_responses, one_post

WIRE_ROWS: Final[tuple[Row, ...]] = (one_post.ROW, fuzzed_responses.ROW)
