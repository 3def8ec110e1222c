"""Weeks in seconds: what ran is what the oracle says, whatever happened to runners and clocks meanwhile."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interact_gitops.ledger.keys import scheduled_key
from interact_gitops.ledger.requests import RunFilter
from interact_gitops.schedule import Schedule, occurrences

from .conftest import OPTIONS, SPACE, World

# Clocks go back on 25 October in Europe, on 1 November in America; on Lord Howe Island, by 30 minutes, on 4 October.
AUTUMN = datetime(2026, 10, 15, 3, 17, tzinfo=UTC)
SPRING = datetime(2026, 3, 1, 3, 17, tzinfo=UTC)
HOURS = 500
CRONS = {
    "nightly": Schedule(cron="30 2 * * *", timezone="Europe/Amsterdam", catch_up="all"),
    "gap": Schedule(cron="15 1,2 * * *", timezone="America/New_York", catch_up="all", jitter=120),
    "wild": Schedule(cron="*/20 * * * *", timezone="Europe/Berlin", catch_up="all"),
    "monday": Schedule(cron="0 8 * * 1", timezone="America/Los_Angeles", catch_up="all"),
    "howe": Schedule(cron="45 1 * * *", timezone="Australia/Lord_Howe", catch_up="latest"),
    "hourly": Schedule(cron="5 * * * *", timezone="UTC", catch_up="latest"),
}


def oracle(schedule: Schedule, after: datetime, until: datetime) -> set[datetime]:
    return set(occurrences(schedule.cron, schedule.timezone, after, until))


@pytest.mark.parametrize("start", [AUTUMN, SPRING])
def test_weeks_with_restarts_fire_what_the_oracle_says(world: World, start: datetime) -> None:
    chance = random.Random(start.isoformat())
    world.clock.when = start
    world.target.takes, world.options = 0.0, replace(OPTIONS, poll_first=0.0, poll_last=0.0)
    for key, schedule in CRONS.items():
        world.jobs.put(key, schedule=schedule, timeout=7200, overlap="allow")
    runner, restarts = world.runner(), 0
    world.settle(runner)
    end = start + timedelta(hours=HOURS)
    while world.clock.now() < end:
        world.clock.pass_by(chance.uniform(30, 3000))
        if chance.random() < 0.15:
            restarts += 1
            if chance.random() < 0.5:
                runner.drain(0)  # else it is killed
            world.runners.remove(runner)
            world.clock.pass_by(chance.uniform(0, 7200))
            runner = world.runner()
        world.settle(runner)
    world.wait(600, runner, every=OPTIONS.lease + 5)
    assert restarts > 50
    until = world.clock.now()
    lines = {line.key: line.state for line in world.ledger.history(SPACE, RunFilter(limit=100_000))}
    sent = [chat.key.removesuffix("~1") for chat in world.target.chats_by_id.values()]
    assert len(sent) == len(set(sent))
    for key, schedule in CRONS.items():
        jitter = timedelta(seconds=schedule.jitter)
        due = {scheduled_key(key, one) for one in oracle(schedule, start, until - jitter)}
        assert {found for found in lines if found.startswith(f"{key}@")} >= due
        assert {found for found in sent if found.startswith(f"{key}@")} <= {
            scheduled_key(key, one) for one in oracle(schedule, start, until)
        }
        if schedule.catch_up == "all":
            left = sorted(due - set(sent))
            assert not left, [world.ledger.transitions(SPACE, found) for found in left[:2]]
    states = set(lines.values())
    assert states <= {"succeeded", "missed"}
    assert {key.partition("@")[0] for key, state in lines.items() if state == "missed"} <= {"howe", "hourly"}


@pytest.mark.parametrize("repeats", [True, False])
def test_clocks_that_are_set_two_hours_either_way(world: World, repeats: bool) -> None:
    chance = random.Random(repeats)
    world.target.repeats = repeats
    world.options = OPTIONS
    start = world.clock.now()
    world.jobs.put("j", "*/10 * * * *", timeout=1200)
    world.jobs.put("k", schedule=Schedule(cron="7 * * * *", catch_up="all"), timeout=1200)
    runner = world.runner()
    world.settle(runner)
    steps = 0
    for _ in range(400):
        world.clock.pass_by(chance.uniform(20, 400))
        if chance.random() < 0.06:
            steps += 1
            world.clock.when += timedelta(hours=chance.choice((2, -2)))
        if chance.random() < 0.05:
            world.target.lose = lambda _request: True
        world.settle(runner)
        world.target.lose = lambda _request: False
        world.target.finish()
    assert steps > 10
    world.clock.when = max(world.clock.now(), start) + timedelta(hours=8)
    for _ in range(20):
        world.wait(400, runner, every=40)
        world.target.finish()
    states = world.states()
    assert set(states) <= {"succeeded", "missed", "skipped_overlap", "running"}, states
    sent = [chat.key for chat in world.target.chats_by_id.values()]
    assert len(sent) == len(set(sent))
    lines = {line.key for line in world.ledger.history(SPACE, RunFilter(limit=100_000))}
    for key in ("j", "k"):
        due = oracle(world.jobs.found[key].job.schedule, start, world.clock.now())  # type: ignore[arg-type]  # both have one
        assert {scheduled_key(key, one) for one in due} <= lines
    assert world.target.cancelled == [], "no clock that is set ends a run early"


def test_a_list_that_lags_behind_is_waited_for(world: World) -> None:
    world.target.repeats = False
    world.target.lag = timedelta(seconds=OPTIONS.listing_lag - 1)
    world.jobs.put("j", "*/5 * * * *", timeout=600)
    first = world.runner()
    world.settle(first)
    chance = random.Random(5)
    for _ in range(40):
        world.target.lose = lambda _request: chance.random() < 0.5
        world.wait(300, first, every=15)
        world.target.finish()
    states = world.states()
    assert set(states) <= {"succeeded", "running", "skipped_overlap", "sending"}, states
    assert len(world.target.requests) == len(world.target.chats_by_id)
    sent = [chat.key for chat in world.target.chats_by_id.values()]
    assert len(sent) == len(set(sent)) > 20
