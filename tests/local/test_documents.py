"""Intents and mappings as files: what a person writes is read strictly, and a slip is named with its place."""

import json
from pathlib import Path

import pytest

from local.documents import DocumentError, IntentDocument, MappingDocument, read_documents
from tests.builders import NOW

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*/*.json")), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_example_can_be_read(file: Path) -> None:
    """The files that the README tells people to load are valid."""
    assert len(read_documents(file, now=NOW)) == 1


def test_every_example_intent_has_its_example_mapping() -> None:
    """Seeding the examples leaves no intent without a mapping of its type and version."""
    documents = [one for file in EXAMPLES.glob("*/*.json") for one in read_documents(file, now=NOW)]
    mapped = {(one.mapping.action_type, one.mapping.version) for one in documents if isinstance(one, MappingDocument)}
    wanted = {
        (one.intent.action_type, one.intent.mapping_version) for one in documents if isinstance(one, IntentDocument)
    }
    assert wanted == mapped


def test_a_lifetime_is_counted_from_the_moment_of_loading(tmp_path: Path) -> None:
    """``expires_in_seconds`` spares a person from computing an epoch."""
    content = json.loads((EXAMPLES / "intents" / "create-crm-task.json").read_text())
    content["action_intent"]["expires_in_seconds"] = 60
    file = tmp_path / "intent.json"
    file.write_text(json.dumps(content))
    (document,) = read_documents(file, now=NOW)
    assert isinstance(document, IntentDocument)
    assert document.intent.expires_at_epoch == int(NOW.timestamp()) + 60


def test_text_that_is_not_json_is_named_with_line_and_column(tmp_path: Path) -> None:
    """The editor can jump to the place."""
    file = tmp_path / "broken.json"
    file.write_text('{\n  "action_intent": {,}\n}')
    with pytest.raises(DocumentError) as caught:
        read_documents(file, now=NOW)
    assert f"{file}:2:21: is not JSON" in str(caught.value)


def test_a_wrong_field_is_named_with_its_path_and_not_its_value(tmp_path: Path) -> None:
    """A value may be a secret that slipped into the wrong field."""
    content = json.loads((EXAMPLES / "mappings" / "create-crm-task.json").read_text())
    content["tool_mapping"]["parameters"][0] = {"transform": "hunter2", "parameter": "title", "argument": "title"}
    file = tmp_path / "mapping.json"
    file.write_text(json.dumps([content], indent=1))
    line = file.read_text().partition("transform")[0].count("\n") + 1
    with pytest.raises(DocumentError) as caught:
        read_documents(file, now=NOW)
    assert str(caught.value).startswith(f"{file}:{line}: tool_mapping.parameters.0.transform: ")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("content", ['{"intent": {}}', '"text"', "[[]]", '{"action_intent": {}, "tool_mapping": {}}'])
def test_a_document_of_no_known_kind_is_refused(tmp_path: Path, content: str) -> None:
    """Nothing is guessed about what a file was meant to be."""
    file = tmp_path / "unknown.json"
    file.write_text(content)
    with pytest.raises(DocumentError) as caught:
        read_documents(file, now=NOW)
    assert 'the one key "action_intent" or "tool_mapping"' in str(caught.value)


def test_a_missing_file_is_an_error_of_one_sentence(tmp_path: Path) -> None:
    """No traceback for a typo in a path."""
    with pytest.raises(DocumentError) as caught:
        read_documents(tmp_path / "nothing.json", now=NOW)
    assert str(caught.value) == f"{tmp_path}/nothing.json: cannot be read, for there is no such file"


def test_a_folder_and_bytes_that_are_no_text_are_told_apart_from_it(tmp_path: Path) -> None:
    """Each has another remedy."""
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    for file, remedy in ((tmp_path, "name the files in it"), (binary, "save it as UTF-8")):
        with pytest.raises(DocumentError, match=remedy):
            read_documents(file, now=NOW)


def _intent_file(folder: Path, **changes: object) -> Path:
    content = json.loads((EXAMPLES / "intents" / "create-crm-task.json").read_text())
    content["action_intent"].update(changes)
    file = folder / "intent.json"
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize(
    "text, fault",
    [
        pytest.param("[" * 100_000 + "]" * 100_000, "is nested too deeply", id="deep"),
        pytest.param(f'{{"action_intent": {{"parameters": {{"n": {"9" * 5_000}}}}}}}', "number", id="long-number"),
    ],
)
def test_json_that_no_parser_should_be_given_is_refused_in_one_sentence(tmp_path: Path, text: str, fault: str) -> None:
    """Neither the depth nor the length of what somebody wrote ends in a traceback."""
    file = tmp_path / "hostile.json"
    file.write_text(text)
    with pytest.raises(DocumentError) as caught:
        read_documents(file, now=NOW)
    assert str(caught.value).startswith(f"{file}: ")
    assert fault in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_key_that_is_written_twice_is_refused_by_name(tmp_path: Path) -> None:
    """A reader of the file would believe the first, a parser the last."""
    file = tmp_path / "twice.json"
    file.write_text('{"action_intent": {"parameters": {"title": "hunter2", "title": "hunter3"}}}')
    with pytest.raises(DocumentError) as caught:
        read_documents(file, now=NOW)
    assert str(caught.value).startswith(f'{file}:1: the key "title" is written twice')
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("lifetime", [True, "60", 60.0, None, [60]], ids=repr)
def test_a_lifetime_that_is_no_whole_number_is_refused(tmp_path: Path, lifetime: object) -> None:
    """True is not one second, and text is not a number."""
    file = _intent_file(tmp_path, expires_in_seconds=lifetime)
    with pytest.raises(DocumentError) as caught:
        read_documents(file, now=NOW)
    assert str(caught.value) == (f"{file}:1: action_intent.expires_in_seconds: must be a whole number of seconds")


def test_a_lifetime_beside_an_end_is_refused(tmp_path: Path) -> None:
    """Nobody has to guess which of the two counts."""
    file = _intent_file(tmp_path, expires_at_epoch=int(NOW.timestamp()) + 60)
    with pytest.raises(DocumentError) as caught:
        read_documents(file, now=NOW)
    assert "action_intent.expires_in_seconds: must not be given together with expires_at_epoch" in str(caught.value)


@pytest.mark.parametrize("approver", ["hunter 2", "", "hunter#2", "hunter2\n", 7, None, ["hunter2"]], ids=repr)
def test_an_approver_who_is_no_identifier_is_refused_when_the_file_is_read(tmp_path: Path, approver: object) -> None:
    """Later would be too late: the intent would be stored already."""
    file = _intent_file(tmp_path, approved_by=approver)
    with pytest.raises(DocumentError) as caught:
        read_documents(file, now=NOW)
    message = str(caught.value)
    assert message.startswith(f"{file}:1: action_intent.approved_by: must be 1 to 128 characters")
    assert "\n" not in message
    assert "hunter" not in message
