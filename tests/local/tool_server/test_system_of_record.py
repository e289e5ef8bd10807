"""What the system behind the tools does with a call, a repeat and a stranger's call."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.tool_server import database
from local.tool_server.answers import Answer
from local.tool_server.catalogue import CATALOGUE, CreateTask, DeleteTask, ExecutionContext, FindByKey
from local.tool_server.system_of_record import SystemOfRecord
from local.tool_server.witness import Witness


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A fresh database."""
    path = tmp_path / "tools.db"
    database.prepare(path)
    return path


def _context(key: str = "key-1", tenant: str = "tenant-1") -> ExecutionContext:
    return ExecutionContext(idempotency_key=key, action_intent_id="intent-1", tenant_id=tenant, account_id="account-1")


def _create(file: Path, title: str = "Call back", key: str = "key-1", tenant: str = "tenant-1") -> Answer:
    arguments = CreateTask(title=title, execution_context=_context(key, tenant))
    return SystemOfRecord(file).carry_out(CATALOGUE["crm___create_task"], arguments, "run-1")


def _delete(file: Path, task_id: str, key: str = "undo-1", tenant: str = "tenant-1") -> Answer:
    arguments = DeleteTask(task_id=task_id, execution_context=_context(key, tenant))
    return SystemOfRecord(file).carry_out(CATALOGUE["crm___delete_task"], arguments, None)


def _find(file: Path, key: str = "key-1", tenant: str = "tenant-1") -> Answer:
    arguments = FindByKey(idempotency_key=key, execution_context=_context("verify-1", tenant))
    return SystemOfRecord(file).carry_out(CATALOGUE["crm___find_task"], arguments, None)


def _id(answer: Answer) -> str:
    assert answer.external_object_id is not None
    return answer.external_object_id


def test_a_created_object_is_named_by_the_answer(file: Path) -> None:
    """The answer's id, type and address are those of the one row that exists."""
    answer = _create(file)
    [task] = Witness(file).objects("intent-1")
    assert answer.as_json() == {
        "success": True,
        "external_object_id": task.object_id,
        "object_type": "Task",
        "object_url": f"https://crm.example.test/tasks/{task.object_id}",
        "external_objects": [
            {
                "object_type": "Task",
                "object_id": task.object_id,
                "object_url": f"https://crm.example.test/tasks/{task.object_id}",
            }
        ],
        "deduplicated": False,
    }
    assert (task.tenant_id, task.account_id, task.idempotency_key) == ("tenant-1", "account-1", "key-1")
    assert task.fields["title"] == "Call back"


def test_a_repeat_with_the_same_key_gets_the_first_answer(file: Path) -> None:
    """It says that it was a repeat, and nothing is written again."""
    first, second = _create(file), _create(file)
    assert second == first.model_copy(update={"deduplicated": True})
    assert len(Witness(file).objects()) == 1
    assert [effect.operation for effect in Witness(file).effects()] == ["CREATE", "DEDUPE"]


def test_a_key_used_with_other_arguments_is_refused(file: Path) -> None:
    """The first call keeps its key; the second changes nothing."""
    _create(file)
    answer = _create(file, title="Something else")
    assert answer.error_code == "IDEMPOTENCY_KEY_REUSED"
    assert answer.error_class == "VALIDATION"
    assert [task.fields["title"] for task in Witness(file).objects()] == ["Call back"]


def test_racing_repeats_write_once(file: Path) -> None:
    """Sixteen callers with one key get one object between them."""
    with ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(lambda _: _create(file), range(16)))
    assert len({_id(answer) for answer in answers}) == 1
    assert [answer.deduplicated for answer in answers].count(False) == 1
    assert len(Witness(file).objects()) == 1


def test_the_same_key_of_another_tenant_is_another_call(file: Path) -> None:
    """Keys never meet across tenants."""
    assert _id(_create(file)) != _id(_create(file, tenant="tenant-2"))
    assert len(Witness(file).objects()) == 2


def test_an_undo_can_be_repeated(file: Path) -> None:
    """Deleting what is gone, under any key, is a success that says so."""
    task_id = _id(_create(file))
    assert [
        _delete(file, task_id).deduplicated,
        _delete(file, task_id).deduplicated,
        _delete(file, task_id, key="undo-2").deduplicated,
    ] == [False, True, True]
    assert Witness(file).objects() == []
    operations = [effect.operation for effect in Witness(file).effects()]
    assert operations == ["CREATE", "DELETE", "DEDUPE", "DEDUPE"]


def test_another_tenant_can_neither_find_nor_delete(file: Path) -> None:
    """To a stranger the object does not exist, and it stays."""
    task_id = _id(_create(file))
    assert _find(file, tenant="tenant-2").found is False
    assert _delete(file, task_id, tenant="tenant-2").deduplicated is True
    assert [task.object_id for task in Witness(file).objects()] == [task_id]


def test_a_look_up_tells_what_exists_now(file: Path) -> None:
    """It finds the effect of a key, and no longer after the undo."""
    assert _find(file).found is False
    answer = _create(file)
    assert _find(file).external_objects == answer.external_objects
    _delete(file, _id(answer))
    assert _find(file).as_json() == {"success": True, "found": False, "external_objects": []}


@pytest.mark.parametrize("tampering", ["DELETE FROM effect_log", "UPDATE effect_log SET operation = 'CREATE'"])
def test_the_effect_log_cannot_be_rewritten(file: Path, tampering: str) -> None:
    """The file itself refuses to shorten or change the log."""
    _create(file)
    with (
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
        database.writing(file) as db,
    ):
        db.execute(tampering)
    assert len(Witness(file).effects()) == 1


def test_a_witness_of_a_missing_file_says_so(tmp_path: Path) -> None:
    """A wrong path is an error and never an empty answer, which would look like proof."""
    with pytest.raises(FileNotFoundError, match=r"nowhere\.db is no tool server's database"):
        Witness(tmp_path / "nowhere.db").objects()
