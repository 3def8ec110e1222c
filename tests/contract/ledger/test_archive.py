"""The ledger as people read it: found, listed, exported, pruned, checked."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from interact_gitops.ledger.records import Notice
from interact_gitops.ledger.requests import Delivered, RunFilter

DAY = timedelta(days=1)


def keys(lines):
    return [line.key for line in lines]


def test_a_run_is_found_by_key_prefix_or_chat(desk):
    run = desk.a_run("triggered", "weekly")
    other = desk.a_run("triggered", "weekly-two", chats=2)
    find = lambda text: keys(desk.ledger.find(desk.target, text))  # noqa: E731 - reads best here
    assert find(run.key) == find(f"{run.key}/0~1") == [run.key]
    assert find(f"{other.key}/1") == [other.key]
    assert set(find("weekly")) == {run.key, other.key}
    assert find("weekly-") == [other.key]
    assert find("nothing") == find("") == find("weekly@x#ff") == []
    assert find("\0\ud800") == []
    assert find(f"{other.key}#000000000000") == []
    assert len(desk.ledger.find(desk.target, "week", limit=1)) == 1


def test_an_exact_key_is_not_a_prefix_of_another(desk):
    desk.add(desk.new(key="w!1", kind="manual"), desk.new(key="w!11", kind="manual"))
    assert keys(desk.ledger.find(desk.target, "w!1")) == ["w!1"]


def test_history(desk):
    for hour in range(4):
        desk.add(desk.new(hour=hour, state="missed" if hour % 2 else "planned"), desk.new("other", hour=hour))
    history = lambda **fields: desk.ledger.history(desk.target, RunFilter(**fields))  # noqa: E731 - reads best here
    assert len(history()) == 8
    assert keys(history(job="weekly")) == [desk.new(hour=hour).key for hour in (3, 2, 1, 0)]
    assert keys(history(job="weekly", limit=1)) == [desk.new(hour=3).key]
    assert keys(history(states=("missed",))) == [desk.new(hour=hour).key for hour in (3, 1)]
    window = history(job="weekly", since=desk.now + timedelta(hours=1), until=desk.now + timedelta(hours=3))
    assert keys(window) == [desk.new(hour=hour).key for hour in (2, 1)]
    (line,) = history(job="other", limit=1)
    assert (line.state, line.kind, line.chats, line.chat, line.attempt) == (
        "planned",
        "schedule",
        {"planned": 1},
        None,
        1,
    )


def test_everything_is_exported_as_of_one_moment(desk):
    told = Notice(id="n", channel="ops", topic="t", body="{}")
    run = desk.a_run("triggered", "weekly", chats=3)
    desk.decide("weekly", None, 1)
    desk.ledger.hold(desk.target, by="a", reason="401", now=desk.now, notices=(told,))
    lines, other = [], desk.again()

    def write(line):
        lines.append(json.loads(line))
        other.add(desk.target, [desk.new("late")], by="b", now=desk.now)

    assert desk.ledger.export(write) == len(lines)
    other.close()
    assert [line["record"] for line in lines] == ["ledger", "target", "job", "run", "notice"]
    header, target, job, exported, notice = lines
    assert header == {"record": "ledger", "formatVersion": "1"}
    assert target["held"]["reason"] == "401"
    assert job["decided_until"] == "2026-11-23T08:00:00.000Z"
    assert (exported["key"], exported["target"], exported["state"]) == (run.key, desk.target, "triggered")
    assert [part["parameters"] for part in exported["parts"]] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert [chat["chat"] for chat in exported["chats"]] == [part.chat for part in run.parts]
    assert [step["state"] for step in exported["transitions"]] == ["planned", "claimed", "sending", "triggered"]
    assert notice["id"] == "n"


def old_runs(desk):
    desk.decide("weekly", None, 0, desk.new(state="missed"))
    desk.later(1)
    desk.decide("weekly", 0, 1, desk.new(hour=1), desk.new(hour=2, kind="backfill"))
    (run,) = desk.claim()
    told = Notice(id="n", channel="ops", topic="t", body="{}", run_key=run.key)
    desk.ended(run, notices=(told,))
    desk.ledger.take_notices(desk.target, owner="a", lease_seconds=9, limit=9, now=desk.now)
    desk.ledger.settle_notices(desk.target, [Delivered(id="n", outcome="told")], owner="a", now=desk.now)
    desk.later(1)
    (beyond,) = desk.claim()
    desk.ended(beyond)
    desk.add(desk.new(hour=-5, key="weekly!1", kind="manual"))
    return run, beyond


def test_pruning_takes_what_is_old_and_over(desk):
    run, beyond = old_runs(desk)
    prune = lambda **fields: desk.ledger.prune(desk.target, now=desk.now, **fields)  # noqa: E731 - reads best here
    desk.now += 40 * DAY
    assert prune(older_than=50 * DAY, keep=DAY) == 0
    assert prune(older_than=DAY, keep=50 * DAY) == 0, "never younger than the longest catch-up window"
    assert prune(older_than=30 * DAY, keep=DAY, limit=1) == 1
    assert prune(older_than=30 * DAY, keep=DAY) == 1
    assert prune(older_than=30 * DAY, keep=DAY) == 0
    left = {line.key for line in desk.ledger.history(desk.target, RunFilter())}
    assert left == {beyond.key, "weekly!1"}, "an occurrence that the watermark has not passed stays, and what is open"
    assert desk.ledger.find(desk.target, f"{run.key}/0~1") == ()
    assert desk.ledger.transitions(desk.target, run.key) == ()


def test_what_was_pruned_never_runs_again(desk):
    old_runs(desk)
    watermark = desk.ledger.jobs(desk.target)["weekly"].watermark
    desk.now += 40 * DAY
    assert desk.ledger.prune(desk.target, older_than=30 * DAY, keep=DAY, now=desk.now) == 2
    assert desk.ledger.jobs(desk.target)["weekly"].watermark == watermark
    wanted = [desk.new(hour=hour, kind="backfill") for hour in (-3, 0, 1, 2, 3)]
    assert desk.outcomes(*wanted, reopen=True) == ["pruned", "pruned", "pruned", "known", "new"]
    # Another job may still be backfilled as far as it likes, and so may runs that name no occurrence.
    assert desk.outcomes(desk.new("other", hour=-3, kind="backfill")) == ["new"]
    assert desk.outcomes(desk.new(hour=-3, key="weekly!2", kind="manual")) == ["new"]
    desk.ledger.rename(desk.target, "weekly", "daily", now=desk.now)
    assert desk.outcomes(desk.new("daily", hour=1, kind="backfill")) == ["pruned"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM parts", "has no chat to start"),
        ("DELETE FROM transitions", "has no history"),
        ("UPDATE runs SET state = 'missed', owner = NULL", "is in another state than its history says"),
        ("UPDATE runs SET state = 'failed'", "has an owner and nothing to own"),
        ("UPDATE runs SET state = 'sending', payload = NULL", "is being sent without a frozen request"),
        ("UPDATE runs SET state = 'succeeded', owner = NULL", "succeeded with a chat that did not"),
        ("UPDATE parts SET chat = 'theirs'", "names a chat that belongs to another run"),
    ],
)
def test_what_no_ledger_should_say_is_found(desk, damage, said):
    run = desk.a_run("triggered", "weekly")
    other = desk.a_run("sending", "other")
    save = desk.ledger.database.write
    if "theirs" in damage:
        values = {"target": 1, "chat": "theirs", "run": other.seq}
        save(lambda s: s.do("INSERT INTO chats VALUES (:target, :chat, :run, 0, 1)", **values))
        damage += f" WHERE run = {run.seq}"
    save(lambda s: s.do(damage))
    assert f"the run {run.key} {said}" in desk.ledger.check()
    save(lambda s: s.do("DELETE FROM runs"))
