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
from importlib.resources import files
from pathlib import Path

from interact_gitops.errors import Refused

Connection = sqlite3.Connection
Row = sqlite3.Row

APPLICATION_ID = 0x496E7463  # "Intc": another program's database is not ours to migrate
_BUSY_SECONDS = 10.0
_MIGRATION = re.compile(r"(?P<number>\d{4})_\w+\.sql")


class Database:
    """One file. `read` and `write` may be used from any thread, and not inside one another."""

    def __init__(self, path: Path) -> None:
        """Opens the file, makes it when it is not there, and brings it up to date. Raises Refused."""
        self.path = path
        self.commits = 0
        """How often something was written; grows with every `write`. Equal counts: nothing changed in between."""
        self._lock = threading.Lock()
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
        """A transaction that is alone from its first statement on; rolled back when the block raises."""
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
                self.commits += 1
            except BaseException:
                with suppress(sqlite3.Error):  # a failed COMMIT may have rolled back by itself
                    self._writer.execute("ROLLBACK")
                raise

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
