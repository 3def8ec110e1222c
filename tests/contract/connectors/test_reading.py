"""What every connector does for an honest query."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from interact_gitops.server.agents.connectors.connector import Limits, QueryFailed

ENDLESS = """
    with recursive r(n) as (select 1 union all select n + 1 from r where n < 2000000000)
    select count(*) from r a, r b where a.n * b.n % 7 = 1
"""


def test_rows_columns_and_provenance(ask, connector, engine):
    sql = "select id, budget from campaigns order by id"
    result = ask(sql)
    assert result.rows == (("CMP-1", 100), ("CMP-2", 250), ("CMP-3", None))
    assert [column.name for column in result.columns] == ["id", "budget"]
    assert all(column.type for column in result.columns)
    assert (result.row_count, result.truncated) == (3, False)
    assert result.engine == engine == connector.engine
    assert result.engine_version == connector.version()
    assert result.sql == result.sql_as_run == sql
    assert result.duration_seconds > 0
    assert result.sha256 == ask(sql).sha256
    assert result.sha256 != ask("select id, budget from campaigns order by id desc").sha256


def test_tables(connector):
    tables = {table.name: [column.name for column in table.columns] for table in connector.tables()}
    assert tables["campaigns"] == ["id", "name", "budget"]
    assert list(tables) == sorted(tables)
    assert not any(name.startswith(("pg_", "sqlite_")) for name in tables)


def test_parameters_are_bound_wherever_they_are_code(ask):
    result = ask(
        """
        select name, '$id $budget' as quoted, "budget" as "$budget" -- $nothing
        from campaigns where id = $id /* $nothing */ and budget >= $budget and budget <= $budget;
        """,
        {"id": "CMP-2", "budget": 250, "not_used": "x"},
    )
    assert result.rows == (("Shoes", "$id $budget", 250),)
    assert result.parameters == {"id": "CMP-2", "budget": 250}


@pytest.mark.parametrize(
    "text", ["'; drop table campaigns; --", "O'Neill %s", "' or 1=1", "$id", "\\'", "%(x)s", 'snö\n\t"`', "{}"]
)
def test_text_parameters_are_values(ask, text):
    assert ask("select $text as said", {"text": text}).rows == ((text,),)
    found = ask("select id from campaigns where name = $text", {"text": text}).rows
    assert found == ((("CMP-3",),) if text == "O'Neill %s" else ())


def test_every_kind_of_scalar(ask, engine):
    for value, kind in [(7, "integer"), (2.5, "real"), ("x", "varchar(5)"), (None, "integer")]:
        assert ask(f"select cast($v as {kind}) as v", {"v": value}).rows == ((value,),)
    assert ask("select 1 as v where $v", {"v": True}).rows == ((1,),)
    then = date(2026, 11, 23)
    if engine == "sqlite":
        assert ask("select date($v, '-7 days') as v", {"v": then}).rows == (("2026-11-16",),)
    else:
        assert ask("select cast($v as date) as v", {"v": then}).rows == (("2026-11-23",),)
        assert ask("select $v::date - $n as v", {"v": then, "n": 7}).rows == (("2026-11-16",),)


def test_a_missing_parameter_is_named(ask):
    with pytest.raises(QueryFailed, match=r"no value for \$id, \$budget") as caught:
        ask("select * from campaigns where id = $id and budget = $budget")
    assert caught.value.kind == "failed"


@pytest.mark.parametrize("value", [2**63, -(2**70), "a\0b", "\ud800"])
def test_a_value_that_cannot_be_bound_is_named(ask, value):
    with pytest.raises(QueryFailed, match=r"the value of \$v cannot be bound"):
        ask("select $v as v", {"v": value})


def test_the_engines_own_error(ask):
    with pytest.raises(QueryFailed, match="no_such_column") as caught:
        ask("select no_such_column from campaigns")
    assert caught.value.kind == "failed"
    assert ask("select 1 as one").rows == ((1,),)


@pytest.mark.parametrize(
    ("cap", "kept", "truncated"), [(499, 499, True), (500, 500, False), (501, 500, False), (1, 1, True)]
)
def test_row_cap(ask, cap, kept, truncated):
    result = ask("select n from days order by n", limits=Limits(max_rows=cap))
    assert (result.row_count, len(result.rows), result.truncated) == (kept, kept, truncated)
    assert [row[0] for row in result.rows] == list(range(1, kept + 1))


def test_byte_cap(ask, engine):
    wide = "printf('%01000d', n)" if engine == "sqlite" else "repeat('x', 1000)"
    result = ask(f"select n, {wide} as wide from days order by n", limits=Limits(max_bytes=50_000))
    assert result.truncated
    assert 40 <= result.row_count <= 50
    assert len(json.dumps(result.rows)) <= 55_000
    everything = ask(f"select n, {wide} as wide from days order by n", limits=Limits(max_bytes=1_000_000))
    assert (everything.row_count, everything.truncated) == (500, False)


def test_a_row_wider_than_the_cap_is_not_half_kept(ask, engine):
    wide = "printf('%0100000d', 1)" if engine == "sqlite" else "repeat('x', 100000)"
    result = ask(f"select {wide} as wide", limits=Limits(max_bytes=1000))
    assert (result.row_count, result.truncated) == (0, True)


def test_a_runaway_query_is_stopped_at_its_time_limit(ask):
    started = time.monotonic()
    with pytest.raises(QueryFailed, match=r"time limit of 0\.3 s") as caught:
        ask(ENDLESS, limits=Limits(timeout_seconds=0.3))
    assert caught.value.kind == "timeout"
    assert 0.3 <= time.monotonic() - started < 1.3
    assert ask("select 1 as one").rows == ((1,),)


def test_a_runaway_query_is_stopped_by_cancelling(ask):
    cancelled = threading.Event()
    threading.Timer(0.2, cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(QueryFailed, match="cancelled") as caught:
        ask(ENDLESS, cancelled=cancelled)
    assert caught.value.kind == "cancelled"
    assert time.monotonic() - started < 1.2
    assert ask("select 1 as one").rows == ((1,),)


def test_a_cancelled_question_is_not_asked(ask):
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(QueryFailed) as caught:
        ask("select 1", cancelled=cancelled)
    assert caught.value.kind == "cancelled"


def test_many_at_once_and_stopping_one_stops_no_other(ask):
    def one(number: int):
        if number % 8 == 0:
            with pytest.raises(QueryFailed, match="time limit"):
                ask(ENDLESS, limits=Limits(timeout_seconds=0.2))
            return number
        total = ask("select $n + count(*) as n from days", {"n": number}).rows[0][0]
        return int(str(total)) - 500

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(32))) == list(range(32))


def test_close_and_ask_again(ask, connector):
    ask("select 1 as one")
    connector.close()
    assert ask("select 1 as one").rows == ((1,),)
