"""Queries within the gate that would take longer than their limit allows, more memory, or reach files."""

from __future__ import annotations

import sqlite3
import threading
import time

import duckdb
import pytest

from interact_gitops.server.agents.connectors.connector import Limits, QueryFailed
from interact_gitops.server.agents.connectors.duckdb import DuckDBConnector
from interact_gitops.server.agents.connectors.sqlite import SQLiteConnector

AGREED = 5.0  # seconds beyond the limit, on a busy machine


@pytest.fixture(scope="module")
def ducks(tmp_path_factory):
    path = tmp_path_factory.mktemp("ducks") / "x.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute("create table t as select 1 as a, 'Brand' as name")
    connector = DuckDBConnector(path)
    yield connector
    connector.close()


@pytest.fixture(scope="module")
def lite(tmp_path_factory):
    path = tmp_path_factory.mktemp("lite") / "x.db"
    made = sqlite3.connect(path)
    made.execute("create table t as select 1 as a, 'Brand' as name")
    made.commit()
    made.close()
    return SQLiteConnector(path)


def ask(connector, sql, *, seconds=1.0):
    began = time.monotonic()
    try:
        found = connector.query(sql, {}, limits=Limits(timeout_seconds=seconds), cancelled=threading.Event())
        return "ok", found.rows, time.monotonic() - began
    except QueryFailed as failed:
        return failed.kind, failed.message, time.monotonic() - began


UNSTOPPABLE = [
    "select sum(levenshtein(repeat('a', 3000) || r::varchar, repeat('b', 3000))) from range(2048) t(r)",
    "select sum(editdist3(repeat('a', 3000) || r::varchar, repeat('b', 3000))) from range(2048) t(r)",
    "select damerau_levenshtein(repeat('a', 60000), repeat('b', 60000))",
    "select \"damerau_levenshtein\"(left(name, 1000), left(name, 1000) || repeat('b', 60000)) from t",
    "select levenshtein(left(name, 100001), name) from t",
    "select (repeat('a', 60000)).damerau_levenshtein(repeat('b', 60000))",
    "select (repeat('a', 60000)).levenshtein(left('b', 1))",
    "select length(bitstring('1', 900000000)::varchar)",
    "select length(bitstring('1', 900000 * 1000)::varchar)",
]


@pytest.mark.parametrize("sql", UNSTOPPABLE)
def test_what_duckdb_does_not_stop_is_not_begun(ducks, sql):
    kind, said, seconds = ask(ducks, sql)
    assert kind == "refused", said
    assert seconds < AGREED


def test_short_texts_may_be_compared(ducks):
    sql = "select levenshtein(left(lower(name), 100), 'brandt'), damerau_levenshtein('ab', left('ba', 2)) from t"
    assert ask(ducks, sql)[:2] == ("ok", ((1, 1),))


def test_a_dear_comparison_stops_in_time(ducks):
    sql = (
        "select sum(levenshtein(left(repeat('a', 3000) || r::varchar, 200), left(repeat('b', 3000), 200)))"
        " from range(1000000) t(r)"
    )
    kind, said, seconds = ask(ducks, sql)
    assert kind == "timeout", said
    assert seconds < 1 + AGREED


HUGE = "replace(replace(replace(replace('xxxxxxxxxx','x','aaaaaaaaaa'),'a','aaaaaaaaaa'),'a','aaaaaaaaaa')"
HUGE = f"{HUGE},'a','aaaaaaaaaa')"  # 100,000 letters


@pytest.mark.parametrize(
    "pattern", [f"glob '*{'[a-b]' * 4000}c'", f"like '%{'a' * 15000}b'", f"like '%{'a_%' * 900}b'"]
)
def test_sqlite_matches_short_patterns_only(lite, pattern):
    kind, said, seconds = ask(lite, f"select {HUGE} {pattern}")
    assert (kind, "too complex" in said) == ("failed", True)
    assert seconds < AGREED


def test_sqlite_matches_patterns(lite):
    assert ask(lite, "select name like 'br%d', name glob 'B[r-s]*' from t")[:2] == ("ok", ((1, 1),))


REACHING = [
    "select * from '/etc/passwd'", "from '/tmp/*.csv'", "from \"/tmp/x.parquet\"", "select ('/etc/passwd').read_text()",
    "from main.read_csv('/etc/passwd')", "from system.main.read_text('/etc/passwd')", "attach '/tmp/q.db'",
    "copy t to '/tmp/q.csv'", "select * from duckdb_settings()", "select getenv('HOME')", "install httpfs",
    "load httpfs",
    "set variable a = 1", "pragma database_list", "select * from pragma_database_list()", "export database '/tmp/q'",
    "explain analyze select 1", "select 1; select 2", "with x as (delete from t returning *) select * from x",
    "from query('select 1')", "from read_json_auto('https://example.com/x')", "create temp table q as select 1",
    "checkpoint", "call pragma_version()", "select * from sniff_csv('/etc/passwd')", "vacuum", "use memory",
]  # fmt: skip


@pytest.mark.parametrize("sql", REACHING)
def test_nothing_reaches_beyond_the_tables(ducks, lite, sql, tmp_path):
    for connector in (ducks, lite):
        kind, said, _ = ask(connector, sql)
        assert kind in {"refused", "failed"}, said
        assert "root:" not in str(said)
    assert ask(ducks, "select a from t")[:2] == ask(lite, "select a from t")[:2] == ("ok", ((1,),))


DEEP = [
    "(" * 40_000 + "select 1" + ")" * 40_000,
    "select " + "(" * 40_000 + "1" + ")" * 40_000,
    "select 1" + " + 1" * 20_000,
    "select " + "not " * 20_000 + "true",
    "select " + "- " * 40_000 + "1",
    "select * from " + "(select * from " * 5_000 + "t" + ")" * 5_000,
    "with " + ", ".join(f"c{n} as (select 1)" for n in range(3_000)) + " select 1",
]


@pytest.mark.parametrize("sql", DEEP)
def test_deep_queries_end_soon(ducks, lite, sql):
    for connector in (ducks, lite):
        kind, said, seconds = ask(connector, sql)
        assert kind in {"ok", "refused", "failed", "timeout"}, said
        assert seconds < 5
