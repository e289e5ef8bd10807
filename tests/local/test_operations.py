"""What an operator does to a stack: all of what the files hold is loaded, or nothing is."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from local.documents import DocumentError
from local.operations import Operations
from local.stack_info import StackInfo

EXAMPLES = Path(__file__).parents[2] / "examples"


class Untouched:
    """A client of a service that nobody should ask for anything."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, operation: str) -> Callable[..., dict[str, object]]:
        """Note the operation."""
        self.asked.append(operation)
        return lambda **_: {}


@pytest.mark.parametrize(
    "field, wrong", [("approved_by", "no identifier"), ("expires_in_seconds", "60"), ("trace_id", "")]
)
def test_nothing_is_stored_when_the_last_document_is_wrong(
    info: StackInfo, tmp_path: Path, field: str, wrong: object
) -> None:
    """A half-loaded set of files would have to be cleaned up by hand."""
    client = Untouched()
    info.__dict__["clients"] = SimpleNamespace(of=lambda _service: client)
    content = json.loads((EXAMPLES / "intents" / "create-crm-task.json").read_text())
    content["action_intent"][field] = wrong
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(content))
    operations = Operations(info)
    before = list(client.asked)
    with pytest.raises(DocumentError) as caught:
        operations.seed_files([EXAMPLES / "mappings" / "create-crm-task.json", broken])
    assert f"action_intent.{field}" in str(caught.value)
    assert client.asked == before
