"""The contract of the connector capacity store, over every adapter."""

from functools import partial
from typing import TYPE_CHECKING

from domain.model.connector_capacity import Breaker, BreakerState, CapacityKey, ConnectorCapacity
from tests.builders import TENANT, later
from tests.ports.stores import Stores, dynamodb_stores, memory_stores

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from ports.connector_capacity import ConnectorCapacities

    def _conforms(client: DynamoDBClient) -> tuple[ConnectorCapacities, ...]:
        return memory_stores().capacities, dynamodb_stores(client).capacities


KEY = CapacityKey(tenant_id=TENANT, connector="crm")


def a_state(version: int = 1, **changes: object) -> ConnectorCapacity:
    """A state with a slot taken and one call that failed."""
    return ConnectorCapacity.model_validate(
        {
            "key": KEY,
            "version": version,
            "leases": {"run-1": later(70)},
            "bucket_full_at": later(0.05),
            "breaker": Breaker(failures=1),
            "forget_at_epoch": int(later(86_400).timestamp()),
            **changes,
        }
    )


def test_a_connector_that_nobody_called_has_no_state(stores: Stores) -> None:
    """Absence is an answer, not an error."""
    assert stores.capacities.find(KEY) is None


def test_a_state_comes_back_equal(stores: Stores) -> None:
    """To the microsecond, which the bucket counts in, and whatever the breaker is doing."""
    breakers = (
        Breaker(),
        Breaker(state=BreakerState.OPEN, openings=2, open_until=later(60.000_001)),
        Breaker(state=BreakerState.HALF_OPEN, openings=2, probe="run-1"),
    )
    for version, breaker in enumerate(breakers, start=1):
        state = a_state(version, breaker=breaker, bucket_full_at=later(0.123_457), leases={"a": later(), "b": later(2)})
        assert stores.capacities.replace(state)
        assert stores.capacities.find(KEY) == state


def test_a_state_with_nothing_in_it_comes_back_equal(stores: Stores) -> None:
    """No slot taken, a full bucket."""
    state = a_state(leases={}, bucket_full_at=None, breaker=Breaker())

    assert stores.capacities.replace(state)
    assert stores.capacities.find(KEY) == state


def test_only_the_next_version_takes_its_place(stores: Stores) -> None:
    """Whoever read an older state counted without somebody."""
    first, second = a_state(), a_state(2, leases={})
    assert stores.capacities.replace(first)
    assert stores.capacities.replace(second)

    assert not stores.capacities.replace(a_state(2, leases={"run-2": later(70)}))
    assert not stores.capacities.replace(a_state(4))
    assert not stores.capacities.replace(first)
    assert stores.capacities.find(KEY) == second


def test_nothing_but_a_first_version_can_be_the_first(stores: Stores) -> None:
    """A state that was forgotten meanwhile is begun anew."""
    assert not stores.capacities.replace(a_state(2))
    assert stores.capacities.find(KEY) is None


def test_repeating_a_replacement_is_harmless(stores: Stores) -> None:
    """A writer that never saw the reply has stored its state, and hears so."""
    assert stores.capacities.replace(a_state())
    assert stores.capacities.replace(a_state())
    assert stores.capacities.find(KEY) == a_state()


def test_tenants_and_connectors_have_states_of_their_own(stores: Stores) -> None:
    """Nothing that one tenant does at one connector is seen at another, or by another tenant."""
    stores.capacities.replace(a_state())

    assert stores.capacities.find(CapacityKey(tenant_id="tenant-2", connector="crm")) is None
    assert stores.capacities.find(CapacityKey(tenant_id=TENANT, connector="calendar")) is None


def test_of_many_who_replace_the_same_state_one_wins(stores: Stores) -> None:
    """All others know that they have to read it again."""
    states = [a_state(leases={f"run-{number}": later(70)}) for number in range(8)]
    answers = stores.race([partial(stores.capacities.replace, state) for state in states])

    assert sorted(answer is True for answer in answers) == [False] * 7 + [True]
    assert stores.capacities.find(KEY) == states[answers.index(True)]
