"""The contract of the mapping registry, over every adapter."""

from functools import partial
from typing import TYPE_CHECKING

import pytest

from domain.model.errors import PermanentError
from domain.model.tool_mapping import ToolMapping, Verifiable
from tests.builders import a_mapping, an_unsafe_mapping, later
from tests.ports.stores import Stores, dynamodb_stores, memory_stores

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from ports.mapping_registry import MappingRegistry

    def _conforms(client: DynamoDBClient) -> tuple[MappingRegistry, ...]:
        return memory_stores().mappings, dynamodb_stores(client).mappings


def test_a_version_nobody_published_is_none(stores: Stores) -> None:
    """There is no "latest" to fall back to."""
    stores.mappings.publish(a_mapping())

    assert stores.mappings.find("CREATE_CRM_TASK", "v2") is None
    assert stores.mappings.find("OTHER_ACTION", "v1") is None


@pytest.mark.parametrize(
    "mapping",
    [
        a_mapping(),
        an_unsafe_mapping(),
        a_mapping(
            effect_safety=Verifiable(verify_tool="crm___find_task", server_bound_seconds=30),
            tool_schema_hash="a" * 64,
            required_scopes=("crm:write",),
            deprecated_at=later(),
        ),
    ],
    ids=["idempotent", "unsafe", "verifiable"],
)
def test_a_published_mapping_comes_back_with_the_same_hash(stores: Stores, mapping: object) -> None:
    """Approvals bind the content hash, so storing must not change it."""
    published = a_mapping().model_validate(mapping)
    stores.mappings.publish(published)
    found = stores.mappings.find(published.action_type, published.version)

    assert found == published
    assert found.content_hash == published.content_hash


def test_publishing_the_same_content_again_is_harmless(stores: Stores) -> None:
    """Dates are not content: the first publication stands, its date included."""
    stores.mappings.publish(a_mapping())
    stores.mappings.publish(a_mapping(created_at=later()))

    assert stores.mappings.find("CREATE_CRM_TASK", "v1") == a_mapping()


def test_a_published_version_never_changes(stores: Stores) -> None:
    """Another content under the same version is refused, and the first stays."""
    stores.mappings.publish(a_mapping())
    with pytest.raises(PermanentError) as refused:
        stores.mappings.publish(a_mapping(tool_name="crm___update_task"))

    assert refused.value.ids == {"action_type": "CREATE_CRM_TASK", "version": "v1"}
    assert stores.mappings.find("CREATE_CRM_TASK", "v1") == a_mapping()


def test_versions_stand_beside_each_other(stores: Stores) -> None:
    """A new version leaves the old one to the intents that were approved with it."""
    stores.mappings.publish(a_mapping())
    stores.mappings.publish(an_unsafe_mapping(version="v2"))

    assert stores.mappings.find("CREATE_CRM_TASK", "v1") == a_mapping()
    assert stores.mappings.find("CREATE_CRM_TASK", "v2") == an_unsafe_mapping(version="v2")


def test_of_racing_publications_one_content_wins(stores: Stores) -> None:
    """Every other publisher is told."""
    mappings = [a_mapping(tool_name=f"crm___create_task_{number}") for number in range(6)]
    answers = stores.race([partial(stores.mappings.publish, mapping) for mapping in mappings])

    assert answers.count(None) == 1
    assert sum(isinstance(answer, PermanentError) for answer in answers) == 5
    assert stores.mappings.find("CREATE_CRM_TASK", "v1") == mappings[answers.index(None)]


def test_every_published_version_is_listed(stores: Stores) -> None:
    """More than one page of them, deprecated ones too, each as it was published."""
    schema = {"type": "object", "description": "x" * 30_000}
    published = [a_mapping(version=f"v{number}", tool_input_schema=schema) for number in range(40)]
    published += [an_unsafe_mapping(action_type="OTHER_ACTION", deprecated_at=later())]
    for mapping in published:
        stores.mappings.publish(mapping)

    listed = list(stores.mappings.published())
    assert sorted(listed, key=_name) == sorted(published, key=_name)
    assert {one.content_hash for one in listed} == {one.content_hash for one in published}


def test_an_empty_registry_lists_nothing(stores: Stores) -> None:
    """Nothing published is no error."""
    assert list(stores.mappings.published()) == []


def _name(mapping: ToolMapping) -> tuple[str, str]:
    return mapping.action_type, mapping.version
