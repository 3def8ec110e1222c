"""The sample warehouse: the same everywhere, whole or not there, never stale."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import duckdb
import pytest

from interact_gitops.server.agents.connectors.connector import Limits
from interact_gitops.server.agents.connectors.opening import ConnectorConfig, open_connector
from interact_gitops.server.sample import warehouse
from interact_gitops.server.sample.warehouse import build_sample, ensure_sample

TODAY = date(2026, 11, 23)


def digest(path) -> dict[str, str]:
    found = {}
    with duckdb.connect(str(path), read_only=True) as connection:
        names = [row[0] for row in connection.execute("select table_name from duckdb_tables() order by 1").fetchall()]
        for name in names:
            sql = f"select count(*) || ':' || bit_xor(md5_number(t::varchar)) from {name} t"
            found[name] = connection.execute(sql).fetchone()[0]
    return found


@pytest.fixture
def fast(monkeypatch):
    """Builds that take no time: these tests are about files, not about figures."""
    built = []

    def build(path, today):
        built.append(path.name)
        with duckdb.connect(str(path)) as connection:
            connection.execute("create table meta as select $1::date as anchor_date", [today])

    monkeypatch.setattr(warehouse, "build_sample", build)
    return built


def test_the_same_day_gives_the_same_rows_and_each_day_ends_yesterday(tmp_path, sample_folder, monkeypatch):
    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda path, **more: connect(path, **more, config={"threads": 1}))
    build_sample(tmp_path / "a.duckdb", TODAY)
    monkeypatch.undo()
    first = digest(tmp_path / "a.duckdb")
    assert first == digest(ensure_sample(sample_folder, TODAY))
    assert set(first) == {
        "ad_groups", "campaigns", "daily_performance", "keyword_daily", "keywords", "meta", "order_lines",
        "orders", "products", "search_terms",
    }  # fmt: skip
    assert sum(int(entry.split(":")[0]) for entry in first.values()) > 300_000
    with duckdb.connect(str(tmp_path / "a.duckdb"), read_only=True) as connection:
        ask = connection.execute
        assert ask("select generator, anchor_date from meta").fetchall() == [(warehouse.GENERATOR, TODAY)]
        for table, column in [("daily_performance", "date"), ("keyword_daily", "date"), ("orders", "order_date")]:
            first_day, last_day = ask(f"select min({column}), max({column}) from {table}").fetchone()
            assert (first_day, last_day) == (TODAY - timedelta(days=400), TODAY - timedelta(days=1))
        assert ask(
            "select count(*) from campaigns where not regexp_full_match(campaign_id, 'CMP-\\d{4}-\\d{3}')"
        ).fetchone() == (0,)
        assert ask(
            "select count(*) from keyword_daily where clicks > impressions or conversions > clicks or cost < 0"
        ).fetchone() == (0,)
        assert (
            ask("select sum(cost) from daily_performance").fetchone()
            == ask("select sum(cost) from keyword_daily").fetchone()
        )
        assert (
            ask("select sum(revenue) from orders").fetchone() == ask("select sum(revenue) from order_lines").fetchone()
        )
    assert [path.name for path in tmp_path.iterdir()] == ["a.duckdb"]


def test_it_is_made_once_a_day_and_older_ones_go(tmp_path, fast):
    folder = tmp_path / "deep" / "samples"
    path = ensure_sample(folder, TODAY)
    assert ensure_sample(folder, TODAY) == path
    assert len(fast) == 1
    (folder / "notes.txt").write_text("mine")
    (folder / "sample-0-2026-11-23.duckdb").write_text("another generator's")
    tomorrow = ensure_sample(folder, TODAY + timedelta(days=1))
    assert tomorrow != path
    assert path.exists()
    ensure_sample(folder, TODAY + timedelta(days=2))
    assert not path.exists()
    assert tomorrow.exists()
    assert (folder / "notes.txt").exists()
    assert not (folder / "sample-0-2026-11-23.duckdb").exists()


def test_a_build_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(warehouse, "GENERATOR", object())
    with pytest.raises(duckdb.Error):
        build_sample(tmp_path / "a.duckdb", TODAY)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_up_for_days_reads_each_days_warehouse(tmp_path, fast):
    now = [TODAY]
    connector = open_connector(ConnectorConfig(kind="sample"), sample_folder=tmp_path, today=lambda: now[0])
    assert connector.version() == duckdb.__version__
    assert fast == []

    def anchor():
        result = connector.query("select anchor_date from meta", {}, limits=Limits(), cancelled=threading.Event())
        return result.rows[0][0]

    for days in range(4):
        now[0] = TODAY + timedelta(days=days)
        assert anchor() == anchor() == now[0].isoformat()
    assert [table.name for table in connector.tables()] == ["meta"]
    connector.close()
    assert anchor() == now[0].isoformat()
    connector.close()
    assert len(fast) == 4


@pytest.mark.parametrize(
    ("config", "engine"),
    [
        (ConnectorConfig(kind="sample"), "duckdb"),
        (ConnectorConfig(kind="duckdb", path=warehouse.agents_file()), "duckdb"),
        (ConnectorConfig(kind="sqlite", path=warehouse.agents_file()), "sqlite"),
        (ConnectorConfig(kind="postgres", dsn="postgresql://nobody@127.0.0.1:1/none"), "postgres"),
    ],
)
def test_opening_touches_nothing(tmp_path, config, engine):
    assert open_connector(config, sample_folder=tmp_path / "x").engine == engine
    assert list(tmp_path.iterdir()) == []
