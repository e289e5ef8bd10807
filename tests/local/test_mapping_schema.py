"""The published schema of mapping files is today's, takes what is right, and refuses what the reader refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from local.mapping_schema import mapping_schema, page

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "reference" / "tool-mapping.schema.json"
EXAMPLES = sorted((ROOT / "examples" / "mappings").glob("*.json"))


def test_the_schema_in_the_repository_is_what_the_model_says() -> None:
    """docs/reference/tool-mapping.schema.json is what ``python -m local.mapping_schema`` prints."""
    assert FILE.read_text(encoding="utf-8") == page()


def test_the_schema_is_a_schema() -> None:
    """An editor can use it."""
    Draft202012Validator.check_schema(mapping_schema())


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_names_the_schema_and_fits_it(file: Path) -> None:
    """Whoever copies one has an editor that helps."""
    content = json.loads(file.read_text(encoding="utf-8"))
    assert (file.parent / content["$schema"]).resolve() == FILE
    assert Draft202012Validator(mapping_schema()).is_valid(content)
    assert Draft202012Validator(mapping_schema()).is_valid([content])


@pytest.mark.parametrize(
    "changes", [{"version": 1.0}, {"tool_nam": "x"}, {"effect_safety": {"kind": "SAFE"}}, {"tool_name": None}]
)
def test_what_is_wrong_is_wrong_in_the_editor_too(changes: dict[str, Any]) -> None:
    """Before anything is published."""
    content = json.loads(EXAMPLES[0].read_text(encoding="utf-8"))
    content["tool_mapping"] |= changes
    assert not Draft202012Validator(mapping_schema()).is_valid(content)
