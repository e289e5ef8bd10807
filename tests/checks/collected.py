"""Finds tests that pytest would silently never run.

A test in a file, class or folder that pytest does not collect is worse than no test: it is counted on. This owns
that one question and answers it from the source, without importing any test.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
# pytest's defaults (documentation, "Configuration Options": norecursedirs), which pyproject.toml leaves alone.
UNVISITED_FOLDERS = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}")


def uncollected(tests: Path) -> list[str]:
    """One sentence for each test below a folder that pytest's naming rules leave out; empty when none is lost."""
    found = []
    for file in sorted(tests.rglob("*.py")):
        place = file.relative_to(tests.parent)
        written = list(_tests_in(ast.parse(file.read_text(encoding="utf-8"), filename=str(file))))
        if not written:
            continue
        folders = file.relative_to(tests).parents
        if not file.match("test_*.py"):
            found.append(f"{place}: holds tests, but pytest collects only files named test_*.py")
        elif any(folder.match(pattern) for folder in folders for pattern in UNVISITED_FOLDERS):
            found.append(f"{place}: holds tests, but pytest does not visit a folder of this name")
        else:
            found += [
                f"{place}:{line}: {name} is in class {owner}, and pytest collects only classes named Test*"
                for owner, name, line in written
                if owner and not owner.startswith("Test")
            ]
    return found


def _tests_in(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """The class (or nothing), name and line of every function that is written as a test."""
    for node in tree.body:
        owner, body = (node.name, node.body) if isinstance(node, ast.ClassDef) else ("", [node])
        for item in body:
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name.startswith("test_"):
                yield owner, item.name, item.lineno


def main() -> int:
    """Print every lost test; 1 when there is any."""
    found = uncollected(TESTS)
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
