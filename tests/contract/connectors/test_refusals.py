"""What no connector does, however it is asked; and that what slips past the gate is still harmless."""

from __future__ import annotations

import pytest

from interact_gitops.server.agents.connectors.connector import Limits, QueryFailed

EVERYWHERE = [
    "insert into campaigns values ('x', 'x', 1)",
    "update campaigns set budget = 0",
    "delete from campaigns",
    "drop table campaigns",
    "truncate table campaigns",
    "create table evil (n integer)",
    "create temp table evil as select 1",
    "create view evil as select 1",
    "alter table campaigns add column x integer",
    "begin",
    "commit",
    "vacuum",
    "explain analyze select 1",
    "explain select 1",
    "select 1; select 2",
    "select 1; drop table campaigns",
    "select 1;; delete from campaigns -- ",
    "/* select */ delete from campaigns",
    "-- select 1\ndelete from campaigns",
    "select 1 /* */; delete from campaigns /* */",
    "select 1 /* /* */ ; delete from campaigns; -- */",
    "select 1 --\r; delete from campaigns",
    "with x as (select 1) delete from campaigns",
    "with x as (delete from campaigns returning *) select * from x",
    "with x as (insert into days values (1) returning n) select * from x",
    "select * into evil from campaigns",
    "merge into campaigns using days on true when matched then delete",
    "",
    ";",
    "-- nothing",
    "set search_path = evil",
    "pragma database_list",
    "attach 'evil.db' as evil",
    "select $$ text $$",
    "select '\\' || e'\\'; delete from campaigns; --'",
    "select 'open",
    'select "open',
    "select 1 /* open",
    "select `id` from campaigns",
    "select pg_sleep(5)",
    "select PG_SLEEP (5)",
    'select "pg_sleep"(5)',
    "select pg_catalog./**/pg_sleep(5)",
    "select pg_read_file('/etc/passwd')",
    "select * from pg_ls_dir('/')",
    "select lo_import('/etc/passwd')",
    "select lo_export(1, '/tmp/evil')",
    "select dblink('host=evil', 'select 1')",
    "select pg_terminate_backend(1)",
    "select set_config('transaction_read_only', 'off', false)",
    "select nextval('counter')",
    "select query_to_xml('delete from campaigns', true, true, '')",
    "select load_extension('evil')",
    "select readfile('/etc/passwd')",
    "select writefile('/tmp/evil', 'x')",
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from glob('/etc/*')",
    "select * from query('delete from campaigns')",
    "select * from duckdb_secrets()",
    "select getenv('HOME')",
]

ONLY = {
    "duckdb": [
        "copy campaigns to '/tmp/evil.csv'",
        "copy campaigns from '/etc/passwd'",
        "install httpfs",
        "load httpfs",
        "export database '/tmp/evil'",
        "import database '/tmp/evil'",
        "set enable_external_access = true",
        "reset lock_configuration",
        "call pragma_version()",
        "detach warehouse",
        "checkpoint",
        "prepare evil as select 1",
        "create secret evil (type s3)",
        "set variable x = 1",
        "use memory",
        "select * from '/etc/passwd'",
        "select * from '/etc/*.csv'",
        "from read_blob('/etc/passwd')",
        "select * from enable_logging()",
        "select * from duckdb_databases",
        "pivot campaigns on id",
    ],
    "sqlite": [
        "replace into campaigns values ('x', 'x', 1)",
        "reindex",
        "analyze",
        "detach main",
        "savepoint evil",
        "select :id",
        "select ?",
        "select [id] from campaigns",
        "select * from pragma_database_list",
        "select zeroblob(1000000000)",
        "values (1); delete from campaigns",
    ],
    "postgres": [
        "copy campaigns to '/tmp/evil'",
        "copy campaigns to program 'id'",
        "copy (select 1) to stdout",
        "do $x$ begin delete from campaigns; end $x$",
        "do 'begin delete from campaigns; end'",
        "call evil()",
        "listen evil",
        "notify evil",
        "lock table campaigns",
        "set role postgres",
        "set session authorization postgres",
        "reset all",
        "discard all",
        "prepare evil as delete from campaigns",
        "execute evil",
        "declare evil cursor for select 1",
        "fetch all from answer",
        "select * from campaigns for update",
        "select * from campaigns for share",
        "refresh materialized view evil",
        "grant all on campaigns to public",
        "create role evil superuser",
        'select U&"pg\\005fsleep"(5)',
        "select * from pg_authid",
        "select * from pg_stat_activity",
        "select pg_advisory_lock(1)",
        "select txid_current()",
        "select pg_switch_wal()",
        "rollback; delete from campaigns",
        "end",
    ],
}


def probes(engine: str) -> list[str]:
    return EVERYWHERE + ONLY[engine]


def test_there_are_enough_probes(engine):
    assert len(probes(engine)) >= 60


def test_every_probe_is_refused_and_nothing_changes(ask, engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = ask("select id, name, budget from campaigns order by id").sha256
    let_through = []
    for probe in probes(engine):
        try:
            result = ask(probe, limits=Limits(timeout_seconds=2))
            let_through.append((probe, result.rows))
        except QueryFailed as failure:
            if failure.kind == "timeout":
                let_through.append((probe, failure))
    assert let_through == []
    assert ask("select id, name, budget from campaigns order by id").sha256 == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "probe", [probe for probe in EVERYWHERE if probe.startswith(("delete", "select pg", "with x as (delete"))]
)
def test_a_refusal_says_why_and_what_to_do(ask, probe):
    with pytest.raises(QueryFailed, match="the query was not run: ") as caught:
        ask(probe)
    assert caught.value.kind == "refused"
    assert caught.value.remedy


HONEST = [
    "select 1 as one",
    "select 1 as one;",
    "select 1 as one; -- done",
    "  \n-- a comment with ; and 'quotes and drop table campaigns\nselect 1 as one",
    "/* delete from campaigns; */ select 1 as one",
    "with x as (select 1 as one) select one from x",
    "select 1 as one union all select 2 where 1 = 0",
    "(select 1 as one)",
    "select '; drop table campaigns' as one",
    "select 'insert into x' as one",
    'select 1 as "delete"',
    "select count(*) as one from campaigns where name like '%s' or name = 'update'",
    "select id as \"set\" from campaigns where id in ('CMP-1')",
]


def test_honest_queries_are_not_refused(ask, engine):
    for sql in HONEST:
        if sql.startswith("(") and engine == "sqlite":
            continue  # SQLite itself knows no statement in brackets
        assert ask(sql).row_count == 1, sql
