"""SQLite files.

A connection per query: opening one costs less than sharing it safely. Opened with `mode=ro` and not
`immutable=1`, which would read past locks and the write-ahead log and so give wrong rows while a loader
writes. The authorizer (https://sqlite.org/c3ref/set_authorizer.html) admits reading tables and calling
functions, and nothing else: no ATTACH, no PRAGMA, no writing, whatever the gate thought of the text.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from urllib.parse import quote

from interact_gitops.server.agents.connectors.collecting import Rows, collect, result
from interact_gitops.server.agents.connectors.connector import (
    Column,
    Limits,
    QueryFailed,
    QueryResult,
    Scalar,
    Table,
)
from interact_gitops.server.agents.connectors.duckdb import failed, tables_of
from interact_gitops.server.agents.connectors.gate import refuse_all_but_select, refuse_reach, refused
from interact_gitops.server.agents.connectors.lexing import Token, bound, tokens
from interact_gitops.server.agents.connectors.watch import watched

_LONGEST_VALUE_BYTES = 64 * 1024 * 1024
_LONGEST_PATTERN_BYTES = 500  # matching is not interrupted, and takes up to the value's length times the pattern's
_BUSY_SECONDS = 5.0
_ALLOWED = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE))

_SCHEMA = """
    select m.name, c.name, coalesce(nullif(c.type, ''), 'ANY')
    from sqlite_master m, pragma_table_info(m.name) c
    where m.type in ('table', 'view') and m.name not like 'sqlite\\_%' escape '\\' order by m.name, c.cid
"""


class SQLiteConnector:
    """Reads one SQLite file."""

    engine = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path

    def version(self) -> str:
        return sqlite3.sqlite_version

    def tables(self) -> tuple[Table, ...]:
        with self._connection() as connection:
            try:
                return tables_of(connection.execute(_SCHEMA).fetchall())
            except sqlite3.Error as error:
                raise failed(error) from error

    def query(
        self, sql: str, parameters: Mapping[str, Scalar], *, limits: Limits, cancelled: threading.Event
    ) -> QueryResult:
        found = tokens(sql)
        _refuse_other_parameters(found)
        refuse_reach(found)
        refuse_all_but_select(sql, dialect="sqlite")
        used = bound(found, parameters)
        with self._connection() as connection:
            connection.set_authorizer(_authorize)
            with watched(connection.interrupt, limits=limits, cancelled=cancelled) as watch:
                started = time.monotonic()
                try:
                    cursor = connection.execute(sql, {name: _value(value) for name, value in used.items()})
                    rows = collect(cursor.fetchmany, limits=limits, watch=watch)
                except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
                    watch.check()
                    raise watch.failure() or _failed(error) from error
                duration = time.monotonic() - started
        return result(
            rows,
            columns=_columns([entry[0] for entry in cursor.description], rows),
            duration_seconds=duration,
            engine=self.engine,
            engine_version=self.version(),
            sql=sql,
            sql_as_run=sql,
            parameters=used,
        )

    def close(self) -> None:
        """Nothing stays open between queries."""

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        uri = f"file:{quote(str(self._path.absolute()))}?mode=ro"
        try:
            connection = sqlite3.connect(
                uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            remedy = "check the connector's path in agents.yaml"
            raise QueryFailed(f"cannot open {self._path}: {error}", kind="failed", remedy=remedy) from error
        try:
            connection.text_factory = _text
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE_BYTES)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _LONGEST_PATTERN_BYTES)
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            connection.execute("pragma query_only = on")
            yield connection
        except sqlite3.DatabaseError as error:  # of the two lines above: it is not a database
            raise failed(error) from error
        finally:
            connection.close()


def _authorize(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _refuse_other_parameters(found: tuple[Token, ...]) -> None:
    """SQLite would also bind `:name`, `@name` and `?`, and reads `[name]` as a quoted name."""
    for token in found:
        if token.kind == "symbol" and token.text in ":@?[":
            raise refused(f'it has a {token.text}; parameters are written $name, and names are quoted "…"')


def _value(value: Scalar) -> str | int | float | None:
    return value.isoformat() if isinstance(value, date) else value


def _failed(error: Exception) -> QueryFailed:
    # https://sqlite.org/rescode.html#auth, and the read-only file or session
    code = getattr(error, "sqlite_errorcode", None)
    if code in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY):
        return refused(f"SQLite says {error}")
    return failed(error)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _columns(names: Sequence[str], rows: Rows) -> tuple[Column, ...]:
    """SQLite types values, not columns of a result: a column's type is that of its first value."""
    return tuple(Column(name=name, type=_type(rows, index)) for index, name in enumerate(names))


def _type(rows: Rows, index: int) -> str:
    first = next((row[index] for row in rows.rows if row[index] is not None), None)
    names = {int: "INTEGER", float: "REAL", str: "TEXT"}
    return names.get(type(first), "NULL")
