"""The import table of the architecture, and the reader that compares source files with it.

This owns which room may import what. It reads files and never imports them, so a module that is broken, or
that imports inside a function, is judged like any other. It does not judge style, size or behaviour.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOP_LEVEL = ("domain", "ports", "adapters", "handlers", "infrastructure", "local", "cli")
OURS = frozenset({*TOP_LEVEL, "tests", "benchmarks", "__main__"})

INWARD = ("domain", "ports")
AWS = ("ports", "domain.model", "pydantic", "adapters.aws", "boto3", "botocore")


@dataclass(frozen=True)
class Room:
    """One row of the table: a package or a single module, and the names that may be imported in it.

    A name allows everything below it. The standard library is always allowed, the room itself too. The most
    specific row decides for a module.
    """

    name: str
    may_import: tuple[str, ...] = ()
    any_third_party: bool = False


IMPORT_TABLE = (
    Room("domain.model", ("pydantic",)),
    Room("domain.policies", ("domain.model", "pydantic")),
    Room("domain.use_cases", ("ports", "domain.policies", "domain.model", "pydantic")),
    Room("domain"),
    Room("ports", ("domain.model", "pydantic")),
    # An adapter knows its port, the model and its own SDK; it never sees another technology.
    Room("adapters.memory", ("ports", "domain.model", "pydantic")),
    Room("adapters.system", ("ports", "domain.model", "pydantic")),
    # What botocore's errors mean is the same for every AWS service; it is read once, beside the services' own rooms.
    Room("adapters.aws", ("botocore",)),
    Room("adapters.dynamodb", (*AWS, "mypy_boto3_dynamodb")),
    Room("adapters.s3", (*AWS, "mypy_boto3_s3")),
    Room("adapters.eventbridge", (*AWS, "mypy_boto3_events")),
    Room("adapters.sqs", (*AWS, "mypy_boto3_sqs")),
    Room("adapters.stepfunctions", (*AWS, "mypy_boto3_stepfunctions")),
    # How far a request got and when it must end is the same for everybody who speaks HTTP.
    Room("adapters.http", ("ports", "domain.model", "httpx")),
    Room(
        "adapters.cognito",
        (
            "ports",
            "domain.model",
            "adapters.http",
            "pydantic",
            "httpx",
            "boto3",
            "botocore",
            "mypy_boto3_secretsmanager",
        ),
    ),
    Room("adapters.mcp", ("ports", "domain.model", "adapters.http", "pydantic", "httpx")),
    Room("adapters.jsonschema", ("ports", "domain.model", "pydantic", "jsonschema", "referencing")),
    Room("adapters"),
    # The container is the one place that joins ports to adapters.
    Room("handlers", (*INWARD, "pydantic")),
    Room(
        "handlers.container",
        (*INWARD, "adapters", "handlers", "dependency_injector", "pydantic", "boto3", "botocore", "httpx"),
    ),
    Room("infrastructure", ("ports.steps", "domain.model.errors", "pulumi", "pulumi_aws", "pydantic")),
    Room(
        "infrastructure.packaging",
        ("infrastructure", "ports.steps", "domain.model.errors", "handlers", "pydantic"),
    ),
    Room(
        "local",
        (
            *INWARD,
            "adapters",
            "cli",
            "infrastructure.naming",
            "infrastructure.packaging",
            "infrastructure.refusals",
            "infrastructure.settings",
        ),
        any_third_party=True,
    ),
    Room("cli", (*INWARD, "adapters", "local"), any_third_party=True),
    Room("__main__", ("infrastructure", "pulumi")),
)

CONTAINER_LIBRARY = "dependency_injector"
# Type stubs are not in the Lambda package, so there they may be imported for the type checker only.
PACKAGED_ROOMS = ("domain", "ports", "adapters", "handlers")
TYPE_STUBS = "mypy_boto3_"
# Clock, identifiers and randomness are ports; files, processes and the network belong to adapters.
IMPURE_STDLIB = frozenset(
    {
        "glob",
        "http",
        "os",
        "random",
        "secrets",
        "shutil",
        "socket",
        "sqlite3",
        "subprocess",
        "tempfile",
        "time",
    }
)
IMPURE_CALLS = frozenset(
    {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "uuid.uuid1", "uuid.uuid4"}
)
PURE_ROOMS = ("domain", "ports")
ENVIRONMENT = frozenset({"os.environ", "os.environb", "os.getenv", "os.getenvb"})
ENVIRONMENT_READER = "handlers.settings"


@dataclass(frozen=True)
class Imported:
    """One imported name, with everything needed to judge and to find it."""

    target: str
    line: int
    for_type_checker_only: bool


def source_files(root: Path) -> Iterator[Path]:
    """Every Python file of the rooms, and the Pulumi program."""
    for top in TOP_LEVEL:
        yield from sorted((root / top).rglob("*.py"))
    if (root / "__main__.py").exists():
        yield root / "__main__.py"


def module_name(path: Path, root: Path) -> str:
    """The dotted name under which a file is imported from the root."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, root: Path) -> Iterator[Imported]:
    """Every import of a file, wherever it stands: relative ones made absolute, `import_module` included."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        for statement in node.body
        for inner in ast.walk(statement)
    }
    package = module_name(path, root).split(".")
    if path.name != "__init__.py":
        package.pop()
    for node in ast.walk(tree):
        for target in _targets(node, package):
            yield Imported(target, getattr(node, "lineno", 0), id(node) in guarded)


def _targets(node: ast.AST, package: list[str]) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            base = package[: len(package) - level + 1] if level else []
            origin = ".".join([*base, *([module] if module else [])])
            yield from (f"{origin}.{alias.name}" if origin else alias.name for alias in names)
        case ast.Call(func=func, args=[ast.Constant(value=str(name)), *_]) if ast.unparse(func) in {
            "import_module",
            "importlib.import_module",
            "__import__",
        }:
            yield name


def _within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def room_of(module: str) -> Room | None:
    """The most specific row for a module, or None when the table does not know it."""
    rows = [room for room in IMPORT_TABLE if _within(module, room.name)]
    return max(rows, key=lambda room: len(room.name), default=None)


def _allowed(room: Room, target: str) -> bool:
    top = target.partition(".")[0]
    if top in sys.stdlib_module_names and top != "__main__":
        return True
    if any(_within(target, prefix) for prefix in (room.name, *room.may_import)):
        return True
    return room.any_third_party and top not in OURS and top != CONTAINER_LIBRARY


def import_violations(root: Path) -> list[str]:
    """One sentence for each import that the table does not allow; empty when the tree obeys it."""
    found = []
    for path in source_files(root):
        module = module_name(path, root)
        room = room_of(module)
        if room is None or (room.name in {"domain", "adapters"} and path.name != "__init__.py"):
            found.append(f"{path.relative_to(root)}: {module} belongs to no room of the import table")
            continue
        packaged = any(_within(module, room) for room in PACKAGED_ROOMS)
        for imported in imports_of(path, root):
            where = f"{path.relative_to(root)}:{imported.line}"
            if not _allowed(room, imported.target):
                found.append(f"{where}: {room.name} may not import {imported.target}")
            elif packaged and imported.target.startswith(TYPE_STUBS) and not imported.for_type_checker_only:
                found.append(f"{where}: {imported.target} is not in the Lambda package; guard it")
    return found


def impurities(root: Path) -> list[str]:
    """One sentence for each clock, random source, file or network the inner rooms reach for themselves."""
    found = []
    for path in source_files(root):
        if not any(_within(module_name(path, root), room) for room in PURE_ROOMS):
            continue
        place = path.relative_to(root)
        found += [
            f"{place}:{imported.line}: {imported.target} is an effect and needs a port"
            for imported in imports_of(path, root)
            if imported.target.partition(".")[0] in IMPURE_STDLIB or imported.target in IMPURE_CALLS
        ]
        found += [
            f"{place}:{node.lineno}: {ast.unparse(node.func)} is an effect and needs a port"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            and any(f".{ast.unparse(node.func)}".endswith(f".{call}") for call in IMPURE_CALLS)
        ]
    return found


def environment_reads(root: Path) -> list[str]:
    """One sentence for each read of the process environment outside the handlers' settings."""
    found = []
    for path in source_files(root):
        module = module_name(path, root)
        if module == ENVIRONMENT_READER or not any(_within(module, room) for room in PACKAGED_ROOMS):
            continue
        found += [
            f"{path.relative_to(root)}:{line}: only {ENVIRONMENT_READER} reads {name}"
            for line, name in _names_used(ast.parse(path.read_text(encoding="utf-8")))
            if name in ENVIRONMENT
        ]
    return found


def _names_used(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
