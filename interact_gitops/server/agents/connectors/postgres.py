"""PostgreSQL, through psycopg 3 (extra `postgres`).

Each query is a server-side cursor in a READ ONLY transaction: `DECLARE … CURSOR FOR` takes exactly one SELECT
or VALUES, refuses data-modifying WITH, and sends rows as they are fetched. A read-only transaction still lets
a superuser read files and start programs (`COPY … TO PROGRAM`, `pg_read_file`), so such roles are refused.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from interact_gitops.server.agents.connectors.duckdb import failed, tables_of
from interact_gitops.server.agents.connectors.gate import refuse_all_but_select, refuse_reach, refused
from interact_gitops.server.agents.connectors.lexing import Token, bound, tokens
from interact_gitops.server.agents.connectors.watch import watched

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

_IDLE_CONNECTIONS = 8
_CONNECT_SECONDS = 10
# A server that vanished is noticed in about a minute, and not after the system's two hours.
_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}

_SESSION = """
    set default_transaction_read_only = on;
    set standard_conforming_strings = on;
    set timezone = 'UTC';
    set idle_in_transaction_session_timeout = '60s';
"""

_POWERS = """
    select concat_ws(', ',
      case when exists (
        select from pg_catalog.pg_roles where rolsuper and rolname in (current_user, session_user)) then
        'superuser' end,
      (select string_agg(rolname, ', ' order by rolname) from pg_catalog.pg_roles
        where rolname in ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
          and pg_catalog.pg_has_role(session_user, oid, 'member')))
"""

_SCHEMA = """
    select case when table_schema = 'public' then table_name else table_schema || '.' || table_name end,
           column_name, data_type
    from information_schema.columns
    where table_schema not in ('pg_catalog', 'information_schema') order by 1, ordinal_position
"""


class PostgresConnector:
    """Reads one PostgreSQL database. Nothing is opened before the first question."""

    engine = "postgres"

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._lock = threading.Lock()
        self._idle: list[Connection] = []

    def version(self) -> str:
        with self._connection() as connection:
            return _version(connection)

    def tables(self) -> tuple[Table, ...]:
        import psycopg

        with self._connection() as connection:
            try:
                return tables_of(connection.execute(_SCHEMA).fetchall())
            except psycopg.Error as error:
                raise _failed(error) from error

    def query(
        self, sql: str, parameters: Mapping[str, Scalar], *, limits: Limits, cancelled: threading.Event
    ) -> QueryResult:
        import psycopg

        found = tokens(sql)
        refuse_reach(found)
        used = bound(found, parameters)
        as_run = _numbered(found, list(used))
        refuse_all_but_select(as_run, dialect="postgres")

        with self._connection() as connection:
            interrupt = _canceller(connection)
            with watched(interrupt, limits=limits, cancelled=cancelled) as watch:
                started = time.monotonic()
                try:
                    # A second net under the watch: it holds when this process dies.
                    net = f"{math.ceil(limits.timeout_seconds * 1000) + 1000}ms"
                    connection.execute("select set_config('statement_timeout', %s, true)", (net,))
                    with psycopg.RawServerCursor(connection, "answer") as cursor:
                        cursor.execute(as_run, list(used.values()))
                        columns = _columns(connection, cursor.description or ())
                        rows = collect(cursor.fetchmany, limits=limits, watch=watch)
                except psycopg.Error as error:
                    raise watch.failure() or _failed(error) from error
                duration = time.monotonic() - started
            stopped = watch.failure()
            if stopped is not None:  # it ended just before the cancel request, which may hit the next query here
                raise stopped
            return result(
                rows,
                columns=columns,
                duration_seconds=duration,
                engine=self.engine,
                engine_version=_version(connection),
                sql=sql,
                sql_as_run=as_run,
                parameters=used,
            )

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection of one's own in a read-only transaction, which is rolled back after use."""
        connection = self._take() or self._connect()
        try:
            yield connection
        except BaseException:
            # It may still hold a cancel request on its way: a new connection is cheaper than a stray cancel.
            connection.close()
            raise
        connection.rollback()
        with self._lock:
            if len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    def _take(self) -> Connection | None:
        import psycopg

        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            try:
                connection.execute("select 1")
                return connection
            except psycopg.Error:  # the server went away meanwhile
                connection.close()

    def _connect(self) -> Connection:
        import psycopg

        try:
            connection = psycopg.connect(
                self._dsn,
                connect_timeout=_CONNECT_SECONDS,
                application_name="interact-gitops",
                autocommit=True,
            )
        except psycopg.ProgrammingError:
            # Its message quotes the text around the fault, which may be the password.
            raise QueryFailed("the connector's dsn cannot be read", kind="failed", remedy=_DSN) from None
        except psycopg.Error as error:
            message = f"PostgreSQL cannot be reached: {_without_password(str(error).strip(), self._dsn)}"
            raise QueryFailed(message, kind="failed", remedy=_DSN) from None
        try:
            _refuse_powers(connection)
            connection.execute(_SESSION)
            connection.autocommit = False
            connection.read_only = True
        except BaseException:
            connection.close()
            raise
        return connection


_DSN = "check the variable that agents.yaml names; a dsn is postgresql://user:password@host:port/database"


def _refuse_powers(connection: Connection) -> None:
    row = connection.execute(_POWERS).fetchone()
    if row and row[0]:
        raise QueryFailed(
            f"the connector's role has powers beyond reading tables: {row[0]}",
            kind="refused",
            remedy="create a role with SELECT on the tables that agents may read, and use it in the dsn",
        )


def _without_password(message: str, dsn: str) -> str:
    from psycopg.conninfo import conninfo_to_dict

    password = conninfo_to_dict(dsn).get("password")
    return message.replace(str(password), "***") if password else message


def _version(connection: Connection) -> str:
    return connection.info.parameter_status("server_version") or str(connection.info.server_version)


def _numbered(found: tuple[Token, ...], names: list[str]) -> str:
    """The text with `$name` as PostgreSQL's `$1`, and without a closing `;`, which DECLARE cannot take."""
    number = {name: f"${position}" for position, name in enumerate(names, start=1)}
    pieces = [number[token.name] if token.kind == "parameter" else token.text for token in found]
    end = len(pieces)
    while end and (found[end - 1].kind in ("space", "comment") or pieces[end - 1] == ";"):
        end -= 1
    return "".join(pieces[:end])


def _canceller(connection: Connection) -> Any:
    import psycopg

    def cancel() -> None:
        try:
            connection.cancel_safe(timeout=_CONNECT_SECONDS)
        except psycopg.Error:
            # Nothing to cancel any more, or no new connection for the request: statement_timeout still holds.
            return

    return cancel


def _columns(connection: Connection, description: Any) -> tuple[Column, ...]:
    columns = []
    for entry in description:
        known = connection.adapters.types.get(entry.type_code)
        name = known.name if known else f"oid {entry.type_code}"
        columns.append(Column(name=entry.name, type=name))
    return tuple(columns)


def _failed(error: psycopg.Error) -> QueryFailed:
    from psycopg import errors

    said = error.diag.message_primary or str(error).strip()
    if isinstance(error, errors.ReadOnlySqlTransaction | errors.InsufficientPrivilege | errors.InvalidCursorDefinition):
        return refused(f"PostgreSQL says {said}")
    if isinstance(error, errors.QueryCanceled):
        return QueryFailed(f"the query was stopped: {said}", kind="timeout")
    return failed(Exception(said))
