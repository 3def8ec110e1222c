"""The SQLite file: connections, transactions, migrations.

One writer at a time, chosen by a lock in this process (the data folder belongs to one server), so that a write
never meets SQLITE_BUSY; readers see a snapshot and wait for nobody (WAL).
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from interact_gitops.errors import Refused

Connection = sqlite3.Connection
Row = sqlite3.Row

APPLICATION_ID = 0x496E7463  # "Intc": another program's database is not ours to migrate
_BUSY_SECONDS = 10.0
_LARGEST_BATCH = 32  # blocks
_MIGRATION = re.compile(r"(?P<number>\d{4})_\w+\.sql")


class Database:
    """One file. `read` and `write` may be used from any thread, and not inside one another."""

    def __init__(self, path: Path) -> None:
        """Opens the file, makes it when it is not there, and brings it up to date. Raises Refused."""
        self.path = path
        self.commits = 0
        """How often something was written; grows with every `write`. Equal counts: nothing changed in between."""
        self._lock = threading.Lock()  # of the writer and its batch
        self._counting = threading.Lock()
        self._in_line = 0
        self._batch: _Batch | None = None
        self._idle: list[Connection] = []
        self._closed = False
        # Made by us with this mode first: SQLite gives its side files the mode of the file.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        try:
            self._writer = self._connect()
        except sqlite3.Error as error:
            raise _unreadable(path, error) from error
        try:
            migrate(self._writer, path)
        except sqlite3.Error as error:
            self._writer.close()
            raise _unreadable(path, error) from error
        except Refused:
            self._writer.close()
            raise

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is alone from its first statement on; rolled back when the block raises.

        Blocks that wait for each other share one commit, which costs more than most of them: each is a savepoint, the
        last in line commits, and none of them returns before. Raises sqlite3.Error when nothing could be committed.
        """
        self._line_up()
        try:
            if self._batch is None:
                self._writer.execute("BEGIN IMMEDIATE")
                self._batch = _Batch()
            batch = self._batch
            try:
                self._writer.execute("SAVEPOINT block")
                yield self._writer
                self._writer.execute("RELEASE block")
            except BaseException:
                self._undo(batch)
                raise
            finally:
                batch.blocks += 1
                if self._batch is batch and (not self._in_line or batch.blocks >= _LARGEST_BATCH):
                    self._commit(batch)
        finally:
            self._lock.release()
        batch.over.wait()
        if batch.error is not None:
            raise batch.error

    def _line_up(self) -> None:
        """Waits to be alone with the writer."""
        with self._counting:
            self._in_line += 1
        try:
            self._lock.acquire()
        finally:
            with self._counting:
                self._in_line -= 1

    def _undo(self, batch: _Batch) -> None:
        """Takes back what a block did, and nothing of the others; unless SQLite took back all (a full disk)."""
        with suppress(sqlite3.Error):
            self._writer.execute("ROLLBACK TO block")
            self._writer.execute("RELEASE block")
        if not self._writer.in_transaction:
            self._end(batch, sqlite3.OperationalError("the store gave up this transaction and those before it"))

    def _commit(self, batch: _Batch) -> None:
        try:
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):  # a failed COMMIT may have rolled back by itself
                self._writer.execute("ROLLBACK")
            self._end(batch, error)
        else:
            self.commits += 1
            self._end(batch, None)

    def _end(self, batch: _Batch, error: sqlite3.Error | None) -> None:
        self._batch = None
        batch.error = error
        batch.over.set()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot: everything read in the block is of one moment."""
        try:
            connection = self._idle.pop()  # list.pop and append are atomic
        except IndexError:
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)

    def close(self) -> None:
        """Waits for the write in progress and closes every idle connection."""
        self._closed = True
        with self._lock:
            while self._idle:
                self._idle.pop().close()
            self._writer.close()

    def _connect(self) -> Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        connection.row_factory = sqlite3.Row
        # FULL: an answered trigger is on the disk, also after a power cut.
        try:
            for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                connection.execute(f"PRAGMA {setting}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


@dataclass(slots=True)
class _Batch:
    """Blocks that are committed together."""

    blocks: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    error: sqlite3.Error | None = None


def migrations() -> list[tuple[int, str]]:
    """Every migration that this program knows, as (number, SQL), in order."""
    found = []
    for entry in files(__package__).joinpath("sql").iterdir():
        match = _MIGRATION.fullmatch(entry.name)
        if match:
            found.append((int(match["number"]), entry.read_text(encoding="utf-8")))
    return sorted(found)


def migrate(connection: Connection, path: Path) -> None:
    """Brings the schema up to date, each migration in its own transaction. Raises Refused."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if owner != APPLICATION_ID and (tables or owner):
        raise Refused(f"{path} is another program's database", remedy="choose another data folder with --data")
    known = migrations()
    newest = known[-1][0]
    if version > newest:
        raise Refused(
            f"{path} has schema {version}; this version of interact-gitops knows schemas up to {newest}",
            remedy="use the newer version that wrote it, or another data folder",
        )
    for number, sql in known:
        if number > version:
            marks = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number};"
            try:
                connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\n{marks}\nCOMMIT;")
            except sqlite3.Error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


def _unreadable(path: Path, error: sqlite3.Error) -> Refused:
    return Refused(f"the database {path} cannot be used: {error}", remedy="restore it, or choose another data folder")
