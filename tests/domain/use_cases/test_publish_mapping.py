"""PublishMapping publishes what the tools would honour, all of it or nothing, and overwrites nothing."""

from typing import Any

import pytest

from adapters.memory.mapping_registry import MemoryMappingRegistry
from adapters.memory.tool_catalogue import MemoryToolCatalogue
from domain.model.tool_mapping import ToolMapping
from domain.policies.publication import Judgement
from domain.use_cases.publish_mapping import PublishMapping
from ports.tool_catalogue import CatalogueUnavailable
from tests.builders import later
from tests.support.gateway_tools import SCHEMAS, a_fitting_mapping, a_tool, listing


class Counting(MemoryToolCatalogue):
    """A catalogue that remembers which scopes it was asked with."""

    asked: list[tuple[str, ...]]

    def tools(self, *, deadline_seconds: float, scopes: Any = ()) -> Any:  # noqa: ANN401  the port's own
        """Note the scopes and list everything."""
        self.asked.append(tuple(scopes))
        return super().tools(deadline_seconds=deadline_seconds, scopes=scopes)


def _publish(
    registry: MemoryMappingRegistry, catalogue: MemoryToolCatalogue, *mappings: ToolMapping
) -> list[Judgement]:
    return list(PublishMapping(registry, catalogue, SCHEMAS)(mappings))


def _version_fault(judged: list[Judgement]) -> str:
    return "; ".join(fault.message for one in judged for fault in one.faults if fault.place == "version")


def test_a_mapping_is_published_with_its_tools_schemas() -> None:
    """What was judged is what is approved and run."""
    registry = MemoryMappingRegistry()
    (judged,) = _publish(registry, listing(), a_fitting_mapping())
    found = registry.find("CREATE_CRM_TASK", "v1")
    assert found == judged.mapping
    assert found.tool_input_schema == a_tool().input_schema


def test_one_mapping_with_a_fault_keeps_all_from_being_published() -> None:
    """Half a set of files would have to be cleaned up by hand."""
    registry = MemoryMappingRegistry()
    right, wrong = a_fitting_mapping(), a_fitting_mapping(version="v2", tool_name="crm___create_tasks")
    judged = _publish(registry, listing(), right, wrong)
    assert [bool(one.faults) for one in judged] == [False, True]
    assert list(registry.published()) == []


def test_the_same_file_again_is_harmless() -> None:
    """Whenever it was first published."""
    registry = MemoryMappingRegistry()
    _publish(registry, listing(), a_fitting_mapping())
    (again,) = _publish(registry, listing(), a_fitting_mapping(created_at=later()))
    assert again.faults == ()
    assert len(list(registry.published())) == 1


def test_the_same_file_after_its_tool_changed_is_told_as_that_and_nothing_is_overwritten() -> None:
    """It would pin another schema under a version that people have approved (F31, F32)."""
    registry = MemoryMappingRegistry()
    _publish(registry, listing(), a_fitting_mapping())
    before = registry.find("CREATE_CRM_TASK", "v1")
    message = _version_fault(_publish(registry, listing(a_tool(title="Another")), a_fitting_mapping()))
    assert "its tools have changed since (WORDING at /title); publish it as a new version" in message
    assert registry.find("CREATE_CRM_TASK", "v1") == before


def test_a_changed_compensation_tool_is_told_too() -> None:
    """Its schema is part of what was published."""
    registry = MemoryMappingRegistry()
    _publish(registry, listing(), a_fitting_mapping())
    changed = listing(a_tool("crm___delete_task", title="Another"))
    message = _version_fault(_publish(registry, changed, a_fitting_mapping()))
    assert "(the schema of its verify or compensation tool)" in message


def test_another_content_under_a_published_version_is_refused() -> None:
    """Before anything else of the set is published."""
    registry = MemoryMappingRegistry()
    _publish(registry, listing(), a_fitting_mapping())
    other = a_fitting_mapping(risk_class="HIGH")
    message = _version_fault(_publish(registry, listing(), other, a_fitting_mapping(version="v2")))
    assert "is published with another content; publish this one as a new version" in message
    assert len(list(registry.published())) == 1


def test_a_version_of_before_schemas_were_pinned_stays_as_it_is() -> None:
    """Intents are approved with it."""
    registry = MemoryMappingRegistry()
    registry.publish(a_fitting_mapping())
    assert "published without its tool's schema" in _version_fault(_publish(registry, listing(), a_fitting_mapping()))


def test_a_published_file_whose_tool_is_gone_says_only_that() -> None:
    """That its version is taken would send people the wrong way."""
    registry = MemoryMappingRegistry()
    _publish(registry, listing(), a_fitting_mapping())
    (judged,) = _publish(registry, listing(without=["crm___create_task"]), a_fitting_mapping())
    assert [fault.place for fault in judged.faults] == ["tool_name"]


def test_the_gateway_is_asked_once_for_each_set_of_scopes() -> None:
    """And with the scopes that a call of the mapping would have."""
    catalogue = Counting(listing().listed)
    catalogue.asked = []
    mappings = [a_fitting_mapping(version=f"v{number}") for number in range(5)]
    scoped = [a_fitting_mapping(version="v9", required_scopes=["tools/write", "tools/read"])]
    _publish(MemoryMappingRegistry(), catalogue, *mappings, *scoped)
    assert catalogue.asked == [(), ("tools/read", "tools/write")]


def test_a_gateway_that_cannot_be_asked_publishes_nothing() -> None:
    """Its reason reaches whoever publishes."""
    registry, catalogue = MemoryMappingRegistry(), listing()
    catalogue.down = "the gateway does not answer"
    with pytest.raises(CatalogueUnavailable, match="does not answer"):
        _publish(registry, catalogue, a_fitting_mapping())
    assert list(registry.published()) == []


def test_one_version_with_two_contents_is_refused_before_either_is_published() -> None:
    """What is published first would stand for ever, whichever was meant."""
    registry = MemoryMappingRegistry()
    judged = _publish(registry, listing(), a_fitting_mapping(), a_fitting_mapping(risk_class="HIGH"))
    assert "given twice with different contents" in _version_fault(judged)
    assert list(registry.published()) == []


def test_the_same_mapping_twice_is_harmless() -> None:
    """As it is at different times."""
    registry = MemoryMappingRegistry()
    judged = _publish(registry, listing(), a_fitting_mapping(), a_fitting_mapping(created_at=later()))
    assert [one.faults for one in judged] == [(), ()]
    assert len(list(registry.published())) == 1
