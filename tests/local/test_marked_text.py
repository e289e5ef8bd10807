"""Files that a person wrote: JSON and YAML are the same data, nothing is guessed, and every fault has its line."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.documents import MappingDocument, read_documents
from local.marked_text import DocumentError, read_marked
from tests.builders import NOW

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
ONE_EXAMPLE = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

MAPPING = """\
tool_mapping:  # how a task is created
  action_type: CREATE_CRM_TASK
  version: "2.0"
  tool_name: crm___create_task
  tool_schema_version: "1.0"
  parameters:
    - {parameter: title, argument: title, type: STRING, required: true}
  effect_safety:
    kind: IDEMPOTENT
    key_ttl_seconds: 86400
"""


AMBIGUOUS = ("yes", "Off", "~", "0x1F", "012", "1_000", ".nan", ".inf", "12:30:00", "2024-01-01")
"""Plain words that YAML 1.1 takes for a boolean, a number or a date, and other readers for text."""


def _written(folder: Path, text: str, name: str = "file.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def _refusal(folder: Path, text: str, name: str = "file.yaml") -> str:
    file = _written(folder, text, name)
    with pytest.raises(DocumentError) as caught:
        read_documents(file, now=NOW)
    return str(caught.value).replace(f"{file}", "FILE")


@ONE_EXAMPLE
@given(value=VALUES, indent=st.sampled_from([None, 2, "\t"]))
def test_json_is_read_as_the_standard_library_reads_it(tmp_path: Path, value: object, indent: str | int | None) -> None:
    """Whatever is written, tabs and all, and every part of it has a line."""
    text = json.dumps(value, indent=indent)
    marked = read_marked(_written(tmp_path, text, "file.json"))
    assert marked.value == json.loads(text)
    assert set(marked.lines.values()) <= set(range(1, text.count("\n") + 2))


@ONE_EXAMPLE
@given(value=VALUES, flow=st.booleans())
def test_what_a_yaml_writer_writes_in_quotes_is_the_same_data(tmp_path: Path, value: object, flow: bool) -> None:  # noqa: FBT001  Hypothesis passes by name
    """YAML is JSON in another dress: the same values, whatever their form."""
    text = yaml.dump(
        json.loads(json.dumps(value)),
        default_style='"' if isinstance(value, str) else None,
        Dumper=_NoAliases,
        default_flow_style=flow,
        allow_unicode=True,
    )
    try:
        read = read_marked(_written(tmp_path, text)).value
    except DocumentError as refused:
        assert "quotes" in str(refused) or "no value" in str(refused) or "text" in str(refused)  # noqa: PT017  may pass
    else:
        assert read == json.loads(json.dumps(value))


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  the writer's own parameter
        return True


def test_a_mapping_may_be_written_in_yaml(tmp_path: Path) -> None:
    """With comments, and without a quote where no reader could take a word for anything else."""
    (document,) = read_documents(_written(tmp_path, MAPPING), now=NOW)
    assert isinstance(document, MappingDocument)
    assert (document.mapping.version, document.mapping.tool_name) == ("2.0", "crm___create_task")
    assert document.fault(("tool_name",), "is wrong") == f"{tmp_path}/file.yaml:4: tool_mapping.tool_name: is wrong"


@pytest.mark.parametrize(
    "old, new, fault",
    [
        ('"2.0"', "2.0", "FILE:3: tool_mapping.version: Input should be a valid string; put it in quotes"),
        ("86400", "1", "FILE:10: tool_mapping.effect_safety.key_ttl_seconds: Input should be greater than 120"),
        ("    key_ttl_seconds: 86400\n", "", "FILE:8: tool_mapping.effect_safety.key_ttl_seconds: is missing; add it"),
        ("tool_name", "tool_nam", "FILE:4: tool_mapping.tool_nam: is no field that this may have; correct"),
        ("argument: title", "argument: execution_context", "FILE:7: tool_mapping.parameters.0.argument: 'execution_c"),
        ("type: STRING", "transform: UPPERCASE", "FILE:7: tool_mapping.parameters.0.transform: UPPERCASE needs type"),
        ("IDEMPOTENT", "SAFE", "FILE:9: tool_mapping.effect_safety.kind: must be one of 'IDEMPOTENT', 'VERIFIABLE'"),
        ("tool_mapping:", "intent:", 'FILE:1: must be an object with the one key "action_intent" or "tool_mapping"'),
    ],
)
def test_a_wrong_field_is_named_with_its_line(tmp_path: Path, old: str, new: str, fault: str) -> None:
    """The editor can jump there; what is missing has the line of what it is missing in."""
    assert fault in _refusal(tmp_path, MAPPING.replace(old, new, 1))


def test_every_wrong_field_is_told_at_once(tmp_path: Path) -> None:
    """A file is corrected once."""
    told = _refusal(tmp_path, MAPPING.replace('"2.0"', "2.0").replace("86400", "1")).splitlines()
    assert [line.split(": ")[0] for line in told] == ["FILE:3", "FILE:10"]


def test_every_wrong_document_of_a_list_is_told_at_once(tmp_path: Path) -> None:
    """The second is not kept back until the first is right."""
    told = _refusal(tmp_path, "- tool_mapping: 1\n- tool_mapping: {}\n- tool_mapping: 3\n").splitlines()
    assert {line.split(": ")[0] for line in told} == {"FILE:1", "FILE:2", "FILE:3"}


@pytest.mark.parametrize(
    "text, fault",
    [
        *((f"a: {word}", "FILE:1: a is no text to some YAML readers") for word in AMBIGUOUS),
        ("a: &x 1\nb: *x", "FILE:1: has a YAML anchor or alias"),
        ("a: 1\nb: *x", "FILE:2: has a YAML anchor or alias"),
        ("a: 1\nb: !!python/object:os.system x", "FILE:2: has a YAML tag"),
        ("a: !x {}", "FILE:1: has a YAML tag"),
        ("%YAML 1.1\n---\na: 1", "FILE:1: has a YAML directive"),
        ("a: 1\n---\nb: 2", "FILE:2: begins a second YAML document"),
        ("a: 1\nb: 2\na: 3", 'FILE:3: the key "a" is written twice'),
        ("a:\n  b: 2024-01-01", "FILE:2: a.b is no text to some YAML readers"),
        ("a:\nb: 1", "FILE:1: a has no value"),
        ("yes: 1", "FILE:1: has a key that is not text to every YAML reader"),
        ("1: 1", "FILE:1: has a key that is not text to every YAML reader"),
        ("? [a]\n: 1", "FILE:1: has a key that is not text"),
        ("<<: {a: 1}", "FILE:1: has a key that is not text to every YAML reader"),
        ("a: 1e999", "FILE:1: a is too large a number"),
        (f"a: {'9' * 5_000}", "FILE:1: a is a number with too many digits"),
        ("a: [1, 2", "FILE:1:9: is not YAML"),
        ("a: {b: 1\n\tc: 2}", "FILE:2:"),
        ("", "FILE:1: holds nothing"),
        ("# nothing but words", "FILE:1: holds nothing"),
        ("a: \x01", "FILE: is not YAML: it holds a character"),
        ("[" * 5_000, "FILE:1: is nested deeper than 64 levels"),
    ],
)  # fmt: skip
def test_yaml_that_readers_could_take_for_different_things_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    """With its line, and no alias ever stands for gigabytes."""
    assert _refusal(tmp_path, text).startswith(fault)


@pytest.mark.parametrize(
    "text, fault",
    [
        ('{\n "a": NaN}', "FILE:2: a is no number that JSON has"),
        ('{"a": [1, -Infinity]}', "FILE:1: a.1 is no number that JSON has"),
        ('{"a": 1e999}', "FILE:1: a is too large a number"),
        ('{"a": {"b": 1,\n "b": 2}}', 'FILE:2: the key "b" is written twice'),
        ('{"a": 1', "FILE:1:8: is not JSON"),
    ],
)
def test_json_is_no_laxer_than_its_standard(tmp_path: Path, text: str, fault: str) -> None:
    """The standard library lets some of these pass."""
    assert _refusal(tmp_path, text, "file.json").startswith(fault)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """No more of it than is wanted, and a device has no end."""
    assert _refusal(tmp_path, " " * 5_000_001) == "FILE: has more than the 5000000 bytes that are read"
    with pytest.raises(DocumentError, match="/dev/zero: has more than the 5000000 bytes"):
        read_marked(Path("/dev/zero"))


def test_no_message_repeats_a_value(tmp_path: Path) -> None:
    """It may be a secret in the wrong place."""
    for text in ("a: hunter2: b", "hunter2", MAPPING.replace("86400", "hunter2"), "a: *hunter2"):
        assert "hunter2" not in _refusal(tmp_path, text).replace("key_ttl", "")
