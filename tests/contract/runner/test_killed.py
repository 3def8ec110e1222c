"""A runner that dies between any two things it does, and one that takes over: counted in the target's own chats."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from interact_gitops.jobs.model import FanOut, Retries
from interact_gitops.ledger.errors import LedgerLocked, LedgerLost
from interact_gitops.runner.target import Answer

from .conftest import OPTIONS, SPACE, World

LONG_ENOUGH = OPTIONS.lease + 2 * OPTIONS.listing_lag + 60


class Killed(BaseException):
    """What ends a process in the middle: nobody catches it."""


class Fragile:
    """A ledger or a target whose n-th call is met by trouble, before or after it is done."""

    def __init__(self, inner: Any, meet: Callable[[str], str | None], trouble: Callable[[str], BaseException]) -> None:
        self._inner, self._meet, self._trouble = inner, meet, trouble

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            met = self._meet(name)
            if met == "before":
                raise self._trouble("no")
            answer = found(*args, **kwargs)
            if met == "after":
                raise self._trouble("maybe")
            return answer

        return call


def at_call(number: int, when: str) -> Callable[[str], str | None]:
    """Trouble at one call, counted over everything that is called."""
    numbers = itertools.count()
    return lambda _name: when if next(numbers) == number else None


def work(world: World, *runners: Any) -> None:
    """From a first look to the ends of what is due at eight: three jobs, of which one fans out and one fails once."""
    world.settle(*runners)
    world.clock.pass_by(1800)
    world.settle(*runners)
    first = next((chat for chat in world.target.chats_by_id.values() if chat.job == "remote-flaky"), None)
    if first is not None:
        first.status = "failed"
    for _ in range(3):
        world.clock.pass_by(1)
        world.settle(*runners)
        world.target.finish()
    world.clock.pass_by(1)
    world.settle(*runners)


def jobs(world: World) -> None:
    world.jobs.put("plain", timeout=36_000)
    world.jobs.put("flaky", timeout=36_000, retries=Retries(max_attempts=2, backoff=0))
    if world.target.repeats:
        world.jobs.put("fan", timeout=36_000, parameters={"n": {"type": "integer"}},
                       fan_out=FanOut(combinations=({"n": 1}, {"n": 2}, {"n": 3})))  # fmt: skip


def chats(world: World) -> Counter[str]:
    """How many chats each request made."""
    return Counter(chat.key for chat in world.target.chats_by_id.values())


EXPECTED = {"plain@2026-11-23T08:00Z~1": 1, "flaky@2026-11-23T08:00Z~1": 1, "flaky@2026-11-23T08:00Z~2": 1,
            "fan@2026-11-23T08:00Z~1": 3}  # fmt: skip
POINTS = [(number, when) for number in range(70) for when in ("before", "after")]


@pytest.mark.parametrize("repeats", [True, False])
def test_killed_at_every_step(make_world: Callable[[], World], repeats: bool) -> None:
    kills = held = 0
    for number, when in POINTS:
        world = make_world()
        world.target.repeats = repeats
        jobs(world)
        meet = at_call(number, when)
        frail = world.runner(
            ledger=Fragile(world.ledger, meet, lambda _said: Killed()),
            target=Fragile(world.target, meet, lambda _said: Killed()),
        )
        with suppress(Killed):
            work(world, frail)
            continue  # it had ended before that point
        kills += 1
        world.runners.remove(frail)
        heir = world.runner()
        work(world, heir)
        for _ in range(3):
            world.wait(LONG_ENOUGH, heir, every=LONG_ENOUGH / 5)
            world.target.finish()
        made = chats(world)
        assert all(made[key] <= count for key, count in EXPECTED.items()), (number, when, made)
        states = {line.key: line.state for line in _history(world) if "T08:00Z" in line.key}
        unsure = [key for key, state in states.items() if state == "needs_operator"]
        held += len(unsure)
        if repeats:
            assert not unsure
            missing = {key: count for key, count in EXPECTED.items() if made[key] != count}
            # Started only when the heir's first look came before eight: the first runner may have died before its own.
            assert not missing or (missing.keys() == EXPECTED.keys() and not states), (number, when, missing, states)
        for key, state in states.items():
            sent = [chat for chat in world.target.chats_by_id.values() if chat.key.startswith(f"{key}~")]
            assert state == ("needs_operator" if key in unsure else "succeeded"), (number, when, key, state)
            assert sent or key in unsure, (number, when, key)
        world.close()
    assert kills > 60
    assert held == 0 if repeats else held > 0


@pytest.mark.parametrize("repeats", [True, False])
@pytest.mark.parametrize("trouble", [LedgerLost, LedgerLocked])
def test_a_ledger_that_fails_at_every_step_costs_time_and_nothing_else(
    make_world: Callable[[], World], repeats: bool, trouble: type[LedgerLost]
) -> None:
    for number, when in POINTS[:: 1 if trouble is LedgerLost else 9]:
        world = make_world()
        world.target.repeats = repeats
        jobs(world)
        failing = Fragile(world.ledger, at_call(number, when), lambda said: trouble("gone", committed=said))  # type: ignore[arg-type]  # one of the two words
        runner = world.runner(ledger=failing)
        work(world, runner)
        world.wait(600, runner, every=20)
        states = {line.key: line.state for line in _history(world) if "T08:00Z" in line.key}
        made = chats(world)
        for key, state in states.items():
            assert state == "succeeded", (number, when, key, state)
        if states:
            assert {key: made[key] for key in EXPECTED if repeats or "fan" not in key} == {
                key: count for key, count in EXPECTED.items() if repeats or "fan" not in key
            }, (number, when, made)
        world.close()


def test_a_ledger_that_is_away_for_a_while(make_world: Callable[[], World]) -> None:
    world = make_world()
    jobs(world)
    away = [False]
    failing = Fragile(world.ledger, lambda _name: "before" if away[0] else None, lambda _said: LedgerLost("gone"))
    runner = world.runner(ledger=failing)
    world.settle(runner)
    away[0] = True
    world.wait(2 * 3600, runner, every=60)  # eight and nine pass unseen
    assert world.target.requests == []
    assert runner.standing.ledger_down == "gone"
    away[0] = False
    world.wait(60, runner)
    assert runner.standing.ledger_down is None
    assert world.state("plain@2026-11-23T08:00Z") == "missed"
    assert world.state("plain@2026-11-23T09:00Z") == "running"
    away[0] = True
    world.target.finish()
    world.wait(60, runner)
    away[0] = False
    world.wait(60, runner)
    assert world.state("plain@2026-11-23T09:00Z") == "succeeded"


def test_a_request_that_was_repeated_and_then_refused_is_not_taken_for_refused(make_world: Callable[[], World]) -> None:
    world = make_world()
    world.jobs.put("j", timeout=36_000)
    world.target.lose = lambda _request: True
    runner = world.runner()
    world.settle(runner)
    world.clock.pass_by(1800)
    runner.step()
    world.target.answers = lambda _request: Answer(verdict="later", said="slow down", retry_after=30.0)
    world.wait(120, runner)
    assert world.state("j@2026-11-23T08:00Z") == "sending"
    world.target.answers = lambda _request: Answer(verdict="refused", said="no such job")
    world.wait(120, runner)
    (run,) = world.ledger.runs(SPACE, ["j@2026-11-23T08:00Z"])
    assert run.state == "needs_operator"
    assert "no such job" in (run.reason or "")


def _history(world: World) -> Any:
    from interact_gitops.ledger.requests import RunFilter

    return world.ledger.history(SPACE, RunFilter(limit=1000))
