"""DuckDB files.

One connection per file, one cursor per query: a cursor is a session of its own and may run beside others. The
file stays open for reading between queries, which costs nothing and keeps its cache, but takes DuckDB's
shared lock: a loader writes another file and renames it over this one, and the next query that finds no other
in progress opens the new file.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interact_gitops.server.agents.connectors.collecting import collect, result
from interact_gitops.server.agents.connectors.connector import (
    Column,
    Limits,
    QueryFailed,
    QueryResult,
    Scalar,
    Table,
)
from interact_gitops.server.agents.connectors.gate import refuse_reach, refused
from interact_gitops.server.agents.connectors.lexing import bound, tokens
from interact_gitops.server.agents.connectors.watch import Watch, watched

if TYPE_CHECKING:
    import duckdb

# https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
LOCKED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",  # or a table name would find Python variables
    "memory_limit": "1GB",
    "temp_directory": "",  # what does not fit in memory fails, and writes nothing
}

_LONGEST_MESSAGE = 500

_SCHEMA = """
    select case when schema_name = 'main' then table_name else schema_name || '.' || table_name end,
           column_name, data_type
    from duckdb_columns() where not internal and database_name = current_database()
    order by 1, column_index
"""


class DuckDBConnector:
    """Reads one DuckDB file. Nothing is opened before the first question."""

    engine = "duckdb"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._opened: tuple[int, ...] = ()
        self._in_progress = 0

    def version(self) -> str:
        import duckdb

        return str(duckdb.__version__)

    def tables(self) -> tuple[Table, ...]:
        import duckdb

        with self._cursor() as cursor:
            try:
                return tables_of(cursor.execute(_SCHEMA).fetchall())
            except duckdb.Error as error:
                raise failed(error) from error

    def query(
        self, sql: str, parameters: Mapping[str, Scalar], *, limits: Limits, cancelled: threading.Event
    ) -> QueryResult:
        import duckdb

        found = tokens(sql)
        refuse_reach(found)
        used = bound(found, parameters)
        with self._cursor() as cursor, watched(cursor.interrupt, limits=limits, cancelled=cancelled) as watch:
            try:
                _refuse_all_but_select(cursor, sql)
                started = time.monotonic()
                return self._run(cursor, sql, used, limits=limits, watch=watch, started=started)
            except duckdb.InterruptException:
                watch.check()
                raise QueryFailed("the query was interrupted", kind="cancelled") from None
            except duckdb.Error as error:
                raise watch.failure() or failed(error) from error

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _run(
        self,
        cursor: duckdb.DuckDBPyConnection,
        sql: str,
        parameters: Mapping[str, Scalar],
        *,
        limits: Limits,
        watch: Watch,
        started: float,
    ) -> QueryResult:
        as_run = sql
        cursor.execute(sql, dict(parameters))
        columns = _columns(cursor)
        zoned = [index for index, column in enumerate(columns) if "TIMESTAMP WITH TIME ZONE" in column.type]
        if zoned:
            as_run = _with_text_times(sql, len(columns), zoned)
            cursor.execute(as_run, dict(parameters))

        def fetch(count: int) -> list[Sequence[object]]:
            return [_iso(row, zoned) for row in cursor.fetchmany(count)]

        rows = collect(fetch, limits=limits, watch=watch)
        return result(
            rows,
            columns=columns,
            duration_seconds=time.monotonic() - started,
            engine=self.engine,
            engine_version=self.version(),
            sql=sql,
            sql_as_run=as_run,
            parameters=parameters,
        )

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lock:
            cursor = self._open().cursor()
            self._in_progress += 1
        try:
            yield cursor
        finally:
            with self._lock:
                self._in_progress -= 1
                cursor.close()

    def _open(self) -> duckdb.DuckDBPyConnection:
        """The connection, made anew when the file was replaced. DuckDB keeps one database per path and
        process, so it is closed first, and only when nobody reads it."""
        signature = _signature(self._path)
        if self._connection is not None and signature != self._opened and not self._in_progress:
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = _connect(self._path)
            self._opened = signature
        return self._connection


def tables_of(found: Sequence[Sequence[Any]]) -> tuple[Table, ...]:
    """Tables from rows of (table, column, type) that are sorted by table."""
    columns: dict[str, list[Column]] = {}
    for table, column, kind in found:
        columns.setdefault(table, []).append(Column(name=column, type=kind))
    return tuple(Table(name=name, columns=tuple(entries)) for name, entries in columns.items())


def failed(error: Exception) -> QueryFailed:
    """The engine's own error, cut to a length that fits in a message."""
    said = str(error).split("Candidate functions", 1)[0].strip()[:_LONGEST_MESSAGE]
    return QueryFailed(f"the query failed: {said}", kind="failed")


def _signature(path: Path) -> tuple[int, ...]:
    try:
        stat = path.stat()
    except OSError as error:
        remedy = "check the connector's path in agents.yaml"
        raise QueryFailed(f"cannot open {path}: {error.strerror}", kind="failed", remedy=remedy) from error
    return (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    try:
        connection = duckdb.connect(str(path), read_only=True, config=dict(LOCKED))
        locked = connection.execute("select current_setting('lock_configuration')").fetchone()
        if locked != (True,):  # a second connector on the same file finds the settings made and locked
            connection.execute("set global TimeZone = 'UTC'; set global lock_configuration = true")
    except duckdb.Error as error:
        remedy = "a DuckDB file can be read while no process has it open for writing"
        raise QueryFailed(f"cannot open {path}: {error}", kind="failed", remedy=remedy) from error
    return connection


def _refuse_all_but_select(cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
    import duckdb

    statements = cursor.extract_statements(sql)
    if len(statements) != 1:
        raise refused(f"it holds {len(statements)} statements")
    kind = statements[0].type
    if kind != duckdb.StatementType.SELECT:
        raise refused(f"it is a {kind.name} statement")


def _columns(cursor: duckdb.DuckDBPyConnection) -> tuple[Column, ...]:
    return tuple(Column(name=entry[0], type=str(entry[1])) for entry in cursor.description or ())


def _with_text_times(sql: str, width: int, zoned: Sequence[int]) -> str:
    """The same rows with times in a zone as text: DuckDB's Python client needs pytz to make objects of
    them."""
    inner = "".join(token.text for token in tokens(sql) if token.text != ";")
    picked = ", ".join(f"c{i}::varchar" if i in zoned else f"c{i}" for i in range(width))
    names = ", ".join(f"c{i}" for i in range(width))
    return f"select {picked} from (\n{inner}\n) as q({names})"  # noqa: S608  # the query itself


def _iso(row: Sequence[object], zoned: Sequence[int]) -> Sequence[object]:
    if not zoned:
        return row
    return [_iso_time(value) if index in zoned else value for index, value in enumerate(row)]


def _iso_time(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value).isoformat()
    except ValueError:  # infinity, a year that Python does not know, or a list of times
        return value
