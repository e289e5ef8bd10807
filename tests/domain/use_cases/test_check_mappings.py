"""CheckMappings tells the drift of every published version, and whether anybody has to look."""

from adapters.memory.mapping_registry import MemoryMappingRegistry
from adapters.memory.tool_catalogue import MemoryToolCatalogue
from domain.use_cases.check_mappings import Checked, CheckMappings
from domain.use_cases.publish_mapping import PublishMapping
from tests.builders import later
from tests.support.gateway_tools import SCHEMAS, a_fitting_mapping, a_tool, listing


def _checked(catalogue: MemoryToolCatalogue) -> dict[str, Checked]:
    registry = MemoryMappingRegistry()
    retired = a_fitting_mapping(version="v0", deprecated_at=later())
    PublishMapping(registry, listing(), SCHEMAS)([a_fitting_mapping(), retired])
    registry.publish(a_fitting_mapping(version="v2"))
    return {one.mapping.version: one for one in CheckMappings(registry, catalogue, SCHEMAS)()}


def test_where_nothing_moved_every_version_is_listed_as_it_is() -> None:
    """In order, with what is known of each."""
    checked = _checked(listing())
    assert list(checked) == ["v0", "v1", "v2"]
    assert [one.drifts for one in checked.values()] == [(), (), ()]
    assert [(one.is_deprecated, one.is_pinned) for one in checked.values()] == [
        (True, True),
        (False, True),
        (False, False),
    ]


def test_a_deprecated_version_is_listed_and_alarms_nobody() -> None:
    """Nobody should be approving with it any more."""
    checked = _checked(listing(a_tool(title="Another")))
    assert checked["v0"].drifts == checked["v1"].drifts != ()
    assert [one.has_drifted for one in checked.values()] == [False, True, False]
