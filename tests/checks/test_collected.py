"""The search for lost tests, shown to find one of each kind."""

from pathlib import Path

import pytest

from tests.checks.collected import uncollected

A_TEST = "def test_it():\n    assert True\n"


def write(tests: Path, path: str, source: str) -> Path:
    """Write one file below a made-up tests folder and return that folder."""
    file = tests / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")
    return tests


@pytest.mark.parametrize("name", ["ledger.py", "conftest.py", "tests_ledger.py"])
def test_a_test_in_a_file_that_pytest_ignores_is_reported(tmp_path: Path, name: str) -> None:
    """A misnamed file would take its tests with it, unnoticed."""
    found = uncollected(write(tmp_path / "tests", name, A_TEST))

    assert found == [f"tests/{name}: holds tests, but pytest collects only files named test_*.py"]


def test_a_test_in_a_folder_that_pytest_skips_is_reported(tmp_path: Path) -> None:
    """A folder named build is never visited, at any depth."""
    found = uncollected(write(tmp_path / "tests", "build/package/test_zip.py", A_TEST))

    assert found == ["tests/build/package/test_zip.py: holds tests, but pytest does not visit a folder of this name"]


def test_a_test_in_a_class_that_pytest_ignores_is_reported(tmp_path: Path) -> None:
    """A class has to be named Test* for its tests to run."""
    source = "class Ledger:\n    async def test_it(self):\n        assert True\n"

    found = uncollected(write(tmp_path / "tests", "test_ledger.py", source))

    assert found == ["tests/test_ledger.py:2: test_it is in class Ledger, and pytest collects only classes named Test*"]


def test_a_collected_test_is_not_reported(tmp_path: Path) -> None:
    """Files without tests, and tests where pytest looks for them, are left in peace."""
    in_a_class = "class TestLedger:\n    def test_it(self):\n        assert True\n"
    tests = write(tmp_path / "tests", "ports/test_ledger.py", A_TEST + in_a_class)
    write(tests, "ports/crashing.py", "def testify():\n    return 1\n")

    assert uncollected(tests) == []
