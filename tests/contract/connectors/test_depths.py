"""Each depth holds without the others: the gate is taken away, and the engine itself still refuses."""

from __future__ import annotations

import threading

import pytest

from interact_gitops.server.agents.connectors import duckdb as duckdb_backend
from interact_gitops.server.agents.connectors import postgres as postgres_backend
from interact_gitops.server.agents.connectors import sqlite as sqlite_backend
from interact_gitops.server.agents.connectors.connector import Limits, QueryFailed
from interact_gitops.server.agents.connectors.postgres import PostgresConnector

BACKENDS = (duckdb_backend, sqlite_backend, postgres_backend)

WRITES = {
    "duckdb": [
        "delete from campaigns",
        "create table evil as select 1",
        "attach '/tmp/evil.duckdb' as evil",
        "copy campaigns to '/tmp/evil.csv'",
        "set lock_configuration = false",
        "install httpfs",
        "select * from read_text('/etc/passwd')",
    ],
    "sqlite": [
        "delete from campaigns",
        "create temp table evil as select 1",
        "attach ':memory:' as evil",
        "pragma query_only = off",
        "select * from pragma_database_list",
        "select load_extension('evil')",
        "select 1; delete from campaigns",
    ],
    "postgres": [
        "delete from campaigns",
        "with x as (delete from campaigns returning *) select * from x",
        "select * from campaigns for update",
        "select 1; delete from campaigns",
        "select nextval('counter')",
        "select set_config('transaction_read_only', 'off', false)",
        "select pg_read_file('/etc/passwd')",
        "select lo_create(1)",
        "copy campaigns to '/tmp/evil'",
        "select query_to_xml('delete from campaigns', true, true, '')",
    ],
}


@pytest.fixture
def no_gate(monkeypatch):
    for backend in BACKENDS:
        for gate in ("refuse_reach", "refuse_all_but_select", "_refuse_all_but_select", "_refuse_other_parameters"):
            monkeypatch.setattr(backend, gate, lambda *_, **__: None, raising=False)


def test_the_engine_refuses_by_itself(no_gate, ask, engine):
    before = ask("select id, name, budget from campaigns order by id").sha256
    for sql in WRITES[engine]:
        with pytest.raises(QueryFailed):
            ask(sql)
    assert ask("select id, name, budget from campaigns order by id").sha256 == before


def test_postgres_sleep_ends_with_the_time_limit(no_gate, postgres_dsn):
    connector = PostgresConnector(postgres_dsn("reader"))
    with pytest.raises(QueryFailed) as caught:
        connector.query("select pg_sleep(30)", {}, limits=Limits(timeout_seconds=0.2), cancelled=threading.Event())
    assert caught.value.kind == "timeout"
    connector.close()


@pytest.mark.parametrize(("role", "said"), [("postgres", "superuser"), ("poweruser", "pg_read_server_files")])
def test_postgres_roles_with_powers_are_refused(postgres_dsn, role, said):
    connector = PostgresConnector(postgres_dsn(role))
    for use in (connector.version, connector.tables):
        with pytest.raises(QueryFailed, match=said) as caught:
            use()
        assert caught.value.kind == "refused"
        assert "create a role" in str(caught.value.remedy)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://reader:canary-s3cret@127.0.0.1:1/x",
        "host=127.0.0.1 port=1 password=canary-s3cret x y",
        "canary-s3cret",
        "postgresql://reader:canary-s3cret@[::1:x/",
    ],
)
def test_postgres_failures_never_say_the_password(dsn):
    with pytest.raises(QueryFailed) as caught:
        PostgresConnector(dsn).version()
    assert "canary" not in f"{caught.value!s} {caught.value!r} {caught.value.__cause__!r}"


def test_postgres_survives_the_server_dropping_its_connections(postgres_dsn, postgres_server):
    import psycopg

    connector = PostgresConnector(postgres_dsn("reader"))
    connector.version()
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reader'")
    assert connector.version()
    connector.close()


def test_a_missing_file_is_said(tmp_path):
    for make in (duckdb_backend.DuckDBConnector, sqlite_backend.SQLiteConnector):
        with pytest.raises(QueryFailed, match=r"cannot open .*nowhere"):
            make(tmp_path / "nowhere.db").tables()


def test_a_file_that_is_no_database_is_said(tmp_path):
    path = tmp_path / "text.db"
    path.write_text("not a database, but long enough to look like one\n" * 100)
    for make in (duckdb_backend.DuckDBConnector, sqlite_backend.SQLiteConnector):
        with pytest.raises(QueryFailed):
            make(path).tables()


def test_a_replaced_duckdb_file_is_read_anew(tmp_path):
    import duckdb

    def write(name: str, value: int) -> None:
        with duckdb.connect(str(tmp_path / name)) as connection:
            connection.execute(f"create table t as select {value} as n")

    def read() -> object:
        return connector.query("select n from t", {}, limits=Limits(), cancelled=threading.Event()).rows[0][0]

    write("live.duckdb", 1)
    connector = duckdb_backend.DuckDBConnector(tmp_path / "live.duckdb")
    assert read() == 1
    write("next.duckdb", 2)
    (tmp_path / "next.duckdb").replace(tmp_path / "live.duckdb")
    assert read() == 2
    connector.close()


def test_two_connectors_may_read_one_duckdb_file(duckdb_file):
    first, second = (duckdb_backend.DuckDBConnector(duckdb_file) for _ in range(2))
    assert first.tables() == second.tables()
    first.close()
    assert second.tables()
    second.close()


def test_duckdb_times_in_a_zone_need_no_pytz(duckdb_file):
    connector = duckdb_backend.DuckDBConnector(duckdb_file)
    sql = "select timestamptz '2026-11-23 10:00:00+01' as t, 1 as n -- trailing"
    result = connector.query(sql, {}, limits=Limits(), cancelled=threading.Event())
    assert result.rows == (("2026-11-23T09:00:00+00:00", 1),)
    assert [column.name for column in result.columns] == ["t", "n"]
    assert result.sql == sql
    assert "c0::varchar" in result.sql_as_run
    connector.close()
