"""The SQLite file that the server, the fault plan and the witness share.

Owns the tables and how a connection is opened. It exists so that any process may read the evidence or add a
fault while the server runs: one file, write-ahead logging, a connection per piece of work.

It will not keep connections open or know what the rows mean.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

_BUSY_TIMEOUT_SECONDS = 10.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    object_id TEXT PRIMARY KEY, object_type TEXT NOT NULL, tool TEXT NOT NULL,
    tenant_id TEXT NOT NULL, account_id TEXT NOT NULL, action_intent_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL, fields TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    tenant_id TEXT NOT NULL, account_id TEXT NOT NULL, idempotency_key TEXT NOT NULL,
    arguments_digest TEXT NOT NULL, answer TEXT NOT NULL,
    PRIMARY KEY (tenant_id, account_id, idempotency_key));
CREATE TABLE IF NOT EXISTS effect_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, tool TEXT NOT NULL, operation TEXT NOT NULL,
    object_id TEXT, idempotency_key TEXT, tenant_id TEXT, account_id TEXT, action_intent_id TEXT,
    tool_run_ref TEXT);
CREATE TRIGGER IF NOT EXISTS effect_log_is_never_changed BEFORE UPDATE ON effect_log
    BEGIN SELECT RAISE(ABORT, 'effect_log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS effect_log_is_never_shortened BEFORE DELETE ON effect_log
    BEGIN SELECT RAISE(ABORT, 'effect_log is append-only'); END;
CREATE TABLE IF NOT EXISTS request_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, tool TEXT, action_intent_id TEXT, fault TEXT,
    http_status INTEGER, protocol_version TEXT);
CREATE TABLE IF NOT EXISTS faults (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, remaining INTEGER NOT NULL, tool TEXT, action_intent_id TEXT,
    fault TEXT NOT NULL);
"""


def prepare(database: Path) -> None:
    """Create the file, its folder and its tables where they are missing; harmless on an existing one."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(database, timeout=_BUSY_TIMEOUT_SECONDS)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(_SCHEMA)


@contextlib.contextmanager
def writing(database: Path) -> Iterator[sqlite3.Connection]:
    """Open one write transaction: it holds the only write lock, commits at the end, rolls back on an error."""
    connection = sqlite3.connect(database, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None)
    with contextlib.closing(connection):
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous=OFF")  # must outlive this process, not this machine
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


@contextlib.contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    """Open a connection that cannot write; raises `sqlite3.OperationalError` when the file is absent."""
    uri = f"{database.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_SECONDS)
    with contextlib.closing(connection):
        connection.row_factory = sqlite3.Row
        yield connection
