"""The contract of the external write records, over every adapter."""

from functools import partial
from typing import TYPE_CHECKING

from tests.builders import a_key, a_ref, an_external_write, an_object_ref
from tests.ports.stores import Stores, dynamodb_stores, memory_stores

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from ports.external_writes import ExternalWrites

    def _conforms(client: DynamoDBClient) -> tuple[ExternalWrites, ...]:
        return memory_stores().writes, dynamodb_stores(client).writes


def test_a_key_nothing_was_written_under_is_none(stores: Stores) -> None:
    """Absence is an answer, not an error."""
    assert stores.writes.find(a_key()) is None


def test_a_record_comes_back_equal(stores: Stores) -> None:
    """The objects keep their order and their missing urls."""
    write = an_external_write(
        external_object_refs=(an_object_ref(), an_object_ref(object_id="task-2", object_url=None))
    )

    assert stores.writes.record(write) == write
    assert stores.writes.find(write.idempotency_key) == write


def test_the_first_record_of_a_key_stands(stores: Stores) -> None:
    """A later one is answered with the first: evidence is never overwritten."""
    first = an_external_write()
    stores.writes.record(first)

    assert stores.writes.record(an_external_write(external_object_refs=())) == first
    assert stores.writes.find(first.idempotency_key) == first


def test_repeating_a_record_is_harmless(stores: Stores) -> None:
    """A writer that never saw the reply gets its own record."""
    stores.writes.record(an_external_write())

    assert stores.writes.record(an_external_write()) == an_external_write()


def test_tenants_have_keys_of_their_own(stores: Stores) -> None:
    """The same action of another tenant has another key, so nothing of one is found under the other's."""
    stores.writes.record(an_external_write())

    assert stores.writes.find(a_key(a_ref(tenant_id="tenant-2"))) is None


def test_racing_records_are_all_answered_with_the_one_that_stands(stores: Stores) -> None:
    """Whoever comes first."""
    writes = [an_external_write(tool_run_ref=f"run-{number}") for number in range(8)]
    answers = stores.race([partial(stores.writes.record, write) for write in writes])

    standing = stores.writes.find(a_key())
    assert standing in writes
    assert answers == [standing] * 8
