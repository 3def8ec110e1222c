"""Notices: written once, told at least once. Alarms: rung once."""

from __future__ import annotations

from datetime import timedelta

from interact_gitops.ledger.records import Notice
from interact_gitops.ledger.requests import Delivered


def notice(name, run_key=None):
    return Notice(id=name, channel="ops", topic="missed_run", body='{"a": "\\u0000"}', run_key=run_key)


def take(desk, owner="a", limit=9, lease=30):
    return desk.ledger.take_notices(desk.target, owner=owner, lease_seconds=lease, limit=limit, now=desk.now)


def settle(desk, name, outcome, owner="a", **fields):
    result = Delivered(id=name, outcome=outcome, **fields)
    desk.ledger.settle_notices(desk.target, [result], owner=owner, now=desk.now)


def test_a_notice_is_written_once(desk):
    assert desk.ledger.notify(desk.target, [notice("a"), notice("b")], now=desk.now) == ("a", "b")
    assert desk.ledger.notify(desk.target, [notice("b"), notice("c")], now=desk.now) == ("c",)
    assert [delivery.notice for delivery in take(desk)] == [notice("a"), notice("b"), notice("c")]


def test_a_notice_taken_is_nobody_elses_until_the_lease_ends(desk):
    desk.ledger.notify(desk.target, [notice("a"), notice("b")], now=desk.now)
    assert len(take(desk, limit=1)) == 1
    assert [delivery.notice.id for delivery in take(desk, "b")] == ["b"]
    assert take(desk, "c") == ()
    desk.end_leases()
    again = take(desk, "c")
    assert [(delivery.notice.id, delivery.tries) for delivery in again] == [("a", 1), ("b", 1)]
    settle(desk, "a", "told", owner="a")  # too late: it is another's now
    desk.end_leases()
    assert len(take(desk, "d")) == 2


def test_told_given_up_or_again(desk):
    desk.ledger.notify(desk.target, [notice("a"), notice("b"), notice("c")], now=desk.now)
    take(desk)
    settle(desk, "a", "told")
    settle(desk, "b", "given_up", error="410 gone \0")
    settle(desk, "c", "again", again_at=desk.now + timedelta(minutes=5), error="timeout")
    assert take(desk) == ()
    desk.now += timedelta(minutes=5)
    assert [(one.notice.id, one.tries) for one in take(desk)] == [("c", 1)]
    assert desk.ledger.notify(desk.target, [notice("a")], now=desk.now) == ()


def test_targets_do_not_take_each_others_notices(desk):
    desk.ledger.notify(desk.target, [notice("a")], now=desk.now)
    desk.target = "https://staging.example acme"
    assert take(desk) == ()
    assert desk.ledger.notify(desk.target, [notice("a")], now=desk.now) == ("a",)


def test_an_alarm_is_rung_once(desk):
    alarm = desk.now + timedelta(hours=1)
    desk.add(*(desk.new(job, alarm_at=alarm) for job in ("good", "bad", "idle", "none")))
    desk.add(desk.new("calm"))
    runs = {run.job: run for run in desk.claim() if run.job in {"good", "bad", "none"}}
    desk.ended(runs["good"])
    desk.ended(runs["bad"], "failed")
    desk.ledger.cancel(desk.target, [runs["none"].key], by="ana", reason="x", now=desk.now)
    assert desk.ledger.alarms(desk.target, limit=9, now=desk.now) == ()
    desk.later(1)
    due = desk.ledger.alarms(desk.target, limit=9, now=desk.now)
    assert [line.job for line in due] == ["bad", "idle"]
    notices = [notice(f"alarm:{line.key}", line.key) for line in due]
    keys = [line.key for line in due]
    assert set(desk.ledger.ring(desk.target, keys, notices, now=desk.now)) == set(keys)
    assert desk.ledger.ring(desk.target, keys, [notice("another", keys[0])], now=desk.now) == ()
    assert desk.ledger.alarms(desk.target, limit=9, now=desk.now) == ()
    assert len(take(desk)) == 2
