"""What a person loads is loaded whole or not at all, and what was executed stays what it was."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from adapters.memory.clock import MemoryClock
from adapters.memory.tool_catalogue import MemoryToolCatalogue
from domain.model.errors import PermanentError
from local.documents import DocumentError, IntentDocument, MappingDocument
from local.seeding import Seeding
from local.stack_info import StackInfo
from local.stores import journal_of
from ports.steps.resources import Resource
from ports.tool_catalogue import CatalogueUnavailable
from tests.builders import NOW, a_claim
from tests.ports.tables import dynamodb_with_tables
from tests.support.gateway_tools import a_tool, listing

if TYPE_CHECKING:
    from ports.tool_catalogue import ToolCatalogue

EXAMPLES = Path(__file__).parents[2] / "examples"
MAPPINGS = sorted(EXAMPLES.glob("mappings/*"))
INTENTS = sorted(EXAMPLES.glob("intents/*"))


@pytest.fixture
def stack(info: StackInfo) -> Iterator[StackInfo]:
    """A described stack whose tables are there."""
    with dynamodb_with_tables() as client:
        described = info.model_copy(update={"tables": {one.value: one.value for one in Resource}})
        described.__dict__["clients"] = SimpleNamespace(of=lambda _service: client)
        yield described


def _seeding(stack: StackInfo, catalogue: MemoryToolCatalogue | None = None) -> Seeding:
    @contextmanager
    def open_catalogue(_info: StackInfo) -> "Iterator[ToolCatalogue]":
        yield catalogue or listing()

    return Seeding(stack, MemoryClock(NOW), open_catalogue)


def test_every_example_is_honoured_by_the_reference_tools_without_a_warning(stack: StackInfo) -> None:
    """What the README tells people to load can be loaded, and says nothing that people learn to ignore."""
    seeding = _seeding(stack)
    loaded = seeding.load_files([*MAPPINGS, *INTENTS])
    assert len(loaded.documents) == 6
    assert loaded.warnings == ()
    assert [one.has_drifted for one in seeding.check()] == [False, False, False]
    assert all(one.is_pinned for one in seeding.check())


def test_the_examples_in_the_registrys_page_are_honoured(stack: StackInfo, tmp_path: Path) -> None:
    """Whoever copies them from there, after the files of the README, has a mapping that works and an intent for it."""
    page = (EXAMPLES.parent / "docs" / "reference" / "registry.md").read_text(encoding="utf-8")
    blocks = [part.partition("```")[0] for part in page.split("```yaml\n")[1:]]
    files = [tmp_path / f"{number}.yaml" for number in range(len(blocks))]
    for file, block in zip(files, blocks, strict=True):
        file.write_text(block, encoding="utf-8")
    _seeding(stack).load_files([*MAPPINGS, *INTENTS])
    loaded = _seeding(stack).load_files(files)
    assert loaded.warnings == ()
    mapping, intent = loaded.documents
    assert isinstance(mapping, MappingDocument)
    assert isinstance(intent, IntentDocument)
    assert (intent.intent.action_type, intent.intent.mapping_version) == (
        mapping.mapping.action_type,
        mapping.mapping.version,
    )


def test_loading_the_same_files_again_is_harmless(stack: StackInfo) -> None:
    """Whoever is not sure loads them again."""
    for _ in range(2):
        assert len(_seeding(stack).load_files([*MAPPINGS, *INTENTS]).documents) == 6
    assert len(list(_seeding(stack).registry.published())) == 3


def test_a_fault_that_the_gateway_shows_is_told_by_file_line_and_field(stack: StackInfo, tmp_path: Path) -> None:
    """And nothing of the set is stored."""
    wrong = tmp_path / "wrong.json"
    wrong.write_text(MAPPINGS[0].read_text().replace('"assignee"', '"assigned"'))
    with pytest.raises(DocumentError) as caught:
        _seeding(stack).load_files([wrong, *MAPPINGS[1:], *INTENTS])
    line = wrong.read_text().partition('"assigned"')[0].count("\n") + 1
    assert str(caught.value).startswith(f"{wrong}:{line}: tool_mapping.parameters.4.argument: ")
    assert list(_seeding(stack).registry.published()) == []


def test_the_faults_of_all_files_are_told_at_once(stack: StackInfo, tmp_path: Path) -> None:
    """Whoever loads a folder mends it in one pass."""
    files = [tmp_path / "a.json", tmp_path / "b.json", MAPPINGS[0]]
    for file in files[:2]:
        file.write_text("{}")
    with pytest.raises(DocumentError) as caught:
        _seeding(stack).load_files(files)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [str(file) for file in files[:2]]


def test_a_warning_does_not_keep_a_mapping_from_being_published(stack: StackInfo) -> None:
    """It is told with its place."""
    silent = a_tool(hints={"idempotent": None})
    loaded = _seeding(stack, listing(silent)).load_files(MAPPINGS[:1])
    (warning,) = loaded.warnings
    assert warning.startswith(f"{MAPPINGS[0]}:")
    assert "effect_safety.kind: crm___create_task does not say that a repeat is harmless" in warning


def test_a_gateway_that_cannot_be_asked_stores_nothing(stack: StackInfo) -> None:
    """Not even the intents."""
    down = listing()
    down.down = "the gateway does not answer"
    with pytest.raises(CatalogueUnavailable):
        _seeding(stack, down).load_files([*MAPPINGS, *INTENTS])
    assert list(_seeding(stack).registry.published()) == []


def test_intents_alone_need_no_gateway(stack: StackInfo) -> None:
    """There is nothing to ask it."""
    down = listing()
    down.down = "the gateway does not answer"
    assert len(_seeding(stack, down).load_files(INTENTS).documents) == 3


def test_an_executed_intent_is_not_replaced_by_loading_its_file_again(stack: StackInfo, tmp_path: Path) -> None:
    """The same file is harmless, whatever its end now comes to; another content is refused and stores nothing."""
    seeding, file = _seeding(stack), EXAMPLES / "intents" / "create-crm-task.json"
    seeding.load_files([*MAPPINGS, file])
    content: dict[str, Any] = json.loads(file.read_text())
    ref = next(one.intent.ref for one in seeding.load_files([file]).documents if hasattr(one, "intent"))
    executed = seeding.intents.find(ref)
    assert executed is not None
    journal_of(stack).claim(*a_claim(executed))

    later = Seeding(stack, MemoryClock(NOW.replace(hour=12)))
    later.load_files([file])
    assert seeding.intents.find(ref) == executed

    content["action_intent"]["parameters"]["title"] = "Another"
    other = tmp_path / "other.json"
    other.write_text(json.dumps(content))
    with pytest.raises(PermanentError, match="new action_intent_id"):
        later.load_files([other, *INTENTS])
    assert seeding.intents.find(ref) == executed


def test_one_intent_with_two_contents_is_refused_and_nothing_is_stored(stack: StackInfo, tmp_path: Path) -> None:
    """The later one would silently take the place of the earlier."""
    other = tmp_path / "other.json"
    document = json.loads(INTENTS[0].read_text())
    document["action_intent"]["parameters"]["title"] = "Another"
    other.write_text(json.dumps(document))
    seeding = _seeding(stack)
    with pytest.raises(DocumentError, match=r"other.json:\d+: action_intent.action_intent_id: .* given twice"):
        seeding.load_files([*MAPPINGS, INTENTS[0], other])
    assert list(seeding.registry.published()) == []
    assert len(seeding.load_files([*MAPPINGS, INTENTS[0], INTENTS[0]]).documents) == 5
