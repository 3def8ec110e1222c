"""The ledger in PostgreSQL: any number of runners on any number of machines, no leader.

Everything stands in a schema of its own. Connections are kept and reused; one that turns out dead before its commit
is replaced and the work done again, since the database has forgotten it. A commit that was sent and not answered is
`committed="maybe"`: the caller reads again. Announcements go by LISTEN/NOTIFY on a connection of their own, which
needs a direct connection or a pooler in session mode.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from interact_gitops.ledger.clock import LeaseTime
from interact_gitops.ledger.database import Row, Values, migrations, refuse_newer
from interact_gitops.ledger.errors import (
    Committed,
    LedgerForeign,
)
from interact_gitops.ledger.trouble import POSTGRES_SCHEMA as SCHEMA
from interact_gitops.ledger.trouble import postgres_failure

if TYPE_CHECKING:
    import psycopg

CHANNEL = "interact_gitops_work"
LOCK_SECONDS = 10
_MIGRATION_LOCK = 0x496E74674C64  # one migration at a time, by this number
_TRIES = 5
_LISTEN_SECONDS = 0.5  # how soon a waiter sees that the ledger was closed
_CLOCK = "; SELECT extract(epoch FROM clock_timestamp())::float8, version FROM schema_version"
_NAMED = re.compile(r"(?<![:\w]):(\w+)")

T = TypeVar("T")


@lru_cache(maxsize=256)
def _translated(sql: str) -> str:
    return _NAMED.sub(r"%(\1)s", sql.replace(":rows AS v(", "json_to_recordset(CAST(:rows AS json)) AS v("))


class PostgresSession:
    """One transaction on one connection."""

    def __init__(self, connection: psycopg.Connection[Row], clock: LeaseTime) -> None:
        self._connection = connection
        self.clock = clock

    def all(self, sql: str, **values: Any) -> list[Row]:
        """See `Session`."""
        return self._connection.execute(_translated(sql), values).fetchall()

    def do(self, sql: str, **values: Any) -> int:
        """See `Session`."""
        return self._connection.execute(_translated(sql), values).rowcount

    def bulk(self, sql: str, rows: Sequence[Values], **values: Any) -> list[Row]:
        """See `Session`."""
        if not rows:
            return []
        cursor = self._connection.execute(_translated(sql), {"rows": json.dumps(rows), **values})
        return cursor.fetchall() if cursor.description else []

    def announce(self) -> None:
        """Delivered with the commit; equal announcements of one transaction are one."""
        self._connection.execute(f"NOTIFY {CHANNEL}")


class PostgresDatabase:
    """One database. Each transaction has a connection to itself, so threads do not wait for each other here."""

    def __init__(self, url: str, *, where: str, lock_seconds: float = LOCK_SECONDS) -> None:
        """Connects and brings the schema up to date; `where` is the URL without its password.

        Raises LedgerFailure.
        """
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            conninfo_to_dict(url)
        except psycopg.ProgrammingError:  # its text may quote the password
            raise LedgerForeign(
                f"the ledger's address {where} cannot be read",
                remedy="write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with %40 for @ and so on in the password",
            ) from None
        self._psycopg = psycopg
        self._url = url
        self._where = where
        self._lock_seconds = lock_seconds
        self._idle: list[psycopg.Connection[Row]] = []
        self._listener: psycopg.Connection[Row] | None = None
        self._listening = threading.Lock()
        self._closed = False
        self._known = migrations("postgres")
        self._newest = self._known[-1][0]
        self._migrate()

    def write(self, work: Callable[[PostgresSession], T]) -> T:
        """See `Database`."""
        return self._transact("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE" + _CLOCK, work)

    def read(self, work: Callable[[PostgresSession], T]) -> T:
        """See `Database`."""
        return self._transact("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" + _CLOCK, work)

    def wait(self, seconds: float) -> bool:
        """Sleeps until somebody announces work. The first call only begins to listen, and so returns at once."""
        end = time.monotonic() + seconds
        with self._listening:
            try:
                if self._listener is None:
                    self._listener = self._connect()
                    self._listener.execute(f"LISTEN {CHANNEL}")
                    return True
                while (left := end - time.monotonic()) > 0 and not self._closed:
                    for _ in self._listener.notifies(timeout=min(_LISTEN_SECONDS, left), stop_after=1):
                        return True
                return False
            except self._psycopg.Error as error:
                if self._listener is not None:
                    self._listener.close()
                    self._listener = None
                raise self._failure(error, "no") from None

    def check(self) -> list[str]:
        """Nothing: a PostgreSQL server looks after its own files."""
        self.read(lambda session: session.all("SELECT 1"))
        return []

    def describe(self) -> str:
        """The URL without its password."""
        return self._where

    def close(self) -> None:
        """Closes what is idle; a transaction in progress closes its connection when it ends."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
        with self._listening:
            if self._listener is not None:
                self._listener.close()
                self._listener = None

    def _transact(self, begin: str, work: Callable[[PostgresSession], T]) -> T:
        for number in range(1, _TRIES + 1):
            connection, fresh = self._take()
            committing = False
            try:
                clock = self._begin(connection, begin)
                result = work(PostgresSession(connection, clock))
                committing = True
                connection.execute("COMMIT")
            except BaseException as error:
                dead = self._give_back(connection, spoilt=True)
                if not isinstance(error, self._psycopg.Error):
                    raise
                if number < _TRIES and self._again(error, stale=dead and not fresh and not committing):
                    time.sleep(random.uniform(0, 0.02) * number)  # noqa: S311 - two that met should not meet again
                    continue
                raise self._failure(error, "maybe" if committing and dead else "no") from None
            self._give_back(connection)
            return result
        raise AssertionError("the last try returns or raises")  # pragma: no cover

    def _begin(self, connection: psycopg.Connection[Row], begin: str) -> LeaseTime:
        """Begins, and in the same round trip reads the clock and the schema's version."""
        cursor = connection.execute(begin, prepare=False)  # two statements at once cannot be prepared
        cursor.nextset()
        seconds, version = cursor.fetchone() or (0.0, 0)
        refuse_newer(self._where, version, self._newest)
        return LeaseTime(epoch="database", seconds=seconds, wall=datetime.fromtimestamp(seconds, UTC))

    def _again(self, error: psycopg.Error, *, stale: bool) -> bool:
        """Whether the work is done once more: the database chose it to break a deadlock, or had restarted."""
        if stale:  # found dead at its first use: so are, most likely, those that lay beside it
            while self._idle:
                self._idle.pop().close()
        codes = self._psycopg.errors
        return stale or isinstance(error, codes.DeadlockDetected | codes.SerializationFailure)

    def _take(self) -> tuple[psycopg.Connection[Row], bool]:
        """A connection, and whether it was made just now."""
        while True:
            try:
                connection = self._idle.pop()  # list.pop and append are atomic
            except IndexError:
                break
            if not connection.closed:
                return connection, False
        try:
            return self._connect(), True
        except self._psycopg.Error as error:
            raise self._failure(error, "no") from None

    def _give_back(self, connection: psycopg.Connection[Row], *, spoilt: bool = False) -> bool:
        """Whether the connection was dead."""
        if spoilt and not connection.closed:
            with suppress(self._psycopg.Error):
                connection.execute("ROLLBACK")
        dead = bool(connection.closed or connection.broken)
        if dead or self._closed or connection.info.transaction_status != 0:
            connection.close()
        else:
            self._idle.append(connection)
        return dead

    def _connect(self) -> psycopg.Connection[Row]:
        connection = self._psycopg.connect(
            self._url,
            autocommit=True,  # transactions are begun and ended in words, see _transact
            connect_timeout=10,
            application_name="interact-gitops",
            keepalives_idle=15,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=30_000,
        )
        try:
            milliseconds = int(self._lock_seconds * 1_000)
            connection.execute(
                f"SET search_path = {SCHEMA}; SET lock_timeout = {milliseconds};"
                f" SET idle_in_transaction_session_timeout = '60s'; SET statement_timeout = '120s'"
            )
            # An intent that a crash of the database forgets is a run that may go out twice.
            row = connection.execute("SHOW synchronous_commit").fetchone()
            if row and row[0] == "off":
                connection.execute("SET synchronous_commit = on")
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self) -> None:
        """All that is missing in one transaction, alone: PostgreSQL's definitions roll back like data."""
        connection, _ = self._take()
        try:
            connection.execute("BEGIN")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            # Asked first, because creating needs a right to the database that a ledger's role may lack.
            here = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (SCHEMA,)).fetchone()
            if here is None or not here[0]:
                connection.execute(f"CREATE SCHEMA {SCHEMA}")
            table = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.schema_version",)).fetchone()
            if table is None or not table[0]:
                connection.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
                connection.execute("INSERT INTO schema_version VALUES (0)")
            row = connection.execute("SELECT version FROM schema_version").fetchone()
            version = row[0] if row else 0
            refuse_newer(self._where, version, self._newest)
            for number, sql in self._known:
                if number > version:
                    connection.execute(sql)
                    connection.execute("UPDATE schema_version SET version = %s", (number,))
            connection.execute("COMMIT")
        except BaseException as error:
            connection.close()  # and with it the transaction
            if isinstance(error, self._psycopg.Error):
                raise self._failure(error, "no") from None
            raise
        self._give_back(connection)

    def _failure(self, error: psycopg.Error, committed: Committed) -> Exception:
        return postgres_failure(self._where, error, committed) or error
