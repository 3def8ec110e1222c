"""The ledger in one SQLite file: the default, for any number of processes on one machine.

WAL, so that readers wait for nobody; `synchronous=FULL`, so that a commit that returned is on the disk; every write
begins with `BEGIN IMMEDIATE`, so that it is alone from its first statement and never has to give up half-way. The
statements are PostgreSQL's but for lists (`json_each`) and row locks, which a database with one writer does without.

Not for network file systems: WAL shares memory between the processes that use the file.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from interact_gitops.ledger.clock import LeaseClock, LeaseTime, boot_clock
from interact_gitops.ledger.database import Row, Values, migrations, refuse_newer
from interact_gitops.ledger.errors import (
    Committed,
    LedgerFailure,
    LedgerForeign,
    LedgerLost,
)
from interact_gitops.ledger.sqlite_file import make_file, set_wal, statements
from interact_gitops.ledger.trouble import sqlite_failure

APPLICATION_ID = 0x49674C64  # "IgLd": another program's database is not ours to migrate
BUSY_SECONDS = 10.0
_POLL_SECONDS = 0.2
_IN_LIST = re.compile(r"= ANY\(:(\w+)\)")
_NOT_IN_LIST = re.compile(r"<> ALL\(:(\w+)\)")
_ROWS = re.compile(r":rows AS v\(([^)]*)\)")
_ROW_LOCK = re.compile(r"\s+FOR UPDATE(?: OF \w+)?(?: SKIP LOCKED)?\s*$")

T = TypeVar("T")


def _table(rows: re.Match[str]) -> str:
    names = [column.split()[0] for column in rows[1].split(", ")]
    values = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in names)
    return f"(SELECT {values} FROM json_each(:rows)) AS v"  # noqa: S608 - names of our own columns


@lru_cache(maxsize=256)
def _translated(sql: str) -> str:
    listed = _IN_LIST.sub(r"IN (SELECT value FROM json_each(:\1))", sql)
    listed = _ROWS.sub(_table, listed)
    return _ROW_LOCK.sub("", _NOT_IN_LIST.sub(r"NOT IN (SELECT value FROM json_each(:\1))", listed))


class SqliteSession:
    """One transaction on one connection."""

    def __init__(self, connection: sqlite3.Connection, clock: LeaseTime) -> None:
        self._connection = connection
        self.clock = clock

    def all(self, sql: str, **values: Any) -> list[Row]:
        """See `Session`."""
        return self._connection.execute(_translated(sql), _lists(values)).fetchall()

    def do(self, sql: str, **values: Any) -> int:
        """See `Session`."""
        return self._connection.execute(_translated(sql), _lists(values)).rowcount

    def bulk(self, sql: str, rows: Sequence[Values], **values: Any) -> list[Row]:
        """See `Session`."""
        return self.all(sql, rows=list(rows), **values) if rows else []

    def announce(self) -> None:
        """Nothing to do: whoever waits looks at the file."""


class SqliteDatabase:
    """One file. Threads of this process take turns by a lock, processes by SQLite's own."""

    def __init__(self, path: Path, *, clock: LeaseClock | None = None, busy_seconds: float = BUSY_SECONDS) -> None:
        """Opens the file, makes it (and its folder) when it is not there, and brings it up to date.

        Raises LedgerFailure.
        """
        self.path = path
        self._clock = clock or boot_clock()
        self._busy = busy_seconds
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._watch: sqlite3.Connection | None = None
        self._watching = threading.Lock()
        self._closed = False
        self._known = migrations("sqlite")
        self.newest = self._known[-1][0]  # the schema that this program knows
        self._identity = make_file(path)
        try:
            self._writer = self._connect()
        except sqlite3.Error as error:
            raise self._failure(error, "no") from error
        try:
            self._migrate()
        except BaseException:
            self._writer.close()
            raise

    def write(self, work: Callable[[SqliteSession], T]) -> T:
        """See `Database`."""
        with self._lock:
            self._same_file()
            committing = False
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                refuse_newer(self.describe(), self._writer.execute("PRAGMA user_version").fetchone()[0], self.newest)
                result = work(SqliteSession(self._writer, self._clock()))
                committing = True
                self._writer.execute("COMMIT")
            except BaseException as error:
                rolled_back = self._roll_back()
                if not isinstance(error, sqlite3.Error):
                    raise
                # After a failed sync the commit may already stand in the log, for whoever reads it next.
                sure = not committing or (rolled_back and error.sqlite_errorcode == sqlite3.SQLITE_FULL)
                sure = sure or error.sqlite_errorcode == sqlite3.SQLITE_BUSY
                raise self._failure(error, "no" if sure else "maybe") from error
            self._same_file(committed="maybe")
            return result

    def read(self, work: Callable[[SqliteSession], T]) -> T:
        """See `Database`."""
        self._same_file()
        try:
            connection = self._take()
            try:
                connection.execute("BEGIN")
                refuse_newer(self.describe(), connection.execute("PRAGMA user_version").fetchone()[0], self.newest)
                return work(SqliteSession(connection, self._clock()))
            finally:
                self._give_back(connection)
        except sqlite3.Error as error:
            raise self._failure(error, "no") from error

    def wait(self, seconds: float) -> bool:
        """Looks at the file's change counter a few times a second: true when another connection committed."""
        end = time.monotonic() + seconds
        with self._watching:
            before = self._changes()
            while (left := end - time.monotonic()) > 0 and not self._closed:
                time.sleep(min(_POLL_SECONDS, left))
                if self._changes() != before:
                    return True
        return False

    def check(self) -> list[str]:
        """See `Database`."""

        def work(session: SqliteSession) -> list[str]:
            found = [row[0] for row in session.all("PRAGMA integrity_check(20)") if row[0] != "ok"]
            broken = session.all("PRAGMA foreign_key_check")
            return found + [f"a row of {row[0]} belongs to none of {row[2]}" for row in broken[:20]]

        return self.read(work)

    def describe(self) -> str:
        """The file's path."""
        return str(self.path)

    def close(self) -> None:
        """Waits for the write in progress and closes every connection that is idle."""
        self._closed = True
        with self._lock:
            while self._idle:
                self._idle.pop().close()
            self._writer.close()
        with self._watching:
            if self._watch is not None:
                self._watch.close()
                self._watch = None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self._busy, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            set_wal(connection, patience=self._busy)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()  # list.pop and append are atomic
        except IndexError:
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
            return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)

    def _roll_back(self) -> bool:
        """Whether there was still a transaction to roll back."""
        open_still = self._writer.in_transaction
        with suppress(sqlite3.Error):
            if open_still:
                self._writer.execute("ROLLBACK")
        return open_still

    def _changes(self) -> int:
        try:
            if self._watch is None:
                self._watch = self._connect()
            changes: int = self._watch.execute("PRAGMA data_version").fetchone()[0]
            return changes
        except sqlite3.Error as error:
            raise self._failure(error, "no") from error

    def _same_file(self, *, committed: Committed = "no") -> None:
        """A file that was removed or replaced under us would take every write and keep none."""
        try:
            found = os.stat(self.path)
        except OSError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != self._identity:
            raise LedgerLost(
                f"the ledger {self.path} was removed or replaced while it was in use",
                remedy="put the file back as it was, or restart to begin with what is there now",
                committed=committed,
            )

    def _migrate(self) -> None:
        """Each migration in its own transaction; of two processes that start at once, one finds it done."""
        try:
            self._writer.execute("BEGIN")  # what is looked at must be of one moment
            version = self._version()
            self._writer.execute("ROLLBACK")
            for number, sql in self._known:
                if version < number:
                    self._writer.execute("BEGIN IMMEDIATE")
                    self._migrate_to(number, sql)
                    self._writer.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.Error):
                raise self._failure(error, "no") from error
            raise

    def _migrate_to(self, number: int, sql: str) -> None:
        if self._version() < number:  # looked at again, now that nobody else can be at it
            for statement in statements(sql):
                self._writer.execute(statement)
            self._writer.execute(f"PRAGMA user_version = {number}")
            self._writer.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    def _version(self) -> int:
        owner = self._writer.execute("PRAGMA application_id").fetchone()[0]
        tables = self._writer.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if owner != APPLICATION_ID and (tables or owner):
            raise LedgerForeign(
                f"{self.path} is another program's database", remedy="choose another file for the ledger"
            )
        version: int = self._writer.execute("PRAGMA user_version").fetchone()[0]
        refuse_newer(self.describe(), version, self.newest)
        return version

    def _failure(self, error: sqlite3.Error, committed: Committed) -> LedgerFailure:
        return sqlite_failure(self.path, error, committed)


def _lists(values: dict[str, Any]) -> dict[str, Any]:
    return {name: json.dumps(value) if isinstance(value, list) else value for name, value in values.items()}
