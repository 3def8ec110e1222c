"""Pauses, holds, and jobs that are renamed or deleted."""

from __future__ import annotations

from datetime import timedelta

from interact_gitops.ledger.records import Notice, Pause, Watermark


def notice(name):
    return Notice(id=name, channel="ops", topic="paused", body="{}")


def told(desk):
    taken = desk.ledger.take_notices(desk.target, owner="a", lease_seconds=9, limit=99, now=desk.now)
    return [delivery.notice.id for delivery in taken]


def test_a_pause_is_kept_with_who_and_why(desk):
    ledger, target = desk.ledger, desk.target
    assert ledger.pause(target, "weekly", by="ana", reason="wrong data\0", now=desk.now, notices=(notice("p"),))
    assert not ledger.pause(target, "weekly", by="ben", reason="me too", now=desk.now, notices=(notice("q"),))
    pause = ledger.jobs(target)["weekly"].pause
    assert pause == Pause(at=desk.now, by="ana", reason="wrong data\N{REPLACEMENT CHARACTER}")
    assert told(desk) == ["p"]
    assert ledger.resume(target, "weekly")
    assert not ledger.resume(target, "weekly")
    assert ledger.jobs(target)["weekly"].pause is None
    assert not ledger.resume(target, "nothing")


def test_a_hold_is_said_once(desk):
    ledger, target = desk.ledger, desk.target
    assert ledger.hold(target, by="a", reason="the key was refused (401)", now=desk.now, notices=(notice("h"),))
    assert not ledger.hold(target, by="b", reason="401", now=desk.now, notices=(notice("i"),))
    assert ledger.held(target) == Pause(at=desk.now, by="a", reason="the key was refused (401)")
    assert told(desk) == ["h"]
    assert ledger.lift(target)
    assert not ledger.lift(target)
    assert ledger.held(target) is None


def test_a_renamed_job_keeps_all_that_it_was(desk):
    ledger, target = desk.ledger, desk.target
    desk.decide("old", None, 0, desk.new("old"))
    (run,) = desk.claim()
    desk.ended(run)
    desk.later(1)
    desk.decide("old", 0, 1, desk.new("old", hour=1))
    (running,) = desk.claim()
    ledger.pause(target, "old", by="ana", reason="rest", now=desk.now)
    assert ledger.rename(target, "old", "new", now=desk.now)
    assert not ledger.rename(target, "old", "new", now=desk.now)
    assert not ledger.rename(target, "new", "new", now=desk.now)
    standing = ledger.jobs(target)
    assert set(standing) == {"new"}
    assert standing["new"].watermark == Watermark(schedule="hourly", until=desk.now)
    assert (standing["new"].pause.reason, standing["new"].succeeded_at) == ("rest", desk.now - timedelta(hours=1))
    # What runs is in the way under the new key, and can be moved on under its own.
    ledger.resume(target, "new")
    desk.add(desk.new("new", hour=1, key="new!1", kind="manual"))
    assert desk.claim() == ()
    moved = desk.ended(desk.get(running.key))
    assert (moved.job, moved.key) == ("new", running.key)
    # What ran under the old key does not run again under the new one.
    assert desk.outcomes(*(desk.new("new", hour=n, kind="backfill") for n in range(3))) == ["known", "known", "new"]
    assert desk.decide("new", 1, 2, desk.new("new", hour=2)).added == ()


def test_a_job_renamed_onto_one_that_ran_before(desk):
    ledger, target = desk.ledger, desk.target
    desk.decide("new", None, 2, desk.new("new", hour=0), desk.new("new", hour=2))
    desk.decide("old", None, 5, desk.new("old", hour=0), desk.new("old", hour=1))
    desk.later(3)
    running = {run.job: run for run in desk.claim(limit=2)}
    assert set(running) == {"new", "old"}
    desk.add(desk.new("old", hour=2))
    ledger.pause(target, "new", by="ben", reason="still", now=desk.now)
    assert ledger.rename(target, "old", "new", now=desk.now)
    standing = ledger.jobs(target)
    assert set(standing) == {"new"}
    assert standing["new"].watermark.until == desk.now + timedelta(hours=2)
    assert standing["new"].pause.by == "ben"
    # The same occurrence under both keys runs once: the one that was not sent is cancelled.
    assert desk.get(desk.new("old", hour=2).key).state == "cancelled"
    assert desk.get(desk.new("old", hour=1).key).job == "new"
    kept = desk.get(running["old"].key)
    assert (kept.state, kept.job) == ("cancelled", "old")
    assert desk.get(running["new"].key).state == "claimed"


def test_two_runs_in_progress_become_one_jobs(desk):
    desk.decide("new", None, 0, desk.new("new", hour=0))
    desk.decide("old", None, 1, desk.new("old", hour=1))
    desk.later(1)
    one, two = desk.claim()
    assert desk.ledger.rename(desk.target, "old", "new", now=desk.now)
    desk.add(desk.new("new", hour=1, key="new!1", kind="manual"))
    desk.ended(one)
    assert desk.claim() == ()
    desk.ended(desk.get(two.key))
    assert len(desk.claim()) == 1


def test_a_deleted_job_is_followed_and_not_started(desk):
    ledger, target = desk.ledger, desk.target
    desk.decide("weekly", None, 0, desk.new())
    (run,) = desk.claim()
    running = desk.step(run, "sending", intent=desk.intent())
    desk.later(1)
    desk.add(desk.new(hour=1), desk.new(hour=2, key="weekly!1", kind="manual", line_up="allow", due_at=desk.now))
    (claimed,) = desk.claim()
    ledger.pause(target, "weekly", by="ana", reason="x", now=desk.now)
    gone = ledger.forget(target, "weekly", by="sync", reason="the job was deleted", now=desk.now)
    assert set(gone) == {desk.new(hour=1).key, claimed.key}
    assert ledger.forget(target, "nothing", by="sync", reason="x", now=desk.now) == ()
    assert desk.get(claimed.key).reason == "the job was deleted"
    standing = ledger.jobs(target)["weekly"]
    assert (standing.watermark, standing.pause) == (None, None)
    desk.step(running, "triggered", parts=desk.chats_of(running))
    # A job of that key begins anew, and what ran stays known.
    assert desk.decide("weekly", None, 3).jobs == ("weekly",)
    assert desk.outcomes(desk.new(kind="backfill")) == ["known"]
