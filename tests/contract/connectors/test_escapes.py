"""Ways around the gate: whatever is refused, fails, or even gives rows, it has read no file, no variable of the
environment and no other database, written nothing, slept no longer than its time, and left the session as it was.

test_refusals.py has what is refused for being what it is; here texts pretend to be something else.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from interact_gitops.server.agents.connectors.connector import Limits, QueryFailed

CANARY = "canary-Zk81vQx"
SPACES = {"a no-break space": "\u00a0", "an em space": "\u2003", "a line separator": "\u2028", "a joiner": "\u200d",
          "a byte order mark": "\ufeff", "a tab": "\t", "a form feed": "\f", "a vertical tab": "\v",
          "next line": "\x85"}  # fmt: skip


def reaching(path: Path, other: Path) -> dict[str, list[str]]:
    """What would read the file at `path`, the database at `other`, or the environment, if it were let."""
    calls = {
        "duckdb": ["read_text('{p}')", "read_csv('{p}')", "read_csv_auto('{p}')", "read_blob('{p}')",
        "read_json('{p}')",
                   "read_ndjson_objects('{p}')", "read_parquet('{p}')", "read_duckdb('{o}')", "sniff_csv('{p}')",
                   "glob('{p}*')", "parquet_metadata('{p}')", "sqlite_scan('{o}', 't')"],
        "sqlite": ["readfile('{p}')", "pragma_database_list", "pragma_table_info('campaigns')", "fsdir('{p}')",
                   "json_each(readfile('{p}'))", "dbstat", "sqlite_dbpage", "bytecode('select 1')"],
        "postgres": ["pg_read_file('{p}')", "pg_ls_dir('/')", "pg_stat_file('{p}')", "pg_read_binary_file('{p}')",
                     "lo_import('{p}')", "dblink('dbname=postgres', 'select 1')", "pg_show_all_settings()",
                     "pg_hba_file_rules", "pg_file_settings", "pg_ls_logdir()", "pg_config"],
    }  # fmt: skip
    common = [
        "select * from {c}", "from {c}", "table {c}", "select (select count(*) from {c})",
        "with x as (select * from {c}) select * from x",
        "with x as materialized (select * from {c}) table x",
        "select * from (values (1)) v, lateral (select * from {c}) l",
        "select * from campaigns where exists (select 1 from {c})", "select 1 union all select 1 from {c}",
        "select 1 order by (select count(*) from {c})", "select 1 limit (select count(*) from {c})",
        "select case when true then (select max(1) from {c}) end", "select * from/**/{c}", "select * from --\n{c}",
        "SELECT * FROM {u}", "(select * from {c})", "((select 1)) union ((select 1 from {c}))",
        "select * from campaigns join {c} on true", "select 'a' 'b' from {c}", "select 1 as \"(\" from {c}",
    ]  # fmt: skip
    found: dict[str, list[str]] = {}
    for engine, names in calls.items():
        filled = [name.format(p=path, o=other) for name in names]
        found[engine] = [form.format(c=call, u=call.split("(")[0].upper() + call[len(call.split("(")[0]):])
                         for form in common for call in filled]  # fmt: skip
    found["duckdb"] += [
        *(f"select * from {quote}{path}{quote}" for quote in ("'", '"')), f"from '{path}'", f"select * from '{other}'",
        f"select * from \"{other}\".main.t", f"select * from '{path}?x=1'", f"select * from 'file://{path}'",
        f"select * from 'http://127.0.0.1:1/{path}'", f"select ('{path}').read_text()",
        f"select * from query_table('{path}')",
        f"select * from query_table(['campaigns', '{path}'])", f"select * from query('from ' || '{path}')",
        "select getenv('CANARY')", "select ('CANARY').getenv()", "select main.getenv('CANARY')",
        'select "getenv"(\'CANARY\')',
        "select getvariable('x')", "select current_setting('temp_directory')", "select * from duckdb_settings()",
        "from duckdb_settings", "select * from pragma_database_size()", "select write_log('x')",
        "select * from (show databases)",
        "select * from (describe campaigns)", "from (summarize campaigns)", "select json_serialize_sql('select 1')",
        "select * from json_execute_serialized_sql(json_serialize_sql('delete from campaigns'))",
        "select list_transform([1], lambda x: read_text('x'))", "select [read_text('x') for x in [1]]",
        "select columns('.*') from campaigns", "from campaigns select *", "select unnest(['a'])::json",
        "explain analyze delete from campaigns", "select 1; copy campaigns to '/tmp/x'", "select 1 at (version => 1)",
    ]  # fmt: skip
    found["sqlite"] += [
        f"attach '{other}' as o", f"select * from o.t; attach '{other}' as o", "select load_extension('x')",
        "select * from temp.sqlite_master", "select * from sqlite_schema", "select sql from sqlite_master",
        "select * from main.pragma_database_list", "select * from \"pragma_database_list\"",
        "select randomblob(2000000000)",
        "select hex(zeroblob(2000000000))", "select printf('%.*c', 2000000000, 'x')",
        "select group_concat(hex(zeroblob(100000000)))",
        "select replace(printf('%.*c', 60000000, 'x'), 'x', 'xxxxxxxxxx')", "values (1) returning *",
        "with x as (select 1) insert into campaigns select 1, 2, 3", "replace into campaigns values (1, 2, 3)",
        "select * from campaigns indexed by nowhere", "select fts3_tokenizer('x', x'00')",
        "select * from campaigns for update",
        "select edit('x')", "select 'x' regexp 'y'", "select 'x' match 'y'", "pragma writable_schema = on",
        "select * from sqlite_stmt", "select 1 from pragma_function_list",
    ]  # fmt: skip
    found["postgres"] += [
        "select current_setting('data_directory')", "select * from pg_settings",
        "select setting from pg_catalog.pg_settings",
        "select passwd from pg_shadow", "select rolpassword from pg_authid", "select usename from pg_user_mappings",
        "select * from pg_catalog.pg_stat_activity", "select inet_server_addr()", "select pg_reload_conf()",
        "select set_config('role', 'postgres', false)", "select nextval('counter')", "select setval('counter', 99)",
        "select pg_notify('x', 'y')", "select pg_advisory_lock(1)", "select pg_try_advisory_xact_lock(1)",
        "select txid_current()",
        "select lo_creat(-1)", "select lo_from_bytea(0, '\\x00')", "select pg_logical_emit_message(false, 'x', 'y')",
        "select xpath('/x', query_to_xml('select 1', true, true, '')::xml)", "select database_to_xml(true, true, '')",
        "select ts_stat('select 1')", "select pg_sleep_for('9 s')", "select pg_sleep_until(now() + '9 s')",
        "select pg_cancel_backend(pg_backend_pid())", "select has_function_privilege('pg_sleep(float8)', 'execute')",
        "with x as (update campaigns set budget = 0 returning 1) select * from x",
        "select * from campaigns for no key update",
        "with x as (select 1) merge into campaigns using x on true when matched then delete returning 1",
        "select 1 into temp evil", "create or replace function f() returns int language sql as 'select 1'",
        "select 1 \\gexec", "\\! id", "copy (select 1) to program 'id'", "copy campaigns (id) from stdin",
        "select e'\\x27; delete'",
        "select U&'\\0027'", "select u&\"pg\\005fsleep\"(9)", "select 1 /*/* */ */; delete from campaigns",
        "select $x$;$x$",
        "begin read write; delete from campaigns", "set local transaction_read_only = off",
        "explain (analyze) delete from campaigns",
    ]  # fmt: skip
    return found


@pytest.fixture
def surroundings(tmp_path, monkeypatch) -> tuple[Path, Path]:
    """A file and two databases with canaries in them, and one in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANARY", CANARY)
    path = tmp_path / "passwords.csv"
    path.write_text(f"name,password\nroot,{CANARY}\n")
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("create table t (x text)")
        connection.execute("insert into t values (?)", (CANARY,))
    connection.close()
    with duckdb.connect(str(tmp_path / "other.duckdb")) as warehouse:
        warehouse.execute("create table t (x text)")
        warehouse.execute("insert into t values (?)", [CANARY])
    return path, other


def test_nothing_is_reached_however_it_is_written(ask, connector, engine, surroundings, tmp_path):
    probes = reaching(*surroundings)[engine]
    assert len(probes) > 100
    files = sorted(tmp_path.iterdir())
    before = ask("select id, name, budget from campaigns order by id").sha256
    tables = connector.tables()
    gone_wrong = []
    for probe in probes:
        began = time.monotonic()
        try:
            rows = json.dumps(ask(probe, limits=Limits(timeout_seconds=2)).rows, ensure_ascii=False)
        except QueryFailed as failure:
            rows = str(failure)
        if CANARY in rows:
            gone_wrong.append((probe, rows[:200]))
        if time.monotonic() - began > 4:
            gone_wrong.append((probe, f"{time.monotonic() - began:.1f} s"))
    assert gone_wrong == []
    assert sorted(tmp_path.iterdir()) == files
    assert ask("select id, name, budget from campaigns order by id").sha256 == before
    assert connector.tables() == tables


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())
def test_spaces_of_every_kind_hide_nothing(ask, engine, space):
    """A character that one reader takes for space and another for part of a name."""
    before = ask("select id, name, budget from campaigns order by id").sha256
    for probe in (
        f"delete{space}from{space}campaigns",
        f"select 1;{space}delete from campaigns",
        f"select pg_sleep{space}(9)",
        f"select getenv{space}('CANARY')",
        f"select readfile{space}('/etc/passwd')",
        f"select * from read_text{space}('/etc/passwd')",
        f"{space}attach{space}'x'{space}as y",
        f"select 1 --{space}\n; delete from campaigns",
        f"with x as ({space}delete{space}from campaigns returning *) select * from x",
    ):
        with pytest.raises(QueryFailed):
            rows = ask(probe, limits=Limits(timeout_seconds=2)).rows
            assert rows == (), (probe, rows)
    assert ask("select id, name, budget from campaigns order by id").sha256 == before


@pytest.mark.parametrize(
    "name", ["ｇetenv", "getenv\u200b", "ɡetenv", "GETENV", "gEtEnV", "pg_ſleep", "PG_SLEEP", "ｐg_sleep", "pg＿sleep"]
)
def test_letters_that_look_alike_call_nothing(ask, name):
    began = time.monotonic()
    for probe in (f"select {name}('HOME')", f'select "{name}"(9)', f"select {name}(9)"):
        with pytest.raises(QueryFailed):
            ask(probe)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "name", ["a'; delete from campaigns; --", 'a"; delete from campaigns; --', "$id", "a\\", "\u0000"]
)
def test_a_value_is_never_text_of_the_query(ask, name):
    """Values, and values that name other values."""
    before = ask("select id, name, budget from campaigns order by id").sha256
    for sql in ("select $a as a where $a <> ''", "select id from campaigns where name = $a or id in ($a, $a)",
                "select count(*) as n from campaigns where name like '%' || $a || '%'"):  # fmt: skip
        with suppress(QueryFailed):  # no engine binds NUL, and not every one knows the type of a bare parameter
            assert ask(sql, {"a": name, "id": "CMP-1"}).row_count <= 1
    assert ask("select id, name, budget from campaigns order by id").sha256 == before


def test_a_session_remembers_nothing_of_the_query_before(ask, engine):
    """Settings, temporary tables, prepared statements, cursors and locks of one run are not the next one's."""
    for probe in ("set timezone = 'Asia/Tokyo'", "create temp table left_over as select 1", "prepare p as select 1",
                  "declare c cursor with hold for select 1", "set variable x = 1", "begin"):  # fmt: skip
        with pytest.raises(QueryFailed):
            ask(probe)
    with pytest.raises(QueryFailed):
        ask("select * from left_over")
    if engine == "postgres":
        assert ask("select to_char(timestamptz '2026-11-23 12:00+00', 'HH24') as h").rows == (("12",),)


def test_memory_bombs_are_stopped(ask, engine, request):
    """By a cap, the time limit or the engine's own limits; the process is still there."""
    bombs = {
        "duckdb": [
            "select repeat('x', 2000000000)", "select lpad('x', 2000000000, 'x')",
            "select rpad('x', 1000 * 1000000, 'x')",
            "select repeat('x', (select 2000000000))", "select 'x'.repeat(2000000000)",
            "select repeat('x', 2_000_000_000)",
            "select repeat('x', 2e9::bigint)", "select main.repeat('x', 2000000000)",
            'select "repeat"(\'x\', 2000000000)',
            "select printf('%2000000000d', 1)", "select printf('%' || '2000000000d', 1)",
            "select printf('%*d', 2000000000, 1)",
            "select format('{:>2000000000}', 1)", "select format('{:>{}}', 1, 2000000000)",
            "select format('{' || ':>9}', 1)",
            "select list(range) from range(1000000000)", "select array_agg(a) from range(1000000000) t(a)",
            "select string_agg(repeat('x', 100000), '') from range(100000)", "select * from range(1000000000000)",
            "select len(range(2000000000))", "select len(range(2_000_000_000))", "select len(range(1, 2e9::bigint))",
            "select list_resize([1], 1000000000, 1)", "select sleep_ms(9000)",
            "with recursive r(t) as (select 'x' union all select t || t from r) select max(length(t)) from r",
        ],
        "sqlite": [
            "select printf('%.*c', 1000000000, 'x')", "select printf('%.2000000000c', 'x')",
            "select format('%2000000000d', 1)",
            "select printf('%' || '.2000000000c', 'x')", "select printf((select '%.2000000000c'), 'x')",
            "select zeroblob(1000000000)", "select hex(randomblob(500000000))",
            "with recursive r(n) as (select 1 union all select n + 1 from r) select group_concat(n) from r",
            "with recursive r(t) as (select 'x' union all select t || t from r) select max(length(t)) from r",
        ],
        "postgres": [
            "select repeat('x', 1000000000)", "select lpad('x', 1000000000)", "select format('%1000000000s', 'x')",
            "select format('%*s', 1000000000, 'x')", "select array_agg(a) from generate_series(1, 1000000000) a",
            "select string_agg(repeat('x', 100000), '') from generate_series(1, 2000000)",
            "select count(*) from generate_series(1, 1000000000000)",
        ],
    }[engine]  # fmt: skip
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (4 << 30), hard))  # what gets through takes no machine down
    request.addfinalizer(lambda: resource.setrlimit(resource.RLIMIT_AS, (soft, hard)))
    for bomb in bombs:
        began = time.monotonic()
        try:
            result = ask(bomb, limits=Limits(timeout_seconds=2, max_bytes=1_000_000))
            assert result.truncated, bomb
        except QueryFailed:
            pass
        assert time.monotonic() - began < 6, bomb
    assert ask("select 1 as one").rows == ((1,),)


def test_many_who_try_at_once_do_no_harm(ask, surroundings, engine):
    probes = reaching(*surroundings)[engine][::7]
    before = ask("select id, name, budget from campaigns order by id").sha256
    bugs: list[BaseException] = []

    def attack(own: list[str]) -> None:
        for probe in own:
            try:
                ask(probe, limits=Limits(timeout_seconds=2))
            except QueryFailed:
                continue
            except BaseException as error:
                bugs.append(error)

    threads = [threading.Thread(target=attack, args=(probes[number::4],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bugs == []
    assert ask("select id, name, budget from campaigns order by id").sha256 == before
