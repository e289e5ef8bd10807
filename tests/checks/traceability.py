"""Holds docs/traceability.md to its promise: every requirement, known defect and failure is answered by a real test.

The document is a set of tables whose first cell is an id (`R24`, or a run of them, `R96-R105`) and whose last cell
names tests as `tests/path/test_x.py::test_name`, or says in one line why no test is possible. This owns whether
the ids are complete and the tests exist; whether a test really pins its requirement is for a reader to judge.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = Path("docs/traceability.md")

# The numbering has gaps by design: each block is a chapter of the requirements or of the defect list.
REQUIREMENTS = ((1, 19), (20, 27), (30, 43), (50, 57), (60, 67), (70, 79), (80, 88), (90, 106), (110, 118))
DEFECTS = ((1, 18), (20, 28), (30, 42), (50, 64), (70, 84))
FAILURES = ((1, 40),)

ID_CELL = re.compile(r"\W*([RDF])(\d+)(?:\s*(?:-|–|to)\s*\1?(\d+))?\W*")  # noqa: RUF001 - people type en dashes
TEST_NAME = re.compile(r"(tests/[\w/.-]+\.py)((?:::\w+)*)")


def expected_ids() -> list[str]:
    """Every id the document must answer, in order."""
    chapters = (("R", REQUIREMENTS), ("D", DEFECTS), ("F", FAILURES))
    blocks = [(letter, block) for letter, chapter in chapters for block in chapter]
    return [f"{letter}{number}" for letter, (first, last) in blocks for number in range(first, last + 1)]


def rows(document: str) -> Iterator[tuple[int, list[str], str]]:
    """The line number, ids and answer of every table row that starts with an id."""
    for number, line in enumerate(document.splitlines(), start=1):
        if not line.lstrip().startswith("|"):
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if match := ID_CELL.fullmatch(cells[0]):
            letter, first, last = match.groups()
            ids = [f"{letter}{n}" for n in range(int(first), int(last or first) + 1)]
            yield number, ids, cells[-1] if len(cells) > 1 else ""


def violations(root: Path) -> list[str]:
    """One sentence for each id without an answer and each named test that does not exist."""
    document = root / DOCUMENT
    if not document.is_file():
        return [f"{DOCUMENT} is missing: write its tables, one row for each id from R1 to F40"]
    found, seen = [], set[str]()
    expected = expected_ids()
    for number, ids, answer in rows(document.read_text(encoding="utf-8")):
        where = f"{DOCUMENT}:{number}"
        found += [f"{where}: {name} is not a known id" for name in ids if name not in expected]
        found += [f"{where}: {name} is answered twice" for name in ids if name in seen]
        seen.update(ids)
        if not answer.strip("-– "):  # noqa: RUF001 - a lone dash of any length is no answer
            found.append(f"{where}: {ids[0]} names neither a test nor a reason")
        found += [f"{where}: {complaint}" for complaint in _missing_tests(root, TEST_NAME.findall(answer))]
    found += [f"{DOCUMENT}: {name} has no row" for name in expected if name not in seen]
    return found


def _missing_tests(root: Path, named: Iterable[tuple[str, str]]) -> Iterator[str]:
    for path, name in named:
        if not name:
            yield f"{path} names a file; name the test in it as {path}::test_name"
        elif not (root / path).is_file():
            yield f"{path}{name} does not exist: there is no such file"
        elif name.removeprefix("::") not in _tests_in(root / path):
            yield f"{path}{name} does not exist: the file has no such test"


@cache
def _tests_in(file: Path) -> frozenset[str]:
    """The tests of a file as pytest names them, `test_name` or `TestClass::test_name`."""
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8"), filename=str(file)).body:
        owner, body = (f"{node.name}::", node.body) if isinstance(node, ast.ClassDef) else ("", [node])
        names |= {
            f"{owner}{item.name}"
            for item in body
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name.startswith("test_")
        }
    return frozenset(names)


def main() -> int:
    """Print every violation; 1 when there is any."""
    found = violations(ROOT)
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
