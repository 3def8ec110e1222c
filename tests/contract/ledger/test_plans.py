"""The statements that run at every tick look rows up: none walks through the history, however long that gets."""

from __future__ import annotations

import re

import pytest

from interact_gitops.ledger import sqlite
from interact_gitops.ledger.requests import Hold, RunFilter


@pytest.fixture
def kind():
    """SQLite says what it plans, and has no statistics to go by; PostgreSQL's plans change with its statistics."""
    return "sqlite"


# An index on one of these alone holds every run there ever was.
WALKS = re.compile(
    r"\bSCAN (?!json_each|v\b|CONSTANT)|USING (COVERING )?INDEX (runs_of_job|runs_by_time) \(target=\?\)"
)


def test_a_tick_looks_rows_up(desk, monkeypatch):
    plans: list[str] = []
    real = sqlite.SqliteSession.all

    def explained(session, sql, **values):
        translated, given = sqlite._translated(sql), sqlite._lists(values)
        if not sql.startswith("PRAGMA"):
            rows = session._connection.execute(f"EXPLAIN QUERY PLAN {translated}", given).fetchall()
            plans.extend(f"{row[3]} | {sql}" for row in rows)
        return real(session, sql, **values)

    desk.add(desk.new("a"), desk.new("b", line_up="queue_one"), desk.new("c", hour=1))
    run = desk.a_run("triggered", "d")
    monkeypatch.setattr(sqlite.SqliteSession, "all", explained)
    ledger, target, now = desk.ledger, desk.target, desk.now
    desk.decide("weekly", None, 0)
    desk.decide("weekly", 0, 1, desk.new(hour=1))
    ledger.jobs(target, ["weekly"])
    desk.claim()
    ledger.blocked(target, limit=9, now=now)
    desk.take_over()
    ledger.renew(target, [Hold.of(run)], owner="a", lease_seconds=60)
    ledger.open_runs(target)
    ledger.owners_of_chats(target, ["x"])
    ledger.late(target, now=now)
    ledger.alarms(target, limit=9, now=now)
    ledger.take_notices(target, owner="a", lease_seconds=9, limit=9, now=now)
    ledger.history(target, RunFilter(job="weekly"))
    ledger.history(target, RunFilter())
    ledger.find(target, "week")
    desk.step(run, "succeeded")
    assert len(plans) > 50
    walks = [plan for plan in plans if WALKS.search(plan.partition(" | ")[0])]
    # The newest of a target's history is read from the index's end, and no further than the limit.
    assert [plan for plan in walks if "ORDER BY scheduled_at DESC, seq DESC LIMIT" not in plan] == []


def test_the_pattern_of_a_walk_knows_one():
    assert WALKS.search("SCAN runs")
    assert WALKS.search("SEARCH r USING INDEX runs_of_job (target=?)")
    assert not WALKS.search("SCAN json_each VIRTUAL TABLE INDEX 1:")
    assert not WALKS.search("SEARCH runs USING INDEX runs_of_job (target=? AND job=?)")
