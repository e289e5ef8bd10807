"""The table of evidence: total, unambiguous, and no wider than what proves that nothing was done."""

import pytest
from hypothesis import given

from domain.model.errors import CLASS_OF_CODE, ErrorClass
from domain.model.tool_call import NEVER_SENT, TransportFailure, TransportPhase
from domain.policies.evidence import NOT_EXECUTED_RPC_CODES, TABLE, row_of
from tests.strategies import transport_failures


@given(transport_failures)
def test_every_failure_has_a_row_of_its_own_phase(failure: TransportFailure) -> None:
    """No failure falls through, whatever its numbers."""
    assert row_of(failure).phase is failure.phase


@pytest.mark.parametrize("phase", TransportPhase)
def test_a_phase_that_left_this_machine_ends_in_doubt(phase: TransportPhase) -> None:
    """The last row of each phase takes all of it, and proves nothing unless no byte of the body left."""
    last = [row for row in TABLE if row.phase is phase][-1]
    assert (last.http_statuses, last.rpc_codes) == (frozenset(), frozenset())
    assert last.not_done is (phase in NEVER_SENT)


def test_what_is_proved_not_done_is_exactly_this() -> None:
    """The list of the failure model, the token and the handshake; MCP's two refusals of the version stand with
    JSON-RPC's.
    """
    proved = [row for row in TABLE if row.not_done]
    assert {row.phase for row in proved if not row.http_statuses and not row.rpc_codes} == NEVER_SENT
    assert frozenset[int]().union(*(row.http_statuses for row in proved)) == {401, 403, 429}
    assert {-32700, -32600, -32601, -32602, -32020, -32022} == NOT_EXECUTED_RPC_CODES


def test_every_row_says_why_and_after_whom() -> None:
    """A row without its reason and source could not be checked against a real account."""
    assert all(row.case and row.reason and row.source for row in TABLE)
    assert len({row.case for row in TABLE}) == len(TABLE)


def test_only_what_was_not_done_is_transient_or_speaks_of_the_token() -> None:
    """In doubt, neither would be acted on."""
    assert not [row for row in TABLE if not row.not_done and (row.transient or row.token_refused)]
    refused = [row for row in TABLE if row.token_refused]
    assert [CLASS_OF_CODE[row.error_code] for row in refused] == [ErrorClass.AUTH]
