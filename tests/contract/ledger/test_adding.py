"""A key is added once, with its watermark or by hand, and nothing is decided twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interact_gitops.ledger.keys import part_key
from interact_gitops.ledger.records import Notice, Watermark
from interact_gitops.ledger.requests import Decision


def notice(name, run_key=None):
    return Notice(id=name, channel="ops", topic="missed_run", body="{}", run_key=run_key)


def test_a_decision_moves_the_watermark_and_adds_its_runs(desk):
    first = desk.decide("weekly", None, 0)
    assert (first.jobs, first.added) == (("weekly",), ())
    missed = desk.new(hour=1, state="missed", reason="nobody ran", notices=(notice("m"),))
    second = desk.decide("weekly", 0, 2, missed, desk.new(hour=2))
    assert second.added == (missed.key, desk.new(hour=2).key)
    standing = desk.ledger.jobs(desk.target)["weekly"]
    assert standing.watermark == Watermark(schedule="hourly", until=desk.now + timedelta(hours=2))
    assert desk.states() == ["missed", "planned"]
    assert [step.reason for step in desk.ledger.transitions(desk.target, missed.key)] == ["nobody ran"]
    assert len(desk.ledger.take_notices(desk.target, owner="a", lease_seconds=9, limit=9, now=desk.now)) == 1


def test_a_decision_from_an_old_watermark_does_nothing(desk):
    desk.decide("weekly", None, 0)
    desk.decide("weekly", 0, 2, desk.new(hour=2))
    late = desk.decide("weekly", 0, 3, desk.new(hour=2), desk.new(hour=3), by="b")
    assert (late.jobs, late.beaten, late.added) == ((), ("weekly",), ())
    again = desk.decide("weekly", None, 3, desk.new(hour=3))
    assert again.beaten == ("weekly",)
    other_schedule = desk.decide("weekly", 2, 3, desk.new(hour=3), schedule="daily")
    assert other_schedule.beaten == ("weekly",)
    assert desk.states() == ["planned"]


def test_a_watermark_never_moves_back(desk):
    desk.decide("weekly", None, 5)
    with pytest.raises(ValueError, match="never moves back"):
        desk.decide("weekly", 5, 4)


def test_an_edited_schedule_is_a_new_watermark(desk):
    desk.decide("weekly", None, 5)
    decision = Decision(
        job="weekly",
        was=desk.ledger.jobs(desk.target)["weekly"].watermark,
        becomes=Watermark(schedule="daily", until=desk.now + timedelta(hours=5)),
    )
    assert desk.ledger.decide(desk.target, [decision], by="a", now=desk.now).jobs == ("weekly",)
    assert desk.ledger.jobs(desk.target, ["weekly", "none"])["weekly"].watermark.schedule == "daily"


def test_many_jobs_in_one_call_are_decided_each_by_itself(desk):
    moment = Watermark(schedule="s", until=desk.now)
    jobs = [f"job-{n:04}" for n in range(1_200)]
    desk.ledger.decide(desk.target, [Decision(job=jobs[7], was=None, becomes=moment)], by="a", now=desk.now)
    decisions = [Decision(job=job, was=None, becomes=moment, runs=(desk.new(job),)) for job in jobs]
    said = desk.ledger.decide(desk.target, decisions, by="a", now=desk.now)
    assert said.beaten == (jobs[7],)
    assert len(said.jobs) == len(said.added) == 1_199
    assert desk.ledger.counts(desk.target) == {"planned": 1_199}


def test_a_key_is_new_once(desk):
    assert desk.outcomes(desk.new(), desk.new(hour=1)) == ["new", "new"]
    (known,) = desk.add(desk.new(notices=(notice("x"),)))
    assert (known.outcome, known.state) == ("known", "planned")
    assert desk.ledger.take_notices(desk.target, owner="a", lease_seconds=9, limit=9, now=desk.now) == ()


def test_the_same_key_twice_in_one_call_is_one_run(desk):
    assert desk.outcomes(desk.new(), desk.new()) == ["new", "new"]
    assert desk.states() == ["planned"]


def test_targets_know_nothing_of_each_other(desk):
    desk.add(desk.new())
    (run,) = desk.claim()
    desk.ended(run)
    desk.target = "https://staging.example acme"
    assert desk.outcomes(desk.new()) == ["new"]
    assert desk.ledger.jobs(desk.target)["weekly"].succeeded_at is None
    assert desk.ledger.targets() == ("https://interact.example acme", "https://staging.example acme")


def test_what_is_asked_of_a_target_that_nobody_knows(desk):
    desk.target = "https://nowhere.example acme"
    ledger = desk.ledger
    assert (ledger.jobs(desk.target), ledger.counts(desk.target), ledger.held(desk.target)) == ({}, {}, None)
    assert ledger.open_runs(desk.target) == ledger.find(desk.target, "a") == ()
    assert ledger.late(desk.target, now=desk.now) == (0, None)
    assert ledger.targets() == ()


def test_a_run_is_kept_as_it_was_given(desk):
    given = desk.new(
        kind="api", key="weekly!deploy", chats=2, line_up="allow", max_parallel=3, timeout=60, max_attempts=2,
        backoff=7, start_by=desk.now + timedelta(hours=1), alarm_at=desk.now + timedelta(hours=2), git_commit="c" * 40,
        requested_by="ana", reason="because\0",
    )  # fmt: skip
    desk.add(given)
    run = desk.get("weekly!deploy")
    for name in ("kind", "job", "line_up", "max_parallel", "timeout", "max_attempts", "backoff", "start_by", "alarm_at",
                 "git_commit", "requested_by", "definition_hash", "scheduled_at", "due_at", "fan_out"):  # fmt: skip
        assert getattr(run, name) == getattr(given, name), name
    assert (run.occurrence, run.exclusive, run.priority, run.attempt, run.fence) == (None, False, 1, 1, 0)
    assert [part.parameters for part in run.parts] == [{"n": 0}, {"n": 1}]
    assert run.reason == "because\N{REPLACEMENT CHARACTER}"


def test_hostile_parameters_come_back_as_they_were(desk):
    nasty = {"a": "\0 \ud800 ' \" \\ % :x {} \U0001f600", "b": True, "c": 1.5, "d": "x" * 100_000}
    desk.add(desk.new(combinations=(nasty,)))
    assert desk.get(desk.new().key).parts[0].parameters == nasty


def test_a_backfill_opens_missed_and_skipped_and_nothing_else(desk):
    for hour, state in enumerate(("missed", "skipped_overlap")):
        desk.add(desk.new(hour=hour, state=state, reason="then"))
    desk.add(desk.new(hour=2))
    desk.later(2)
    (run,) = desk.claim()
    desk.ended(run, "failed")
    wanted = [
        desk.new(hour=hour, kind="backfill", line_up="serial", definition_hash="n" * 64, chats=2) for hour in range(4)
    ]
    assert desk.outcomes(*wanted) == ["known"] * 3 + ["new"]
    assert desk.outcomes(*wanted, reopen=True) == ["reopened", "reopened", "known", "known"]
    opened = desk.get(wanted[0].key)
    assert (opened.state, opened.kind, opened.line_up, opened.definition_hash) == (
        "planned",
        "backfill",
        "serial",
        "n" * 64,
    )
    assert (opened.ended_at, opened.alarm_at, len(opened.parts), opened.fan_out) == (None, None, 2, True)
    assert [step.state for step in desk.ledger.transitions(desk.target, opened.key)] == ["missed", "planned"]
    assert desk.get(wanted[2].key).definition_hash == "h" * 64
    # Only one that was never sent can be opened; a second backfill finds it planned.
    assert desk.outcomes(*wanted, reopen=True) == ["known"] * 4


def test_a_fan_out_is_one_run_with_parts_that_can_be_found(desk):
    desk.add(desk.new(chats=40))
    (run,) = desk.claim()
    assert len(run.parts) == 40
    assert [part.ordinal for part in run.parts] == list(range(40))
    key = part_key(run.key, {"n": 7})
    (line,) = desk.ledger.find(desk.target, key)
    assert (line.key, line.chats) == (run.key, {"planned": 40})
