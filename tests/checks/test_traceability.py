"""The traceability check, shown to notice every way in which the document can stop telling the truth."""

from pathlib import Path

import pytest

from tests.checks.traceability import expected_ids, violations

ANSWER = "`tests/test_a.py::test_it` and tests/test_a.py::TestAll::test_them"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A made-up repository with two tests and no document."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(
        "def test_it(): ...\nclass TestAll:\n    async def test_them(self): ...\n", encoding="utf-8"
    )
    return tmp_path


def write_document(root: Path, **answers: str) -> None:
    """Write a complete document, with some answers replaced; an empty answer leaves the row out."""
    lines = [
        f"| {name} | what it says | {answers.get(name, ANSWER)} |"
        for name in expected_ids()
        if answers.get(name, ANSWER)
    ]
    text = "\n".join(["# Traceability", "", "| id | text | tests |", "|---|---|---|", *lines])
    (root / "docs" / "traceability.md").write_text(text, encoding="utf-8")


def test_the_ids_are_the_chapters_of_the_requirements() -> None:
    """The numbering has gaps, and they are part of it."""
    ids = expected_ids()

    assert len(ids) == len(set(ids)) == 102 + 70 + 40
    assert {"R1", "R19", "R20", "R106", "R118", "D18", "D84", "F1", "F40"} <= set(ids)
    assert not {"R28", "R58", "R107", "D19", "D43", "D65"} & set(ids)


def test_a_complete_document_passes(root: Path) -> None:
    """Tests in classes count, and so does a reason where no test is possible."""
    write_document(root, D70="cannot occur here: there is no such component")

    assert violations(root) == []


def test_a_missing_document_is_reported(root: Path) -> None:
    """The gate does not pass for want of anything to check."""
    assert violations(root) == ["docs/traceability.md is missing: write its tables, one row for each id from R1 to F40"]


def test_an_id_without_a_row_is_reported(root: Path) -> None:
    """A requirement cannot be forgotten."""
    write_document(root, R24="", D31="")

    assert violations(root) == [
        "docs/traceability.md: R24 has no row",
        "docs/traceability.md: D31 has no row",
    ]


@pytest.mark.parametrize(
    "answer, complaint",
    [
        ("tests/test_a.py::test_gone", "tests/test_a.py::test_gone does not exist: the file has no such test"),
        ("tests/test_a.py::test_them", "tests/test_a.py::test_them does not exist: the file has no such test"),
        ("tests/test_b.py::test_it", "tests/test_b.py::test_it does not exist: there is no such file"),
        ("tests/test_a.py", "tests/test_a.py names a file; name the test in it as tests/test_a.py::test_name"),
        ("-", "R1 names neither a test nor a reason"),
    ],
)
def test_an_answer_that_names_no_real_test_is_reported(root: Path, answer: str, complaint: str) -> None:
    """A renamed or deleted test takes its row down with it."""
    write_document(root, R1=answer)

    assert violations(root) == [f"docs/traceability.md:5: {complaint}"]


def test_a_run_of_ids_answers_each_of_them(root: Path) -> None:
    """R96-R105 are ten boxes of one checklist and may share a row, but only one."""
    write_document(root, **{f"R{number}": "" for number in range(96, 106)})
    document = root / "docs" / "traceability.md"
    document.write_text(f"{document.read_text()}\n| R96-R105 | boxes | {ANSWER} |", encoding="utf-8")

    assert violations(root) == []

    document.write_text(f"{document.read_text()}\n| R105 | box | {ANSWER} |\n| D99 | ? | {ANSWER} |", encoding="utf-8")

    assert [line.partition(": ")[2] for line in violations(root)] == ["R105 is answered twice", "D99 is not a known id"]
