"""The rooms and the direction of their imports, over every source file; and the check itself, checked."""

from pathlib import Path

import pytest

from tests.architecture.rooms import environment_reads, import_violations, impurities, source_files

ROOT = Path(__file__).parents[2]
MODULE_LINES_LIMIT = 400


def plant(root: Path, path: str, source: str) -> None:
    """Write one source file into a made-up tree."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")


def test_every_import_follows_the_table() -> None:
    """No module imports anything that its room may not know."""
    assert list(source_files(ROOT))
    assert import_violations(ROOT) == []


def test_the_domain_and_the_ports_have_no_effects() -> None:
    """Clock, identifiers, randomness, files and network reach the inner rooms through ports only."""
    assert impurities(ROOT) == []


def test_only_the_settings_module_reads_the_environment() -> None:
    """What a Lambda needs from its environment stands in one module, so infrastructure can be held to it."""
    assert environment_reads(ROOT) == []


def test_no_module_outgrows_its_reader() -> None:
    """A module is about 300 lines; at 400 it has to be divided."""
    files = [*source_files(ROOT), *(ROOT / "tests").rglob("*.py")]
    lengths = {file.relative_to(ROOT): file.read_text(encoding="utf-8").count("\n") for file in files}
    assert {file: lines for file, lines in lengths.items() if lines > MODULE_LINES_LIMIT} == {}


@pytest.mark.parametrize(
    "path, source, forbidden",
    [
        ("domain/model/intent.py", "import boto3", "boto3"),
        ("domain/model/intent.py", "from domain.policies import retry", "domain.policies.retry"),
        ("domain/model/intent.py", "from ..policies.retry import decide", "domain.policies.retry.decide"),
        ("domain/model/__init__.py", "from .. import policies", "domain.policies"),
        ("domain/policies/retry.py", "from ports import clock", "ports.clock"),
        ("domain/use_cases/undo.py", "from adapters.memory import clock", "adapters.memory.clock"),
        ("domain/use_cases/undo.py", "def f():\n    import adapters.memory", "adapters.memory"),
        ("domain/use_cases/undo.py", "import importlib\nimportlib.import_module('httpx')", "httpx"),
        ("ports/clock.py", "from domain.use_cases import undo", "domain.use_cases.undo"),
        ("ports/clock.py", "import pydantic_settings", "pydantic_settings"),
        ("ports/clock.py", "import botocore.exceptions", "botocore.exceptions"),
        ("adapters/dynamodb/ledger.py", "from adapters.memory.ledger import X", "adapters.memory.ledger.X"),
        ("adapters/dynamodb/ledger.py", "from ..s3 import artifacts", "adapters.s3.artifacts"),
        ("adapters/dynamodb/ledger.py", "import httpx", "httpx"),
        ("adapters/sqs/inbox.py", "from adapters.dynamodb import errors", "adapters.dynamodb.errors"),
        ("adapters/aws/faults.py", "from adapters.sqs import inbox", "adapters.sqs.inbox"),
        ("adapters/aws/faults.py", "import boto3", "boto3"),
        ("adapters/mcp/gateway.py", "from domain.use_cases import undo", "domain.use_cases.undo"),
        ("adapters/memory/ledger.py", "from handlers import settings", "handlers.settings"),
        ("adapters/__init__.py", "import boto3", "boto3"),
        ("handlers/invoke_tool.py", "from adapters.mcp import gateway", "adapters.mcp.gateway"),
        (
            "handlers/invoke_tool.py",
            "from dependency_injector import providers",
            "dependency_injector.providers",
        ),
        ("handlers/invoke_tool.py", "import boto3", "boto3"),
        ("handlers/container.py", "from infrastructure import naming", "infrastructure.naming"),
        ("infrastructure/asl.py", "from domain.model import intent", "domain.model.intent"),
        ("infrastructure/asl.py", "from ports.clock import Clock", "ports.clock.Clock"),
        ("infrastructure/asl.py", "import boto3", "boto3"),
        ("infrastructure/functions.py", "import handlers.invoke_tool", "handlers.invoke_tool"),
        (
            "local/demo.py",
            "from infrastructure.functions import Function",
            "infrastructure.functions.Function",
        ),
        ("local/demo.py", "from handlers import container", "handlers.container"),
        ("local/demo.py", "from dependency_injector import containers", "dependency_injector.containers"),
        ("local/demo.py", "from tests import conftest", "tests.conftest"),
        ("cli/status.py", "from infrastructure import naming", "infrastructure.naming"),
        ("__main__.py", "from domain.model import errors", "domain.model.errors"),
        ("__main__.py", "import boto3", "boto3"),
    ],
)
def test_a_planted_import_is_reported(tmp_path: Path, path: str, source: str, forbidden: str) -> None:
    """Each direction the table forbids is noticed, also relative, also inside a function."""
    plant(tmp_path, path, source)

    violations = import_violations(tmp_path)

    assert [line.partition(" may not import ")[2] for line in violations] == [forbidden]


@pytest.mark.parametrize(
    "path, source",
    [
        (
            "domain/model/intent.py",
            "from datetime import datetime\nfrom pydantic import BaseModel\nfrom . import errors",
        ),
        ("domain/use_cases/undo.py", "from ports import clock\nfrom domain import model"),
        ("ports/steps/undo.py", "from domain.model.errors import ActionError\nfrom . import redo"),
        ("adapters/dynamodb/ledger.py", "from ports.ledger import Ledger\nimport boto3"),
        ("adapters/sqs/inbox.py", "from adapters.aws.faults import fault_of"),
        (
            "handlers/container.py",
            "from dependency_injector import containers\nfrom adapters.mcp import gateway",
        ),
        (
            "handlers/invoke_tool.py",
            "from handlers.container import container\nfrom domain.use_cases import undo",
        ),
        ("infrastructure/packaging.py", "import handlers"),
        ("infrastructure/asl.py", "from ports import steps\nfrom domain.model.errors import ErrorCode"),
        (
            "local/demo.py",
            "import boto3\nimport pulumi\nfrom infrastructure.naming import table\nimport ministack",
        ),
        ("__main__.py", "import pulumi\nfrom infrastructure.settings import Settings"),
    ],
)
def test_what_the_table_allows_is_not_reported(tmp_path: Path, path: str, source: str) -> None:
    """The check does not cry wolf over the imports each room needs."""
    plant(tmp_path, path, source)

    assert import_violations(tmp_path) == []


def test_a_module_outside_every_room_is_reported(tmp_path: Path) -> None:
    """A new technology or a stray module has to be entered in the table before it can be used."""
    plant(tmp_path, "adapters/redis/ledger.py", "")
    plant(tmp_path, "domain/shortcuts.py", "")

    assert import_violations(tmp_path) == [
        "domain/shortcuts.py: domain.shortcuts belongs to no room of the import table",
        "adapters/redis/ledger.py: adapters.redis.ledger belongs to no room of the import table",
    ]


def test_type_stubs_are_for_the_type_checker_only(tmp_path: Path) -> None:
    """An unguarded import of type stubs would fail in Lambda, where they are not installed."""
    plant(tmp_path, "adapters/s3/safe.py", "if TYPE_CHECKING:\n    from mypy_boto3_s3 import S3Client")
    plant(tmp_path, "adapters/s3/unsafe.py", "from mypy_boto3_s3 import S3Client")

    assert import_violations(tmp_path) == [
        "adapters/s3/unsafe.py:1: mypy_boto3_s3.S3Client is not in the Lambda package; guard it"
    ]


@pytest.mark.parametrize(
    "source, effect",
    [
        ("import time", "time"),
        ("from random import uniform", "random.uniform"),
        ("from uuid import uuid4", "uuid.uuid4"),
        ("import uuid\nkey = uuid.uuid4()", "uuid.uuid4"),
        ("from datetime import UTC, datetime\nnow = datetime.now(UTC)", "datetime.now"),
        ("import datetime\nday = datetime.date.today()", "datetime.date.today"),
    ],
)
def test_a_planted_effect_is_reported(tmp_path: Path, source: str, effect: str) -> None:
    """A policy that asks the clock or rolls dice itself cannot be replayed, so it is refused."""
    plant(tmp_path, "domain/policies/retry.py", source)

    violations = impurities(tmp_path)

    assert len(violations) == 1
    assert f" {effect} is an effect" in violations[0]


@pytest.mark.parametrize(
    "source", ["import os\nx = os.environ['X']", "from os import environ", "import os\nos.getenv('X')"]
)
def test_a_planted_environment_read_is_reported(tmp_path: Path, source: str) -> None:
    """A setting read on the side would be missing from what the infrastructure provides."""
    plant(tmp_path, "adapters/s3/artifacts.py", source)
    plant(tmp_path, "handlers/settings.py", source)
    plant(tmp_path, "local/emulator.py", source)

    violations = environment_reads(tmp_path)

    assert len(violations) == 1
    assert violations[0].startswith("adapters/s3/artifacts.py:")
