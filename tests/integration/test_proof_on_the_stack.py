"""The proof's rows of real processes, in their quick form, on the stack that all integration tests share.

Only ``process-kills`` starts another one: its functions are started by a program that can be told to die.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local.stack import LocalStack
from tests.proof.rows import Options, Row
from tests.proof.stack.catalogue import STACK_ROWS
from tests.proof.stack.ground import STACK

SEED = 20_261_123


@pytest.fixture(scope="module")
def options(stack: LocalStack) -> Iterator[Options]:
    """The quick form, with the running stack already laid in."""
    with ExitStack() as until_the_end:
        yield Options(seed=SEED, quick=True, until_the_end=until_the_end, shared={STACK: stack})


@pytest.mark.parametrize("row", STACK_ROWS, ids=lambda row: row.id)
def test_the_quick_form_of_a_row_holds(row: Row, options: Options) -> None:
    """What the scoreboard claims over many cases is already true over few."""
    measured = row.play(options)
    assert measured.ok, f"{measured.value}\n" + "\n".join(violation.story for violation in measured.violations)
    assert measured.violations == ()
